"""Builders of one order's events, and every way in which they can arrive."""

from decimal import Decimal

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from core.account import Fill, OrderChange, OrderReport, OrderStatus
from core.types import SECOND, Liquidity, Nanos, Side, Source
from oms.ledger import apply
from oms.model import Fact, Order

NOON: Nanos = 1_767_268_800 * SECOND
Event = OrderReport | Fill


def at(second: int) -> Nanos:
    """Return a moment, seconds after noon."""
    return NOON + second * SECOND


def report(
    change: OrderChange,
    second: int,
    *,
    filled: str = "0",
    qty: str = "10000",
    status: OrderStatus = OrderStatus.WORKING,
    seq: int = 0,
) -> OrderReport:
    """Return a report of the one order."""
    return OrderReport(
        "binance",
        "main",
        "BTC-USDT",
        at(second),
        at(second),
        "1",
        "c1",
        change,
        status,
        Side.BUY,
        "LIMIT",
        "GTC",
        Decimal(100),
        Decimal(qty),
        Decimal(filled),
        seq=seq,
    )


def fill(trade_id: str, second: int, qty: str, *, price: str = "100", source: Source = Source.WS) -> Fill:
    """Return a fill of the one order."""
    return Fill(
        "binance",
        "main",
        "BTC-USDT",
        at(second),
        at(second),
        "1",
        "c1",
        trade_id,
        Side.BUY,
        Liquidity.MAKER,
        Decimal(price),
        Decimal(qty),
        Decimal("0.1"),
        "USDT",
        source,
    )


def fold(events: list[Event], order: Order | None = None) -> tuple[Order, list[Fact]]:
    """Return the order after all events, and every fact on the way."""
    facts: list[Fact] = []
    for event in events:
        order, more = apply(order, event)
        facts += more
    assert order is not None
    return order, facts


@st.composite
def arrivals(draw: st.DrawFn, events: list[Event]) -> list[Event]:
    """Draw an order of arrival in which each event comes once, twice or three times."""
    copies = [event for event in events for _ in range(draw(st.integers(1, 3)))]
    return draw(st.permutations(copies))


def any_events() -> SearchStrategy[list[Event]]:
    """Draw any events at all of one order: no venue would send most of these."""
    amounts = st.sampled_from(["0", "1", "2.5", "7", "10000", "20000"])
    seconds = st.integers(0, 5)
    reports = st.builds(
        lambda change, second, filled, qty, status, seq: report(
            change, second, filled=filled, qty=qty, status=status, seq=seq
        ),
        st.sampled_from(OrderChange),
        seconds,
        amounts,
        amounts,
        st.sampled_from(OrderStatus),
        st.integers(0, 3),
    )
    fills = st.builds(
        lambda trade, second, qty, price: fill(trade, second, qty, price=price),
        st.sampled_from("abcd"),
        seconds,
        st.sampled_from(["1", "2.5", "5000"]),
        st.sampled_from(["100", "101"]),
    )
    return st.lists(st.one_of(reports, fills), min_size=1, max_size=25)
