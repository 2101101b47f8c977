"""What the OMS must remember over a restart: every fill it has seen, its orders, how far each history was read.

A fill is in the journal before its row is written, so the path that saw it first keeps its name in `source` for good;
a crash between the two is healed by writing the journal's newest fills once more at the start, which changes nothing.
"""

from collections.abc import Sequence
from pathlib import Path
from sqlite3 import Connection

import msgspec

from core.account import Fill, OrderReport
from core.sqlite import Database, Durability
from core.types import Nanos
from oms.model import KeptOrder

_SCHEMA = """
CREATE TABLE IF NOT EXISTS fills (
  venue TEXT, account TEXT, symbol TEXT, trade_id TEXT, order_id TEXT, ts INTEGER NOT NULL, seen INTEGER NOT NULL,
  by_stream INTEGER NOT NULL, by_history INTEGER NOT NULL, fill BLOB NOT NULL,
  PRIMARY KEY (venue, account, symbol, trade_id, order_id));
CREATE INDEX IF NOT EXISTS fills_by_time ON fills (venue, account, ts);
CREATE TABLE IF NOT EXISTS orders (
  venue TEXT, account TEXT, order_id TEXT, ts INTEGER NOT NULL, done INTEGER NOT NULL, report BLOB NOT NULL,
  PRIMARY KEY (venue, account, order_id));
CREATE TABLE IF NOT EXISTS histories (
  venue TEXT, account TEXT, symbol TEXT, upto INTEGER NOT NULL, PRIMARY KEY (venue, account, symbol));
CREATE TABLE IF NOT EXISTS holes (
  venue TEXT, account TEXT, since INTEGER NOT NULL, PRIMARY KEY (venue, account));
"""


class Journal:
    """The seen fills of all accounts of this process."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @classmethod
    async def open(cls, folder: Path) -> "Journal":
        """Open or create the journal."""
        return cls(await Database.open(folder / "oms.sqlite", _SCHEMA, Durability.FULL))

    async def note(self, fills: list[Fill], *, from_history: bool, now: Nanos) -> list[Fill]:
        """Remember fills; return those that are new, in the given order. Durable when it returns."""

        def insert(connection: Connection) -> list[Fill]:
            column = "by_history" if from_history else "by_stream"
            new = []
            for fill in fills:
                values = (*fill.key, fill.ts, now, not from_history, from_history, msgspec.json.encode(fill))
                statement = "INSERT OR IGNORE INTO fills VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
                if connection.execute(statement, values).rowcount:
                    new.append(fill)
                else:
                    mark = f"UPDATE fills SET {column} = 1 WHERE venue=? AND account=? AND symbol=? AND trade_id=? AND order_id=?"  # noqa: S608, E501  one of two literals
                    connection.execute(mark, fill.key)
            return new

        return await self._database.run(insert)

    async def since(self, venue: str, account: str, start: Nanos) -> list[Fill]:
        """Return the fills of an account from `start` on, oldest first."""
        statement = "SELECT fill FROM fills WHERE venue = ? AND account = ? AND ts >= ? ORDER BY ts, rowid"
        return await self._select(statement, (venue, account, start))

    async def only_on_one_path(
        self, venue: str, account: str, start: Nanos, end: Nanos, *, missing_in_history: bool
    ) -> list[Fill]:
        """Return fills of a window that one of the two paths has not shown."""
        column = "by_history" if missing_in_history else "by_stream"
        statement = f"SELECT fill FROM fills WHERE venue = ? AND account = ? AND ts >= ? AND ts < ? AND {column} = 0"  # noqa: S608  one of two literals
        return await self._select(statement, (venue, account, start, end))

    async def _select(self, statement: str, values: tuple[object, ...]) -> list[Fill]:
        def select(connection: Connection) -> list[Fill]:
            return [msgspec.json.decode(row[0], type=Fill) for row in connection.execute(statement, values)]

        return await self._database.run(select)

    async def keep_orders(self, orders: Sequence[KeptOrder], forget_before: Nanos) -> None:
        """Remember orders; those that were done long ago go."""

        def upsert(connection: Connection) -> None:
            statement = "INSERT OR REPLACE INTO orders VALUES (?, ?, ?, ?, ?, ?)"
            connection.executemany(
                statement,
                [
                    (one.venue, one.account, one.order_id, newest, done, msgspec.json.encode(one))
                    for one, done, newest in orders
                ],
            )
            connection.execute("DELETE FROM orders WHERE done = 1 AND ts < ?", (forget_before,))

        if orders:
            await self._database.run(upsert)

    async def orders(self, venue: str, account: str) -> list[KeptOrder]:
        """Return the remembered orders of an account."""
        statement = "SELECT report, done, ts FROM orders WHERE venue = ? AND account = ? ORDER BY ts"

        def select(connection: Connection) -> list[KeptOrder]:
            rows = connection.execute(statement, (venue, account))
            return [KeptOrder(msgspec.json.decode(row[0], type=OrderReport), bool(row[1]), row[2]) for row in rows]

        return await self._database.run(select)

    async def read_upto(self, venue: str, account: str, symbol: str) -> Nanos | None:
        """Return how far a symbol's history is known to be complete; None if it was never read."""
        statement = "SELECT max(upto) FROM histories WHERE venue = ? AND account = ? AND symbol = ?"
        return await self._database.run(lambda c: c.execute(statement, (venue, account, symbol)).fetchone()[0])

    async def mark_read(self, venue: str, account: str, symbol: str, upto: Nanos) -> None:
        """Note that every fill of a symbol before `upto` is in the journal."""
        statement = "INSERT OR REPLACE INTO histories VALUES (?, ?, ?, ?)"
        await self._database.run(lambda c: c.execute(statement, (venue, account, symbol, upto)))

    async def hole(self, venue: str, account: str) -> Nanos | None:
        """Return since when the stream is not known to be whole: a hole that is still open, or the last comparison."""
        statement = (
            "SELECT coalesce((SELECT since FROM holes WHERE venue = ?1 AND account = ?2), "
            "(SELECT max(upto) FROM histories WHERE venue = ?1 AND account = ?2))"
        )
        return await self._database.run(lambda c: c.execute(statement, (venue, account)).fetchone()[0])

    async def mark_hole(self, venue: str, account: str, since: Nanos | None) -> None:
        """Note that the stream has a hole since then; None: it has none any more."""

        def write(connection: Connection) -> None:
            connection.execute("DELETE FROM holes WHERE venue = ? AND account = ?", (venue, account))
            if since is not None:
                connection.execute("INSERT INTO holes VALUES (?, ?, ?)", (venue, account, since))

        await self._database.run(write)

    async def close(self) -> None:
        """Close the journal."""
        await self._database.close()
