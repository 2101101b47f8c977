"""The short way to a line gives the client's own bytes, and leaves to the client what is not plain."""

import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.rows import Row
from storage.encode import KNOWN_SHAPES, BadRow, Encoder
from storage.lines import EARLIEST, LATEST, UNUSUAL, UnusualRow, line_of
from storage.schema import TABLES, Table, Type

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    from questdb.ingress import Buffer, TimestampNanos

NOON = 1_767_268_800_000_000_000
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=12)
NUMBERS = st.floats() | st.sampled_from([0.0, -0.0, 5e-324, 1.7976931348623157e308])
VALUES: dict[Type, st.SearchStrategy[Any]] = {
    Type.SYMBOL: TEXT,
    Type.VARCHAR: TEXT | st.from_regex(r"[a-z0-9-]{1,20}", fullmatch=True),
    Type.DOUBLE: NUMBERS,
    Type.LONG: st.integers(-(2**63) + 1, 2**63 - 1),
    Type.TIMESTAMP: st.integers(EARLIEST, LATEST - 1),
    Type.DECIMAL: st.decimals(-(10**6), 10**6, places=6),
    Type.LEVELS: st.lists(st.tuples(NUMBERS, NUMBERS), max_size=4).map(
        lambda pairs: ([price for price, _ in pairs], [size for _, size in pairs])
    ),
}


def by_client(table: Table, ts: int, values: Mapping[str, Any]) -> bytes:
    """Return a row's line as the client alone makes it."""
    kinds = {column.name: column.type for column in table.columns}
    columns = {name: value for name, value in values.items() if kinds[name] is not Type.SYMBOL}
    for name, value in columns.items():
        if value is not None and kinds[name] is Type.TIMESTAMP:
            columns[name] = TimestampNanos(value)
        if value is not None and kinds[name] is Type.LEVELS:
            columns[name] = np.array(value, dtype=np.float64)
    buffer = Buffer(protocol_version=3)
    symbols = {name: value for name, value in values.items() if kinds[name] is Type.SYMBOL}
    buffer.row(table.name, symbols=symbols, columns=columns, at=TimestampNanos(ts))
    return bytes(buffer)


def rows(table: Table) -> st.SearchStrategy[dict[str, Any]]:
    """Return a strategy for the values of a row: some columns, some of them NULL."""
    first, *others = table.columns
    whole = st.fixed_dictionaries({column.name: VALUES[column.type] for column in table.columns})
    some = st.fixed_dictionaries(
        {first.name: VALUES[first.type]},
        optional={column.name: VALUES[column.type] | st.none() for column in others},
    )
    order = [column.name for column in table.columns]  # a shape keeps the order of its first row
    return (whole | some).map(lambda values: {name: values[name] for name in order if name in values})


@pytest.mark.parametrize("table", TABLES.values(), ids=list(TABLES))
@given(st.data())
def test_a_line_has_the_bytes_that_the_client_gives(table: Table, data: st.DataObject) -> None:
    """The first row of a shape and the next, plain values and all others, of every table."""
    encoder = Encoder([table])  # shapes of its own: elsewhere rows of this table may have come in another order
    drawn = data.draw(st.lists(st.tuples(st.integers(EARLIEST, LATEST - 1), rows(table)), min_size=1, max_size=4))
    wanted = b""
    for ts, values in drawn * 2:
        encoder.add(Row(table.name, ts, values))
        wanted += by_client(table, ts, values)
    batch = encoder.take()
    assert batch.payload == wanted
    assert [batch.row(line) for line in range(1, len(batch.ends) + 1)] == wanted_rows(table, drawn * 2)


def wanted_rows(table: Table, drawn: list[tuple[int, dict[str, Any]]]) -> list[bytes]:
    """Return each row's line."""
    return [by_client(table, ts, values) for ts, values in drawn]


PLAIN: dict[str, Any] = {"venue": "okx", "symbol": "X", "trade_id": "1", "price": 1.5, "received": NOON}


def test_plain_rows_take_the_short_way() -> None:
    """Otherwise it would only be slow, and nothing would tell."""
    for table in ("quotes", "trades", "books", "feeds", "funding", "gaps", "venues", "heartbeats", "canary"):
        names = tuple(column.name for column in TABLES[table].columns)
        assert line_of(TABLES[table], names, lambda _symbols: b"") is not None
    line = line_of(TABLES["trades"], tuple(PLAIN), lambda symbols: f"{symbols['symbol']} ".encode())
    assert line is not None
    assert line(PLAIN, NOON) == b'X trade_id="1",price==\x10\0\0\0\0\0\0\xf8?,received=%dn %dn\n' % (NOON, NOON)


@pytest.mark.parametrize(
    "change",
    [
        {"price": None},
        {"price": 1},
        {"price": True},
        {"price": "1"},
        {"trade_id": 'a"b'},
        {"trade_id": "a\\b"},
        {"trade_id": "a\nb"},
        {"trade_id": "a\x00b"},
        {"trade_id": "\ud800"},
        {"trade_id": b"1"},
        {"received": 1.0},
        {"received": True},
        {"received": EARLIEST - 1},
        {"received": LATEST},
        {"more": 1},
    ],
)
def test_what_is_not_plain_is_left_to_the_client(change: dict[str, Any]) -> None:
    """A wrong type must not become a line that the server refuses, nor one that it takes for something else."""
    line = line_of(TABLES["trades"], tuple(PLAIN), lambda _symbols: b"")
    assert line is not None
    with pytest.raises(UNUSUAL):
        line(PLAIN | change, NOON)
    for ts in (EARLIEST - 1, LATEST, 1.5, True):
        with pytest.raises(UnusualRow):
            line(PLAIN, ts)  # type: ignore[arg-type]  # wrong on purpose


def test_shapes_without_end_do_not_fill_the_memory() -> None:
    """From some number on the client takes new ones."""
    encoder = Encoder()
    names = [column.name for column in TABLES["heartbeats"].columns if column.type is not Type.SYMBOL]
    for number in range(KNOWN_SHAPES * 2):
        chosen = [name for bit, name in enumerate(names) if number >> bit & 1]
        values: dict[str, Any] = {"service": "s"}
        for name in chosen:
            values[name] = 1 if TABLES["heartbeats"].fields[name] is Type.LONG else 1.0
        encoder.add(Row("heartbeats", NOON, values))
    assert encoder.rows == KNOWN_SHAPES * 2
    with pytest.raises(BadRow):
        encoder.add(Row("heartbeats", NOON, {"service": "s", "rss": "much"}))
