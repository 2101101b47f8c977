"""The life of alerts. Source: alert-semantics.md 1.4, 1.7 and the timelines of 4.2 and 4.3."""

import pytest

from alerts.evaluate import Health, evaluate
from alerts.state import Resolved
from tests.unit.alerts.timeline import Timeline, at, findings, group_of, route, routing, rule, since


def walk(rows: str, *, hold: float = 0, keep: float = 0, every: float = 60) -> str:
    """Return the states of one series, a letter an evaluation: P, F, K (kept firing), I (resolved), - (no alert)."""
    group = group_of(rule(hold=hold * every, keep=keep * every))
    line = Timeline(group, routing(route()))
    states = ""
    for step, row in enumerate(rows):
        line.evaluate(step * every, {"Up": {"a": 1.0} if row == "x" else {}})
        found = [one for _, one in line.board.instances()]
        name = type(found[0].phase).__name__ if found else ""
        kept = bool(found) and getattr(found[0].phase, "absent_since", None) is not None
        states += {"Pending": "P", "Firing": "K" if kept else "F", "Resolved": "I", "": "-"}[name]
    return states


@pytest.mark.parametrize(
    ("rows", "hold", "keep", "states"),
    [
        ("x.x..x", 0, 0, "FIFIIF"),
        ("x", 9, 0, "P"),
        ("xx", 1, 0, "PF"),
        ("xx.", 9, 0, "PP-"),
        ("xx.xx", 1, 0, "PFIPF"),
        ("xx.x", 1, 1, "PFKF"),
        ("xx...xx", 1, 2, "PFKKIPF"),
        ("xxxx...", 1, 1, "PFFFKII"),
        ("x.", 1, 1, "P-"),
        ("xx", 0.5, 0, "PF"),
        ("x" + 17 * ".", 0, 0, "F" + 16 * "I" + "-"),
    ],
    ids=[
        "single",
        "for-pending",
        "for-fired",
        "pending-empty",
        "full-circle",
        "keep-1",
        "keep-2",
        "TestKeepFiringFor",
        "TestPendingAndKeepFiringFor",
        "for-below-the-interval-fires-at-the-second",
        "resolved-is-remembered-for-15-minutes-boundary-included",
    ],
)
def test_an_alert_walks_through_its_states(rows: str, hold: float, keep: float, states: str) -> None:
    """Vmalert's tables (4.3), Prometheus' keep-firing tests (4.2) and the table of 1.4."""
    assert walk(rows, hold=hold, keep=keep) == states


def test_series_live_apart() -> None:
    """Vmalert's `multiple steps`: each series has its own life."""
    line = Timeline(group_of(rule()), routing(route()))
    for step, name in enumerate("abc"):
        line.evaluate(step, {"Up": {name: 1.0}})
    assert sorted(line.transitions()) == [
        (0, "inactive", "firing"),
        (1, "firing", "resolved"),
        (1, "inactive", "firing"),
        (2, "firing", "resolved"),
        (2, "inactive", "firing"),
    ]


def test_a_return_after_the_end_is_a_new_episode_with_a_full_wait() -> None:
    """4.3 full circle: `active_at` is step 0, then step 3."""
    line = Timeline(group_of(rule(hold=60)), routing(route()))
    starts = []
    for step, row in enumerate("xx.xx"):
        line.evaluate(step * 60, {"Up": {"a": 1.0} if row == "x" else {}})
        starts += [since(one.phase.active_at) for _, one in line.board.instances()]
    assert starts == [0, 0, 0, 180, 180]


def test_values_and_texts_follow_the_breach_and_stay_when_it_ends() -> None:
    """1.5: refreshed while breaching; the resolved alert has its last breaching value and the one after."""
    group = group_of(rule())
    line = Timeline(group, routing(route()))
    line.evaluate(0, {"Up": {"a": 11.0}})
    line.evaluate(1, {"Up": {"a": 15.0}})
    line.evaluate(2, {})
    [(_, one)] = line.board.instances()
    assert (one.value, one.value_now, one.texts.summary) == (15.0, None, "15.0")
    assert isinstance(one.phase, Resolved)
    line.evaluate(3, {})
    assert line.steps[-1].instances == {}


def test_two_rows_that_become_one_alert_fail_the_evaluation() -> None:
    """TestAlertingRuleDuplicate (4.2): an error, and the state is untouched."""
    group = group_of(rule())
    line = Timeline(group, routing(route()))
    line.evaluate(0, {"Up": {"a": 1.0}})
    memory = line.board.memory("g/Up")
    double = findings({"b": 1.0})
    result = evaluate(group, group.rules[0], memory, type(double)([*double.findings, *double.findings]), at(1))
    assert result.health is Health.ERROR
    assert "two rows" in result.error
    assert result.memory == memory


def test_a_limit_admits_the_largest_and_wipes_nothing() -> None:
    """1.7, DW: what is there lives on, new ones come in up to the limit, and one alert of the rule's own says so."""
    line = Timeline(group_of(rule(limit=2)), routing(route()))
    line.evaluate(0, {"Up": {"a": 1.0}})
    line.evaluate(1, {"Up": {"a": 1.0, "b": 2.0, "c": 3.0}})
    labels = [one.labels.get("series", one.labels.get("reason")) for _, one in line.board.instances() if one.firing]
    assert sorted(map(str, labels)) == ["a", "c", "limit"]
    line.evaluate(2, {"Up": {"a": 1.0, "b": 2.0}})
    labels = [one.labels.get("series", one.labels.get("reason")) for _, one in line.board.instances() if one.firing]
    assert sorted(map(str, labels)) == ["a", "b"]


@pytest.mark.parametrize(("limit", "health"), [(0, Health.OK), (2, Health.OK), (1, Health.LIMIT)])
def test_a_limit_of_two_alerts(limit: int, health: Health) -> None:
    """TestAlertingRuleLimit (4.2): 0 is none, 2 is enough, 1 is an error."""
    group = group_of(rule(limit=limit))
    line = Timeline(group, routing(route()))
    memory = line.board.memory("g/Up")
    assert evaluate(group, group.rules[0], memory, findings({"a": 1.0, "b": 2.0}), at(0)).health is health
