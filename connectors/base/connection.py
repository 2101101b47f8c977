"""One socket around one `MarketFeed`: carries frames in and commands out until it ends, and always says why."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from http import HTTPStatus
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException

from connectors.base.contract import Command, Dialect, FetchSnapshot, Reconnect, Send
from connectors.base.feed import MarketFeed
from connectors.base.limits import Pace
from core.clock import Clock
from core.errors import DeskError, Transient
from core.log import get_logger
from core.tasks import start, start_once

FRAME_CAP = 32 * 1024 * 1024
TICK = 0.25
LATE = 1.0
"""A tick later than this found our own loop blocked: what waits in the socket is read before anything is judged."""
FETCHES = 4
OPEN_TIMEOUT = 10.0
CLOSE_TIMEOUT = 1.0
BUSY_PAUSE = 30.0

log = get_logger(__name__)

Fetch = Callable[[str, int], Awaitable[bytes]]
"""(path, weight) -> body; raises Transient or Permanent."""


class Ended(Transient):
    """The connection ended."""


class Connection:
    """One connection's life. `run` opens it, subscribes, and serves; it ends by raising `Ended`, whatever happens.

    Frames are handed on as bytes, undecoded: invalid UTF-8 is then one bad message and not the end of the connection.
    """

    def __init__(self, feed: MarketFeed, dialect: Dialect, url: str, fetch: Fetch, clock: Clock) -> None:
        self.feed = feed
        self.opened = False
        self.replace: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        """Done when this connection should be replaced while it still works: the reason."""
        self._dialect = dialect
        self._url = url
        self._fetch = fetch
        self._clock = clock
        self._outbox: asyncio.Queue[str] = asyncio.Queue()
        self._fetches = asyncio.Semaphore(FETCHES)
        self._heard = 0

    async def run(self) -> None:
        """Open and serve.

        Raises:
            Ended: the connection is gone or was refused; `after` is what the venue asked us to wait.
        """
        try:
            async with connect(self._url, **self._options()) as socket:
                await self._serve(socket)
        except InvalidStatus as refused:
            raise _refused(refused) from refused
        except (OSError, WebSocketException) as error:  # a time-out of the handshake is an OSError
            raise Ended(f"{type(error).__name__}: {error}") from error

    def _options(self) -> dict[str, Any]:
        keep = self._dialect.keep_alive
        # Pings of ours find a half-open socket too; a venue with a text ping of its own gets that instead.
        every = None if keep.text else keep.every.total_seconds()
        return {
            "compression": None,
            "max_size": FRAME_CAP,
            "max_queue": 1024,
            "open_timeout": OPEN_TIMEOUT,
            "close_timeout": CLOSE_TIMEOUT,
            "ping_interval": every,
            "ping_timeout": every,
            "proxy": None,
        }

    async def _serve(self, socket: ClientConnection) -> None:
        try:
            async with asyncio.TaskGroup() as group:
                self._group = group
                self._carry_out(self.feed.opening(self._clock.now()))
                self.opened = True
                _ = start(group, "socket reader", self._read(socket))
                _ = start(group, "socket sender", self._send(socket))
                _ = start(group, "feed ticker", self._tick())
                if self._dialect.keep_alive.text:
                    _ = start(group, "keep-alive", self._keep_alive(self._dialect.keep_alive.text))
        except BaseExceptionGroup as several:
            ended, defects = several.split(Ended)
            if ended is None or defects is not None:
                raise
            raise _first(ended) from several

    async def _read(self, socket: ClientConnection) -> None:
        while True:
            try:
                frame = await socket.recv(decode=False)
            except ConnectionClosed as closed:
                raise Ended(_why(closed)) from closed
            self._heard += 1
            commands = self.feed.on_frame(frame, self._clock.now())
            if commands:
                self._carry_out(commands)

    async def _send(self, socket: ClientConnection) -> None:
        pace = Pace(self._clock, 1 / self._dialect.frames_per_second)
        while True:
            text = await self._outbox.get()
            await pace.turn()
            try:
                await socket.send(text)
            except ConnectionClosed as closed:
                raise Ended(_why(closed)) from closed

    async def _tick(self) -> None:
        asked = self._clock.elapsed()
        while True:
            await self._clock.sleep(TICK)
            before, asked = asked, self._clock.elapsed()
            if asked - before < LATE:
                self._carry_out(self.feed.on_tick(self._clock.now()))

    async def _keep_alive(self, text: str) -> None:
        every = self._dialect.keep_alive.every.total_seconds()
        heard = -1
        while heard != self._heard:
            heard = self._heard
            self._outbox.put_nowait(text)
            await self._clock.sleep(every)
        raise Ended(f"nothing came within {every:g} s of our {text!r}")

    def _carry_out(self, commands: Sequence[Command]) -> None:
        for command in commands:
            match command:
                case Send(text):
                    self._outbox.put_nowait(text)
                case FetchSnapshot():
                    _ = start_once(self._group, f"snapshot {command.native}", self._snapshot(command))
                case Reconnect(reason, planned=False):
                    raise Ended(reason)
                case Reconnect(reason):
                    self.ask_replacement(reason)

    async def _snapshot(self, command: FetchSnapshot) -> None:
        try:
            async with self._fetches:
                body = await self._fetch(command.path, command.weight)
        except DeskError as error:
            log.warning("snapshot.failed", venue=self._dialect.venue, native=command.native, error=str(error))
            self._carry_out(self.feed.on_snapshot_failed(command.native, self._clock.now()))
            return
        self._carry_out(self.feed.on_snapshot(command.native, body, self._clock.now()))

    def ask_replacement(self, reason: str) -> None:
        """Say that this connection should be replaced while it still works."""
        if not self.replace.done():
            self.replace.set_result(reason)


def _refused(refused: InvalidStatus) -> Ended:
    response = refused.response
    given = response.headers.get("Retry-After", "")
    after = float(given[:9]) if given.isascii() and given.isdigit() else None
    if after is None and response.status_code in (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.IM_A_TEAPOT):
        after = BUSY_PAUSE
    return Ended(f"the venue refused the connection: HTTP {response.status_code}", after=after)


def _why(closed: ConnectionClosed) -> str:
    """Return who closed and why; the library's own words carry code and reason."""
    return str(closed)[:300]


def _first(group: BaseExceptionGroup[Ended]) -> Ended:
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error if isinstance(error, Ended) else Ended(str(error))
