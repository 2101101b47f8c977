"""Read-only SQL over the PostgreSQL wire: a pool, a time-out on every statement, errors that decide."""

import asyncio
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
from psycopg.abc import Buffer
from psycopg.types.datetime import TimestampLoader
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from core.errors import Permanent, Transient
from core.ports import Result
from storage.address import Address
from storage.embedded import dsn

POOL_WAIT_S = 2.0
IDLE_S = 120.0
"""Below the 300 s after which the server cuts an idle connection."""
GRACE_S = 2.0
"""A server that is out of memory answers nothing, not even that the time is over."""
_PLACEHOLDER = re.compile(r"%%|%\((\w+)\)s")
_PASSING = ("timeout, query aborted", "cancelled by user", "global RSS memory limit", "table busy")


class DatabaseAway(Transient):
    """The database does not answer."""


class QueryTimeout(Transient):
    """The query ran out of time."""


class BadQuery(Permanent):
    """The database refuses the query."""

    def __init__(self, detail: str, *, position: int | None = None) -> None:
        """Keep where in the text the server stopped reading, from 1, if it said so."""
        super().__init__(detail)
        self.position = position


class _UtcLoader(TimestampLoader):
    """The server's timestamps are UTC and say nothing of it."""

    def load(self, data: Buffer) -> datetime:
        return super().load(data).replace(tzinfo=UTC)


class Reader:
    """Implements `core.ports.RowReader`. Make it with `reading(...)`."""

    def __init__(
        self, pool: AsyncConnectionPool[psycopg.AsyncConnection[tuple[object, ...]]], statement_s: float
    ) -> None:
        self._pool = pool
        self._limit_s = POOL_WAIT_S + statement_s + GRACE_S

    async def query(self, sql: str, parameters: Mapping[str, object] | None = None, *, limit: int = 1000) -> Result:
        return await self._run("SELECT * FROM (\n", sql, f"\n) LIMIT {int(limit)}", parameters)

    async def explain(self, sql: str, parameters: Mapping[str, object] | None = None) -> None:
        """Let the server check a query without running it; raises BadQuery with its position in `sql`."""
        await self._run("EXPLAIN SELECT * FROM (\n", sql, "\n)", parameters)

    async def _run(self, head: str, sql: str, tail: str, parameters: Mapping[str, object] | None) -> Result:
        try:
            async with asyncio.timeout(self._limit_s), self._pool.connection(timeout=POOL_WAIT_S) as connection:
                cursor = await connection.execute(f"{head}{sql}{tail}".encode(), parameters)
                rows = await cursor.fetchall()
                return Result(tuple(column.name for column in cursor.description or ()), rows)
        except TimeoutError as error:
            raise DatabaseAway(f"no answer in {self._limit_s:.0f} s") from error
        except (PoolTimeout, psycopg.OperationalError) as error:
            raise DatabaseAway(str(error).strip()) from error
        except psycopg.Error as error:
            raise _classify(error, sql, len(head), bound=parameters is not None) from error


def _classify(error: psycopg.Error, sql: str, offset: int, *, bound: bool) -> Transient | Permanent:
    """SQLSTATE is always 00000 on this server, so the text decides."""
    text = (error.diag.message_primary or str(error)).strip()
    if text.startswith(_PASSING):
        return QueryTimeout(text)
    stated = error.diag.statement_position
    if not stated:
        return BadQuery(text)
    position = int(stated) - offset
    return BadQuery(text, position=position_in(sql, position) if bound else position)


def position_in(sql: str, sent: int) -> int:
    """Return where a position of the text that was sent lies in `sql`, both from 1: there `%(now)s` was `$1`."""
    numbers: dict[str, int] = {}
    grown = 0
    for match in _PLACEHOLDER.finditer(sql):
        name = match.group(1)
        width = 1 if name is None else 1 + len(str(numbers.setdefault(name, len(numbers) + 1)))
        if sent <= match.start() + 1 - grown:
            break
        grown += len(match.group()) - width
    return sent + grown


@asynccontextmanager
async def reading(at: Address, *, statement_timeout: timedelta, connections: int = 6) -> AsyncIterator[Reader]:
    """Keep a pool of read-only connections until the block ends."""

    async def configure(connection: psycopg.AsyncConnection[Any]) -> None:
        connection.adapters.register_loader("timestamp", _UtcLoader)

    milliseconds = round(statement_timeout.total_seconds() * 1000)
    pool: AsyncConnectionPool[psycopg.AsyncConnection[tuple[object, ...]]] = AsyncConnectionPool(
        dsn(at, writer=False),
        open=False,
        min_size=1,
        max_size=connections,
        timeout=POOL_WAIT_S,
        max_idle=IDLE_S,
        configure=configure,
        kwargs={
            "autocommit": True,
            "prepare_threshold": None,  # a prepared statement breaks for good when a table changes
            "options": f"-c statement_timeout={milliseconds}",
        },
    )
    await pool.open()
    try:
        yield Reader(pool, statement_timeout.total_seconds())
    finally:
        await asyncio.shield(pool.close())
