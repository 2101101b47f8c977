"""Pure: an order and an event give an order and facts. Total: every event in every state has an answer.

Quantity facts are booked whatever the state is. The result does not depend on the order in which events arrive, nor
on how often: fills are a set by trade id, the end is the strongest that was reported.
"""

from dataclasses import replace
from types import MappingProxyType

from core.account import Fill, OrderChange, OrderReport, OrderStatus
from oms.model import Ended, EndReason, Fact, FactKind, Order, Pending, Sent, Working

_ENDS = {
    OrderChange.CANCELED: EndReason.CANCELED,
    OrderChange.EXPIRED: EndReason.EXPIRED,
    OrderChange.REJECTED: EndReason.REJECTED,
}
_TOLD_ENDS = {
    OrderStatus.CANCELED: EndReason.CANCELED,
    OrderStatus.EXPIRED: EndReason.EXPIRED,
    OrderStatus.REJECTED: EndReason.REJECTED,
}
"""How a mere statement of the status tells that an order has ended."""
_PENDING = {OrderChange.PENDING_CANCEL: Pending.CANCEL, OrderChange.PENDING_REPLACE: Pending.REPLACE}
_ANSWERS = frozenset({OrderChange.CANCEL_REJECTED, OrderChange.REPLACED, *_ENDS})
_STRENGTH = {EndReason.REJECTED: 0, EndReason.EXPIRED: 1, EndReason.CANCELED: 2}
"""Which end wins when a venue reports several, so that the order of arrival does not matter."""


def adopt(event: OrderReport | Fill) -> Order:
    """Return the order that an event speaks of, which we did not place or do not know yet."""
    report = event if isinstance(event, OrderReport) else None
    return Order(
        event.venue,
        event.account,
        event.symbol,
        event.order_id,
        event.client_order_id,
        event.side,
        report.type if report else "",
        report.time_in_force if report else "",
        report.price if report else None,
        report.qty if report else None,
        external=True,
    )


def apply(order: Order | None, event: OrderReport | Fill) -> tuple[Order, list[Fact]]:
    """Return the order after an event, and what the event turned out to be; an unknown order is adopted."""
    facts: list[Fact] = []
    if order is None:
        order = adopt(event)
        facts.append(Fact(FactKind.EXTERNAL_ORDER, order.client_order_id))
    if isinstance(event, Fill):
        return _book(order, event, facts)
    return _report(_learn(order, event), event, facts)


def _learn(order: Order, report: OrderReport) -> Order:
    """Take what only a report tells, from the newest one: an order adopted from a fill knows no quantity yet."""
    if not order.client_order_id:
        order = replace(order, client_order_id=report.client_order_id)
    told = (report.ts, report.seq)
    if order.terms is not None and told <= order.terms:
        return order
    # An order that is replaced by less than what has traded is filled, not overfilled (FIX: the quantity becomes cum).
    qty = max(report.qty, report.filled) if report.change is OrderChange.REPLACED else report.qty
    return replace(
        order,
        qty=qty,
        price=report.price,
        type=report.type or order.type,
        time_in_force=report.time_in_force or order.time_in_force,
        terms=told,
    )


def _book(order: Order, fill: Fill, facts: list[Fact]) -> tuple[Order, list[Fact]]:
    known = order.fills.get(fill.trade_id)
    if known is not None:
        same = (known.price, known.qty) == (fill.price, fill.qty)
        kind = FactKind.DUPLICATE_FILL if same else FactKind.FILL_CONFLICT
        return order, [*facts, Fact(kind, fill.trade_id)]
    if isinstance(order.life, Ended):
        facts.append(Fact(FactKind.LATE_FILL, fill.trade_id))
    if isinstance(order.life, Sent):
        facts.append(Fact(FactKind.IMPLICIT_ACK, fill.trade_id))
        order = replace(order, life=Working(fill.ts))
    order = replace(order, fills=MappingProxyType({**order.fills, fill.trade_id: fill}))
    facts.append(Fact(FactKind.BOOKED, fill.trade_id))
    if order.overfill:
        facts.append(Fact(FactKind.OVERFILL, str(order.overfill)))
    return order, facts


def _report(order: Order, report: OrderReport, facts: list[Fact]) -> tuple[Order, list[Fact]]:
    mark = (report.change, report.ts, report.seq)
    if mark in order.seen:
        return order, [*facts, Fact(FactKind.REPEATED, report.change)]
    order = replace(order, seen=order.seen | {mark})
    order, more = _claim(order, report)
    facts += more
    match report.change:
        case OrderChange.CANCELED | OrderChange.EXPIRED | OrderChange.REJECTED:
            order, facts = _end(order, report, _ENDS[report.change], facts)
        case OrderChange.STATUS if report.status in _TOLD_ENDS:
            order, facts = _end(order, report, _TOLD_ENDS[report.status], facts)
        case OrderChange.CANCEL_REJECTED:
            facts.append(Fact(FactKind.CANCEL_REJECTED, report.reason))
        case OrderChange.PENDING_NEW | OrderChange.PENDING_CANCEL | OrderChange.PENDING_REPLACE:
            pass
        case OrderChange.NEW | OrderChange.TRADE | OrderChange.REPLACED | OrderChange.STATUS:
            order, facts = _alive(order, report, facts)
    return replace(order, pending=_pending(order)), facts


def _pending(order: Order) -> Pending:
    """Return the newest request that nothing has answered, whatever came first."""
    if isinstance(order.life, Ended):
        return Pending.NONE
    asked = max(((ts, change) for change, ts, _ in order.seen if change in _PENDING), default=None)
    answered = max((ts for change, ts, _ in order.seen if change in _ANSWERS), default=None)
    if asked is None or (answered is not None and answered >= asked[0]):
        return Pending.NONE
    return _PENDING[asked[1]]


def _claim(order: Order, report: OrderReport) -> tuple[Order, list[Fact]]:
    if report.filled < order.claimed:
        return order, [Fact(FactKind.STALE_UPDATE, f"claims {report.filled} after {order.claimed}")]
    order = replace(order, claimed=report.filled)
    if report.filled > order.filled and report.change is not OrderChange.TRADE:
        return order, [Fact(FactKind.FILLS_MISSING, f"venue says {report.filled}, booked {order.filled}")]
    return order, []


def _end(order: Order, report: OrderReport, reason: EndReason, facts: list[Fact]) -> tuple[Order, list[Fact]]:
    if reason is EndReason.REJECTED and order.filled:
        facts.append(Fact(FactKind.INVALID_TRANSITION, f"rejected with {order.filled} filled"))
    match order.life:
        case Ended(at, known) if _STRENGTH[known] >= _STRENGTH[reason]:
            if known is not reason:
                facts.append(Fact(FactKind.INVALID_TRANSITION, f"{known} -> {reason}"))
                return order, facts
            return replace(order, life=Ended(min(at, report.ts), known)), facts
        case _:
            return replace(order, life=Ended(report.ts, reason)), [
                *facts,
                Fact(FactKind.ENDED, report.reason or reason),
            ]


def _alive(order: Order, report: OrderReport, facts: list[Fact]) -> tuple[Order, list[Fact]]:
    match order.life:
        case Sent():
            return replace(order, life=Working(report.ts)), [*facts, Fact(FactKind.ACKNOWLEDGED)]
        case Ended(at) if report.ts > at and report.change is not OrderChange.TRADE:
            return order, [*facts, Fact(FactKind.INVALID_TRANSITION, f"{report.change} after the end")]
        case Working() | Ended():
            return order, facts
