"""An account at a venue that says what a test tells it."""

import asyncio
from collections.abc import Callable, Sequence

from core.account import AccountEvent, Balance, Fill, OrderReport
from core.errors import Transient
from core.types import Nanos, Symbol, VenueName


class FakeAccountVenue:
    """Publishes what a test puts in, and remembers fills and orders as a venue's history does.

    Set `away` and every question fails as if the venue did not answer; the stream goes on.
    """

    def __init__(self, venue: VenueName = "binance", account: str = "desk") -> None:
        self.venue: VenueName = venue
        self.account = account
        self.away: Transient | None = None
        self.history: list[Fill] = []
        self.working: list[OrderReport] = []
        self.held: list[Balance] = []
        self.asked: list[tuple[Symbol, Nanos]] = []
        self._said: asyncio.Queue[AccountEvent] = asyncio.Queue()

    def say(self, *events: AccountEvent) -> None:
        """Let the stream say something."""
        for event in events:
            self._said.put_nowait(event)

    async def stream(self, publish: Callable[[AccountEvent], None]) -> None:
        while True:
            publish(await self._said.get())

    async def fills(self, symbol: Symbol, start: Nanos) -> Sequence[Fill]:
        self._answer()
        self.asked.append((symbol, start))
        return sorted((one for one in self.history if one.symbol == symbol and one.ts >= start), key=lambda one: one.ts)

    async def open_orders(self) -> Sequence[OrderReport]:
        self._answer()
        return list(self.working)

    async def order(self, symbol: Symbol, order_id: str) -> OrderReport | None:
        self._answer()
        return next((one for one in self.working if (one.symbol, one.order_id) == (symbol, order_id)), None)

    async def balances(self) -> Sequence[Balance]:
        self._answer()
        return list(self.held)

    def _answer(self) -> None:
        if self.away is not None:
            raise self.away
