"""Positions: a fold over fills with average price, realised profit and fees."""

from dataclasses import replace
from decimal import Decimal
from functools import reduce

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace as other

from core.account import Fill
from core.types import Side
from oms.positions import Position, add
from tests.unit.oms.events import fill


def deal(side: str, qty: str, price: str) -> Fill:
    """Return a fill of one side."""
    return other(fill("a", 1, qty, price=price), side=Side(side))


@pytest.mark.parametrize(
    ("deals", "qty", "avg_price", "realised"),
    [
        ("buy 1 100", "1", "100", "0"),
        ("buy 1 100, buy 3 200", "4", "175", "0"),
        ("buy 4 175, sell 1 200", "3", "175", "25"),
        ("buy 1 100, sell 1 90", "0", "0", "-10"),
        ("buy 1 100, sell 3 110", "-2", "110", "10"),
        ("sell 2 110, buy 1 100", "-1", "110", "10"),
        ("sell 2 110, buy 5 120", "3", "120", "-20"),
        ("sell 1 100, sell 1 110", "-2", "105", "0"),
    ],
)
def test_a_position_follows_its_fills(deals: str, qty: str, avg_price: str, realised: str) -> None:
    """Adding averages, reducing realises, crossing zero does both."""
    fills = [deal(*one.split()) for one in deals.split(", ")]
    position = reduce(add, fills, Position())
    assert replace(position, fees=Position().fees) == Position(Decimal(qty), Decimal(avg_price), Decimal(realised))


@given(
    st.lists(
        st.tuples(st.sampled_from(["buy", "sell"]), st.integers(1, 50), st.integers(1, 900)), min_size=1, max_size=30
    )
)
def test_profit_is_what_cash_and_the_open_position_say(deals: list[tuple[str, int, int]]) -> None:
    """Cash paid and received, plus the position at its average price, is the realised profit."""
    fills = [deal(side, str(qty), str(price)) for side, qty, price in deals]
    position = reduce(add, fills, Position())
    cash = sum((one.qty * one.price * (1 if one.side is Side.SELL else -1) for one in fills), Decimal(0))
    assert abs(cash + position.value - position.realised) < Decimal("1e-15") * 10**6
    assert position.qty == sum((one.qty * (1 if one.side is Side.BUY else -1) for one in fills), Decimal(0))
    assert position.fees == {"USDT": Decimal("0.1") * len(fills)}
