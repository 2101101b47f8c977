"""Binance spot's private messages to ours: pure. Every time is the venue's millisecond, in ns, on both paths.

The stream's `T` of a trade and the history's `time` are the same millisecond, so both make the same `Fill` key.
https://developers.binance.com/docs/binance-spot-api-docs/user-data-stream
"""

from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from typing import TypeAlias

import msgspec

from connectors.base.contract import Control, Ignored, Names, Notice, Unknown
from connectors.binance import account_messages as wire
from core.account import AccountEvent, Balance, Fill, OrderChange, OrderReport, OrderStatus
from core.errors import BadMessage
from core.types import MILLISECOND, Liquidity, Nanos, Side, Source

VENUE = "binance"
UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError, InvalidOperation, ValueError, OverflowError)
"""What a hostile frame can raise in here; a DecodeError covers a wrong type too."""


class Answer(msgspec.Struct, frozen=True, gc=False):
    """The answer to a request of ours on the WS API. `code` is 0 when it went well; `id` None is the venue's word."""

    id: str | None
    status: int
    code: int = 0
    text: str = ""
    subscription: int | None = None
    subscriptions: frozenset[int] | None = None
    """What `session.subscriptions` lists."""


class StreamEnded(msgspec.Struct, frozen=True, gc=False):
    """The venue ended the subscription; the socket may live on, mute."""

    reason: str


class BalanceMoved(msgspec.Struct, frozen=True, gc=False):
    """A deposit, withdrawal or transfer changed an asset by `delta`; the absolute balance comes apart from it."""

    asset: str
    ts: Nanos
    delta: Decimal


AccountMeaning: TypeAlias = AccountEvent | Answer | StreamEnded | BalanceMoved | Control | Ignored | Unknown

_CHANGES = {
    "NEW": OrderChange.NEW,
    "CANCELED": OrderChange.CANCELED,
    "REPLACED": OrderChange.REPLACED,
    "REJECTED": OrderChange.REJECTED,
    "TRADE": OrderChange.TRADE,
    "EXPIRED": OrderChange.EXPIRED,
}
_STATUSES = {
    "NEW": OrderStatus.WORKING,
    "PENDING_NEW": OrderStatus.WORKING,  # waits in an order list; it is on the venue's hands
    "PARTIALLY_FILLED": OrderStatus.PARTIALLY_FILLED,
    "FILLED": OrderStatus.FILLED,
    "PENDING_CANCEL": OrderStatus.PENDING_CANCEL,
    "CANCELED": OrderStatus.CANCELED,
    "EXPIRED_IN_MATCH": OrderStatus.CANCELED,  # self-trade prevention took it out
    "EXPIRED": OrderStatus.EXPIRED,
    "REJECTED": OrderStatus.REJECTED,
}
_FIXED: dict[str, AccountMeaning] = {
    "eventStreamTerminated": StreamEnded("the venue ended the event stream"),
    "serverShutdown": Control(Notice.RECONNECT_SOON, "the venue will close this connection"),
    "listStatus": Ignored("the orders of a list report for themselves"),
    "externalLockUpdate": Ignored("outboundAccountPosition has the balance"),
}

_envelope = msgspec.json.Decoder(wire.Envelope)
_head = msgspec.json.Decoder(wire.Head)
_report = msgspec.json.Decoder(wire.ExecutionReport)
_position = msgspec.json.Decoder(wire.AccountPosition)
_moved = msgspec.json.Decoder(wire.BalanceUpdate)
_trades = msgspec.json.Decoder(list[wire.MyTrade])
_orders = msgspec.json.Decoder(list[wire.RestOrder])
_one_order = msgspec.json.Decoder(wire.RestOrder)
_account = msgspec.json.Decoder(wire.AccountInformation)


def parse_account(frame: bytes | str, received: Nanos, names: Names, account: str) -> Sequence[AccountMeaning]:
    """Return what a frame of the user stream or of the WS API means; events come wrapped or bare.

    Raises:
        BadMessage: it is not what the venue documents.
    """
    try:
        outer = _envelope.decode(frame)
        if outer.status is not None:
            return (_answer(outer),)
        event = bytes(outer.event) or frame
        name = _head.decode(event).e if outer.event else outer.e
        return _event(name, event, received, names, account)
    except UNREADABLE as error:
        raise BadMessage(f"{VENUE} account: {type(error).__name__}: {str(error)[:200]}") from error


def _event(name: str, event: bytes | str, received: Nanos, names: Names, account: str) -> Sequence[AccountMeaning]:
    match name:
        case "executionReport":
            return _execution(_report.decode(event), received, names, account)
        case "outboundAccountPosition":
            return _balances(_position.decode(event), received, account)
        case "balanceUpdate":
            moved = _moved.decode(event)
            return (BalanceMoved(moved.a, (moved.T or moved.E) * MILLISECOND, _amount(moved.d)),)
        case _:
            return (_FIXED.get(name) or Unknown(str(event[:300])),)


def _answer(outer: wire.Envelope) -> Answer:
    error = outer.error or wire.Failure()
    one = outer.result.get("subscriptionId") if isinstance(outer.result, dict) else None
    listed = None
    if isinstance(outer.result, list):
        ids = [each.get("subscriptionId") for each in outer.result if isinstance(each, dict)]
        listed = frozenset(each for each in ids if isinstance(each, int))
    return Answer(
        None if outer.id is None else str(outer.id),
        outer.status or 0,
        error.code,
        error.msg,
        one if isinstance(one, int) else None,
        listed,
    )


def _execution(one: wire.ExecutionReport, received: Nanos, names: Names, account: str) -> Sequence[AccountMeaning]:
    # On a cancel `c` names the cancel request and `C` the order; an amend (REPLACED) gives the order its new id in `c`.
    client_id = one.C if one.x == "CANCELED" and one.C else one.c
    status = _STATUSES.get(one.X, OrderStatus.UNKNOWN)
    report = OrderReport(
        venue=VENUE,
        account=account,
        symbol=names.symbol(one.s),
        ts=one.T * MILLISECOND,
        received=received,
        order_id=str(one.i),
        client_order_id=client_id,
        change=_change(one.x, status),
        status=status,
        side=_side(one.S),
        type=one.o,
        time_in_force=one.f,
        price=_price(one.p),
        qty=_amount(one.q),
        filled=_amount(one.z),
        avg_price=_average(_amount(one.Z), _amount(one.z)),
        reason=_reason(one),
        seq=one.I or max(one.t, 0),
    )
    if one.x != "TRADE" or one.t < 0:
        return (report,)
    fill = Fill(
        venue=VENUE,
        account=account,
        symbol=report.symbol,
        ts=report.ts,
        received=received,
        order_id=report.order_id,
        client_order_id=client_id,
        trade_id=str(one.t),
        side=report.side,
        liquidity=Liquidity.MAKER if one.m else Liquidity.TAKER,
        price=_amount(one.L),
        qty=_amount(one.l),
        fee=None if one.n is None else _amount(one.n),
        fee_asset=one.N or "",
        source=Source.WS,
    )
    return (fill, report)  # the fill first: after the report the quantities are complete


def _change(execution: str, status: OrderStatus) -> OrderChange:
    """Return why the venue reports; self-trade prevention is a cancel when it ended the order, else a mere word."""
    if execution in _CHANGES:
        return _CHANGES[execution]
    return OrderChange.CANCELED if status is OrderStatus.CANCELED else OrderChange.STATUS


def _reason(one: wire.ExecutionReport) -> str:
    words = [] if one.r in {"", "NONE"} else [one.r]
    if one.eR not in {None, ""}:
        words.append(str(one.eR))
    if one.x not in _CHANGES:
        words.append(f"{one.x} {one.A or ''}".strip())  # `A`: what self-trade prevention took away
    if one.X not in _STATUSES or one.X == "EXPIRED_IN_MATCH":
        words.append(one.X)
    return ", ".join(words)


def _balances(one: wire.AccountPosition, received: Nanos, account: str) -> Sequence[Balance]:
    ts = (one.u or one.E) * MILLISECOND
    return [Balance(VENUE, account, each.a, ts, received, _amount(each.f), _amount(each.l)) for each in one.B]


# --- REST ---------------------------------------------------------------------------------------------------------


def parse_trades(body: bytes, received: Nanos, names: Names, account: str) -> list[Fill]:
    """Return the fills of a myTrades answer, oldest first; raises BadMessage."""
    try:
        return [
            Fill(
                venue=VENUE,
                account=account,
                symbol=names.symbol(one.symbol),
                ts=one.time * MILLISECOND,
                received=received,
                order_id=str(one.orderId),
                client_order_id="",  # the history does not say
                trade_id=str(one.id),
                side=Side.BUY if one.isBuyer else Side.SELL,
                liquidity=Liquidity.MAKER if one.isMaker else Liquidity.TAKER,
                price=_amount(one.price),
                qty=_amount(one.qty),
                fee=_amount(one.commission),
                fee_asset=one.commissionAsset,
                source=Source.REST,
            )
            for one in sorted(_trades.decode(body), key=lambda row: row.id)
        ]
    except UNREADABLE as error:
        raise BadMessage(f"{VENUE} myTrades: {str(error)[:200]}") from error


def parse_orders(body: bytes, received: Nanos, names: Names, account: str) -> list[OrderReport]:
    """Return the orders of an openOrders or allOrders answer; raises BadMessage."""
    try:
        return [_order(one, received, names, account) for one in _orders.decode(body)]
    except UNREADABLE as error:
        raise BadMessage(f"{VENUE} orders: {str(error)[:200]}") from error


def parse_order(body: bytes, received: Nanos, names: Names, account: str) -> OrderReport:
    """Return the order of an answer about one order; raises BadMessage."""
    try:
        return _order(_one_order.decode(body), received, names, account)
    except UNREADABLE as error:
        raise BadMessage(f"{VENUE} order: {str(error)[:200]}") from error


def _order(one: wire.RestOrder, received: Nanos, names: Names, account: str) -> OrderReport:
    status = _STATUSES.get(one.status, OrderStatus.UNKNOWN)
    return OrderReport(
        venue=VENUE,
        account=account,
        symbol=names.symbol(one.symbol),
        ts=(one.updateTime or one.time) * MILLISECOND,
        received=received,
        order_id=str(one.orderId),
        client_order_id=one.clientOrderId,
        change=OrderChange.STATUS,
        status=status,
        side=_side(one.side),
        type=one.type,
        time_in_force=one.timeInForce,
        price=_price(one.price),
        qty=_amount(one.origQty),
        filled=_amount(one.executedQty),
        avg_price=_average(_amount(one.cummulativeQuoteQty), _amount(one.executedQty)),
        reason=one.status if status is OrderStatus.UNKNOWN else "",
        source=Source.REST,
    )


def parse_balances(body: bytes, received: Nanos, account: str) -> list[Balance]:
    """Return the assets of an account answer that are not zero; raises BadMessage."""
    try:
        answer = _account.decode(body)
        ts = answer.updateTime * MILLISECOND or received
        balances = [
            Balance(VENUE, account, one.asset, ts, received, _amount(one.free), _amount(one.locked))
            for one in answer.balances
        ]
    except UNREADABLE as error:
        raise BadMessage(f"{VENUE} account: {str(error)[:200]}") from error
    return [one for one in balances if one.free or one.locked]


# --- values -------------------------------------------------------------------------------------------------------


def _amount(text: str) -> Decimal:
    """Return an amount, exact; a text that no desk could mean (NaN, 1e999999, a novel) is refused."""
    if len(text) > 60:  # noqa: PLR2004  the venue's longest has 20 digits
        raise ValueError(f"an amount of {len(text)} characters")
    amount = Decimal(text)
    if not amount.is_finite() or amount.adjusted() > 40 or amount.adjusted() < -40:  # noqa: PLR2004  likewise
        raise ValueError(f"amount {text!r}")
    return amount


def _price(text: str) -> Decimal | None:
    """Return a price; a market order's is written as zero and means none."""
    return _amount(text) or None


def _average(quote: Decimal, base: Decimal) -> Decimal | None:
    return quote / base if base else None


def _side(text: str) -> Side:
    return Side(text.lower())
