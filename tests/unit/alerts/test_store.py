"""What survives. Source: DESIGN.md section 8: a transition and the message that it causes are committed together."""

import sqlite3
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from alerts.changes import Changes
from alerts.notify.base import Reference
from alerts.save import Saver
from alerts.store import FILE, KEPT, Store, StoreTooNew
from core.rows import Row
from core.sqlite import DiskTrouble
from tests.fakes.clock import FakeClock
from tests.fakes.writer import FakeRowWriter
from tests.unit.alerts.mail import message
from tests.unit.alerts.timeline import T0, Timeline, at, group_of, route, routing, rule

EVENT = Row("alert_events", 1, {"event": "x", "fingerprint": "f", "value": 1.5})


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    """A new store."""
    made = await Store.open(tmp_path)
    yield made
    await made.close()


async def test_what_was_saved_is_loaded(store: Store) -> None:
    """Alerts with their times, groups with what they told, counters, messages and rows."""
    line = Timeline(group_of(rule(keep=5)), routing(route()))
    line.evaluate(0, {"Up": {"a": 1.0, "b": 2.5}})
    line.evaluate(1, {"Up": {"a": 1.0}})
    line.evaluate(7, {"Up": {"a": 1.0}})
    await store.save(line.steps)
    saved = await store.load()
    assert saved.memories == {"g/Up": line.board.memory("g/Up")}
    [group] = saved.groups
    assert group.told is not None
    assert {one.fingerprint for one in group.members} == line.board.memory("g/Up").instances.keys()
    assert [one.incident for one in saved.waiting] == [line.told[0].incident]
    _, rows = await store.events()
    assert rows == [row for one in line.steps for row in one.events]


async def test_a_step_is_stored_whole_or_not_at_all(store: Store, tmp_path: Path) -> None:
    """A disk that fails at the message undoes the transition too."""
    with sqlite3.connect(tmp_path / FILE) as other:
        other.execute("CREATE TRIGGER fails BEFORE INSERT ON outbox BEGIN SELECT RAISE(ABORT, 'no'); END")
    other.close()
    line = Timeline(group_of(rule()), routing(route()))
    line.evaluate(0, {"Up": {"a": 1.0}})
    with pytest.raises(sqlite3.DatabaseError):
        await store.save(line.steps)
    saved = await store.load()
    assert (saved.memories, list(saved.groups), (await store.events())[1]) == ({}, [], [])


async def test_one_message_waits_for_an_incident(store: Store) -> None:
    """The newest: it is the whole desired state."""
    await store.save([Changes(messages=[message("a"), message("a", 2), message("a", 3, over=True)])])
    assert [one.version for one in (await store.load()).waiting] == [3]
    pending = await store.pending("a")
    assert pending is not None
    assert pending.payload == message("a", 3, over=True).payload


async def test_a_confirmation_leaves_a_newer_version_waiting(store: Store) -> None:
    """It came while the older one was on its way."""
    await store.save([Changes(messages=[message("a")])])
    await store.save([Changes(messages=[message("a", 2)])])
    await store.confirm("a", 1, Reference("C1", "1.1"), T0, EVENT)
    pending = await store.pending("a")
    assert pending is not None
    assert (pending.version, pending.reference) == (2, Reference("C1", "1.1"))


async def test_rows_are_forgotten_once_they_are_durable_elsewhere(store: Store) -> None:
    """Until then they are handed on again at every start."""
    writer = FakeRowWriter(failing=DiskTrouble("full"))
    saver = Saver(store, writer, FakeClock(), lambda _: None)
    await saver.save(Changes(events=[EVENT]))
    with pytest.raises(DiskTrouble):
        await saver.hand_on_some()
    assert (await store.events())[1] == [EVENT]
    writer.failing = None
    assert await saver.hand_on_some() == 1
    assert await saver.hand_on_some() == 0
    assert writer.rows[-1] == EVENT


class FullDisk(Store):
    """A store whose disk is full for a while."""

    full = True

    async def save(self, steps: object) -> None:
        if self.full:
            raise DiskTrouble("no space left on device", hint="Free some")
        await super().save(steps)  # type: ignore[arg-type]  # passed on as it came


async def test_what_a_full_disk_refuses_is_stored_later_in_order(tmp_path: Path) -> None:
    """Nobody is told before it is stored; the trouble says so, and passes."""
    store = await FullDisk.open(tmp_path)
    assert isinstance(store, FullDisk)
    stored: list[Changes] = []
    saver = Saver(store, FakeRowWriter(), FakeClock(), stored.append)
    first, second = Changes(messages=[message("a")]), Changes(messages=[message("a", 2)])
    await saver.save(first)
    await saver.save(second)
    assert stored == []
    assert "no space left" in saver.trouble
    store.full = False
    await saver.save(Changes())
    assert (stored, saver.trouble) == ([first, second], "")
    assert [one.version for one in (await store.load()).waiting] == [2]
    await store.close()


async def test_a_newer_store_is_refused(tmp_path: Path) -> None:
    """A version that this program does not know is not guessed at."""
    with sqlite3.connect(tmp_path / FILE) as other:
        other.execute("PRAGMA user_version = 99")
    other.close()
    with pytest.raises(StoreTooNew, match="upgrade"):
        await Store.open(tmp_path)


async def test_old_messages_are_forgotten_but_for_what_waits(store: Store) -> None:
    """A log that only grows fills a disk."""
    await store.save([Changes(messages=[message("old"), message("waits")])])
    await store.confirm("old", 1, Reference("C1", "1.1"), T0, EVENT)
    await store.prune(T0 + KEPT - timedelta(seconds=1))
    assert len(await store.messages(10)) == 2
    await store.prune(at(10) + KEPT)
    assert [one.incident for one in await store.messages(10)] == ["waits"]
    assert await store.pending("waits") is not None
