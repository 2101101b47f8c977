"""Read-only SQL on the real server: errors that decide, time-outs that hold, times that say that they are UTC."""

import asyncio
import socket
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from storage.address import Address
from storage.embedded import dsn
from storage.reader import BadQuery, DatabaseAway, QueryTimeout, Reader, reading
from tests.integration.storage.door import NOWHERE

pytestmark = pytest.mark.database

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
ENDLESS = "SELECT sum(a.x * b.x) AS n FROM long_sequence(1000000) a CROSS JOIN long_sequence(1000000) b"


@pytest.fixture
async def reader(questdb: Address) -> AsyncIterator[Reader]:
    """A reader that gives a statement half a second."""
    async with reading(questdb, statement_timeout=timedelta(seconds=0.5), connections=2) as made:
        yield made


async def test_times_are_aware_and_a_parameter_keeps_its_zone(reader: Reader) -> None:
    """The server says nothing of zones: everything is UTC there."""
    found = await reader.query("SELECT %(now)s::timestamp AS t, %(now)s::timestamp_ns AS n", {"now": NOW})
    assert found.columns == ("t", "n")
    assert list(found.rows) == [(NOW, NOW)]


async def test_no_more_rows_come_than_were_asked_for(reader: Reader) -> None:
    """A rule that forgot its WHERE must not fill the memory; a trailing comment hides nothing."""
    assert len((await reader.query("SELECT x FROM long_sequence(5000)")).rows) == 1000
    assert len((await reader.query("SELECT x FROM long_sequence(5000) -- all", limit=7)).rows) == 7


async def test_a_statement_that_takes_too_long_is_ended(reader: Reader) -> None:
    """By the server, so that it costs nothing more; and the connections work afterwards."""
    for _ in range(3):
        with pytest.raises(QueryTimeout, match="timeout, query aborted"):
            await reader.query(ENDLESS)
    assert (await reader.query("SELECT 1 AS one")).rows == [(1,)]


@pytest.mark.parametrize(
    ("sql", "words", "at"),
    [
        ("SELECT nonsense FROM fills", "Invalid column", "nonsense"),
        ("SELECT ts FROM fills WHERE ts < %(now)s AND nonsense > 5", "Invalid column", "nonsense"),
        ("SELECT ts\nFROM nowhere", "table does not exist", "nowhere"),
        ("SELECT ts FROM", ".", None),
        ("DROP TABLE fills", ".", None),
        ("SELECT 1) LIMIT 1; DROP TABLE fills; SELECT * FROM (SELECT 1", ".", None),
    ],
)
async def test_wrong_sql_is_told_with_its_place(reader: Reader, sql: str, words: str, at: str | None) -> None:
    """Running it and checking it say the same; the place is counted in the text as it was written."""
    for ask in (reader.query, reader.explain):
        with pytest.raises(BadQuery, match=words) as caught:
            await ask(sql, {"now": NOW})
        if at is not None:
            assert caught.value.position == sql.index(at) + 1


async def test_a_check_runs_nothing(reader: Reader) -> None:
    """EXPLAIN of a query that would take for ever returns at once."""
    await reader.explain(ENDLESS)


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO trades (ts, venue) VALUES (now(), 'x')",
        "DROP TABLE trades",
        "TRUNCATE TABLE trades",
        "ALTER TABLE trades ADD COLUMN extra LONG",
        "CREATE TABLE mine (a INT)",
        "UPDATE trades SET price = 1.0",
    ],
)
async def test_the_reading_user_changes_nothing(questdb: Address, statement: str) -> None:
    """Whatever a rule's text is, the server refuses to write for this user."""
    async with await psycopg.AsyncConnection.connect(dsn(questdb, writer=False), autocommit=True) as connection:
        with pytest.raises(psycopg.Error, match="denied"):
            await connection.execute(statement.encode())


async def test_a_schema_change_breaks_no_query(questdb: Address, reader: Reader) -> None:
    """The same text before and after a column comes: a prepared statement would fail for good."""
    async with await psycopg.AsyncConnection.connect(dsn(questdb), autocommit=True) as writer:
        await writer.execute(
            "CREATE TABLE IF NOT EXISTS changing (ts TIMESTAMP, a INT) TIMESTAMP(ts) PARTITION BY DAY WAL"
        )
        for _ in range(8):
            assert (await reader.query("SELECT * FROM changing")).columns == ("ts", "a")
        await writer.execute("ALTER TABLE changing ADD COLUMN b INT")
        async with asyncio.timeout(10):
            while len((await reader.query("SELECT * FROM changing")).columns) < 3:  # noqa: ASYNC110  a server has no event
                await asyncio.sleep(0.01)
        await writer.execute("DROP TABLE changing")


async def test_a_server_that_is_away_is_told_as_such(caplog: pytest.LogCaptureFixture) -> None:
    """It is tried again: nothing may be concluded from it."""
    caplog.set_level("CRITICAL", logger="psycopg.pool")
    async with reading(NOWHERE, statement_timeout=timedelta(seconds=1), connections=1) as reader:
        with pytest.raises(DatabaseAway):
            await reader.query("SELECT 1")


async def test_a_server_that_answers_nothing_is_away_too(caplog: pytest.LogCaptureFixture) -> None:
    """Out of memory it accepts connections and never says a word."""
    caplog.set_level("CRITICAL", logger="psycopg.pool")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        at = Address("127.0.0.1", 9, silent.getsockname()[1], "w", "w", "r", "r")
        async with reading(at, statement_timeout=timedelta(seconds=1), connections=1) as reader:
            with pytest.raises(DatabaseAway):
                await reader.query("SELECT 1")
