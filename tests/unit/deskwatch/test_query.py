"""Filters become SQL that means what the analyst wrote."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from core.errors import UsageError
from deskwatch.query import BadValue, NoColumn, NoTable, select

NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC)


def where(**filters: object) -> str:
    """Return the condition of one filter on fills."""
    return select("fills", None, None, filters).removeprefix("SELECT * FROM fills WHERE ").removesuffix(" ORDER BY ts")


def test_bounds_are_exact_nanoseconds_and_half_open() -> None:
    """Two windows side by side share no row and lose none."""
    text = select("fills", NEW_YEAR, NEW_YEAR.replace(day=2), {})
    assert "ts >= 1767225600000000000 AND ts < 1767312000000000000" in text


@pytest.mark.parametrize(
    ("filters", "condition"),
    [
        ({"venue": "OKX"}, "venue = 'okx'"),
        ({"symbol": "BTC-USDT"}, "symbol = 'BTC-USDT'"),
        ({"venue": ["okx", "Bybit"]}, "(venue = 'okx' OR venue = 'bybit')"),
        ({"liquidity": None}, "liquidity IS NULL"),
        ({"price": Decimal("100.50")}, "price = 100.50m"),
        ({"qty": "1e-8"}, "qty = 0.00000001m"),
        ({"order_id": 17}, "order_id = '17'"),
        ({"received": NEW_YEAR}, "received = 1767225600000000000"),
        ({"account": "o'brien"}, "account = 'o''brien'"),
        ({"account": "x' OR '1'='1"}, "account = 'x'' OR ''1''=''1'"),
    ],
)
def test_a_filter_is_one_condition(filters: dict[str, object], condition: str) -> None:
    """Venues in any case, lists as any of, None as NULL, quotes doubled."""
    assert where(**filters) == condition


@pytest.mark.parametrize(
    ("filters", "error"),
    [
        ({"vennue": "okx"}, NoColumn),
        ({"ts; DROP TABLE fills": 1}, NoColumn),
        ({"price": 0.1}, BadValue),
        ({"price": "cheap"}, BadValue),
        ({"qty": Decimal("NaN")}, BadValue),
        ({"venue": []}, BadValue),
        ({"received": "1h"}, BadValue),
    ],
)
def test_a_filter_that_cannot_be_met_is_refused(filters: dict[str, object], error: type[UsageError]) -> None:
    """An unknown column or a value of another type is the analyst's typing error, not an empty frame."""
    with pytest.raises(error):
        where(**filters)


def test_a_wrong_name_gets_the_nearest_one() -> None:
    """For tables and for columns."""
    with pytest.raises(NoTable, match="Did you mean 'fills'"):
        select("fill", None, None, {})
    with pytest.raises(NoColumn, match="Did you mean 'venue'"):
        where(vennue="okx")
