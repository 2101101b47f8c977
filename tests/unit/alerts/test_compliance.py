"""Two cases of the public alerting compliance suite. Source: alert-semantics.md 4.1, alert-cases.yaml.

The suite's hand-overs to a router are not ours: the router reads the state, so a case's `sends` become the messages
that follow from the grouping: one when it fires, one when it is over, nothing between.
"""

from dataclasses import dataclass

import pytest

from alerts.state import Resolved
from tests.unit.alerts.timeline import Timeline, group_of, route, routing, rule, since

STEP, INTERVAL, LOOK_BACK = 15, 30, 300


@dataclass(frozen=True)
class Case:
    """Rules by name as (threshold, for), changes of the sampled value by time, and the end of the observation."""

    rules: dict[str, tuple[float, float]]
    samples: dict[int, float]
    end: int

    def value(self, now: float) -> float | None:
        """Return the newest sample in (now - look-back, now]."""
        newest = int(min(now, self.end)) // STEP * STEP
        if newest <= now - LOOK_BACK:
            return None
        return self.samples[max(one for one in self.samples if one <= newest)]


FIRST = Case({"Simple": (10, 360)}, {0: 3, 15: 5, 60: 9, 120: 11, 315: 15, 795: 19, 1035: 9, 1335: 15, 2010: 8}, 2250)
SECOND = Case(
    {"ZeroFor": (10, 0), "SmallFor": (13, 15)}, {0: 3, 15: 5, 60: 9, 120: 15, 315: 9, 1395: 11, 1590: 9}, 1905
)


def replay(case: Case, phase: int) -> tuple[Timeline, list[tuple[float, str, str, float | None]]]:
    """Run a case; return its timeline and (time, rule, state, value) of each transition."""
    rules = [rule(name, hold=hold) for name, (_, hold) in case.rules.items()]
    line = Timeline(group_of(*rules, every=INTERVAL), routing(route(wait=0, interval=30, repeat=7200)))
    seen: list[tuple[float, str, str, float | None]] = []
    for now in range(phase, case.end + 1, INTERVAL):
        value = case.value(now)
        breaching = {
            name: {"a": value} if value is not None and value > threshold else {}
            for name, (threshold, _) in case.rules.items()
        }
        changes = line.evaluate(now, breaching)
        line.flush(now + 1)
        for row in changes.events:
            if row.values["event"] == "transition":
                name, state = str(row.values["alertname"]), str(row.values["to_state"])
                one = next(one for _, one in line.board.instances() if one.labels["alertname"] == name)
                seen.append((now, name, state, None if isinstance(one.phase, Resolved) else one.value))
    return line, seen


def test_pending_firing_resolved() -> None:
    """Every transition of the first case at phase 7, and nothing else."""
    _, seen = replay(FIRST, 7)
    assert seen == [
        (127, "Simple", "pending", 11),
        (487, "Simple", "firing", 15),
        (1057, "Simple", "resolved", None),
        (1357, "Simple", "pending", 15),
        (1717, "Simple", "firing", 15),
        (2017, "Simple", "resolved", None),
    ]


def test_the_first_case_is_told_as_two_incidents() -> None:
    """Firing at 487, over at 1057 with its last value 19; then another incident. A re-send is no message of ours."""
    line, _ = replay(FIRST, 7)
    shown = [(since(one.at), one.status, one.alerts[0].value, since(one.alerts[0].fired_at)) for one in line.told]
    assert shown == [
        (487, "firing", 15, 487),
        (1057, "resolved", 19, 487),
        (1717, "firing", 15, 1717),
        (2017, "resolved", 15, 1717),
    ]
    assert [one.version for one in line.told] == [1, 2, 1, 2]
    assert line.told[0].incident == line.told[1].incident != line.told[2].incident


def test_no_wait_and_a_wait_below_the_interval() -> None:
    """Every transition of the second case: without `for` at once, with half an interval at the second evaluation."""
    _, seen = replay(SECOND, 7)
    assert seen == [
        (127, "ZeroFor", "firing", 15),
        (127, "SmallFor", "pending", 15),
        (157, "SmallFor", "firing", 15),
        (337, "ZeroFor", "resolved", None),
        (337, "SmallFor", "resolved", None),
        (1417, "ZeroFor", "firing", 11),
        (1597, "ZeroFor", "resolved", None),
    ]


def test_the_second_case_is_told_as_three_incidents() -> None:
    """Two rules are two groups; a value of 11 concerns only one of them."""
    line, _ = replay(SECOND, 7)
    assert [(since(one.at), one.alerts[0].alertname, one.status) for one in line.told] == [
        (127, "ZeroFor", "firing"),
        (157, "SmallFor", "firing"),
        (337, "SmallFor", "resolved"),
        (337, "ZeroFor", "resolved"),
        (1417, "ZeroFor", "firing"),
        (1597, "ZeroFor", "resolved"),
    ]


@pytest.mark.parametrize("phase", range(INTERVAL))
def test_a_change_is_seen_at_the_first_evaluation_at_or_after_its_sample(phase: int) -> None:
    """All 30 phases of the grid (4.1)."""

    def slot(sample: float) -> float:
        return phase + -((phase - sample) // INTERVAL) * INTERVAL

    _, seen = replay(FIRST, phase)
    expected = [(slot(120), "pending"), (slot(slot(120) + 360), "firing"), (slot(1035), "resolved")]
    expected += [(slot(1335), "pending"), (slot(slot(1335) + 360), "firing"), (slot(2010), "resolved")]
    assert [(now, state) for now, _, state, _ in seen] == expected
    _, seen = replay(SECOND, phase)
    zero = [(now, state) for now, name, state, _ in seen if name == "ZeroFor"]
    assert zero == [(slot(120), "firing"), (slot(315), "resolved"), (slot(1395), "firing"), (slot(1590), "resolved")]
    small = [(now, state) for now, name, state, _ in seen if name == "SmallFor"]
    assert small == [(slot(120), "pending"), (slot(120) + INTERVAL, "firing"), (slot(315), "resolved")]


def test_what_ends_unfired_and_what_never_matches_send_nothing() -> None:
    """The suite's other two cases (4.1): a pending alert that ends, and a rule without a match."""
    line = Timeline(group_of(rule("Short", hold=360), rule("Never"), every=30), routing(route()))
    for now in range(0, 600, 30):
        line.evaluate(now, {"Short": {"a": 1.0} if now < 300 else {}, "Never": {}})
        line.flush(now + 1)
    assert [state for _, _, state in line.transitions()] == ["pending", "inactive"]
    assert line.told == []
