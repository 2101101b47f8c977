"""One alert that gets louder and quieter. Source: docs/decisions/0011; DESIGN.md section 7, severity levels."""

from collections.abc import Sequence
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from alerts.evaluate import Memory, evaluate
from alerts.model import Severity
from alerts.state import Firing
from rules.model import Condition, Group, Level, Rule, Threshold
from tests.unit.alerts.timeline import Timeline, at, findings, group_of, route, routing

WARN = Condition(above=15, clear_below=12)
PAGE = Condition(above=40, clear_below=30)
KIND = Threshold("t", "x", timedelta(seconds=1), ("series",), "", WARN)
RULE = Rule("Up", KIND, "page", "{{ severity }} {{ value }}", levels=(Level("warn", WARN), Level("page", PAGE)))


def severities(values: Sequence[float]) -> list[str]:
    """Return the severity that the alert fires with after each value; empty: it does not fire."""
    group, memory, found = group_of(RULE), Memory(), []
    for second, value in enumerate(values):
        memory = evaluate(group, RULE, memory, findings({"a": value}), at(second)).memory
        (one,) = memory.instances.values() or (None,)
        found.append(one.labels["severity"] if one is not None and isinstance(one.phase, Firing) else "")
    return found


def told(values: Sequence[float], group: Group) -> Timeline:
    """Return what is said of one value a second."""
    timeline = Timeline(group, routing(route()))
    timeline.run(len(values) - 1, {second: {"a": value} for second, value in enumerate(values)})
    return timeline


def test_the_severity_follows_the_value_with_hysteresis_of_its_own() -> None:
    """31 keeps a page and does not make one; 13 keeps a warning."""
    values = [13, 16, 13, 31, 41, 31, 29, 13, 11, 13, 41, 11]
    expected = ["", "warn", "warn", "warn", "page", "page", "warn", "warn", "", "", "page", ""]
    assert severities(values) == expected


def test_an_escalation_is_one_incident_that_gets_louder() -> None:
    """One incident from the first warning to the end; each change of severity is told, with its reason."""
    timeline = told([16, 41, 41, 20, 11, 11], group_of(RULE))
    assert [(str(one.reason), str(one.severity)) for one in timeline.told] == [
        ("first_notification", "warn"),
        ("louder", "page"),
        ("quieter", "warn"),
        ("all_resolved", "warn"),
    ]
    assert len({one.incident for one in timeline.told}) == 1
    assert [len(one.alerts) for one in timeline.told] == [1, 1, 1, 1]


def test_each_step_is_a_transition_of_the_same_alert() -> None:
    """From firing to firing, with the reason; the fingerprint stays."""
    timeline = told([16, 41, 20, 11], group_of(RULE))
    rows = [row.values for step in timeline.steps for row in step.events if row.values["event"] == "transition"]
    assert [(row["from_state"], row["to_state"], row.get("reason"), row["severity"]) for row in rows] == [
        ("inactive", "firing", None, "warn"),
        ("firing", "firing", "louder", "page"),
        ("firing", "firing", "quieter", "warn"),
        ("firing", "resolved", "recovered", "warn"),
    ]
    assert len({row["fingerprint"] for row in rows}) == 1


def test_who_knows_of_a_warning_hears_of_the_page_at_once() -> None:
    """Louder does not wait for the group's interval; quieter does."""
    timeline = Timeline(group_of(RULE), routing(route(interval=300)))
    timeline.run(6, {0: {"a": 16.0}, 3: {"a": 41.0}, 5: {"a": 20.0}})
    assert timeline.said() == [(0, "firing", "first_notification"), (3, "firing", "louder")]


def test_the_texts_know_the_severity() -> None:
    """`{{ severity }}` is what it is now, and labels of group and rule are known as well."""
    timeline = told([16, 41], group_of(RULE))
    assert [one.alerts[0].summary for one in timeline.told] == ["warn 16", "page 41"]


def test_a_restart_tells_no_severity_twice() -> None:
    """What was told of an alert includes how loud it was."""
    timeline = told([16, 41, 41], group_of(RULE))
    before = len(timeline.told)
    timeline.restart(3)
    timeline.evaluate(3, {"Up": {"a": 41.0}})
    timeline.flush(10)
    assert len(timeline.told) == before


@given(st.lists(st.sampled_from([11, 12, 13, 16, 29, 30, 31, 41]), max_size=12))
def test_the_severity_is_that_of_two_rules_side_by_side(values: Sequence[float]) -> None:
    """Whatever the values: page when a rule of the page's thresholds would fire, else warn when the warning's would."""

    def firing(condition: Condition) -> list[bool]:
        now, found = False, []
        for value in values:
            now = condition.holds(value, firing=now)
            found.append(now)
        return found

    pairs = zip(firing(PAGE), firing(WARN), strict=True)
    assert severities(values) == [Severity.PAGE if page else Severity.WARN if warn else "" for page, warn in pairs]
