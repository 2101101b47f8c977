"""The bounded queue between venues and the writer. When it is full, books and quotes conflate; nothing goes unsaid.

A quote or a book is a state: a newer one of the same stream makes the waiting one worthless. A trade is not: when
trades must be dropped, the hole becomes a gap with the number of trades that are missing.
"""

import asyncio
from dataclasses import dataclass

from core.events import Book, FeedStats, Funding, Gap, MarketEvent, Quote, Trade
from core.types import Channel, GapKind, Nanos

HARD_FACTOR = 2
"""Trades are taken up to this multiple of the limit; holes and health are always taken."""


@dataclass(frozen=True, slots=True)
class QueueStatus:
    """What waits, and what the bound has cost since the start."""

    waiting: int
    conflated: int
    dropped_trades: int


@dataclass(slots=True)
class _Hole:
    start: Nanos
    end: Nanos
    missing: int


class EventQueue:
    """Put from a connector's callback, taken in batches by one reader."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._events: list[MarketEvent] = []
        self._latest: dict[tuple[type, str, str], MarketEvent] = {}
        self._holes: dict[tuple[str, str], _Hole] = {}
        self._some = asyncio.Event()
        self._conflated = 0
        self._dropped = 0

    def put(self, event: MarketEvent) -> None:
        """Take an event; never blocks, never loses one without a trace."""
        if len(self._events) < self._limit or isinstance(event, Gap):
            self._events.append(event)
        elif isinstance(event, Quote | Book | Funding | FeedStats):
            key = (type(event), event.venue, event.symbol + getattr(event, "connection", ""))
            if isinstance(event, FeedStats):
                key = (type(event), event.venue, f"{event.channel}/{event.symbol}/{event.connection}")
            self._conflated += key in self._latest
            self._latest[key] = event
        elif isinstance(event, Trade) and len(self._events) >= self._limit * HARD_FACTOR:
            self._drop(event)
        else:
            self._events.append(event)
        self._some.set()

    def _drop(self, trade: Trade) -> None:
        self._dropped += 1
        hole = self._holes.setdefault((trade.venue, trade.symbol), _Hole(trade.ts, trade.ts, 0))
        hole.start, hole.end = min(hole.start, trade.ts), max(hole.end, trade.ts)
        hole.missing += 1

    async def take(self) -> list[MarketEvent]:
        """Return everything that waits, in order, the latest conflated states last; waits for the first one."""
        await self._some.wait()
        return self.take_now()

    def take_now(self) -> list[MarketEvent]:
        """Return what waits, perhaps nothing."""
        self._some.clear()
        events, self._events = self._events, []
        latest, self._latest = self._latest, {}
        holes, self._holes = self._holes, {}
        events += latest.values()
        events += [
            # An end equal to the start would say that the hole is still open.
            Gap(
                venue,
                Channel.TRADES,
                symbol,
                "queue",
                one.start,
                max(one.end, one.start + 1),
                GapKind.OVERFLOW,
                one.missing,
            )
            for (venue, symbol), one in holes.items()
        ]
        return events

    def status(self) -> QueueStatus:
        """Return what waits and what was lost."""
        return QueueStatus(len(self._events) + len(self._latest), self._conflated, self._dropped)
