"""Batches that wait on disk: durable before they are sent, gone once the database has them."""

from array import array
from collections.abc import Sequence
from pathlib import Path
from sqlite3 import Connection
from typing import NamedTuple, Protocol

from core.sqlite import Database, Durability
from core.types import Nanos
from storage.encode import Encoded
from storage.schema import Lane

_SCHEMA = """
CREATE TABLE IF NOT EXISTS batches (
  id INTEGER PRIMARY KEY AUTOINCREMENT, payload BLOB NOT NULL, ends BLOB NOT NULL, rows INTEGER NOT NULL,
  bytes INTEGER NOT NULL, at INTEGER NOT NULL);
"""


class Batch(NamedTuple):
    """One batch of encoded rows. `at` is when it became durable."""

    id: int
    encoded: Encoded
    at: Nanos

    @property
    def rows(self) -> int:
        """How many rows it holds."""
        return len(self.encoded.ends)


class Backlog(NamedTuple):
    """What waits: batches, rows, bytes, and since when the oldest one does."""

    batches: int
    rows: int
    bytes: int
    oldest: Nanos | None


class Spool(Protocol):
    """A queue of batches that survives a crash."""

    async def append(self, encoded: Encoded, now: Nanos) -> Batch:
        """Keep a batch; it is durable when this returns."""

    async def oldest(self, after: int = 0) -> Batch | None:
        """Return the oldest batch whose id is above `after`, or None."""

    async def done(self, batches: Sequence[Batch]) -> None:
        """Forget batches that the database has."""

    async def drop_oldest(self, limit_bytes: int) -> int:
        """Forget the oldest batches until at most `limit_bytes` remain; return the rows that went."""

    def backlog(self) -> Backlog:
        """Return what waits now."""

    async def close(self) -> None:
        """Close the queue; what waits stays."""


class SqliteSpool:
    """The spool of one lane on one machine: a SQLite file, one writer."""

    def __init__(self, database: Database, backlog: Backlog) -> None:
        self._database = database
        self._backlog = backlog

    @classmethod
    async def open(cls, folder: Path, lane: Lane) -> "SqliteSpool":
        """Open the lane's file; a power cut may cost the bulk lane its last commits, the critical lane nothing."""
        durability = Durability.FULL if lane is Lane.CRITICAL else Durability.NORMAL
        database = await Database.open(folder / f"spool-{lane}.sqlite", _SCHEMA, durability)
        return cls(database, await database.run(_backlog))

    async def append(self, encoded: Encoded, now: Nanos) -> Batch:
        def insert(connection: Connection) -> int | None:
            statement = "INSERT INTO batches (payload, ends, rows, bytes, at) VALUES (?, ?, ?, ?, ?)"
            values = (encoded.payload, encoded.ends.tobytes(), len(encoded.ends), len(encoded.payload), now)
            return connection.execute(statement, values).lastrowid

        number = await self._database.run(insert)
        waiting = self._backlog
        oldest = now if waiting.oldest is None else waiting.oldest
        self._backlog = Backlog(
            waiting.batches + 1, waiting.rows + len(encoded.ends), waiting.bytes + len(encoded.payload), oldest
        )
        return Batch(number or 0, encoded, now)

    async def oldest(self, after: int = 0) -> Batch | None:
        def select(connection: Connection) -> Batch | None:
            row = connection.execute(
                "SELECT id, payload, ends, at FROM batches WHERE id > ? ORDER BY id LIMIT 1", (after,)
            ).fetchone()
            return None if row is None else Batch(row[0], Encoded(row[1], array("I", row[2])), row[3])

        return await self._database.run(select)

    async def done(self, batches: Sequence[Batch]) -> None:
        def delete(connection: Connection) -> int:
            cursor = connection.executemany("DELETE FROM batches WHERE id = ?", [(batch.id,) for batch in batches])
            return cursor.rowcount

        await self._database.run(delete)
        self._backlog = await self._database.run(_backlog)

    async def drop_oldest(self, limit_bytes: int) -> int:
        if self._backlog.bytes <= limit_bytes:
            return 0

        def drop(connection: Connection) -> int:
            lost = 0
            while _backlog(connection).bytes > limit_bytes:
                number, rows = connection.execute("SELECT id, rows FROM batches ORDER BY id LIMIT 1").fetchone()
                connection.execute("DELETE FROM batches WHERE id = ?", (number,))
                lost += rows
            return lost

        lost = await self._database.run(drop)
        self._backlog = await self._database.run(_backlog)
        return lost

    def backlog(self) -> Backlog:
        return self._backlog

    async def close(self) -> None:
        await self._database.close()


def _backlog(connection: Connection) -> Backlog:
    batches, rows, size, oldest = connection.execute(
        "SELECT count(*), total(rows), total(bytes), min(at) FROM batches"
    ).fetchone()
    return Backlog(batches, int(rows), int(size), oldest)
