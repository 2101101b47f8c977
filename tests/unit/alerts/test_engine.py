"""A slot of a group. Source: DESIGN.md section 7; alert-semantics.md 1.2, 1.9, 1.11 and 1.15."""

import asyncio
from dataclasses import dataclass, field, replace

import pytest

from alerts.board import Board
from alerts.changes import Changes
from alerts.engine import MOST_ROWS, Engine
from alerts.evaluate import Health
from alerts.path import PathWatch
from core.clock import to_nanos
from core.ports import Result
from core.rows import Row
from rules.model import Group, Rule, Ruleset, Sql, Stale
from storage.reader import BadQuery, QueryTimeout
from tests.fakes.clock import FakeClock
from tests.fakes.reader import FakeRowReader, Parameters
from tests.fakes.writer import FakeRowWriter
from tests.unit.alerts.timeline import at, group_of, route, routing, rule, span

ONE = Result(("series", "value"), [("a", 1.0)])
EMPTY = Result(("series", "value"), [])


def asking(name: str) -> Rule:
    """Return a rule whose query is its name."""
    return replace(rule(name), kind=Sql(name, None, None))


@dataclass
class Desk:
    """An engine with everything it needs; `answers` by the rule's SQL."""

    group: Group
    answers: dict[str, Result | Exception] = field(default_factory=dict)
    saved: list[Changes] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.clock = FakeClock(to_nanos(at(0)))
        self.writer = FakeRowWriter()
        self.reader = FakeRowReader(self._answer)
        self.path = PathWatch(self.reader, span(5))
        rules = {self.group.identity(one): one for one in self.group.rules}
        self.board = Board(rules, routing(route()), lambda _: None)
        self.engine = Engine(self.board, self.reader, self.writer, self.path, self.clock, self._save)
        self.engine.use(Ruleset((self.group,)))

    def _answer(self, sql: str, _parameters: Parameters) -> Result:
        self.asked.append(sql)
        answer = self.answers.get(sql, EMPTY)
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def _save(self, changes: Changes) -> None:
        self.asked.append("save")
        self.saved.append(changes)

    async def run(self, seconds: float) -> list[Row]:
        """Evaluate the group at a slot; return its new rows of `rule_evaluations`."""
        before = len(self.writer.rows)
        self.clock.advance((to_nanos(at(seconds)) - self.clock.now()) / 1e9)
        await self.engine.run(self.group, at(seconds))
        return self.writer.rows[before:]

    def states(self) -> dict[str, str]:
        """Return each alert's state by its rule."""
        return {name: type(one.phase).__name__ for name, one in self.board.instances()}


async def test_a_query_that_fails_costs_only_its_rule() -> None:
    """Its neighbours run; it says what is wrong, and its alerts keep their state."""
    desk = Desk(group_of(asking("A"), asking("B"), asking("C")), {"A": ONE, "B": BadQuery("no column x"), "C": ONE})
    rows = await desk.run(0)
    assert desk.states() == {"g/A": "Firing", "g/C": "Firing"}
    assert [row.values["outcome"] for row in rows] == [Health.OK, Health.ERROR, Health.OK]
    assert "no column x" in str(rows[1].values["error"])
    desk.answers["A"] = QueryTimeout("timeout, query aborted")
    await desk.run(1)
    assert desk.states()["g/A"] == "Firing"


async def test_a_defect_of_a_rule_costs_only_itself() -> None:
    """An answer that nobody foresaw is an error of that rule."""
    desk = Desk(group_of(asking("A"), asking("B")), {"A": ValueError("odd"), "B": ONE})
    rows = await desk.run(0)
    assert [row.values["outcome"] for row in rows] == [Health.ERROR, Health.OK]


async def test_more_rows_than_can_be_judged_are_an_error() -> None:
    """To judge the first of them would resolve the others."""
    many = Result(("series", "value"), [(str(n), 1.0) for n in range(MOST_ROWS + 1)])
    desk = Desk(group_of(asking("A")), {"A": many})
    [row] = await desk.run(0)
    assert row.values["outcome"] == Health.ERROR


async def test_rules_run_in_order_and_a_transition_is_stored_before_the_next_query() -> None:
    """1.9: file order is binding. A slow rule does not delay what an earlier one found."""
    desk = Desk(group_of(asking("A"), asking("B"), asking("C")))
    await desk.run(0)
    await desk.run(1)
    desk.asked.clear()
    desk.answers["A"] = ONE
    await desk.run(2)
    assert desk.asked == ["A", "save", "B", "C"]


async def test_nothing_is_stored_when_nothing_changes() -> None:
    """A healthy desk costs no commit."""
    desk = Desk(group_of(asking("A"), asking("B")))
    await desk.run(0)
    await desk.run(1)
    desk.saved.clear()
    await desk.run(2)
    assert desk.saved == []


async def test_the_time_of_an_evaluation_is_its_slot() -> None:
    """1.2: not the wall clock, however late it starts; how late is stored."""
    desk = Desk(replace(group_of(asking("A")), offset=span(2)), {"A": ONE})
    desk.clock.advance(10.25)
    await desk.engine.run(desk.group, at(10))
    [(_, alert)] = desk.board.instances()
    assert alert.phase.active_at == at(10)
    assert desk.reader.queries[0][1]["now"] == at(8)
    assert desk.writer.rows[0].values["lateness_ms"] == pytest.approx(250)


async def test_slots_that_were_missed_are_counted_and_stored() -> None:
    """1.15: which evaluations were missed can be asked of the database."""
    desk = Desk(group_of(asking("A"), every=5))
    await desk.run(0)
    rows = await desk.run(20)
    assert [row.ts for row in rows if row.values["outcome"] == "skipped"] == [to_nanos(at(n)) for n in (5, 10, 15)]
    assert desk.engine.counts["skipped"] == 3


async def test_a_group_never_overlaps_itself() -> None:
    """1.2: a slot that comes while the last one runs is skipped."""
    desk = Desk(group_of(asking("A")))
    gate = asyncio.Event()

    class Slow(FakeRowReader):
        async def query(self, sql: str, parameters: Parameters | None = None, *, limit: int = 1000) -> Result:
            await gate.wait()
            return await super().query(sql, parameters, limit=limit)

    reader = Slow()
    engine = Engine(desk.board, reader, desk.writer, desk.path, desk.clock, desk._save)  # noqa: SLF001  its own helper
    engine.use(Ruleset((desk.group,)))
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(engine.run(desk.group, at(0)))
        await asyncio.sleep(0)
        await engine.run(desk.group, at(1))
        gate.set()
    assert len(reader.queries) == 1


async def test_a_stale_rule_holds_while_the_path_is_late() -> None:
    """DESIGN section 7: a missing row proves nothing then; the evaluation says `held`."""
    kind = Stale("books", ("venue",), span(10), span(3600), "")
    desk = Desk(group_of(replace(rule("BookStale"), kind=kind)))
    late = Result(("venue", "value"), [("okx", 60.0)])
    beats = Result(("instance", "ts", "oldest_unsent_s"), [("host", at(-6), 0.0)])
    desk.reader.answer = lambda sql, _: beats if "heartbeats" in sql else EMPTY if "wal_tables" in sql else late
    await desk.path.look(at(0))
    [row] = await desk.run(0)
    assert row.values["outcome"] == Health.HELD
    assert desk.states() == {}
    beats = Result(("instance", "ts", "oldest_unsent_s"), [("host", at(1), 0.0)])
    await desk.path.look(at(1))
    [row] = await desk.run(1)
    assert row.values["outcome"] == Health.OK
    assert desk.states() == {"g/BookStale": "Firing"}
