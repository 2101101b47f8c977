"""One account's orders and positions in memory: events in, rows out. Pure: no I/O, no clock."""

from collections.abc import Iterable, Sequence
from decimal import Decimal

from core.account import Fill, OrderReport, OrderStatus
from core.rows import Row
from core.types import MILLISECOND, SECOND, Nanos, Source, Symbol
from oms.ledger import apply
from oms.model import FactKind, KeptOrder, Order
from oms.positions import Position, add
from oms.rows import (
    Discrepancy,
    caught_up_row,
    discrepancy_row,
    fact_row,
    fill_row,
    found_row,
    position_row,
    report_row,
)

TOLD = frozenset(
    {
        FactKind.LATE_FILL,
        FactKind.OVERFILL,
        FactKind.FILL_CONFLICT,
        FactKind.INVALID_TRANSITION,
    }
)
"""Facts that get a row of their own; the others are seen in the order's status."""

ENDS = frozenset({OrderStatus.FILLED, OrderStatus.CANCELED, OrderStatus.EXPIRED, OrderStatus.REJECTED})

KEEP_DONE: Nanos = 3600 * SECOND
"""How long an order that is done is remembered: late fills come within minutes."""


class Tracker:
    """What we know of one account."""

    def __init__(self, venue: str, account: str) -> None:
        self._venue = venue
        self._account = account
        self._orders: dict[str, Order] = {}
        self._touched: dict[str, Nanos] = {}
        self._newest: dict[str, Nanos] = {}
        """Event time of an order's newest row."""
        self._reports: dict[str, OrderReport] = {}
        self._positions: dict[Symbol, Position] = {}

    def restore(self, fills: Iterable[Fill], orders: Iterable[KeptOrder], since: Nanos) -> list[Row]:
        """Take what the journal has, at the start; returns the rows of what is not older than `since`.

        A crash may have kept those from the database. Older fills count for the positions alone.
        """
        for report, _, newest in orders:
            self._keep(report.order_id, apply(None, report)[0], newest, report.ts)
            self._reports[report.order_id] = report
        rows = []
        for fill in fills:
            self._positions[fill.symbol] = add(self._positions.get(fill.symbol, Position()), fill)
            if fill.ts >= since or fill.order_id in self._orders:
                # Its rows may have come to the end of the fill's millisecond (see `_after`).
                last = fill.ts - fill.ts % MILLISECOND + MILLISECOND - 1
                self._keep(fill.order_id, apply(self._orders.get(fill.order_id), fill)[0], last, fill.ts)
            if fill.ts >= since:
                rows.append(fill_row(fill))
        return rows

    def _keep(self, key: str, order: Order, ts: Nanos, touched: Nanos) -> None:
        self._orders[key] = order
        self._newest[key] = max(ts, self._newest.get(key, 0))
        self._touched[key] = max(touched, self._touched.get(key, 0))

    def take(self, event: OrderReport | Fill) -> list[Row]:
        """Take an event; a fill must be new to the journal."""
        key = event.order_id
        before, newest = self._orders.get(key), self._newest.get(key, 0)
        order, facts = apply(before, event)
        at = _after(newest, event.ts)
        self._keep(key, order, at, event.received)
        if isinstance(event, OrderReport) and any(fact.kind is FactKind.REPEATED for fact in facts):
            return []
        rows = [fact_row(order, event, fact, at) for fact in facts if fact.kind in TOLD]
        if at < newest and before is not None and _state(before) != _state(order):
            self._newest[key] = newest + 1
            rows.append(caught_up_row(order, event, newest + 1))
        if isinstance(event, OrderReport):
            self._remember(event)
            return [report_row(order, event, at), *rows]
        if event.source is Source.REST:
            rows.insert(0, found_row(order, event, at))
        position = add(self._positions.get(event.symbol, Position()), event)
        self._positions[event.symbol] = position
        return [fill_row(event), *rows, position_row(self._venue, self._account, event.symbol, position, event.ts)]

    def _remember(self, report: OrderReport) -> None:
        """Keep the report that tells best how the order stands: an end, else the newest."""
        known = self._reports.get(report.order_id)
        if known is None or (report.status in ENDS, report.ts, report.seq) >= (
            known.status in ENDS,
            known.ts,
            known.seq,
        ):
            self._reports[report.order_id] = report

    def to_journal(self, order_ids: Iterable[str]) -> list[KeptOrder]:
        """Return what must survive a restart of these orders; of one without a report, its fills do."""
        return [
            KeptOrder(self._reports[key], self._orders[key].done, self._newest[key])
            for key in dict.fromkeys(order_ids)
            if key in self._reports
        ]

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
        """Return orders that may be working by what we know, and that the venue's list of open orders does not have.

        An order that changed after we asked is not judged.
        """
        theirs = {one.order_id for one in open_orders}
        return [
            order
            for key, order in self._orders.items()
            if not order.done and key not in theirs and self._touched[key] < asked_at
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
            del self._orders[key], self._touched[key], self._newest[key]
            self._reports.pop(key, None)


def _after(newest: Nanos, ts: Nanos) -> Nanos:
    """Return the time of an order's next row: of several in one millisecond, the last one has the last state.

    Venues stamp whole milliseconds, and the database does not keep the order of rows of one time.
    """
    return newest + 1 if newest - newest % MILLISECOND <= ts <= newest else ts


def _state(order: Order) -> tuple[OrderStatus, Decimal]:
    return order.status, order.filled
