"""An account's orders, fills and news as Binance spot writes them on the wire. Pure.

https://developers.binance.com/docs/binance-spot-api-docs/user-data-stream and /rest-api/account-endpoints
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import TypeAlias

from core.types import MILLISECOND, Nanos, Side
from simulator.account_model import ZERO, Executed, Fees, Holding, Holdings, Moved, News, VenueFill, VenueOrder

Json: TypeAlias = dict[str, object]


def amount(value: Decimal) -> str:
    """Return an amount as the venue prints it: eight places."""
    return f"{value:.8f}"


def ms(moment: Nanos) -> int:
    """Return a moment in milliseconds."""
    return moment // MILLISECOND


def event(news: News, now: Nanos) -> Json:
    """Return the stream's event of a piece of news, sent `now`."""
    match news:
        case Executed():
            return _execution_report(news, now)
        case Holdings(ts, assets):
            holdings = [{"a": name, "f": amount(h.free), "l": amount(h.locked)} for name, h in assets]
            return {"e": "outboundAccountPosition", "E": ms(now), "u": ms(ts), "B": holdings}
        case Moved(ts, asset, delta):
            return {"e": "balanceUpdate", "E": ms(now), "a": asset, "d": amount(delta), "T": ms(ts)}


def _execution_report(news: Executed, now: Nanos) -> Json:
    order, fill = news.order, news.fill
    report: Json = {
        "e": "executionReport",
        "E": ms(now),
        "s": order.symbol,
        "c": news.cancel_id or order.client_id,
        "S": order.side.upper(),
        "o": order.type,
        "f": order.time_in_force,
        "q": amount(order.qty),
        "p": amount(order.price),
        "P": amount(ZERO),
        "F": amount(ZERO),
        "g": -1,
        "C": order.client_id if news.cancel_id else "",
        "x": news.change,
        "X": order.status,
        "r": "NONE",
        "i": order.order_id,
        "l": amount(fill.qty if fill else ZERO),
        "z": amount(order.filled),
        "L": amount(fill.price if fill else ZERO),
        "n": amount(fill.fee) if fill else "0",
        "N": fill.fee_asset if fill else None,
        "T": ms(news.ts),
        "t": fill.trade_id if fill else -1,
        "v": 0,
        "I": news.execution_id,
        "w": order.open and order.type != "MARKET",
        "m": fill is not None and fill.maker,
        "M": fill is not None,
        "O": ms(order.created),
        "Z": amount(order.quote_filled),
        "Y": amount(fill.price * fill.qty if fill else ZERO),
        "Q": amount(order.quote_qty),
        "W": ms(order.created),
        "V": "NONE",
    }
    if news.expiry_reason is not None:
        report["eR"] = news.expiry_reason
    return report


def order_row(order: VenueOrder) -> Json:
    """Return an order as openOrders, allOrders and order list it."""
    return {
        "symbol": order.symbol,
        "orderId": order.order_id,
        "orderListId": -1,
        "clientOrderId": order.client_id,
        "price": amount(order.price),
        "origQty": amount(order.qty),
        "executedQty": amount(order.filled),
        "cummulativeQuoteQty": amount(order.quote_filled),
        "status": order.status,
        "timeInForce": order.time_in_force,
        "type": order.type,
        "side": order.side.upper(),
        "stopPrice": amount(ZERO),
        "icebergQty": amount(ZERO),
        "time": ms(order.created),
        "updateTime": ms(order.updated),
        "isWorking": True,
        "origQuoteOrderQty": amount(order.quote_qty),
        "workingTime": ms(order.created),
        "selfTradePreventionMode": "NONE",
    }


def trade_row(fill: VenueFill) -> Json:
    """Return a fill as myTrades lists it."""
    return {
        "symbol": fill.symbol,
        "id": fill.trade_id,
        "orderId": fill.order_id,
        "orderListId": -1,
        "price": amount(fill.price),
        "qty": amount(fill.qty),
        "quoteQty": amount(fill.price * fill.qty),
        "commission": amount(fill.fee),
        "commissionAsset": fill.fee_asset,
        "time": ms(fill.ts),
        "isBuyer": fill.side is Side.BUY,
        "isMaker": fill.maker,
        "isBestMatch": True,
    }


def order_answer(order: VenueOrder, fills: Sequence[VenueFill], style: str) -> Json:
    """Return the answer to a new order: ACK, RESULT or FULL."""
    head: Json = {
        "symbol": order.symbol,
        "orderId": order.order_id,
        "orderListId": -1,
        "clientOrderId": order.client_id,
        "transactTime": ms(order.updated),
    }
    if style == "ACK":
        return head
    row = order_row(order)
    names = ("price", "origQty", "executedQty", "origQuoteOrderQty", "cummulativeQuoteQty", "status", "timeInForce")
    result = head | {name: row[name] for name in (*names, "type", "side", "workingTime", "selfTradePreventionMode")}
    if style == "FULL":
        result["fills"] = [
            {
                "price": amount(one.price),
                "qty": amount(one.qty),
                "commission": amount(one.fee),
                "commissionAsset": one.fee_asset,
                "tradeId": one.trade_id,
            }
            for one in fills
        ]
    return result


def cancel_answer(order: VenueOrder, cancel_id: str) -> Json:
    """Return the answer to a cancel: `clientOrderId` is the cancel's, `origClientOrderId` the order's."""
    answer = order_answer(order, (), "RESULT")
    return answer | {"origClientOrderId": order.client_id, "clientOrderId": cancel_id}


def account_answer(balances: Mapping[str, Holding], fees: Fees, updated: Nanos, *, omit_zero: bool) -> Json:
    """Return the account answer; commissions are in basis points there, and as rates beside."""
    held = {name: one for name, one in balances.items() if not omit_zero or one.free or one.locked}
    rates = {"maker": amount(fees.maker), "taker": amount(fees.taker), "buyer": amount(ZERO), "seller": amount(ZERO)}
    return {
        "makerCommission": int(fees.maker * 10_000),
        "takerCommission": int(fees.taker * 10_000),
        "buyerCommission": 0,
        "sellerCommission": 0,
        "commissionRates": rates,
        "canTrade": True,
        "canWithdraw": True,
        "canDeposit": True,
        "brokered": False,
        "requireSelfTradePrevention": False,
        "preventSor": False,
        "updateTime": ms(updated),
        "accountType": "SPOT",
        "balances": [
            {"asset": name, "free": amount(one.free), "locked": amount(one.locked)}
            for name, one in sorted(held.items())
        ],
        "permissions": ["SPOT"],
        "uid": 354_937_868,
    }
