"""Rows to bytes: what fits goes in whole, what does not fit leaves no trace."""

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.rows import Row
from storage.encode import BadRow, Encoded, Encoder

NOON = 1_767_268_800_000_000_000
KEYS: dict[str, Any] = {"venue": "okx", "symbol": "BTC-USDT"}


class Word(StrEnum):
    """An enum as the rows carry them."""

    BUY = "buy"


def encode(*rows: Row) -> Encoded:
    """Return rows as one batch."""
    encoder = Encoder()
    for row in rows:
        encoder.add(row)
    return encoder.take()


def row(table: str, ts: Any = NOON, **values: Any) -> Row:
    """Return a row with the usual keys."""
    return Row(table, ts, KEYS | values)


def test_a_row_becomes_a_line() -> None:
    """Symbols first, then the columns, then the event time in nanoseconds; NULLs are left out."""
    batch = encode(row("trades", trade_id="7", side=Word.BUY, received=NOON + 1, price=None))
    text = (
        b'trades,venue=okx,symbol=BTC-USDT,side=buy trade_id="7",received=1767268800000000001n 1767268800000000000n\n'
    )
    assert batch.payload == text
    assert list(batch.ends) == [len(text)]


@pytest.mark.parametrize(
    ("table", "ts", "values", "words"),
    [
        ("prices", NOON, {}, "no table 'prices'"),
        ("quotes", NOON, {"bids": 1.0}, "no column bids"),
        ("quotes", NOON, {"venue": 5}, "venue: 5 is not text"),
        ("quotes", NOON, {"bid": "100"}, "bid: '100' is not a number"),
        ("quotes", NOON, {"bid": True}, "bid: True is not a number"),
        ("quotes", NOON, {"bid": 10**400}, "bid: int too large"),
        ("feeds", NOON, {"messages": 1.0}, "messages: 1.0 is not a whole number"),
        ("feeds", NOON, {"messages": True}, "messages: True is not a whole number"),
        ("feeds", NOON, {"messages": 2**63}, "feeds: "),
        ("feeds", NOON, {"messages": -(2**63) - 1}, "feeds: "),
        ("fills", NOON, {"price": 0.1}, "price: 0.1 is not a finite Decimal"),
        ("fills", NOON, {"price": "a lot"}, "price: "),
        ("fills", NOON, {"price": Decimal("NaN")}, "price: "),
        ("fills", NOON, {"price": Decimal("1E-19")}, "price: 1E-19 does not fit"),
        ("fills", NOON, {"price": Decimal("1E+20")}, "price: 1E[+]20 does not fit"),
        ("books", NOON, {"bids": ([1.0], [1.0, 2.0])}, "bids: "),
        ("books", NOON, {"bids": ([1.0], ["x"])}, "bids: "),
        ("books", NOON, {"bids": [1.0, 2.0]}, "bids: levels of shape"),
        ("books", NOON, {"bids": ([1.0], [1.0], [1.0])}, "bids: levels of shape"),
        ("quotes", NOON, {"received": 5}, "received: 5 is not between 2000 and 2100"),
        ("quotes", NOON, {"received": datetime(2026, 1, 1)}, "received: a datetime without"),  # noqa: DTZ001  the point
        ("quotes", 0, {}, "0 is not between 2000 and 2100"),
        ("quotes", 2**62, {}, "is not between 2000 and 2100"),
        ("quotes", 1.5, {}, "1.5 is not a moment"),
        ("quotes", NOON, {"symbol": "\ud800"}, "quotes: "),
    ],
)
def test_a_row_that_does_not_fit_says_where(table: str, ts: Any, values: Mapping[str, Any], words: str) -> None:
    """Table, column, value; and the rows before and after it are as if it had not been there."""
    encoder = Encoder()
    encoder.add(row("trades", trade_id="1"))
    with pytest.raises(BadRow, match=words):
        encoder.add(row(table, ts, **values))
    encoder.add(row("trades", trade_id="2"))
    assert encoder.take() == encode(row("trades", trade_id="1"), row("trades", trade_id="2"))


def test_a_row_of_nothing_but_null_is_refused() -> None:
    """The encoder of the client leaves it out silently, and the count of lines would be wrong from there on."""
    encoder = Encoder()
    with pytest.raises(BadRow, match="every value is NULL"):
        encoder.add(Row("quotes", NOON, {"venue": None, "bid": None}))
    with pytest.raises(BadRow, match="every value is NULL"):
        encoder.add(Row("quotes", NOON, {}))
    assert encoder.rows == 0


def test_zeros_at_the_end_of_a_decimal_cost_no_digits() -> None:
    """Venues write 0.10000000000000000000; that fits, and means the same."""
    assert (
        encode(row("fills", price=Decimal("0.10000000000000000000"))).payload
        == encode(row("fills", price=Decimal("0.1"))).payload
    )
    assert encode(row("fills", price="12345678901234567890.123456789012345678")).ends


def test_a_datetime_is_taken_for_a_moment() -> None:
    """Aware ones only; the zone is honoured."""
    assert encode(row("quotes", received=datetime(2026, 1, 1, 12, tzinfo=UTC))) == encode(row("quotes", received=NOON))


def test_the_character_that_costs_a_batch_is_left_out() -> None:
    """The server refuses every row of a batch that holds a NUL."""
    assert b"\x00" not in encode(row("trades", trade_id="a\x00b", side="bu\x00y")).payload


LINES = st.lists(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12), min_size=1, max_size=8)


@given(LINES, st.data())
def test_a_batch_can_be_cut_around_any_row(ids: list[str], data: st.DataObject) -> None:
    """Also when values hold line breaks: what is before, the row, and what is after are the batch again."""
    rows = [row("trades", trade_id=one) for one in ids]
    batch = encode(*rows)
    line = data.draw(st.integers(1, len(rows)))
    before, after = batch.around(line)
    assert before == encode(*rows[: line - 1])
    assert after == encode(*rows[line:])
    assert batch.row(line) == encode(rows[line - 1]).payload
