"""The door to SQLite on real files."""

import sqlite3
import threading
from pathlib import Path

import pytest

from core.sqlite import Database, DiskTrouble, Durability, FileDamaged

SCHEMA = "CREATE TABLE IF NOT EXISTS marks (number INTEGER PRIMARY KEY)"


def count(connection: sqlite3.Connection) -> int:
    """Return how many marks there are."""
    return int(connection.execute("SELECT count(*) FROM marks").fetchone()[0])


async def test_what_returned_is_there_after_reopening(tmp_path: Path) -> None:
    """A transaction is on disk when the call returns."""
    for expected in (0, 1):
        database = await Database.open(tmp_path / "new" / "marks.sqlite", SCHEMA, Durability.FULL)
        assert await database.run(count) == expected
        await database.run(lambda c: c.execute("INSERT INTO marks VALUES (1) ON CONFLICT DO NOTHING").rowcount)
        await database.close()


async def test_a_call_that_raises_changes_nothing(tmp_path: Path) -> None:
    """One call is one transaction, and the next call works."""
    database = await Database.open(tmp_path / "marks.sqlite", SCHEMA, Durability.NORMAL)

    def half(connection: sqlite3.Connection) -> None:
        connection.execute("INSERT INTO marks VALUES (1)")
        raise KeyError("in the middle")

    with pytest.raises(KeyError):
        await database.run(half)
    assert await database.run(count) == 0
    await database.close()


async def test_our_own_mistake_stays_what_it_is(tmp_path: Path) -> None:
    """Wrong SQL and a broken constraint are not the disk's fault."""
    database = await Database.open(tmp_path / "marks.sqlite", SCHEMA, Durability.NORMAL)
    with pytest.raises(sqlite3.OperationalError, match="no such table"):
        await database.run(lambda c: c.execute("SELECT * FROM absent").fetchall())
    with pytest.raises(sqlite3.IntegrityError):
        await database.run(lambda c: c.executemany("INSERT INTO marks VALUES (?)", [(1,), (1,)]).rowcount)
    await database.close()


async def test_a_file_held_by_another_is_trouble_that_passes(tmp_path: Path) -> None:
    """A lock that another program does not give back in time is told, and the call works afterwards."""
    path = tmp_path / "marks.sqlite"
    database = await Database.open(path, SCHEMA, Durability.NORMAL)
    await database.run(lambda c: c.execute("PRAGMA busy_timeout = 1").fetchall())
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(DiskTrouble, match="locked"):
        await database.run(count)
    other.execute("ROLLBACK")
    other.close()
    assert await database.run(count) == 0
    await database.close()


async def test_a_file_that_is_not_a_database_is_named(tmp_path: Path) -> None:
    """The text says which file, and what to do with it."""
    path = tmp_path / "marks.sqlite"
    path.write_text("these are not the pages you are looking for " * 100)
    with pytest.raises(FileDamaged, match=r"marks\.sqlite.*Move it away"):
        await Database.open(path, SCHEMA, Durability.NORMAL)


async def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    """A file stands where the folder should be."""
    (tmp_path / "data").write_text("")
    with pytest.raises(DiskTrouble, match="data"):
        await Database.open(tmp_path / "data" / "marks.sqlite", SCHEMA, Durability.NORMAL)


async def test_no_thread_is_left_behind(tmp_path: Path) -> None:
    """Neither by a database that was closed, nor by one that could not be opened."""
    database = await Database.open(tmp_path / "thread.sqlite", SCHEMA, Durability.NORMAL)
    await database.close()
    (tmp_path / "bad.sqlite").write_bytes(b"x" * 4096)
    with pytest.raises(FileDamaged):
        await Database.open(tmp_path / "bad.sqlite", SCHEMA, Durability.NORMAL)
    left = [thread for thread in threading.enumerate() if thread.name.startswith(("sqlite-thread", "sqlite-bad"))]
    for thread in left:
        thread.join(5)
    assert not any(thread.is_alive() for thread in left)


@pytest.mark.parametrize(("durability", "level"), [(Durability.FULL, 2), (Durability.NORMAL, 1)])
async def test_a_commit_is_as_durable_as_asked(durability: Durability, level: int, tmp_path: Path) -> None:
    """FULL waits for the disk at each commit; a power cut cannot be tried here, its setting can."""
    database = await Database.open(tmp_path / "marks.sqlite", SCHEMA, durability)
    assert await database.run(lambda c: c.execute("PRAGMA synchronous").fetchone()[0]) == level
    assert await database.run(lambda c: c.execute("PRAGMA journal_mode").fetchone()[0]) == "wal"
    await database.close()
