"""What the OMS writes: orders, fills, positions, balances, discrepancies, as rows."""

from decimal import Context, Decimal
from enum import StrEnum
from zlib import crc32

from core.account import Balance, Fill, OrderReport
from core.rows import Row
from core.types import SECOND, Nanos, Source
from oms.model import Fact, Order
from oms.positions import Position

_PLACES = Decimal("1e-12")
_WIDE = Context(prec=60)


class Discrepancy(StrEnum):
    """What ours and the venue's books can disagree on."""

    FILL_MISSED_BY_STREAM = "fill_missed_by_stream"
    FILL_UNKNOWN_TO_VENUE = "fill_unknown_to_venue"
    FILL_CONFLICT = "fill_conflict"
    ORDER_OURS_ONLY = "order_ours_only"


def fill_row(fill: Fill) -> Row:
    """Return the row of a fill; both paths make the same key."""
    return Row(
        "fills",
        fill.ts,
        {
            "venue": fill.venue,
            "account": fill.account,
            "symbol": fill.symbol,
            "side": fill.side,
            "liquidity": fill.liquidity,
            "fee_asset": fill.fee_asset or None,
            "source": fill.source,
            "order_id": fill.order_id,
            "client_order_id": fill.client_order_id,
            "trade_id": fill.trade_id,
            "price": fill.price,
            "qty": fill.qty,
            "fee": fill.fee,
            "received": fill.received,
        },
    )


def report_row(order: Order, report: OrderReport, at: Nanos) -> Row:
    """Return the row of a report, with the order as it stands after it."""
    return _order_row(order, at, report.received, report.change, report.reason, report.seq, report.source)


def fact_row(order: Order, event: OrderReport | Fill, fact: Fact, at: Nanos) -> Row:
    """Return the row of something worth knowing that an event turned out to be; repeated, it is the same row."""
    seq = -1 - crc32(f"{fact.kind}/{fact.detail}".encode())
    return _order_row(order, at, event.received, fact.kind, fact.detail, seq, event.source)


def found_row(order: Order, fill: Fill, at: Nanos) -> Row:
    """Return the row of a fill that only the history showed: no report of the stream speaks of it."""
    seq = -1 - crc32(f"trade/{fill.trade_id}".encode())
    return _order_row(order, at, fill.received, "trade", "", seq, fill.source)


def caught_up_row(order: Order, event: OrderReport | Fill, at: Nanos) -> Row:
    """Return the row of an order that an older event has changed: an order's newest row is how it stands."""
    name = event.trade_id if isinstance(event, Fill) else f"{event.change}/{event.seq}"
    seq = -1 - crc32(f"caught_up/{name}/{event.ts}".encode())
    return _order_row(order, at, event.received, "caught_up", "", seq, event.source)


def _order_row(order: Order, ts: Nanos, received: Nanos, event: str, reason: str, seq: int, source: Source) -> Row:
    return Row(
        "orders",
        ts,
        {
            "venue": order.venue,
            "account": order.account,
            "symbol": order.symbol,
            "side": order.side,
            "event": event,
            "status": order.status,
            "type": order.type.lower() or None,
            "time_in_force": order.time_in_force.lower() or None,
            "source": source,
            "order_id": order.order_id,
            "client_order_id": order.client_order_id,
            "price": order.price,
            "qty": order.qty,
            "filled": order.filled,
            "remaining": order.remaining,
            "avg_price": _rounded(order.avg_price),
            "reason": reason or None,
            "seq": seq,
            "received": received,
        },
    )


def position_row(venue: str, account: str, symbol: str, position: Position, now: Nanos) -> Row:
    """Return the row of a position of ours."""
    return Row(
        "positions",
        now,
        {
            "venue": venue,
            "account": account,
            "symbol": symbol,
            "source": Source.OURS,
            "qty": position.qty,
            "avg_price": _rounded(position.avg_price),
            "realised": _rounded(position.realised),
            "value": float(position.value),
        },
    )


def balance_row(balance: Balance, source: Source) -> Row:
    """Return the row of a balance."""
    return Row(
        "balances",
        balance.ts,
        {
            "venue": balance.venue,
            "account": balance.account,
            "asset": balance.asset,
            "source": source,
            "free": balance.free,
            "locked": balance.locked,
            "total": balance.free + balance.locked,
        },
    )


def discrepancy_row(
    kind: Discrepancy, fill_or_order: Fill | Order, now: Nanos, *, key: str, ours: str, theirs: str, age_s: float = 0.0
) -> Row:
    """Return the row of one discrepancy, seen `now`."""
    return Row(
        "reconciliations",
        now,
        {
            "venue": fill_or_order.venue,
            "account": fill_or_order.account,
            "symbol": fill_or_order.symbol,
            "kind": kind,
            "key": key,
            "ours": ours,
            "theirs": theirs,
            "age_s": age_s,
            "attempt": 1,
        },
    )


def missed_row(fill: Fill, now: Nanos) -> Row:
    """Return the row of a fill that the stream never told."""
    text = f"{fill.side} {fill.qty} at {fill.price}"
    age = max(0.0, (now - fill.ts) / SECOND)
    return discrepancy_row(
        Discrepancy.FILL_MISSED_BY_STREAM, fill, now, key=fill.trade_id, ours="", theirs=text, age_s=age
    )


def _rounded(amount: Decimal | None) -> Decimal | None:
    """Return an average to 12 places: a quotient may have none that is exact."""
    return None if amount is None else amount.quantize(_PLACES, context=_WIDE)
