"""Each kind in the engine: limits, what a late data path proves, labels, alerts over alerts, recordings.

Source: DESIGN.md section 7; alert-semantics.md 1.7 and 1.9.
"""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

import pytest

from alerts.board import Board
from alerts.changes import Changes
from alerts.engine import Engine
from alerts.evaluate import Answered, Evaluation, Health, Memory, evaluate
from alerts.path import PathWatch
from core.clock import to_nanos
from core.ports import Result
from rules.findings import Finding
from rules.matcher import read_matcher
from rules.model import (
    Absent,
    Alerts,
    Change,
    Compare,
    Condition,
    Distance,
    Empty,
    Group,
    Kind,
    Mismatch,
    Missing,
    NoData,
    Record,
    Rule,
    Ruleset,
    Side,
    Spike,
    Sql,
    Stale,
    Threshold,
)
from tests.fakes.clock import FakeClock
from tests.fakes.reader import FakeRowReader, Parameters
from tests.fakes.writer import FakeRowWriter
from tests.unit.alerts.timeline import at, group_of, route, routing, span

SPAN, ABOVE, BELOW = timedelta(seconds=10), Condition(above=5), Condition(below=5)
SIDE = Side("t", "x", "")
SPIKE = Spike("t", "x", SPAN, 3 * SPAN, (), "", Compare.RATIO, 3, None, None, Empty.SKIP, ABOVE)
MISMATCH = Mismatch(SIDE, SIDE, SPAN, (), Distance.ABSOLUTE, 0, Missing.ALERT, ABOVE)
KINDS: Mapping[str, Kind] = {
    "sql": Sql("", None, ABOVE),
    "threshold": Threshold("t", "x", SPAN, (), "", ABOVE),
    "stale": Stale("t", ("a",), timedelta(seconds=5), SPAN, ""),
    "absent": Absent("t", SPAN, ("a",), (), ""),
    "spike": SPIKE,
    "change": Change("t", "x", SPAN, SPAN, (), "", ABOVE),
    "mismatch": MISMATCH,
    "alerts": Alerts((), (), ABOVE),
}


def rule_of(kind: Kind, **more: object) -> Rule:
    """Return a rule of a kind."""
    return replace(Rule("R", kind, "warn", "s"), **more)  # type: ignore[arg-type]  # the names are those of a rule


def step(
    rule: Rule, memory: Memory, series: Mapping[str, float | None], second: float, *, late: bool = False
) -> Evaluation:
    """Evaluate a rule."""
    found = [Finding({"series": name}, value) for name, value in series.items()]
    return evaluate(group_of(rule), rule, memory, Answered(found), at(second), path_late=late)


def firing(evaluation: Evaluation) -> set[str]:
    """Return the series that fire, and the reasons of the rule's own alerts."""
    alerts = (one.labels for one in evaluation.memory.instances.values() if one.firing)
    return {labels.get("series") or labels["reason"] for labels in alerts}


@pytest.mark.parametrize("name", KINDS)
def test_a_limit_never_wipes_what_fires(name: str) -> None:
    """What fires goes on, the rest is told in one alert, the largest first; and both end when it is over."""
    rule = rule_of(KINDS[name], limit=2)
    first = step(rule, Memory(), {"a": 6.0}, 0)
    storm = step(rule, first.memory, {"a": 6.0, "b": 7.0, "c": 9.0, "d": 8.0}, 1)
    assert (firing(storm), storm.health) == ({"a", "c", "limit"}, Health.LIMIT)
    assert storm.error == "limit 2: 2 more alerts are not admitted"
    assert firing(step(rule, storm.memory, {"a": 6.0}, 2)) == {"a"}


@pytest.mark.parametrize(
    ("kind", "held"),
    [
        (SPIKE, False),
        (replace(SPIKE, condition=BELOW), True),
        (MISMATCH, True),
        (replace(MISMATCH, missing=Missing.ZERO), True),
        (replace(MISMATCH, missing=Missing.OK), False),
        (KINDS["change"], False),
        (KINDS["threshold"], False),
        (KINDS["stale"], True),
    ],
)
def test_a_late_data_path_proves_nothing_of_what_is_missing(kind: Kind, held: bool) -> None:  # noqa: FBT001  a column of the table
    """Too few rows look like a collapse, or like a side that is missing: those rules hold."""
    evaluation = step(
        rule_of(kind), Memory(), {"a": 4.0 if kind == replace(SPIKE, condition=BELOW) else 6.0}, 0, late=True
    )
    assert (evaluation.health is Health.HELD) is held
    assert firing(evaluation) == (set() if held else {"a"})


@pytest.mark.parametrize("kind", [SPIKE, MISMATCH, KINDS["threshold"]])
def test_a_kind_that_compares_sees_that_there_is_nothing(kind: Kind) -> None:
    """Twice in a row without any row: an alert says so, and what fires is kept."""
    rule = rule_of(kind, no_data=NoData.ALERT)
    memory = step(rule, Memory(), {"a": 6.0}, 0).memory
    memory = step(rule, memory, {}, 1).memory
    assert firing(step(rule, memory, {}, 2)) == {"a", "no_data"}


def test_labels_are_templates_of_the_row_s_labels() -> None:
    """Of the rule and of the group; texts know them all."""
    rule = rule_of(
        KINDS["threshold"], labels={"desk": "{{ series }}-eu"}, summary="{{ desk }} {{ team }} {{ severity }}"
    )
    group = replace(group_of(rule), labels={"team": "{{ series | upper }}"})
    found = Answered([Finding({"series": "a"}, 6.0)])
    (one,) = evaluate(group, rule, Memory(), found, at(0)).memory.instances.values()
    assert (one.labels["desk"], one.labels["team"], one.texts.summary) == ("a-eu", "A", "a-eu A warn")


# --- alerts over alerts ----------------------------------------------------------------------------------------------


class Desk:
    """An engine over a group; `breaching` are the series that each SQL has."""

    def __init__(self, group: Group) -> None:
        self.group = group
        self.breaching: dict[str, str] = {}
        self.reader = FakeRowReader(self._answer)
        self.writer = FakeRowWriter()
        self.clock = FakeClock(to_nanos(at(0)))
        rules = {group.identity(one): one for one in group.rules}
        self.board = Board(rules, routing(route()), lambda _: None)
        path = PathWatch(self.reader, span(5))
        self.engine = Engine(self.board, self.reader, self.writer, path, self.clock, self._save)
        self.engine.use(Ruleset((group,)))

    def _answer(self, sql: str, _parameters: Parameters) -> Result:
        return Result(("series", "value"), [(name, float(n)) for n, name in enumerate(self.breaching.get(sql, ""))])

    async def _save(self, changes: Changes) -> None:
        pass

    async def run(self, second: float, **breaching: str) -> set[str]:
        """Evaluate the group; return what fires, as `alertname series`."""
        self.breaching = breaching
        await self.engine.run(self.group, at(second))
        alerts = (one.labels for _, one in self.board.instances() if one.firing)
        return {f"{one['alertname']} {one.get('series', '')}".strip() for one in alerts}


def asking(name: str, **more: object) -> Rule:
    """Return a rule that asks for its name."""
    return replace(rule_of(Sql(name, None, None), **more), name=name)


def counting(name: str, *matchers: str, at_least: int = 1, by: tuple[str, ...] = ()) -> Rule:
    """Return a rule over alerts."""
    return replace(rule_of(Alerts(tuple(map(read_matcher, matchers)), by, Condition(above=at_least - 1))), name=name)


async def test_alerts_are_seen_in_the_very_slot_in_which_they_fire_and_end() -> None:
    """Not one interval later; and nobody is asked."""
    desk = Desk(group_of(asking("A"), counting("Both", "alertname=A", at_least=2)))
    assert await desk.run(0, A="x") == {"A x"}
    assert await desk.run(1, A="xy") == {"A x", "A y", "Both"}
    assert await desk.run(2, A="y") == {"A y"}
    assert [sql for sql, _ in desk.reader.queries] == ["A", "A", "A"]


async def test_what_is_pending_is_not_counted() -> None:
    """The rule asks for alerts that fire."""
    desk = Desk(group_of(asking("A", hold=timedelta(seconds=1)), counting("Any", "alertname=A")))
    assert await desk.run(0, A="x") == set()
    assert await desk.run(1, A="x") == {"A x", "Any"}


async def test_before_its_source_it_sees_the_slot_before() -> None:
    """The order of the file is binding."""
    desk = Desk(group_of(counting("Any", "alertname=A"), asking("A")))
    assert await desk.run(0, A="x") == {"A x"}
    assert await desk.run(1, A="x") == {"A x", "Any"}


async def test_an_alert_does_not_count_itself() -> None:
    """Or it would never end."""
    desk = Desk(group_of(asking("A"), counting("Any", "severity=warn", by=("series",))))
    assert await desk.run(0, A="x") == {"A x", "Any x"}
    assert await desk.run(1) == set()


async def test_alerts_over_alerts_over_alerts() -> None:
    """Each sees those before it."""
    desk = Desk(group_of(asking("A"), counting("B", "alertname=A"), counting("C", "alertname=B")))
    assert await desk.run(0, A="x") == {"A x", "B", "C"}


# --- recordings ------------------------------------------------------------------------------------------------------


async def test_a_recording_is_rows_and_no_alert() -> None:
    """At the time that was asked for, with all labels; once more for the same slot is the same row."""
    kind = Record("mid", None)
    rule = replace(rule_of(kind, labels={"unit": "bps"}, offset=timedelta(seconds=2)), name="mid")
    desk = Desk(replace(group_of(rule), labels={"venue": "v"}))
    assert await desk.run(5, mid="ab") == set()
    rows = desk.writer.of("recordings")
    assert [(row.ts, row.values["value"], row.values["venue"], row.values["symbol"]) for row in rows] == [
        (to_nanos(at(3)), 0.0, "v", None),
        (to_nanos(at(3)), 1.0, "v", None),
    ]
    assert json.loads(str(rows[0].values["labels"])) == {"series": "a", "unit": "bps", "venue": "v"}
    assert [row.values["outcome"] for row in desk.writer.of("rule_evaluations")] == ["ok"]


async def test_what_has_no_number_is_not_recorded() -> None:
    """A hole stays a hole."""
    desk = Desk(group_of(replace(rule_of(Record("mid", None)), name="mid")))
    desk.reader.answer = lambda _sql, _parameters: Result(("series", "value"), [("a", None), ("b", 1.0)])
    _ = await desk.run(0)
    assert [row.values["value"] for row in desk.writer.of("recordings")] == [1.0]
