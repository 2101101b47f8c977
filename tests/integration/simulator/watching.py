"""A real connector beside a simulated venue: what it says, and whether that is what the market model was."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import TypeVar

from connectors.base.feed import FeedOptions
from connectors.base.market import MarketData
from connectors.base.settings import VenueSettings
from connectors.registry import dialect
from core.clock import SystemClock
from core.events import Book, FeedStats, Gap, Levels, MarketEvent, Trade, VenueHealth
from core.tasks import start
from core.types import SECOND, Channel, GapKind, Nanos, StreamState
from simulator.market import Change, Level, Listing, Market
from simulator.server import SimulatedVenue

CHANNELS = (Channel.TRADES, Channel.QUOTES, Channel.BOOKS)
DEPTH = 50
E = TypeVar("E", bound=MarketEvent)


class QuickClock:
    """A real clock that runs faster: connector and venue share it, so seconds of theirs are moments of ours."""

    def __init__(self, speed: float) -> None:
        self.speed = speed
        self._start = SystemClock().now()
        self._began = SystemClock().elapsed()

    def now(self) -> Nanos:
        return self._start + round(self.elapsed() * SECOND)

    def elapsed(self) -> float:
        return (SystemClock().elapsed() - self._began) * self.speed

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds / self.speed)


class Watch:
    """Every event of a connector, and every book that the model had, by the id of its last change."""

    def __init__(self, venue: SimulatedVenue) -> None:
        self.venue = venue
        self.events: list[MarketEvent] = []
        self.prints: list[str] = []
        self._books: dict[tuple[str, int], tuple[Levels, Levels]] = {}
        for market in venue.markets.values():
            self._note(market)
        venue.listen(self._follow)

    def _follow(self, market: Market, change: Change, _: Nanos) -> None:
        self.prints += [f"{market.listing.symbol} {one.trade_id}" for one in change.trades]
        self._note(market)

    def _note(self, market: Market) -> None:
        listing = market.listing
        both = _levels(listing, market.bids()), _levels(listing, market.asks())
        self._books[(listing.symbol, market.last)] = both

    def publish(self, event: MarketEvent) -> None:
        """Take an event of the connector; a book must be one that the model had."""
        self.events.append(event)
        if isinstance(event, Book):
            assert (event.bids, event.asks) == self._books[(event.symbol, event.seq)]

    def of(self, kind: type[E], since: int = 0) -> list[E]:
        """Return the events of a kind, from the `since`-th event on."""
        return [one for one in self.events[since:] if isinstance(one, kind)]

    def gaps(self, kind: GapKind, channel: Channel = Channel.BOOKS) -> list[Gap]:
        """Return the gaps of a kind, open and closed."""
        return [one for one in self.of(Gap) if one.kind is kind and one.channel is channel]

    def stats(self, channel: Channel = Channel.BOOKS, since: int = 0) -> list[FeedStats]:
        """Return the seconds of a channel."""
        return [one for one in self.of(FeedStats, since) if one.channel is channel]

    def live(self, since: int = 0) -> bool:
        """Whether a book was published for every symbol since then."""
        return {one.symbol for one in self.of(Book, since)} == set(self.venue.symbols)

    def closed(self, kind: GapKind, channel: Channel = Channel.BOOKS) -> bool:
        """Whether there was a gap of this kind, and all of them are closed."""
        gaps = self.gaps(kind, channel)
        return bool(gaps) and {one.start for one in gaps} == {one.start for one in gaps if one.end > one.start}

    def states(self, channel: Channel = Channel.BOOKS, since: int = 0) -> set[StreamState]:
        """Return the states that a channel's seconds were in."""
        return {one.state for one in self.stats(channel, since)}

    def reconnects(self) -> int:
        """Return how often sessions had to connect again."""
        health = self.of(VenueHealth)
        return health[-1].reconnects if health else 0

    def traded(self) -> list[str]:
        """Return the trades that the connector saw."""
        return [f"{one.symbol} {one.trade_id}" for one in self.of(Trade)]


def _levels(listing: Listing, levels: Sequence[Level]) -> Levels:
    prices = [float(listing.price(one.ticks)) for one in levels]
    return prices, [float(listing.size(one.lots)) for one in levels]


async def until(holds: Callable[[], bool], seconds: float = 12.0) -> None:
    """Wait for something to come true; a time-out fails the test."""
    async with asyncio.timeout(seconds):
        while not holds():  # noqa: ASYNC110  what is waited for comes from another task's events, not from one of ours
            await asyncio.sleep(0.02)


@asynccontextmanager
async def watching(
    venue: SimulatedVenue,
    symbols: Sequence[str] | None = None,
    channels: Sequence[Channel] = CHANNELS,
) -> AsyncIterator[Watch]:
    """Run the venue's real connector against its simulation, with every symbol, publishing each change of a book."""
    watch = Watch(venue)
    wanted = VenueSettings(
        symbols=list(venue.symbols if symbols is None else symbols),
        channels=list(channels),
        ws_url=venue.ws_url,
        rest_url=venue.rest_url,
    )
    options = FeedOptions(levels=DEPTH, sample_every=0)
    connector = MarketData(dialect(venue.name), wanted, venue.clock, watch.publish, options=options)
    async with asyncio.TaskGroup() as group:
        task = start(group, f"connector {venue.name}", connector.run())
        yield watch
        _ = task.cancel()
