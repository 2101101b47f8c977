"""The signed REST of a simulated Binance spot account: what it answers, and with what weight. Pure.

https://developers.binance.com/docs/binance-spot-api-docs/rest-api/account-endpoints
"""

from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from typing import NamedTuple, TypeAlias, TypeVar

from core.types import Nanos, Side
from simulator.account_model import NewOrder, VenueFill, VenueOrder, VenueRefuses
from simulator.account_wire import Json, account_answer, cancel_answer, ms, order_answer, order_row, trade_row
from simulator.exchange import Exchange

DAY_MS = 24 * 3600 * 1000
DEFAULT_LIMIT = 500
LARGEST_LIMIT = 1000
MAY_COMBINE = (
    frozenset[str](),
    frozenset({"orderId"}),
    frozenset({"startTime"}),
    frozenset({"endTime"}),
    frozenset({"fromId"}),
    frozenset({"startTime", "endTime"}),
    frozenset({"orderId", "fromId"}),
)
"""What myTrades takes beside `symbol` and `limit`, and nothing else."""

T = TypeVar("T")
Params: TypeAlias = Mapping[str, str]
Answer: TypeAlias = Json | list[Json]


class Endpoint(NamedTuple):
    """One request: what answers it, and its weight."""

    answer: Callable[[Exchange, Params, Nanos], Answer]
    weight: Callable[[Params], int]


def _mandatory(params: Params, name: str) -> str:
    if not params.get(name):
        raise VenueRefuses(-1102, f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed.")
    return params[name]


def _whole(params: Params, name: str) -> int | None:
    text = params.get(name)
    if text is None:
        return None
    if not text.isascii() or not text.isdigit():
        raise VenueRefuses(-1100, f"Illegal characters found in parameter '{name}'; legal range is '^[0-9]{{1,20}}$'.")
    return int(text)


def _exact(params: Params, name: str) -> Decimal | None:
    text = params.get(name)
    try:
        number = None if text is None else Decimal(text)
    except InvalidOperation as error:
        raise VenueRefuses(-1100, f"Illegal characters found in parameter '{name}'.") from error
    if number is not None and not number.is_finite():
        raise VenueRefuses(-1100, f"Illegal characters found in parameter '{name}'.")
    return number


def _symbol(exchange: Exchange, params: Params) -> str:
    symbol = _mandatory(params, "symbol")
    if symbol not in exchange.rules:
        raise VenueRefuses(-1121, "Invalid symbol.")
    return symbol


def _limit(params: Params) -> int:
    limit = _whole(params, "limit")
    return DEFAULT_LIMIT if limit is None else max(1, min(limit, LARGEST_LIMIT))


def _window(params: Params) -> tuple[int | None, int | None]:
    """Return start and end in ms; one that is given alone reaches a day, as both together may at most."""
    begin, end = _whole(params, "startTime"), _whole(params, "endTime")
    if begin is not None and end is not None and end - begin > DAY_MS:
        raise VenueRefuses(-1127, "More than 24 hours between start and end time.")
    if begin is not None and end is None:
        end = begin + DAY_MS
    if end is not None and begin is None:
        begin = end - DAY_MS
    return begin, end


def my_trades(exchange: Exchange, params: Params, _: Nanos) -> Answer:
    """Return the fills asked for, oldest first: the first ones of a start, else the newest ones."""
    symbol = _symbol(exchange, params)
    given = frozenset(params) & {"orderId", "startTime", "endTime", "fromId"}
    if given not in MAY_COMBINE:
        raise VenueRefuses(-1128, "Combination of optional parameters invalid.")
    order_id, from_id = _whole(params, "orderId"), _whole(params, "fromId")
    begin, end = _window(params)

    def wanted(fill: VenueFill) -> bool:
        return (
            fill.symbol == symbol
            and order_id in {None, fill.order_id}
            and (from_id is None or fill.trade_id >= from_id)
            and (begin is None or end is None or begin <= ms(fill.ts) <= end)
        )

    found = [fill for fill in exchange.ledger.fills if wanted(fill)]
    return [trade_row(one) for one in _page(found, _limit(params), first="startTime" in params or from_id is not None)]


def all_orders(exchange: Exchange, params: Params, _: Nanos) -> Answer:
    """Return orders of every status: from an id on, of a window, or the newest."""
    symbol = _symbol(exchange, params)
    order_id = _whole(params, "orderId")
    begin, end = _window(params)
    found = [
        one
        for one in exchange.ledger.orders.values()
        if one.symbol == symbol
        and (order_id is None or one.order_id >= order_id)
        and (begin is None or end is None or begin <= ms(one.created) <= end)
    ]
    return [order_row(one) for one in _page(found, _limit(params), first=order_id is not None or "startTime" in params)]


def _page(found: list[T], limit: int, *, first: bool) -> list[T]:
    return found[:limit] if first else found[-limit:]


def open_orders(exchange: Exchange, params: Params, _: Nanos) -> Answer:
    """Return the working orders, of one symbol or of all."""
    symbol = _symbol(exchange, params) if "symbol" in params else None
    return [order_row(one) for one in exchange.ledger.open_orders(symbol)]


def _asked(exchange: Exchange, params: Params) -> tuple[str, int | None, str]:
    symbol, order_id = _symbol(exchange, params), _whole(params, "orderId")
    client_id = params.get("origClientOrderId", "")
    if order_id is None and not client_id:
        raise VenueRefuses(-1102, "Param 'origClientOrderId' or 'orderId' must be sent, but both were empty/null!")
    return symbol, order_id, client_id


def one_order(exchange: Exchange, params: Params, _: Nanos) -> Answer:
    """Return an order by either id."""
    order = exchange.find(*_asked(exchange, params))
    if order is None:
        raise VenueRefuses(-2013, "Order does not exist.")
    return order_row(order)


def account(exchange: Exchange, params: Params, _: Nanos) -> Answer:
    """Return the balances."""
    omit_zero = params.get("omitZeroBalances") == "true"
    return account_answer(exchange.balances, exchange.fees, exchange.updated, omit_zero=omit_zero)


def new_order(exchange: Exchange, params: Params, now: Nanos) -> Answer:
    """Place an order."""
    side = _mandatory(params, "side")
    if side not in {"BUY", "SELL"}:
        raise VenueRefuses(-1117, "Invalid side.")
    kind = _mandatory(params, "type")
    if kind == "LIMIT":
        _ = _mandatory(params, "timeInForce")
    known = len(exchange.ledger.fills)
    order = exchange.place(
        NewOrder(
            _symbol(exchange, params),
            Side(side.lower()),
            kind,
            _exact(params, "quantity"),
            _exact(params, "price"),
            params.get("timeInForce", "GTC"),
            params.get("newClientOrderId", ""),
            _exact(params, "quoteOrderQty"),
        ),
        now,
    )
    style = params.get("newOrderRespType", "ACK" if kind == "LIMIT_MAKER" else "FULL")
    return order_answer(order, exchange.ledger.fills[known:], style)


def cancel_order(exchange: Exchange, params: Params, now: Nanos) -> Answer:
    """Cancel an order by either id."""
    symbol, order_id, client_id = _asked(exchange, params)
    cancel_id = params.get("newClientOrderId") or exchange.new_client_id()
    order = exchange.cancel(symbol, now, order_id=order_id, client_id=client_id, cancel_id=cancel_id)
    return cancel_answer(order, cancel_id)


def cancel_all(exchange: Exchange, params: Params, now: Nanos) -> Answer:
    """Cancel every working order of a symbol; the answer lists those that the cancel reached in time."""
    symbol = _symbol(exchange, params)
    working: list[VenueOrder] = exchange.ledger.open_orders(symbol)
    if not working:
        raise VenueRefuses(-2011, "Unknown order sent.")
    answers: list[Json] = []
    for order in working:
        cancel_id = exchange.new_client_id()
        try:
            ended = exchange.cancel(symbol, now, order_id=order.order_id, cancel_id=cancel_id)
        except VenueRefuses:
            continue  # a fill was quicker; the stream and the history tell it
        answers.append(cancel_answer(ended, cancel_id))
    return answers


def _weighs(weight: int) -> Callable[[Params], int]:
    return lambda _: weight


ENDPOINTS: Mapping[tuple[str, str], Endpoint] = {
    ("GET", "/api/v3/account"): Endpoint(account, _weighs(20)),
    ("GET", "/api/v3/openOrders"): Endpoint(open_orders, lambda params: 6 if "symbol" in params else 80),
    ("GET", "/api/v3/allOrders"): Endpoint(all_orders, _weighs(20)),
    ("GET", "/api/v3/order"): Endpoint(one_order, _weighs(4)),
    ("GET", "/api/v3/myTrades"): Endpoint(my_trades, lambda params: 5 if "orderId" in params else 20),
    ("POST", "/api/v3/order"): Endpoint(new_order, _weighs(0)),
    ("DELETE", "/api/v3/order"): Endpoint(cancel_order, _weighs(0)),
    ("DELETE", "/api/v3/openOrders"): Endpoint(cancel_all, _weighs(0)),
}
"""By method and path. Orders that succeed weigh nothing since 2026-04-02."""
