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
  id INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, rows INTEGER NOT NULL, bytes INTEGER NOT NULL,
  ends BLOB NOT NULL, payload BLOB NOT NULL);
"""
"""The payload stands last: counting must not read it."""


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


class Dropped(NamedTuple):
    """What was given up: rows, and every batch up to this id that was not in flight."""

    rows: int
    upto: int


class Spool(Protocol):
    """A queue of batches that survives a crash. Ids only grow. Every method may raise DiskTrouble: try again."""

    async def append(self, encoded: Encoded, now: Nanos) -> Batch:
        """Keep a batch; it is durable when this returns."""

    async def oldest(self, after: int = 0) -> Batch | None:
        """Return the oldest batch whose id is above `after`, or None."""

    async def done(self, ids: Sequence[int]) -> None:
        """Forget batches that the database has."""

    async def drop_oldest(self, limit_bytes: int, after: int = 0) -> Dropped:
        """Forget the oldest batches whose id is above `after` until at most `limit_bytes` remain in all."""

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
        return cls(database, await database.run(_count))

    async def append(self, encoded: Encoded, now: Nanos) -> Batch:
        rows, size = len(encoded.ends), len(encoded.payload)

        def insert(connection: Connection) -> int:
            statement = "INSERT INTO batches (at, rows, bytes, ends, payload) VALUES (?, ?, ?, ?, ?)"
            values = (now, rows, size, encoded.ends.tobytes(), encoded.payload)
            return connection.execute(statement, values).lastrowid or 0

        batch = Batch(await self._database.run(insert), encoded, now)
        waiting = self._backlog
        oldest = now if waiting.oldest is None else waiting.oldest
        self._backlog = Backlog(waiting.batches + 1, waiting.rows + rows, waiting.bytes + size, oldest)
        return batch

    async def oldest(self, after: int = 0) -> Batch | None:
        def select(connection: Connection) -> Batch | None:
            statement = "SELECT id, payload, ends, at FROM batches WHERE id > ? ORDER BY id LIMIT 1"
            row = connection.execute(statement, (after,)).fetchone()
            return None if row is None else Batch(row[0], Encoded(row[1], array("I", row[2])), row[3])

        return await self._database.run(select)

    async def done(self, ids: Sequence[int]) -> None:
        self._forget(await self._database.run(lambda connection: _delete(connection, ids)))

    async def drop_oldest(self, limit_bytes: int, after: int = 0) -> Dropped:
        excess = self._backlog.bytes - limit_bytes
        if excess <= 0:
            return Dropped(0, after)

        def drop(connection: Connection) -> tuple[_Gone, int]:
            ids: list[int] = []
            size = 0
            for row in connection.execute("SELECT id, bytes FROM batches WHERE id > ? ORDER BY id", (after,)):
                if size >= excess:
                    break
                ids.append(row[0])
                size += row[1]
            return _delete(connection, ids), ids[-1] if ids else after

        gone, upto = await self._database.run(drop)
        self._forget(gone)
        return Dropped(gone.rows, upto)

    def _forget(self, gone: "_Gone") -> None:
        left = self._backlog
        self._backlog = Backlog(left.batches - gone.batches, left.rows - gone.rows, left.bytes - gone.bytes, gone.next)

    def backlog(self) -> Backlog:
        return self._backlog

    async def close(self) -> None:
        await self._database.close()


class _Gone(NamedTuple):
    """What one transaction deleted, and the age of the oldest batch that is left."""

    batches: int
    rows: int
    bytes: int
    next: Nanos | None


def _delete(connection: Connection, ids: Sequence[int]) -> _Gone:
    batches = rows = size = 0
    for number in ids:
        found = connection.execute("SELECT rows, bytes FROM batches WHERE id = ?", (number,)).fetchone()
        if found is not None:
            connection.execute("DELETE FROM batches WHERE id = ?", (number,))
            batches, rows, size = batches + 1, rows + found[0], size + found[1]
    oldest = connection.execute("SELECT at FROM batches ORDER BY id LIMIT 1").fetchone()
    return _Gone(batches, rows, size, None if oldest is None else oldest[0])


def _count(connection: Connection) -> Backlog:
    batches, rows, size, oldest = connection.execute(
        "SELECT count(*), total(rows), total(bytes), min(at) FROM batches"
    ).fetchone()
    return Backlog(batches, int(rows), int(size), oldest)
