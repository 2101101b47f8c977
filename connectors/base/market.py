"""One venue's public market data: its instruments, its sessions, its clock, and each second its health."""

import asyncio
import difflib
from collections.abc import Callable, Iterator, Sequence
from random import Random

import aiohttp
import msgspec

from connectors.base.backoff import Backoff
from connectors.base.clock_offset import ClockOffset
from connectors.base.connection import Connection
from connectors.base.contract import Dialect, Names, Stream
from connectors.base.feed import FeedOptions, MarketFeed
from connectors.base.limits import Pace
from connectors.base.rest import RestDoor
from connectors.base.session import Plan, Publish, Session
from connectors.base.settings import VenueSettings
from core.clock import Clock
from core.errors import DeskError
from core.events import Instrument, VenueHealth
from core.log import get_logger
from core.tasks import start
from core.types import Channel, InstrumentKind, Nanos, StreamState

HEALTH_EVERY = 1.0
INSTRUMENTS_EVERY = 900.0
DIAL_EVERY = 1.0
"""Seconds between two dials of one venue, also when each is cut at once: Binance bans beyond 300 in five minutes."""

log = get_logger(__name__)


class MarketData:
    """Runs what `settings` wants of one venue. The collector owns it, and starts it again if it raises."""

    def __init__(
        self,
        dialect: Dialect,
        settings: VenueSettings,
        clock: Clock,
        publish: Publish,
        *,
        options: FeedOptions,
        rng: Random | None = None,
    ) -> None:
        self._dialect = dialect
        self._settings = settings
        self._clock = clock
        self._publish = publish
        self._options = options
        self._rng = rng or Random()  # noqa: S311  jitter, not a secret
        self._sessions: list[Session] = []
        self._known: dict[str, Instrument] = {}

    async def run(self) -> None:
        """Publish until cancelled."""
        async with aiohttp.ClientSession() as http:
            rest = RestDoor(
                self._dialect.venue,
                self._settings.rest_url or self._dialect.rest_url,
                http,
                self._clock,
                self._dialect.rest,
            )
            offset = ClockOffset(self._dialect.venue, self._clock, lambda: self._venue_time(rest))
            async with asyncio.TaskGroup() as group:
                _ = start(group, "venue health", self._report(rest, offset))
                _ = start(group, "clock offset", offset.run())
                names = await self._first_instruments(rest)
                _ = start(group, "instruments", self._watch_instruments(rest))
                self._sessions = list(self._open(names, rest))
                for session in self._sessions:
                    _ = start(group, f"session {session.name}", session.run())

    async def _venue_time(self, rest: RestDoor) -> Nanos:
        return self._dialect.parse_time(await rest.get(self._dialect.time_path))

    # --- instruments -------------------------------------------------------------------------------------------------

    async def _first_instruments(self, rest: RestDoor) -> Names:
        """Ask until the venue answers: without its names nothing can be subscribed."""
        backoff = Backoff(self._rng)
        while True:
            try:
                await self._ask_instruments(rest)
            except DeskError as error:
                wait = backoff.next()
                log.warning("instruments.unknown", venue=self._dialect.venue, error=str(error), retry_s=round(wait, 1))
                await self._clock.sleep(wait)
            else:
                self._warn_of_unknown()
                return Names(list(self._known.values()))

    async def _watch_instruments(self, rest: RestDoor) -> None:
        while True:
            await self._clock.sleep(INSTRUMENTS_EVERY * self._rng.uniform(0.9, 1.0))
            try:
                await self._ask_instruments(rest)
            except DeskError as error:
                log.warning("instruments.unknown", venue=self._dialect.venue, error=str(error))

    async def _ask_instruments(self, rest: RestDoor) -> None:
        """Fetch every list; publish what we watch and what is new or changed of it."""
        wanted = frozenset(self._settings.symbols)
        for path in self._dialect.instruments_paths:
            body = await rest.get(path, weight=20)
            for one in self._dialect.parse_instruments(body, self._clock.now()):
                before = self._known.get(one.symbol)
                self._known[one.symbol] = one
                if one.symbol in wanted and (before is None or _differs(before, one)):
                    if before is not None:
                        log.warning("instrument.changed", venue=one.venue, symbol=one.symbol, status=one.status)
                    self._publish(one)

    def _warn_of_unknown(self) -> None:
        natives = {one.native for one in self._known.values()}
        for symbol in self._settings.symbols:
            if symbol not in self._known and symbol not in natives:
                near = difflib.get_close_matches(symbol, self._known, n=1)
                hint = f"did you mean {near[0]}?" if near else "symbols are written as BTC-USDT or BTC-USDT-PERP"
                log.error("symbol.unknown", venue=self._dialect.venue, symbol=symbol, hint=hint)

    # --- sessions ----------------------------------------------------------------------------------------------------

    def _open(self, names: Names, rest: RestDoor) -> Iterator[Session]:
        gate = Pace(self._clock, DIAL_EVERY)
        for number, (path, streams) in enumerate(self._groups(names)):
            name = f"{self._dialect.venue}-{number}"
            url = (self._settings.ws_url or self._dialect.ws_url).rstrip("/") + path
            plan = Plan(
                name,
                self._feed_maker(names, streams, name),
                self._dialer(url, rest),
                self._dialect.life.total_seconds(),
                gate,
            )
            yield Session(plan, self._clock, self._rng, self._publish)

    def _groups(self, names: Names) -> Iterator[tuple[str, Sequence[Stream]]]:
        """Yield (path, streams) of each connection: channels of equal path share them."""
        by_path: dict[str, list[Stream]] = {}
        offered = self._offered()
        for symbol in dict.fromkeys(self._settings.symbols):
            known = self._known.get(symbol)
            for channel in offered:
                if channel is Channel.FUNDING and known is not None and known.kind is InstrumentKind.SPOT:
                    continue  # spot has no funding: to ask for it is to be refused
                by_path.setdefault(self._dialect.ws_path(channel), []).append(Stream(channel, names.native(symbol)))
        size = self._dialect.streams_per_connection
        for path, streams in by_path.items():
            for first in range(0, len(streams), size):
                yield path, streams[first : first + size]

    def _offered(self) -> Sequence[Channel]:
        channels = dict.fromkeys(self._settings.channels)
        missing = [one for one in channels if one not in self._dialect.channels]
        if missing:
            log.error(
                "channel.unknown", venue=self._dialect.venue, missing=missing, offered=list(self._dialect.channels)
            )
        return [one for one in channels if one in self._dialect.channels]

    def _feed_maker(self, names: Names, streams: Sequence[Stream], name: str) -> Callable[[Publish], MarketFeed]:
        natives = {one.native for one in self._known.values()}

        def make(publish: Publish) -> MarketFeed:
            feed = MarketFeed(self._dialect, names, streams, name, publish, self._options)
            for stream in streams:
                if stream.native not in natives:
                    feed.refuse(stream, "the venue has no such instrument")
            return feed

        return make

    def _dialer(self, url: str, rest: RestDoor) -> Callable[[MarketFeed], Connection]:
        async def fetch(path: str, weight: int) -> bytes:
            return await rest.get(path, weight=weight)

        return lambda feed: Connection(feed, self._dialect, url, fetch, self._clock)

    # --- health ------------------------------------------------------------------------------------------------------

    async def _report(self, rest: RestDoor, offset: ClockOffset) -> None:
        while True:
            await self._clock.sleep(HEALTH_EVERY)
            live = bool(self._sessions) and all(one.state is StreamState.LIVE for one in self._sessions)
            self._publish(
                VenueHealth(
                    venue=self._dialect.venue,
                    account="",
                    ts=self._clock.now(),
                    ws_state=StreamState.LIVE if live else StreamState.CONNECTING,
                    clock_offset_ms=offset.ms,
                    rest_latency_ms=rest.latency_ms,
                    used_weight_pct=rest.limiter.used_percent(),
                    reconnects=sum(one.reconnects for one in self._sessions),
                )
            )


def _differs(before: Instrument, after: Instrument) -> bool:
    """Whether anything but the moment of asking changed."""
    return msgspec.structs.replace(before, ts=after.ts, received=after.received) != after
