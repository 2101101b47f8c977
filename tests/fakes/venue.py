"""A raw WebSocket server on loopback that a test scripts frame by frame: it knows no venue, only what it is told."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from http import HTTPStatus
from typing import Any

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

Answer = Callable[["RawVenue", ServerConnection, str], Awaitable[None]]


class RawVenue:
    """What a test sees of the server: its address, who is connected, what they said, and levers."""

    def __init__(self, answer: Answer) -> None:
        self.url = ""
        self.connections: list[ServerConnection] = []
        self.said: list[str] = []
        self.opened = 0
        self.refuse: dict[str, str] | None = None
        """Headers of a 429 that answers every handshake, None to let everybody in."""
        self.answer = answer
        self._changed = asyncio.Event()

    async def serve(self, connection: ServerConnection) -> None:
        """Answer one client until it goes."""
        self.connections.append(connection)
        self.opened += 1
        self._changed.set()
        try:
            async for text in connection:
                self.said.append(text if isinstance(text, str) else text.decode())
                self._changed.set()
                await self.answer(self, connection, self.said[-1])
        except ConnectionClosed:
            pass  # the test cut it
        finally:
            self.connections.remove(connection)
            self._changed.set()

    def admit(self, connection: ServerConnection, _: Request) -> Response | None:
        """Refuse a handshake if the test says so."""
        if self.refuse is None:
            return None
        response = connection.respond(HTTPStatus.TOO_MANY_REQUESTS, "busy\n")
        for name, value in self.refuse.items():
            response.headers[name] = value
        return response

    async def send(self, frame: object) -> None:
        """Send a frame to everybody: text and bytes as they are, anything else as JSON; who has just left misses it."""
        data = frame if isinstance(frame, str | bytes) else json.dumps(frame)
        for connection in list(self.connections):
            with suppress(ConnectionClosed):
                if isinstance(data, bytes):
                    await connection.send(data, text=True)
                else:
                    await connection.send(data)

    async def cut(self) -> None:
        """End every connection without a word."""
        for connection in list(self.connections):
            connection.transport.abort()
        await asyncio.sleep(0)

    async def until(self, true: Callable[[], bool]) -> None:
        """Wait until something that a client does makes this true."""
        while not true():
            self._changed.clear()
            await self._changed.wait()

    def requests(self) -> list[dict[str, Any]]:
        """Return what clients said, as JSON, pings left out."""
        return [json.loads(text) for text in self.said if text.startswith("{")]


@asynccontextmanager
async def raw_venue(answer: Answer, **options: Any) -> AsyncIterator[RawVenue]:
    """Serve on a free port of loopback."""
    venue = RawVenue(answer)
    server: Server
    async with serve(
        venue.serve, "127.0.0.1", 0, process_request=venue.admit, compression=None, close_timeout=0.1, **options
    ) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        venue.url = f"ws://127.0.0.1:{port}"
        yield venue


async def okx(_: RawVenue, connection: ServerConnection, text: str) -> None:
    """Answer as OKX does: text pongs, one acknowledgement a stream, whole books on subscription."""
    if text == "ping":
        await connection.send("pong")
        return
    request = json.loads(text)
    for arg in request["args"]:
        if arg["instId"].startswith("BAD"):
            message = f"channel:{arg['channel']},instId:{arg['instId']} doesn't exist"
            await connection.send(json.dumps({"event": "error", "code": "60018", "msg": message}))
            continue
        await connection.send(json.dumps({"event": request["op"], "arg": arg}))
        if request["op"] == "subscribe" and arg["channel"] == "books":
            await connection.send(json.dumps(okx_book(arg["instId"], 100, -1, "snapshot")))


def okx_book(native: str, seq: int, previous: int, action: str = "update", *, ms: int = 1_767_268_800_000) -> object:
    """Return a book frame of OKX with one level a side."""
    rows = {"bids": [["99", "1", "0", "1"]], "asks": [["101", "1", "0", "1"]]}
    data = {**rows, "ts": str(ms), "checksum": 0, "seqId": seq, "prevSeqId": previous}
    return {"arg": {"channel": "books", "instId": native}, "action": action, "data": [data]}


def okx_trade(native: str, trade_id: str, *, ms: int = 1_767_268_800_000) -> object:
    """Return a trade of OKX."""
    row = {"instId": native, "tradeId": trade_id, "px": "100", "sz": "1", "side": "buy", "ts": str(ms)}
    return {"arg": {"channel": "trades", "instId": native}, "data": [row]}


async def binance(_: RawVenue, connection: ServerConnection, text: str) -> None:
    """Answer as Binance does, but refuse a request that names a stream of `bad`."""
    request = json.loads(text)
    bad = [name for name in request["params"] if name.startswith("bad")]
    answer = {"error": {"code": 2, "msg": "Invalid request"}} if bad else {"result": None}
    await connection.send(json.dumps({**answer, "id": request["id"]}))


async def mute(_: RawVenue, __: ServerConnection, ___: str) -> None:
    """Say nothing, whatever is asked."""


async def pongs(_: RawVenue, connection: ServerConnection, text: str) -> None:
    """Answer pings and nothing else."""
    if text == "ping":
        await connection.send("pong")
