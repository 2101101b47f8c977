"""Is the data path behind? Source: DESIGN.md section 7, `DataPathBehind`; questdb.md on wal_tables()."""

from dataclasses import replace
from datetime import datetime

import pytest

from alerts.path import PathWatch, built_in
from core.ports import Result
from rules.model import Absent, Condition, Rule, Stale, Threshold
from storage.reader import DatabaseAway
from tests.fakes.reader import FakeRowReader
from tests.unit.alerts.timeline import at, rule, span

BEATS = ("instance", "ts", "oldest_unsent_s")
LOGS = ("name", "suspended", "applied", "written")


class Database:
    """What the database says of the path; `away`: it says nothing."""

    def __init__(self) -> None:
        self.beats: list[tuple[str, datetime, float | None]] = []
        self.logs: list[tuple[str, bool, int, int]] = []
        self.away = False
        self.watch = PathWatch(FakeRowReader(lambda sql, _: self._answer(sql)), span(5))

    def _answer(self, sql: str) -> Result:
        if self.away:
            raise DatabaseAway("no answer")
        return Result(BEATS, self.beats) if "heartbeats" in sql else Result(LOGS, self.logs)

    async def lag(self, seconds: float) -> float:
        """Look, and return the lag."""
        await self.watch.look(at(seconds))
        return self.watch.lag(at(seconds)).seconds


async def test_without_a_collector_nothing_is_behind() -> None:
    """No heartbeat within the hour: nobody is expected."""
    assert await Database().lag(0) == 0


async def test_the_oldest_heartbeat_is_the_lag() -> None:
    """Any collector that is behind is enough, and it is named."""
    database = Database()
    database.beats = [("one", at(99), 0.0), ("two", at(80), None)]
    assert await database.lag(100) == 20
    assert "two" in database.watch.lag(at(100)).why


async def test_rows_that_the_database_does_not_take_are_the_lag() -> None:
    """The heartbeat itself may be fresh while older rows wait on disk."""
    database = Database()
    database.beats = [("one", at(99), 42.0)]
    assert await database.lag(100) == 42


async def test_a_transaction_that_is_not_applied_is_the_lag() -> None:
    """Counted from when it was seen, and only until it is applied: a busy table is not a late one."""
    database = Database()
    for now in range(20):
        database.logs = [("quotes", False, now, now + 1)]
        assert await database.lag(now) <= 1
    for now in range(20, 30):
        database.logs = [("quotes", False, 20, now + 1)]
        await database.watch.look(at(now))
    assert database.watch.lag(at(29)).seconds == 9
    database.logs = [("quotes", False, 30, 30)]
    assert await database.lag(30) == 0


async def test_a_suspended_table_is_late_at_once() -> None:
    """The server's own health stays green; nothing of the table arrives."""
    database = Database()
    database.logs = [("quotes", True, 1, 1)]
    assert await database.lag(0) > 5
    database.logs = [("rule_evaluations", True, 1, 9)]
    assert await database.lag(1) == 0


async def test_a_database_that_cannot_be_read_is_behind_since_then() -> None:
    """One failed look is nothing yet."""
    database = Database()
    database.away = True
    assert await database.lag(0) == 0
    assert await database.lag(7) == 7
    database.away = False
    assert await database.lag(8) == 0


def stale(seconds: float) -> Rule:
    """Return a rule that is patient for so long."""
    return replace(rule(), kind=Stale("books", ("venue",), span(seconds), span(3600), ""))


@pytest.mark.parametrize(
    ("one", "lag", "late"),
    [
        (stale(60), 5.0, False),
        (stale(60), 5.1, True),
        (stale(4), 3.0, False),
        (stale(4), 3.1, True),
        (stale(0.5), 2.0, False),
        (stale(0.5), 2.1, True),
        (replace(rule(), kind=Absent("fills", span(4), (), (), "")), 3.1, True),
        (replace(rule(), kind=Threshold("quotes", "ask", span(4), (), "", Condition(above=1))), 4.9, False),
        (replace(rule(), kind=Threshold("quotes", "ask", span(4), (), "", Condition(above=1))), 5.1, True),
        (rule(), 99.0, False),
    ],
)
async def test_a_rule_is_held_before_its_own_patience_ends(one: Rule, lag: float, *, late: bool) -> None:
    """`path_late` is 5 s; a rule that waits for less would fire before that, and its rows may be no later than that."""
    database = Database()
    database.beats = [("one", at(100 - lag), 0.0)]
    await database.lag(100)
    assert database.watch.late_for(one, at(100)) is late


async def test_the_built_in_alert_tells_how_late_and_where() -> None:
    """One page takes the place of a storm; it fires when it has been late for as long again."""
    database = Database()
    database.beats = [("one", at(90), 0.0)]
    await database.lag(100)
    [finding] = database.watch.findings(at(100))
    _, alert = built_in(span(5))
    assert (finding.value, alert.severity, alert.hold) == (10, "page", span(5))
    assert database.watch.findings(at(94)) == []
