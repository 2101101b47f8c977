"""Brings the tables of a server to the schema of this program: versioned, idempotent, never by auto-creation."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import psycopg

from core.clock import Clock, to_datetime
from core.errors import Permanent
from storage.address import Address
from storage.embedded import dsn
from storage.schema import TABLES

VERSIONS_TABLE = (
    "CREATE TABLE IF NOT EXISTS schema_migrations (ts TIMESTAMP, version LONG, name VARCHAR) "
    "TIMESTAMP(ts) PARTITION BY YEAR WAL DEDUP UPSERT KEYS(ts, version)"
)


class SchemaNewer(Permanent):
    """The database was made by a newer deskwatch."""


class MigrationFailed(Permanent):
    """The database refuses a step of the schema."""


@dataclass(frozen=True, slots=True)
class Migration:
    """One step; its number is its place in the list. Steps are never edited once released, only added."""

    name: str
    statements: tuple[str, ...] = ()
    columns: tuple[tuple[str, str], ...] = ()
    """Table and column; a new server has it from the first step. `ADD COLUMN IF NOT EXISTS` fails where it exists."""


MIGRATIONS: tuple[Migration, ...] = (
    Migration("first tables", tuple(table.ddl() for table in TABLES.values())),
    Migration("what rules record", (TABLES["recordings"].ddl(),)),
    Migration("who did what", columns=(("alert_events", "detail"),)),
    Migration(
        "two receivers told at once are two rows",
        ("ALTER TABLE alert_events DEDUP ENABLE UPSERT KEYS(ts, fingerprint, event, receiver)",),
    ),
)


async def migrate(at: Address, clock: Clock, steps: Sequence[Migration] = MIGRATIONS) -> int:
    """Run the steps that this server has not seen, in order; return how many.

    Raises:
        SchemaNewer: the server has seen steps that we do not know.
        MigrationFailed: it refuses one; the steps before it stay, and the next start goes on from there.
    """
    async with await psycopg.AsyncConnection.connect(dsn(at), autocommit=True, prepare_threshold=None) as connection:
        await connection.execute(VERSIONS_TABLE)
        done = await _version(connection)
        if done > len(steps):
            raise SchemaNewer(f"version {done}, this program knows {len(steps)}", hint="Run the newer program")
        for number, step in enumerate(steps[done:], done + 1):
            try:
                for statement in step.statements:
                    await connection.execute(statement.encode())
                for table, column in step.columns:
                    await _add(connection, table, column)
            except psycopg.DatabaseError as error:
                raise MigrationFailed(f"step {number}, {step.name}: {error}".strip()) from error
            await connection.execute(
                "INSERT INTO schema_migrations VALUES (%s, %s, %s)", (to_datetime(clock.now()), number, step.name)
            )
            await _until(connection, number, clock)
        return len(steps) - done


async def pending(at: Address, steps: Sequence[Migration] = MIGRATIONS) -> int:
    """Return how many steps the server has not seen; all of them on a new one."""
    async with await psycopg.AsyncConnection.connect(dsn(at), autocommit=True, prepare_threshold=None) as connection:
        cursor = await connection.execute("SELECT count() FROM tables() WHERE table_name = 'schema_migrations'")
        row = await cursor.fetchone()
        known = await _version(connection) if row and row[0] else 0
        return max(0, len(steps) - known)


async def _add(connection: psycopg.AsyncConnection[tuple[object, ...]], table: str, column: str) -> None:
    cursor = await connection.execute(f"SELECT \"column\" FROM table_columns('{table}')".encode())  # noqa: S608  ours
    if (column,) not in await cursor.fetchall():
        kind = next(one.type for one in TABLES[table].columns if one.name == column)
        await connection.execute(f"ALTER TABLE {table} ADD COLUMN {column} {kind}".encode())


async def _version(connection: psycopg.AsyncConnection[tuple[object, ...]]) -> int:
    cursor = await connection.execute("SELECT max(version) FROM schema_migrations")
    row = await cursor.fetchone()
    return int(str(row[0])) if row and row[0] is not None else 0


async def _until(connection: psycopg.AsyncConnection[tuple[object, ...]], version: int, clock: Clock) -> None:
    """Wait until the WAL has applied the step's mark, so that a second start does not repeat it."""
    async with asyncio.timeout(30):
        while await _version(connection) < version:
            await clock.sleep(0.02)
