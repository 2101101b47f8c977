"""Pure: an order and an event give an order and facts. Total: every event in every state has an answer.

Quantity facts are booked whatever the state is. The result does not depend on the order in which events arrive, nor
on how often: fills are a set by trade id, the end is the strongest that was reported.
"""

from dataclasses import replace
from types import MappingProxyType

from core.account import Fill, OrderChange, OrderReport
from oms.model import Ended, EndReason, Fact, FactKind, Order, Pending, Sent, Working

_ENDS = {
    OrderChange.CANCELED: EndReason.CANCELED,
    OrderChange.EXPIRED: EndReason.EXPIRED,
    OrderChange.REJECTED: EndReason.REJECTED,
}
_PENDING = {OrderChange.PENDING_CANCEL: Pending.CANCEL, OrderChange.PENDING_REPLACE: Pending.REPLACE}
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
    """Take what only a report tells: an order adopted from a fill knows no quantity yet."""
    if order.qty is None or report.change is OrderChange.REPLACED:
        order = replace(
            order,
            qty=report.qty,
            price=report.price,
            type=report.type or order.type,
            time_in_force=report.time_in_force or order.time_in_force,
        )
    if not order.client_order_id:
        order = replace(order, client_order_id=report.client_order_id)
    return order


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
    mark = (report.change.value, report.ts, report.seq)
    if mark in order.seen:
        return order, [*facts, Fact(FactKind.REPEATED, report.change)]
    order = replace(order, seen=order.seen | {mark})
    order, more = _claim(order, report)
    facts += more
    match report.change:
        case OrderChange.CANCELED | OrderChange.EXPIRED | OrderChange.REJECTED:
            return _end(order, report, _ENDS[report.change], facts)
        case OrderChange.PENDING_CANCEL | OrderChange.PENDING_REPLACE:
            return replace(order, pending=order.pending if order.done else _PENDING[report.change]), facts
        case OrderChange.CANCEL_REJECTED:
            return replace(order, pending=Pending.NONE), [*facts, Fact(FactKind.CANCEL_REJECTED, report.reason)]
        case OrderChange.PENDING_NEW:
            return order, facts
        case OrderChange.NEW | OrderChange.TRADE | OrderChange.REPLACED | OrderChange.STATUS:
            return _alive(order, report, facts)


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
        case Ended(_, known) if _STRENGTH[known] >= _STRENGTH[reason]:
            if known is not reason:
                facts.append(Fact(FactKind.INVALID_TRANSITION, f"{known} -> {reason}"))
            return replace(order, pending=Pending.NONE), facts
        case _:
            ended = replace(order, life=Ended(report.ts, reason), pending=Pending.NONE)
            return ended, [*facts, Fact(FactKind.ENDED, report.reason or reason)]


def _alive(order: Order, report: OrderReport, facts: list[Fact]) -> tuple[Order, list[Fact]]:
    pending = Pending.NONE if report.change is OrderChange.REPLACED else order.pending
    match order.life:
        case Sent():
            facts.append(Fact(FactKind.ACKNOWLEDGED))
            return replace(order, life=Working(report.ts), pending=pending), facts
        case Working():
            return replace(order, pending=pending), facts
        case Ended(at) if report.ts > at and report.change is not OrderChange.TRADE:
            return order, [*facts, Fact(FactKind.INVALID_TRANSITION, f"{report.change} after the end")]
        case Ended():
            return order, facts
