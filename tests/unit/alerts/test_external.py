"""Alerts of other programs. Source: alert-semantics.md 2.2, and TestMergeAlerts and TestResolved of 2.13."""

from datetime import timedelta

from alerts.changes import Changes
from alerts.evaluate import Memory
from alerts.external import GROUP, RESOLVE_TIMEOUT, External, Posted, take
from alerts.state import Firing, State
from core.clock import to_datetime, to_nanos
from tests.fakes.clock import FakeClock
from tests.unit.alerts.timeline import T0, Timeline, at, route, routing

LABELS = {"alertname": "X"}


def sent(start: float | None = None, end: float | None = None, summary: str = "") -> Posted:
    """Return an alert as it is sent."""
    return Posted(LABELS, {"summary": summary}, None if start is None else at(start), None if end is None else at(end))


def play(*steps: tuple[float, Posted]) -> tuple[Memory, list[tuple[float, State, State]]]:
    """Send alerts one after the other; return what is remembered, and every transition."""
    memory, found = Memory(), []
    for seconds, one in steps:
        evaluation = take(memory, [one], at(seconds)).evaluation
        memory = evaluation.memory
        found += [(seconds, step.before, step.after) for step in evaluation.transitions]
    return memory, found


def test_what_is_sent_again_is_the_same_alert() -> None:
    """Its text is renewed; DW: its start stays the one that was told."""
    memory, steps = play((1, sent(1, summary="v1")), (2, sent(0.5, summary="v2")))
    [one] = memory.instances.values()
    assert (one.phase, one.texts.summary) == (Firing(at(1), at(1)), "v2")
    assert steps == [(1, State.INACTIVE, State.FIRING)]


def test_an_end_resolves_and_a_later_start_is_a_new_episode() -> None:
    """No overlap: a new occurrence."""
    memory, steps = play((1, sent(1)), (4, sent(1, 4)), (5, sent(1, 4)), (6, sent(5)))
    [one] = memory.instances.values()
    assert one.phase == Firing(at(5), at(5))
    assert [step[1:] for step in steps] == [
        (State.INACTIVE, State.FIRING),
        (State.FIRING, State.RESOLVED),
        (State.RESOLVED, State.FIRING),
    ]


def test_an_old_start_after_the_end_is_a_new_episode_from_now() -> None:
    """A sender that was away sends the start that it knows."""
    memory, _ = play((1, sent(1)), (4, sent(1, 4)), (9, sent(1)))
    assert next(iter(memory.instances.values())).phase == Firing(at(9), at(9))


def test_what_is_over_and_was_never_told_is_nothing() -> None:
    """A resolved alert that we do not know."""
    assert play((5, sent(1, 4))) == (Memory(), [])


def test_what_is_refused_costs_only_itself() -> None:
    """No labels; an end before the start."""
    found = take(Memory(), [Posted({}), Posted({"a": ""}), sent(4, 1), sent(1)], at(1))
    assert len(found.refused) == 3
    assert len(found.evaluation.memory.instances) == 1


def test_a_foreign_severity_becomes_one_of_ours() -> None:
    """And is kept beside it; one that nobody knows is a warning."""
    words = ["critical", "page", "warning", "odd", ""]
    found = take(Memory(), [Posted({"alertname": str(n), "severity": word}) for n, word in enumerate(words)], at(1))
    labels = [one.labels for one in found.evaluation.memory.instances.values()]
    assert [one["severity"] for one in labels] == ["page", "page", "warn", "warn", "warn"]
    assert [one.get("sent_severity") for one in labels] == ["critical", None, "warning", "odd", None]


async def test_what_is_no_longer_sent_is_over() -> None:
    """TestResolved; a jump of the wall clock is no time that has passed."""
    desk, clock = Timeline(GROUP, routing(route(repeat=1e6))), FakeClock(to_nanos(T0))

    async def save(changes: Changes) -> None:
        desk.keep(changes)

    outside = External(desk.board, save, clock)
    await outside.post([Posted(LABELS)], to_datetime(clock.now()))
    clock.jump(3600)
    await outside.expire(to_datetime(clock.now()))
    assert [reason for _, _, reason in desk.said()] == ["first_notification"]
    clock.advance(RESOLVE_TIMEOUT.total_seconds() - 1)
    now = to_datetime(clock.now())
    await outside.post([Posted(LABELS, ends_at=now + timedelta(seconds=30))], now)
    clock.advance(29)
    await outside.expire(to_datetime(clock.now()))
    assert len(desk.told) == 1
    clock.advance(1)
    await outside.expire(to_datetime(clock.now()))
    assert [reason for _, _, reason in desk.said()] == ["first_notification", "all_resolved"]


async def test_after_a_restart_an_alert_is_good_for_one_time_out_more() -> None:
    """Nobody hears that it is over only because we were away."""
    desk, clock = Timeline(GROUP, routing(route(repeat=1e6))), FakeClock(to_nanos(T0))

    async def save(changes: Changes) -> None:
        desk.keep(changes)

    await External(desk.board, save, clock).post([Posted(LABELS)], at(0))
    clock.advance(RESOLVE_TIMEOUT.total_seconds() * 2)
    desk.restart(600)
    outside = External(desk.board, save, clock)
    await outside.expire(to_datetime(clock.now()))
    assert len(desk.told) == 1
    clock.advance(RESOLVE_TIMEOUT.total_seconds())
    await outside.expire(to_datetime(clock.now()))
    assert desk.said()[-1][1:] == ("resolved", "all_resolved")
