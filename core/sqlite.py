"""The door to SQLite: one connection on one thread, WAL, one transaction a call; the event loop never waits."""

import asyncio
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from enum import StrEnum
from pathlib import Path
from typing import TypeVar

from core.errors import Permanent, Transient

T = TypeVar("T")

_PASSING = frozenset(
    {
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_READONLY,
    }
)
_DAMAGED = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})


class DiskTrouble(Transient):
    """The disk does not take or give what a local file holds."""


class FileDamaged(Permanent):
    """A local file is damaged."""


class Durability(StrEnum):
    """What survives a power cut: every commit (FULL), or all but the last few (NORMAL). Both survive kill -9."""

    FULL = "FULL"
    NORMAL = "NORMAL"


class Database:
    """One SQLite file. Open it with `await Database.open(...)`, close it with `await db.close()`."""

    def __init__(self, path: Path, connection: sqlite3.Connection, thread: ThreadPoolExecutor) -> None:
        self._path = path
        self._connection = connection
        self._thread = thread

    @classmethod
    async def open(cls, path: Path, schema: str, durability: Durability) -> "Database":
        """Open or create the file and run the idempotent DDL of `schema`.

        Raises:
            DiskTrouble, FileDamaged: with the file's name.
        """
        thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix=f"sqlite-{path.stem}")
        loop = asyncio.get_running_loop()
        try:
            connection = await loop.run_in_executor(thread, _connect, path, schema, durability)
        except BaseException:
            thread.shutdown(wait=False)
            raise
        return cls(path, connection, thread)

    async def run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run `work` in one transaction on the database's thread: committed if it returns, undone if it raises.

        A caller that is cancelled meanwhile does not stop it: the transaction ends on its thread, either way whole.

        Raises:
            DiskTrouble: full, unreadable, or locked by another process; nothing was changed, and it may work later.
            FileDamaged: the file is not what SQLite wrote.
        """
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._transact, work)

    def _transact(self, work: Callable[[sqlite3.Connection], T]) -> T:
        try:
            with self._connection:
                self._connection.execute("BEGIN IMMEDIATE")
                return work(self._connection)
        except sqlite3.DatabaseError as error:
            raise _mapped(error, self._path) from error

    async def close(self) -> None:
        """Close the file; the thread ends."""
        await asyncio.get_running_loop().run_in_executor(self._thread, self._connection.close)
        self._thread.shutdown()


def _connect(path: Path, schema: str, durability: Durability) -> sqlite3.Connection:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    except (OSError, sqlite3.DatabaseError) as error:
        raise _mapped(error, path) from error
    try:
        connection.row_factory = sqlite3.Row
        connection.execute("PRAGMA busy_timeout = 5000")
        connection.execute("PRAGMA page_size = 32768")  # for a new file; a large value costs fewer pages
        connection.execute("PRAGMA secure_delete = OFF")  # some systems build it in, and then a delete writes zeros
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute(f"PRAGMA synchronous = {durability}")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.executescript(schema)
    except sqlite3.DatabaseError as error:
        connection.close()
        raise _mapped(error, path) from error
    return connection


def _mapped(error: OSError | sqlite3.DatabaseError, path: Path) -> Exception:
    """Return the error that decides; a mistake in our SQL stays what it is."""
    if isinstance(error, OSError):
        return DiskTrouble(f"{path}: {error.strerror}", hint="Mend the folder's permissions, or choose another `data`")
    primary = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if primary in _PASSING:
        return DiskTrouble(f"{path}: {error}", hint="Free space on its volume, and let no other program hold it")
    if primary in _DAMAGED:
        return FileDamaged(f"{path}: {error}", hint="Move it away and start again; what only it held is lost")
    return error
