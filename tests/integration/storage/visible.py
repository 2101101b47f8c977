"""Rows into the real server and out again, past the write-ahead log."""

import asyncio

import psycopg

from storage.address import Address
from storage.embedded import dsn

_BEHIND = "SELECT count() FROM wal_tables() WHERE sequencerTxn > writerTxn AND NOT suspended"


async def ask(at: Address, sql: str, parameters: tuple[object, ...] | None = None) -> list[tuple[object, ...]]:
    """Run a statement as the writing user and return its rows."""
    async with await psycopg.AsyncConnection.connect(dsn(at), autocommit=True, prepare_threshold=None) as connection:
        cursor = await connection.execute(sql.encode(), parameters)
        return await cursor.fetchall() if cursor.description else []


async def applied(at: Address) -> None:
    """Wait until SELECT sees every row that was acknowledged."""
    while (await ask(at, _BEHIND)) != [(0,)]:  # noqa: ASYNC110  a server has no event
        await asyncio.sleep(0.01)


async def count(at: Address, table: str, venue: str) -> tuple[int, int]:
    """Return the rows of a venue, and how many different trade ids they have."""
    await applied(at)
    text = f"SELECT count(), count_distinct(trade_id) FROM {table} WHERE venue = %s"  # noqa: S608  a literal of a test
    ((rows, different),) = await ask(at, text, (venue,))
    return int(str(rows)), int(str(different))
