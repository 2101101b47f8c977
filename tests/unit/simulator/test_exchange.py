"""The simulated account: its ledger is the truth that other tests compare with, so it must add up."""

from collections.abc import Mapping
from decimal import Decimal
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.types import MILLISECOND, Nanos, Side
from simulator.account_model import Executed, Fees, Moved, NewOrder, News, Top, TradingRules, VenueRefuses
from simulator.exchange import Exchange
from simulator.trader import Trader

NOW: Nanos = 1_767_268_800_000 * MILLISECOND
RULES = TradingRules("BTCUSDT", "BTC", "USDT", lot=Decimal("0.001"), levels=3)
TOP = Top(Decimal("99.99"), Decimal(2), Decimal("100.00"), Decimal(2))
MONEY: Mapping[str, Decimal] = {"BTC": Decimal(50), "USDT": Decimal(5000)}


def venue(*, cancel_race: float = 0.0, fees: Fees | None = None) -> Exchange:
    """Return an account with some money, and a market."""
    exchange = Exchange([RULES], MONEY, Random(1), fees=fees, cancel_race=cancel_race)
    exchange.quote("BTCUSDT", TOP, NOW)
    return exchange


def limit(side: Side, qty: str, price: str, time_in_force: str = "GTC", client_id: str = "") -> NewOrder:
    """Return a request for a limit order."""
    return NewOrder("BTCUSDT", side, "LIMIT", Decimal(qty), Decimal(price), time_in_force, client_id)


def market(side: Side, qty: str) -> NewOrder:
    """Return a request for a market order."""
    return NewOrder("BTCUSDT", side, "MARKET", Decimal(qty))


@given(seed=st.integers(0, 10**6), bnb=st.booleans())
@settings(max_examples=25, deadline=None)
def test_the_books_balance_whatever_the_trader_does(seed: int, *, bnb: bool) -> None:
    """Balances are the purse and the fills; orders are the sum of theirs; nothing is ever negative."""
    rng = Random(seed)
    purse = {**MONEY, "BNB": Decimal("0.01")}
    exchange = Exchange([RULES], purse, rng, cancel_race=0.3, fees=Fees(bnb_price=Decimal(550)) if bnb else Fees())
    trader, ticks = Trader(exchange, rng), 10_000
    for step in range(150):
        now = NOW + step * 7 * MILLISECOND
        ticks += rng.randint(-3, 3)
        size = Decimal(rng.randint(1, 900)) / 1000
        exchange.quote("BTCUSDT", Top(Decimal(ticks) / 100, size, Decimal(ticks + 2) / 100, size), now)
        exchange.printed("BTCUSDT", Decimal(ticks + rng.randint(-3, 3)) / 100, size, now)
        trader.act(now)
    ledger, balances = exchange.ledger, dict(purse)
    for fill in ledger.fills:
        sign = 1 if fill.side is Side.BUY else -1
        balances["BTC"] += sign * fill.qty
        balances["USDT"] -= sign * fill.qty * fill.price
        balances[fill.fee_asset] -= fill.fee
    assert balances == {name: one.free + one.locked for name, one in exchange.balances.items()}
    assert all(one.free >= 0 and one.locked >= 0 for one in exchange.balances.values())
    for order in ledger.orders.values():
        assert order.filled == sum((f.qty for f in ledger.fills if f.order_id == order.order_id), Decimal(0))
    ids = [fill.trade_id for fill in ledger.fills]
    assert ids == sorted(set(ids))


def test_a_market_order_walks_the_book_and_what_is_left_expires() -> None:
    """One fill a level, all of one millisecond, each a tick worse."""
    exchange = venue()
    order = exchange.place(market(Side.SELL, "7"), NOW + 1)
    assert (order.status, order.filled) == ("EXPIRED", Decimal(6))
    assert [fill.price for fill in exchange.ledger.fills] == [Decimal("99.99"), Decimal("99.98"), Decimal("99.97")]
    assert {fill.ts for fill in exchange.ledger.fills} == {NOW}


def test_a_resting_order_fills_in_parts_as_the_market_trades() -> None:
    """At or through its price, at its own price, as the maker."""
    exchange = venue()
    order = exchange.place(limit(Side.BUY, "3", "99.90"), NOW)
    assert order.status == "NEW"
    exchange.printed("BTCUSDT", Decimal("99.91"), Decimal(5), NOW)
    exchange.printed("BTCUSDT", Decimal("99.90"), Decimal(1), NOW)
    assert exchange.ledger.orders[order.order_id].status == "PARTIALLY_FILLED"
    exchange.printed("BTCUSDT", Decimal("99.50"), Decimal(9), NOW)
    assert exchange.ledger.orders[order.order_id].status == "FILLED"
    fills = [(fill.price, fill.qty, fill.maker) for fill in exchange.ledger.fills]
    assert fills == [(Decimal("99.90"), Decimal(1), True), (Decimal("99.90"), Decimal(2), True)]


def test_a_fok_order_fills_whole_or_not_at_all_and_an_ioc_order_in_part() -> None:
    """What is not filled expires."""
    exchange = venue()
    assert exchange.place(limit(Side.BUY, "3", "100.00", "FOK"), NOW).filled == 0
    ioc = exchange.place(limit(Side.BUY, "3", "100.00", "IOC"), NOW)
    assert (ioc.status, ioc.filled) == ("EXPIRED", Decimal(2))
    assert exchange.place(limit(Side.BUY, "4", "100.01", "FOK"), NOW).status == "FILLED"


@pytest.mark.parametrize(
    ("request_", "code", "text"),
    [
        (limit(Side.BUY, "1", "99.905"), -1013, "PRICE_FILTER"),
        (limit(Side.BUY, "0.0001", "99.90"), -1013, "LOT_SIZE"),
        (limit(Side.BUY, "0.001", "99.90"), -1013, "NOTIONAL"),
        (limit(Side.BUY, "51", "99.90"), -2010, "insufficient balance"),
        (NewOrder("BTCUSDT", Side.BUY, "LIMIT_MAKER", Decimal(1), Decimal(100)), -2010, "immediately match"),
        (NewOrder("DOGEUSDT", Side.BUY, "MARKET", Decimal(1)), -1121, "Invalid symbol"),
        (NewOrder("BTCUSDT", Side.BUY, "LIMIT", Decimal(1)), -1102, "price"),
        (NewOrder("BTCUSDT", Side.BUY, "STOP", Decimal(1)), -1116, "orderType"),
    ],
)
def test_a_request_that_the_venue_refuses_changes_nothing(request_: NewOrder, code: int, text: str) -> None:
    """With the native code, and the ledger remembers the refusal."""
    exchange = venue()
    with pytest.raises(VenueRefuses, match=text) as refused:
        _ = exchange.place(request_, NOW)
    assert refused.value.code == code
    assert exchange.ledger.orders == {}
    assert exchange.balances["USDT"].locked == 0
    assert len(exchange.ledger.refusals) == 1


def test_a_client_id_can_be_used_again_only_once_its_order_is_done() -> None:
    """As at the venue."""
    exchange = venue()
    order = exchange.place(limit(Side.BUY, "1", "99.00", client_id="mine"), NOW)
    with pytest.raises(VenueRefuses, match="Duplicate"):
        _ = exchange.place(limit(Side.BUY, "1", "99.00", client_id="mine"), NOW)
    _ = exchange.cancel("BTCUSDT", NOW, client_id="mine")
    again = exchange.place(limit(Side.BUY, "1", "99.00", client_id="mine"), NOW)
    assert again.order_id != order.order_id
    assert exchange.find("BTCUSDT", None, "mine") == again


def test_a_cancel_gives_the_money_back_and_a_second_one_is_refused() -> None:
    """-2011 for an order that is not working any more."""
    exchange = venue()
    order = exchange.place(limit(Side.BUY, "10", "99.00"), NOW)
    assert exchange.balances["USDT"].locked == Decimal(990)
    assert exchange.cancel("BTCUSDT", NOW, order_id=order.order_id).status == "CANCELED"
    assert exchange.balances["USDT"].locked == 0
    with pytest.raises(VenueRefuses, match="Unknown order"):
        _ = exchange.cancel("BTCUSDT", NOW, order_id=order.order_id)


def test_a_fill_can_overtake_a_cancel() -> None:
    """Whole: the cancel is refused; in part: canceled with a part filled."""
    exchange = venue(cancel_race=1.0)
    ends = set()
    for _ in range(20):
        order = exchange.place(limit(Side.BUY, "1", "99.00"), NOW)
        try:
            _ = exchange.cancel("BTCUSDT", NOW, order_id=order.order_id)
        except VenueRefuses:
            assert exchange.ledger.orders[order.order_id].status == "FILLED"
        ends.add((exchange.ledger.orders[order.order_id].status, exchange.ledger.orders[order.order_id].filled))
    assert ends == {("FILLED", Decimal(1)), ("CANCELED", Decimal("0.5"))}


def test_the_news_tells_everything_in_order() -> None:
    """An acknowledgement, the trades, the end; a deposit; nothing after the listener has left."""
    exchange, heard = venue(), list[News]()
    leave = exchange.listen(heard.append)
    order = exchange.place(limit(Side.BUY, "3", "100.00", "IOC"), NOW)
    exchange.move("USDT", Decimal(-10), NOW)
    leave()
    _ = exchange.place(market(Side.BUY, "1"), NOW)
    told = [(one.change, one.order.status, one.order.filled) for one in heard if isinstance(one, Executed)]
    assert told == [
        ("NEW", "NEW", 0),
        ("TRADE", "PARTIALLY_FILLED", Decimal(2)),
        ("EXPIRED", "EXPIRED", Decimal(2)),
    ]
    assert [one for one in heard if isinstance(one, Moved)] == [Moved(NOW, "USDT", Decimal(-10))]
    numbers = [one.execution_id for one in heard if isinstance(one, Executed)]
    assert numbers == sorted(set(numbers))
    assert order.created == NOW


def test_the_same_seed_makes_the_same_ledger() -> None:
    """A failure that a test found can be found again."""

    def run() -> object:
        exchange = venue(cancel_race=0.5)
        trader = Trader(exchange, Random(3))
        for step in range(100):
            trader.act(NOW + step)
        return exchange.ledger

    assert run() == run()
