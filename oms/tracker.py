"""One account's orders and positions in memory: events in, rows out. Pure: no I/O, no clock."""

from collections.abc import Iterable, Sequence

from core.account import Fill, OrderReport
from core.rows import Row
from core.types import SECOND, Nanos, Source, Symbol
from oms.ledger import apply
from oms.model import FactKind, Order
from oms.positions import Position, add
from oms.rows import Discrepancy, discrepancy_row, fact_row, fill_row, found_row, position_row, report_row

TOLD = frozenset(
    {
        FactKind.LATE_FILL,
        FactKind.OVERFILL,
        FactKind.FILL_CONFLICT,
        FactKind.INVALID_TRANSITION,
    }
)
"""Facts that get a row of their own; the others are seen in the order's status."""

KEEP_DONE: Nanos = 3600 * SECOND
"""How long an order that is done is remembered: late fills come within minutes."""


class Tracker:
    """What we know of one account."""

    def __init__(self, venue: str, account: str) -> None:
        self._venue = venue
        self._account = account
        self._orders: dict[str, Order] = {}
        self._touched: dict[str, Nanos] = {}
        self._positions: dict[Symbol, Position] = {}

    def restore(self, fills: Iterable[Fill]) -> list[Row]:
        """Take the journal's fills at the start; returns their rows, for those that a crash kept from the database."""
        rows = []
        for fill in fills:
            self._positions[fill.symbol] = add(self._positions.get(fill.symbol, Position()), fill)
            self._orders[fill.order_id], _ = apply(self._orders.get(fill.order_id), fill)
            self._touched[fill.order_id] = fill.ts
            rows.append(fill_row(fill))
        return rows

    def take(self, event: OrderReport | Fill) -> list[Row]:
        """Take an event; a fill must be new to the journal."""
        order, facts = apply(self._orders.get(event.order_id), event)
        self._orders[event.order_id] = order
        self._touched[event.order_id] = max(event.received, self._touched.get(event.order_id, 0))
        rows = [fact_row(order, event, fact) for fact in facts if fact.kind in TOLD]
        if isinstance(event, OrderReport):
            repeated = any(fact.kind is FactKind.REPEATED for fact in facts)
            return rows if repeated else [report_row(order, event), *rows]
        if event.source is Source.REST:
            rows.append(found_row(order, event))
        position = add(self._positions.get(event.symbol, Position()), event)
        self._positions[event.symbol] = position
        return [fill_row(event), *rows, position_row(self._venue, self._account, event.symbol, position, event.ts)]

    def conflicts(self, fills: Iterable[Fill], now: Nanos) -> list[Row]:
        """Return a row for each known fill that the venue now tells differently."""
        rows = []
        for fill in fills:
            order = self._orders.get(fill.order_id)
            known = order.fills.get(fill.trade_id) if order is not None else None
            if known is not None and (known.price, known.qty) != (fill.price, fill.qty):
                ours, theirs = f"{known.qty} at {known.price}", f"{fill.qty} at {fill.price}"
                kind = Discrepancy.FILL_CONFLICT
                rows.append(discrepancy_row(kind, fill, now, key=fill.trade_id, ours=ours, theirs=theirs))
        return rows

    def vanished(self, open_orders: Sequence[OrderReport], asked_at: Nanos) -> list[Order]:
        """Return orders that we think are working and that the venue's list of open orders does not have.

        An order that changed after we asked is not judged.
        """
        theirs = {one.order_id for one in open_orders}
        return [
            order
            for key, order in self._orders.items()
            if not order.done and order.qty is not None and key not in theirs and self._touched[key] < asked_at
        ]

    def positions(self, now: Nanos) -> list[Row]:
        """Return a row for each position, as of now."""
        return [
            position_row(self._venue, self._account, symbol, position, now)
            for symbol, position in self._positions.items()
        ]

    @property
    def symbols(self) -> frozenset[Symbol]:
        """The symbols that this account has traded."""
        return frozenset(self._positions) | {order.symbol for order in self._orders.values()}

    def forget(self, now: Nanos) -> None:
        """Drop orders that were done long ago."""
        old = [key for key, order in self._orders.items() if order.done and now - self._touched[key] > KEEP_DONE]
        for key in old:
            del self._orders[key], self._touched[key]
