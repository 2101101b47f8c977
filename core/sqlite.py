"""The door to SQLite: one connection on one thread, WAL, one transaction a call; the event loop never waits."""

import asyncio
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from enum import StrEnum
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")


class Durability(StrEnum):
    """What survives a power cut: every commit (FULL), or all but the last few (NORMAL). Both survive kill -9."""

    FULL = "FULL"
    NORMAL = "NORMAL"


class Database:
    """One SQLite file. Open it with `await Database.open(...)`, close it with `await db.close()`."""

    def __init__(self, connection: sqlite3.Connection, thread: ThreadPoolExecutor) -> None:
        self._connection = connection
        self._thread = thread

    @classmethod
    async def open(cls, path: Path, schema: str, durability: Durability) -> "Database":
        """Open or create the file and run the idempotent DDL of `schema`."""
        thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix=f"sqlite-{path.stem}")
        loop = asyncio.get_running_loop()
        connection = await loop.run_in_executor(thread, _connect, path, schema, durability)
        return cls(connection, thread)

    async def run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run `work` in one transaction on the database's thread: committed if it returns, undone if it raises."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._transact, work)

    def _transact(self, work: Callable[[sqlite3.Connection], T]) -> T:
        with self._connection:
            self._connection.execute("BEGIN IMMEDIATE")
            return work(self._connection)

    async def close(self) -> None:
        """Close the file; the thread ends."""
        await asyncio.get_running_loop().run_in_executor(self._thread, self._connection.close)
        self._thread.shutdown()


def _connect(path: Path, schema: str, durability: Durability) -> sqlite3.Connection:
    path.parent.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    connection.row_factory = sqlite3.Row
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute(f"PRAGMA synchronous = {durability}")
    connection.execute("PRAGMA busy_timeout = 5000")
    connection.execute("PRAGMA foreign_keys = ON")
    connection.executescript(schema)
    return connection
