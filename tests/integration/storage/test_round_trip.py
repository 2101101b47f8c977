"""What is written comes back: every column type, every table, through the real server."""

import math
from collections.abc import AsyncIterator
from datetime import timedelta
from decimal import Decimal
from itertools import count as counter
from typing import Any

import aiohttp
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.clock import SystemClock, to_datetime
from core.rows import Row, Value
from storage.address import Address
from storage.deliver import Accepted, BadLine, Door
from storage.encode import BadRow, Encoder
from storage.lines import EARLIEST, LATEST
from storage.parquet import ExportAway, ExportFailed, fetch
from storage.reader import Reader, reading
from storage.schema import TABLES, Table, Type
from tests.integration.storage.door import NOWHERE
from tests.integration.storage.visible import applied

pytestmark = pytest.mark.database

SPAN = 1_000_000_000
BASE = SystemClock().now() // SPAN * SPAN + 3600 * SPAN
"""Ahead of every other test's rows, and of the TTL."""
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
VALUES: dict[Type, st.SearchStrategy[Any]] = {
    Type.SYMBOL: TEXT,
    Type.VARCHAR: TEXT,
    Type.DOUBLE: st.floats() | st.integers(-(10**15), 10**15),
    Type.LONG: st.integers(-(2**63) + 1, 2**63 - 1),
    Type.TIMESTAMP: st.integers(EARLIEST, LATEST - 1),
    Type.DECIMAL: st.decimals(-(10**19), 10**19, places=18) | st.decimals(-(10**12), 10**12, allow_nan=False, places=3),
    Type.BOOLEAN: st.booleans(),
    Type.LEVELS: st.lists(st.tuples(st.floats(allow_infinity=False), st.floats(0, 1e9)), max_size=5).map(
        lambda pairs: ([price for price, _ in pairs], [size for _, size in pairs])
    ),
}
GARBAGE: tuple[dict[str, Any], ...] = ({"nonsense": 1}, {"ts": 5}, {"venue": 5, "service": 5, "instance": 5}, {})
_spans = counter()


def values(table: Table) -> st.SearchStrategy[dict[str, Any]]:
    """Return a strategy for the values of a row; any of them may be NULL, the first is not."""
    first, *others = table.columns
    return st.fixed_dictionaries(
        {first.name: TEXT.filter(lambda text: text.strip("\x00") != "")},
        optional={column.name: VALUES[column.type] | st.none() for column in others},
    )


def expected(kind: Type, value: Any) -> object:
    """Return what the reader gives for a value."""
    match kind:
        case _ if value is None:
            return None
        case Type.SYMBOL | Type.VARCHAR:
            return value.replace("\x00", "")
        case Type.DOUBLE:
            return float(value) if math.isfinite(value) else None
        case Type.TIMESTAMP:
            return to_datetime(value)
        case Type.LEVELS:
            return [[None if math.isnan(one) else one for one in side] for side in value] if value[0] else []
        case _:
            return value


def tidy(value: object) -> object:
    """Return a value that was read so that it can be compared: NaN in an array is its NULL."""
    if isinstance(value, list):
        return [[None if one is None or math.isnan(one) else one for one in side] for side in value if len(side)]
    return value


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    """A session for the door and the exports."""
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
async def reader(questdb: Address) -> AsyncIterator[Reader]:
    """A reader of the real server."""
    async with reading(questdb, statement_timeout=timedelta(seconds=5), connections=1) as made:
        yield made


@pytest.mark.parametrize("table", TABLES.values(), ids=list(TABLES))
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
async def test_every_row_that_can_be_encoded_is_kept_exactly(
    table: Table, questdb: Address, http: aiohttp.ClientSession, reader: Reader, data: st.DataObject
) -> None:
    """Rows that cannot be are refused one by one, and leave the batch whole: the server takes all the others."""
    start = BASE + next(_spans) * SPAN
    rows = data.draw(st.lists(values(table), min_size=1, max_size=6))
    encoder = Encoder()
    for number, row in enumerate(rows):
        with pytest.raises(BadRow):
            encoder.add(Row(table.name, start, data.draw(st.sampled_from(GARBAGE))))
        encoder.add(Row(table.name, start + number, row))
    assert await Door(questdb, http, 10.0).deliver(encoder.take().payload) == Accepted()
    await applied(questdb)
    names = ", ".join(f'"{column.name}"' for column in table.columns)
    text = f"SELECT {names} FROM {table.name} WHERE ts >= %(start)s AND ts < %(end)s ORDER BY ts"  # noqa: S608  ours
    found = await reader.query(text, {"start": start, "end": start + SPAN})
    wanted = [tuple(expected(c.type, row.get(c.name)) for c in table.columns) for row in rows]
    assert [tuple(tidy(value) for value in one) for one in found.rows] == wanted


async def test_the_server_names_the_row_that_it_refuses(questdb: Address, http: aiohttp.ClientSession) -> None:
    """Counted in rows, not in line breaks; and then nothing of the batch is stored."""
    encoder = Encoder()
    encoder.add(Row("trades", BASE, {"venue": "refused", "trade_id": "with\na line\nbreak"}))
    encoder.add(Row("trades", BASE + 1, {"venue": "refused", "trade_id": "2"}))
    batch = encoder.take()
    verdict = await Door(questdb, http, 10.0).deliver(batch.payload.replace(b'trade_id="2"', b"trade_id=t"))
    assert isinstance(verdict, BadLine)
    assert verdict.line == 2
    assert verdict.reason


async def test_an_export_equals_what_was_written(questdb: Address, http: aiohttp.ClientSession) -> None:
    """Over two partitions, with text: nanoseconds, decimals and levels are exact, and times say that they are UTC."""
    day = 86_400 * SPAN
    encoder = Encoder()
    for number in range(2000):
        ts = BASE + number * day // 1000 + 7
        row: dict[str, Value] = {
            "venue": "export",
            "trade_id": f"x{number}",
            "price": Decimal(number) / 1000,
            "received": ts + 1,
        }
        encoder.add(Row("fills", ts, row))
    encoder.add(Row("books", BASE + 3, {"venue": "export", "bids": ([2.0, 1.0], [5.0, 6.0]), "asks": ([], [])}))
    assert await Door(questdb, http, 10.0).deliver(encoder.take().payload) == Accepted()
    await applied(questdb)
    fills = await fetch(questdb, http, "SELECT ts, trade_id, price, received FROM fills WHERE venue = 'export'")
    assert fills["trade_id"].to_list() == [f"x{number}" for number in range(2000)]
    assert fills["price"].to_list() == [Decimal(number) / 1000 for number in range(2000)]
    assert fills["ts"].dt.timestamp("ns").to_list() == [BASE + n * day // 1000 + 7 for n in range(2000)]
    assert str(fills["received"].dtype) == "Datetime(time_unit='ns', time_zone='UTC')"
    books = await fetch(questdb, http, "SELECT bids FROM books WHERE venue = 'export'")
    assert books["bids"].to_list() == [[[2.0, 1.0], [5.0, 6.0]]]


async def test_an_export_that_cannot_be_says_why(questdb: Address, http: aiohttp.ClientSession) -> None:
    """Wrong SQL is for a person; a server that is away is tried again."""
    with pytest.raises(ExportFailed, match="nowhere"):
        await fetch(questdb, http, "SELECT * FROM nowhere")
    with pytest.raises(ExportFailed, match="400"):
        await fetch(questdb, http, "DROP TABLE fills")
    with pytest.raises(ExportAway):
        await fetch(NOWHERE, http, "SELECT 1")
