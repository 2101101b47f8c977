"""One client's public socket: what it subscribed, what waits to be sent, and who keeps it alive."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from aiohttp import ClientConnectionError, WSMsgType, web

from core.clock import Clock
from core.tasks import start_once

BACKLOG = 20_000
"""Frames that may wait for a slow client; then it is cut, as venues do."""
FRAME_CAP = 1 << 20
POLICY_VIOLATION = 1008
NO_DATA = 4004


@dataclass(frozen=True, slots=True)
class SocketRules:
    """How a venue keeps a socket: its pings, the client's pongs, the client's silence, the client's haste."""

    ping_every: float | None = None
    pong_within: float = 60.0
    idle_limit: float | None = None
    """Seconds without a word from the client, after which the venue closes."""
    inbound_per_second: int | None = None


class Socket:
    """One socket. `put` never waits; `mute` says whether nothing may flow."""

    def __init__(self, request: web.Request, rules: SocketRules, clock: Clock, mute: Callable[[], bool]) -> None:
        self.path = request.path
        self.query = request.query
        self.combined = False
        """Whether each frame travels in an envelope that names its stream."""
        self.streams: dict[str, None] = {}
        """What it subscribed, in order."""
        self._request = request
        self._rules = rules
        self._clock = clock
        self._mute = mute
        self._ws = web.WebSocketResponse(autoping=False, compress=False, max_msg_size=FRAME_CAP)
        self._waiting: asyncio.Queue[tuple[bytes, WSMsgType]] = asyncio.Queue()
        self._pinged = self._ponged = self._heard = clock.elapsed()
        self._second = 0
        self._in_second = 0
        self._closing: tuple[int, bytes] | None = None

    async def serve(
        self, on_open: Callable[["Socket"], None], on_text: Callable[["Socket", str], None]
    ) -> web.WebSocketResponse:
        """Serve until the client leaves or the venue cuts."""
        _ = await self._ws.prepare(self._request)
        try:
            async with asyncio.TaskGroup() as group:
                writer = start_once(group, f"socket writer {self.path}", self._write())
                on_open(self)
                await self._read(on_text)
                _ = writer.cancel()
        finally:
            self.cut()
        return self._ws

    async def _read(self, on_text: Callable[["Socket", str], None]) -> None:
        async for message in self._ws:
            self._heard = self._clock.elapsed()
            if not self._patient():
                await self._ws.close(code=POLICY_VIOLATION, message=b"Too many requests")
                return
            match message.type:
                case WSMsgType.TEXT:
                    on_text(self, message.data)
                case WSMsgType.BINARY:
                    on_text(self, message.data.decode(errors="replace"))
                case WSMsgType.PING:
                    self._put(message.data, WSMsgType.PONG)
                case WSMsgType.PONG:
                    self._ponged = self._clock.elapsed()
                case _:
                    return

    def _patient(self) -> bool:
        """Count what the client sends, its pings and pongs too; say whether it stays below the venue's limit."""
        second = int(self._heard)
        if second != self._second:
            self._second, self._in_second = second, 0
        self._in_second += 1
        limit = self._rules.inbound_per_second
        return limit is None or self._in_second <= limit

    async def _write(self) -> None:
        while True:
            frame, kind = await self._waiting.get()
            try:
                if kind is WSMsgType.CLOSE:
                    _ = await self._ws.close(code=NO_DATA, message=frame)
                    return
                await self._ws.send_frame(frame, kind)
            except ClientConnectionError:
                return  # the reader sees the end too

    def put(self, frame: bytes) -> None:
        """Send a text frame when its turn comes; a client that is too slow is cut."""
        self._put(frame, WSMsgType.TEXT)

    def _put(self, frame: bytes, kind: WSMsgType) -> None:
        if self._mute():
            return
        if self._waiting.qsize() >= BACKLOG:
            self.cut()
            return
        self._waiting.put_nowait((frame, kind))

    def tick(self, now: float) -> None:
        """Ping, and end what no longer answers."""
        rules = self._rules
        if rules.idle_limit is not None and now - self._heard > rules.idle_limit:
            self._heard = now
            self._put(b"No data received in 30s.", WSMsgType.CLOSE)
        if rules.ping_every is None:
            return
        if now - self._ponged > rules.ping_every + rules.pong_within:
            self.cut()
        elif now - self._pinged >= rules.ping_every:
            self._pinged = now
            self._put(str(self._clock.now() // 1_000_000).encode(), WSMsgType.PING)

    def cut(self) -> None:
        """Break the connection off, without a closing word."""
        if self._request.transport is not None:
            self._request.transport.abort()
