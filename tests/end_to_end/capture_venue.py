"""A venue that plays a recording over real sockets and REST, its times moved to now; each new socket starts over."""

import asyncio
import json
import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import web

SPEED = 2.0
"""Recorded seconds a real second."""
_TIMES = re.compile(r'"(E|T|ts)":("?)(\d{13})\b')


@dataclass
class CaptureVenue:
    """One recording. `frames` holds what the venue said, with shifted times, and when (recorded seconds from start)."""

    name: str
    prefix: Path
    shift_ms: int = 0
    frames: list[tuple[float, str]] = field(default_factory=list)
    answers: dict[str, str] = field(default_factory=dict)
    url: str = ""
    finished: asyncio.Event = field(default_factory=asyncio.Event)
    opened: int = 0

    def load(self) -> None:
        """Read the recording."""
        lines = self.prefix.with_name(f"{self.prefix.name}.ws.1.0").read_text().splitlines()
        said = [line.partition(" ") for line in lines if line[:1].isdigit()]
        start = float(said[0][0].rstrip(":"))
        self.shift_ms = round((time.time() - start) * 1000)
        self.frames = [(float(at.rstrip(":")) - start, self.shifted(text)) for at, _, text in said]
        for ending in ("0", "http.0.0"):
            file = self.prefix.with_name(f"{self.prefix.name}.{ending}")
            for line in file.read_text().splitlines() if file.exists() else ():
                url, arrow, rest = line.partition(" -> ")
                if arrow:
                    self.answers[url.split("/", 3)[3]] = rest.partition(": ")[2]

    def shifted(self, text: str) -> str:
        """Return a frame with its times moved to this run."""
        return _TIMES.sub(lambda found: f'"{found[1]}":{found[2]}{int(found[3]) + self.shift_ms}', text)

    def data(self) -> list[Any]:
        """Return the frames that carry market data, parsed."""
        parsed = [json.loads(text) for _, text in self.frames]
        return [one for one in parsed if "data" in one]

    # --- the venue -----------------------------------------------------------------------------------------------

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Serve a socket or a REST request."""
        if request.headers.get("Upgrade", "").lower() == "websocket":
            return await self._socket(request)
        key = request.path_qs.lstrip("/")
        if key.endswith("/time"):
            now = round(time.time() * 1000)
            clock = {"code": "0", "data": [{"ts": str(now)}]} if self.name == "okx" else {"serverTime": now}
            return web.json_response(clock)
        if key in self.answers:
            return web.Response(text=self.answers[key], content_type="application/json")
        if self.name == "okx":
            return web.json_response({"code": "0", "msg": "", "data": []})
        return web.json_response({"code": -1121, "msg": "Invalid symbol."}, status=400)

    async def _socket(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(compress=False)
        await socket.prepare(request)
        self.opened += 1
        wanted: set[str] = set()
        first = await socket.receive_json()
        await self._acknowledge(socket, first, wanted)
        player = asyncio.create_task(self._play(socket, wanted))
        try:
            async for message in socket:
                if message.data == "ping":
                    await socket.send_str("pong")
                elif message.type is web.WSMsgType.TEXT:
                    await self._acknowledge(socket, json.loads(message.data), wanted)
        finally:
            player.cancel()
        return socket

    async def _acknowledge(self, socket: web.WebSocketResponse, asked: Any, wanted: set[str]) -> None:
        if self.name != "okx":
            wanted |= set(asked["params"])
            await socket.send_json({"result": None, "id": asked["id"]})
            return
        for arg in asked["args"]:
            wanted.add(f"{arg['channel']}:{arg['instId']}")
            await socket.send_json({"event": "subscribe", "arg": arg, "connId": "a4d3ae55"})

    async def _play(self, socket: web.WebSocketResponse, wanted: set[str]) -> None:
        began = time.monotonic()
        for at, text in self.frames:
            await asyncio.sleep(max(0.0, at / SPEED - (time.monotonic() - began)))
            if self._is_wanted(json.loads(text), wanted):
                await socket.send_str(text)
        self.finished.set()

    def _is_wanted(self, frame: Any, wanted: set[str]) -> bool:
        # The recordings have older channels where we ask for newer ones: aggregated trades, tickers.
        if "stream" in frame:
            return frame["stream"] in wanted or frame["stream"].replace("@aggTrade", "@trade") in wanted
        arg = frame.get("arg", {})
        channel = "bbo-tbt" if arg.get("channel") == "tickers" else arg.get("channel")
        return "event" not in frame and f"{channel}:{arg.get('instId')}" in wanted


@asynccontextmanager
async def serving_capture(name: str, prefix: Path) -> AsyncIterator[CaptureVenue]:
    """Serve a recording until the block ends."""
    venue = CaptureVenue(name, prefix)
    await asyncio.to_thread(venue.load)
    app = web.Application()
    app.router.add_get("/{tail:.*}", venue.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.5)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        venue.url = f"127.0.0.1:{runner.addresses[0][1]}"
        yield venue
    finally:
        await runner.cleanup()
