"""The router on a clock. Source: alert-semantics.md 2.5, 2.12 and the acceptance timelines of 2.13.

What these timelines have and this design does not (end times by time-out, silences, inhibition) is left out; an open
incident's message goes on showing what is over, because an edit is the whole incident.
"""

from dataclasses import replace

from alerts.route import Receiver, Route, Routing
from tests.unit.alerts.timeline import Timeline, group_of, route, routing, rule

FIRST, NEW, SOME, ALL, REPEAT = "first_notification", "new_alerts", "some_resolved", "all_resolved", "repeat_interval"


def line(*, wait: float, interval: float, repeat: float = 3600) -> Timeline:
    """Return a timeline of one rule; alerts are grouped by its name."""
    return Timeline(group_of(rule()), routing(route(wait=wait, interval=interval, repeat=repeat)))


def test_a_group_waits_then_repeats_then_tells_the_end() -> None:
    """TestRepeat (w1 i1 r below i): [2] firing, [3] firing again, [4] resolved."""
    run = line(wait=1, interval=1, repeat=0.001)
    run.evaluate(1, {"Up": {"a": 1.0}})
    run.flush(2)
    run.flush(3)
    run.evaluate(3.5, {})
    run.flush(4)
    assert run.messages() == [
        (2, "firing", FIRST, ["a firing"]),
        (3, "firing", REPEAT, ["a firing"]),
        (4, "resolved", ALL, ["a resolved"]),
    ]


def test_alerts_within_the_wait_are_one_message() -> None:
    """TestBatching (w1 i1 r4.9): both at 2.1; t2 t3 t4 at the next tick; all five once more after the repeat."""
    run = line(wait=1, interval=1, repeat=4.9)
    run.evaluate(1.1, {"Up": {"1": 1.0}})
    run.evaluate(1.7, {"Up": {"1": 1.0, "5": 1.0}})
    for tick in (2.1, 3.1):
        run.flush(tick)
    five = dict.fromkeys("12345", 1.0)
    run.evaluate(3.3, {"Up": five})
    for tick in range(6):
        run.flush(4.1 + tick)
    assert [(at, reason, len(alerts)) for at, _, reason, alerts in run.messages()] == [
        (2.1, FIRST, 2),
        (4.1, NEW, 5),
        (9.1, REPEAT, 5),
    ]


def test_a_change_waits_for_the_tick() -> None:
    """TestResolvedFilter (w1 i5): v1 and v2 at 2; at 7 v1 is over and v3 is new; at 12 v2 is over."""
    run = line(wait=1, interval=5)
    run.evaluate(1, {"Up": {"1": 1.0, "2": 1.0}})
    run.flush(2)
    run.evaluate(4, {"Up": {"2": 1.0, "3": 1.0}})
    run.flush(6.9)
    run.flush(7)
    run.evaluate(11, {"Up": {"3": 1.0}})
    run.flush(12)
    assert run.messages() == [
        (2, "firing", FIRST, ["1 firing", "2 firing"]),
        (7, "firing", NEW, ["1 resolved", "2 firing", "3 firing"]),
        (12, "firing", SOME, ["1 resolved", "2 resolved", "3 firing"]),
    ]
    assert [one.incident for one in run.told] == [run.told[0].incident] * 3


def test_resolved_alerts_leave_with_the_incident() -> None:
    """TestResolved (w1 i5): three alerts, all over at the next tick; then nothing of them is left."""
    run = line(wait=1, interval=5)
    run.evaluate(1, {"Up": {"1": 1.0, "2": 1.0, "3": 1.0}})
    run.flush(2)
    run.evaluate(3, {})
    run.flush(7)
    run.flush(12)
    assert [(at, status, len(alerts)) for at, status, _, alerts in run.messages()] == [
        (2, "firing", 3),
        (7, "resolved", 3),
    ]
    assert run.board.next_due is None


def test_what_is_over_before_the_first_message_is_not_told() -> None:
    """2.5: no message if it was alone; otherwise it appears as resolved."""
    run = line(wait=2, interval=5)
    run.evaluate(1, {"Up": {"1": 1.0}})
    run.evaluate(2, {})
    run.flush(3)
    assert run.messages() == []
    assert run.holds() == ["group_wait", "resolved_before_first"]
    run.evaluate(11, {"Up": {"1": 1.0, "2": 1.0}})
    run.evaluate(12, {"Up": {"2": 1.0}})
    run.flush(13)
    assert run.messages() == [(13, "firing", FIRST, ["1 resolved", "2 firing"])]


def test_the_next_firing_is_a_new_incident() -> None:
    """The group ends with its incident; what fires then waits for `group_wait` again."""
    run = line(wait=1, interval=5)
    for start in (0, 20):
        run.evaluate(start, {"Up": {"a": 1.0}})
        run.flush(start + 1)
        run.evaluate(start + 2, {})
        run.flush(start + 6)
    assert [(at, status) for at, status, _, _ in run.messages()] == [
        (1, "firing"),
        (6, "resolved"),
        (21, "firing"),
        (26, "resolved"),
    ]
    assert len({one.incident for one in run.told}) == 2


def test_an_alert_that_ends_and_fires_again_between_ticks_is_told_as_new() -> None:
    """2.6, DW: the receiver was told of another episode."""
    run = line(wait=0, interval=10)
    run.evaluate(0, {"Up": {"a": 1.0}})
    run.evaluate(2, {})
    run.evaluate(4, {"Up": {"a": 2.0}})
    run.flush(10)
    assert run.messages() == [(0, "firing", FIRST, ["a firing"]), (10, "firing", NEW, ["a firing"])]
    assert run.told[0].incident == run.told[1].incident


def test_flushes_that_fell_due_while_away_run_once() -> None:
    """2.12: at the start, on the group's grid."""
    run = line(wait=1, interval=5)
    run.evaluate(0, {"Up": {"a": 1.0}})
    run.restart(33)
    run.flush(33)
    run.flush(33.1)
    assert run.messages() == [(31, "firing", FIRST, ["a firing"])]
    assert run.board.next_due is not None


def test_no_wait_speaks_with_the_evaluation() -> None:
    """A transition and the message that it causes are one step, to be stored together."""
    run = line(wait=0, interval=5)
    changes = run.evaluate(0, {"Up": {"a": 1.0}})
    assert changes.instances
    assert [one.status for one in changes.messages] == ["firing"]


def test_the_loudest_firing_alert_gives_the_severity() -> None:
    """A page that is over does not keep a warning loud."""
    group = group_of(rule("Page", severity="page"), rule("Warn", severity="warn"))
    run = Timeline(group, routing(route(group_by=(), interval=1)))
    run.evaluate(0, {"Page": {"a": 1.0}, "Warn": {"a": 1.0}})
    run.flush(1)
    run.evaluate(2, {"Warn": {"a": 1.0}})
    run.flush(3)
    run.evaluate(4, {})
    run.flush(5)
    assert [(one.status, one.severity) for one in run.told][-2:] == [("firing", "warn"), ("resolved", "page")]


def test_alerts_of_a_deleted_rule_end_with_that_reason() -> None:
    """1.13, DW: the receiver is told, and nothing waits for a time-out."""
    run = Timeline(group_of(rule(), rule("Other")), routing(route(interval=1)))
    run.evaluate(0, {"Up": {"a": 1.0}})
    changes = run.restart(5, rules=group_of(rule("Other")))
    run.flush(6)
    assert [row.values["reason"] for row in changes.events if row.values["event"] == "transition"] == ["rule_deleted"]
    assert [status for _, status, _, _ in run.messages()] == ["firing", "resolved"]


def test_without_a_receiver_nothing_is_queued_and_it_says_why() -> None:
    """It is told once somebody can be: nothing is lost by starting without Slack."""
    run = line(wait=1, interval=5)
    run.deaf = True
    run.evaluate(0, {"Up": {"a": 1.0}})
    for second in range(1, 20):
        run.flush(second)
    assert run.holds() == ["group_wait", "no_receiver"]
    run.deaf = False
    run.restart(20)
    assert run.messages() == [(16, "firing", FIRST, ["a firing"])]


def tree(*children: Route, receiver: str = "desk") -> Routing:
    """Return a routing of these children, each with a receiver of its path's name."""
    root = replace(route(interval=5), receiver=receiver, children=children)
    return Routing(root, {name: Receiver(name, f"#{name}") for name in ("desk", "night")})


def test_a_changed_routing_keeps_the_message_of_the_same_people() -> None:
    """A route that moved in the tree goes on with its incident instead of opening another one."""
    child = replace(route(interval=5), path="route.routes[0]")
    run = Timeline(group_of(rule()), tree(child))
    run.evaluate(0, {"Up": {"a": 1.0}})
    run.restart(2, routing=tree(replace(child, path="route.routes[1]")))
    run.evaluate(3, {})
    run.flush(10)
    assert [(status, reason) for _, status, reason, _ in run.messages()] == [("firing", FIRST), ("resolved", ALL)]
    assert run.told[0].incident == run.told[1].incident


def test_people_whom_a_changed_routing_adds_are_told() -> None:
    """An alert that fires already joins the groups of the new tree."""
    run = Timeline(group_of(rule()), tree())
    run.evaluate(0, {"Up": {"a": 1.0}})
    both = replace(route(interval=5), path="route.routes[0]", receiver="night", goes_on=True)
    again = replace(route(interval=5), path="route.routes[1]")
    run.restart(2, routing=tree(both, again))
    run.flush(2)
    assert [one.receiver for one in run.told] == ["desk", "night"]
