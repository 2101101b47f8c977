"""Rows that the database or the schema refused: kept, with the reason, until a person has looked."""

import json
from collections.abc import Sequence
from pathlib import Path
from sqlite3 import Connection
from typing import NamedTuple

from core.rows import Row
from core.sqlite import Database, Durability
from core.types import Nanos

_SCHEMA = """
CREATE TABLE IF NOT EXISTS rejects (
  id INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, origin TEXT NOT NULL UNIQUE, reason TEXT NOT NULL,
  row TEXT NOT NULL);
"""


KEPT = 100_000
"""Refused rows that are kept; a sender that is wrong all day must not fill the disk. `count` goes on."""


class Reject(NamedTuple):
    """A refused row. `origin` names it for good, so that a retry after a crash does not list it twice."""

    at: Nanos
    origin: str
    reason: str
    row: str


class Rejects:
    """The list of refused rows."""

    def __init__(self, database: Database, count: int) -> None:
        self._database = database
        self.count = count

    @classmethod
    async def open(cls, folder: Path) -> "Rejects":
        """Open the list."""
        database = await Database.open(folder / "rejects.sqlite", _SCHEMA, Durability.NORMAL)
        return cls(database, await database.run(lambda c: int(c.execute("SELECT count(*) FROM rejects").fetchone()[0])))

    async def add(self, rejects: Sequence[Reject]) -> None:
        """Keep refused rows; the oldest go when there are too many."""

        def insert(connection: Connection) -> int:
            statement = "INSERT OR IGNORE INTO rejects (at, origin, reason, row) VALUES (?, ?, ?, ?)"
            added = connection.executemany(statement, rejects).rowcount
            connection.execute("DELETE FROM rejects WHERE id <= (SELECT max(id) FROM rejects) - ?", (KEPT,))
            return added

        self.count += await self._database.run(insert)

    async def newest(self, limit: int = 100) -> list[Reject]:
        """Return the newest refused rows."""

        def select(connection: Connection) -> list[Reject]:
            statement = "SELECT at, origin, reason, row FROM rejects ORDER BY id DESC LIMIT ?"
            return [Reject(*row) for row in connection.execute(statement, (limit,))]

        return await self._database.run(select)

    async def close(self) -> None:
        """Close the list."""
        await self._database.close()


def show(row: Row) -> str:
    """Return a row as JSON text."""
    return json.dumps({"table": row.table, "ts": row.ts, "values": dict(row.values)}, default=str, skipkeys=True)
