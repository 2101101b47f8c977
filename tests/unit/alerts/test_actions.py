"""What a person does about an incident. Source: DESIGN.md section 8; alert-semantics.md 2.6, 2.8, 2.9 and 2.13."""

import pytest

from alerts.actions import Done
from alerts.labels import read_matcher
from alerts.model import Ack
from alerts.silence import BadSilence, Window
from tests.unit.alerts.timeline import Timeline, at, group_of, route, routing, rule


def line(*, repeat: float = 3600, wait: float = 0) -> Timeline:
    """Return a board with one rule."""
    return Timeline(group_of(rule()), routing(route(repeat=repeat, wait=wait)))


def incident(timeline: Timeline) -> str:
    """Return the name of the newest incident."""
    return timeline.told[-1].incident


async def test_an_acknowledgement_is_shown_and_ends_the_reminders() -> None:
    """The message names who and when; the reminder is held, once, until somebody takes it back."""
    desk = line(repeat=5)
    desk.evaluate(0, {"Up": {"a": 1}})
    assert await desk.actions.acknowledge(incident(desk), "ada", at(2)) is Done.DONE
    assert desk.told[-1].ack == Ack("ada", at(2))
    desk.run(20, {0: {"a": 1}})
    assert desk.said() == [(0, "firing", "first_notification"), (2, "acknowledged", "acknowledged")]
    assert desk.holds() == ["acknowledged"]
    assert await desk.actions.unacknowledge(incident(desk), "ada", at(21)) is Done.DONE
    desk.run(27, {0: {"a": 1}})
    assert desk.said()[2:] == [(21, "firing", "unacknowledged"), (27, "firing", "repeat_interval")]


async def test_an_acknowledged_incident_still_tells_of_new_alerts_and_of_its_end() -> None:
    """Only reminders are held."""
    desk = line()
    desk.evaluate(0, {"Up": {"a": 1}})
    await desk.actions.acknowledge(incident(desk), "ada", at(0.5))
    desk.evaluate(1, {"Up": {"a": 1, "b": 1}})
    desk.evaluate(2, {"Up": {}})
    desk.flush(3)
    assert desk.said()[2:] == [(1, "acknowledged", "new_alerts"), (2, "resolved", "all_resolved")]
    desk.evaluate(4, {"Up": {"a": 1}})
    assert desk.told[-1].ack is None


async def test_an_action_does_not_hide_news() -> None:
    """An alert that waits for the group's next message is still told as new after an acknowledgement."""
    desk = Timeline(group_of(rule()), routing(route(interval=10)))
    desk.evaluate(0, {"Up": {"a": 1}})
    desk.evaluate(1, {"Up": {"b": 1}})
    await desk.actions.acknowledge(incident(desk), "ada", at(2))
    desk.flush(10)
    assert [reason for _, _, reason in desk.said()] == ["first_notification", "acknowledged", "new_alerts"]


async def test_results_say_what_an_action_found() -> None:
    """Done, so before, over, never heard of; what is over is not opened again."""
    desk = line()
    desk.evaluate(0, {"Up": {"a": 1}})
    name = incident(desk)
    assert await desk.actions.unacknowledge(name, "ada", at(0)) is Done.ALREADY
    assert await desk.actions.acknowledge(name, "ada", at(0)) is Done.DONE
    assert await desk.actions.acknowledge(name, "bob", at(0)) is Done.ALREADY
    assert await desk.actions.unsilence(name, "bob", at(0)) is Done.ALREADY
    desk.evaluate(1, {"Up": {}})
    count = len(desk.told)
    for act in (desk.actions.acknowledge, desk.actions.unacknowledge, desk.actions.resolve, desk.actions.unsilence):
        assert await act(name, "ada", at(2)) is Done.RESOLVED
        assert await act("nothing", "ada", at(2)) is Done.UNKNOWN
    assert (await desk.actions.silence(name, at(9), "ada", "why", at(2))).done is Done.RESOLVED
    assert len(desk.told) == count


async def test_what_is_over_and_not_told_yet_takes_no_action() -> None:
    """Its end is told at the next look, once."""
    desk = Timeline(group_of(rule()), routing(route(interval=10)))
    desk.evaluate(0, {"Up": {"a": 1}})
    desk.evaluate(1, {"Up": {}})
    assert await desk.actions.acknowledge(incident(desk), "ada", at(2)) is Done.RESOLVED
    await desk.actions.add_silence([read_matcher("series=a")], Window(at(50)), "ada", "why", at(3))
    desk.flush(10)
    assert desk.said() == [(0, "firing", "first_notification"), (10, "resolved", "all_resolved")]


async def test_what_was_resolved_by_hand_stays_closed_until_it_recovered() -> None:
    """It breaches on and nothing is said; once it has recovered and fires again, that is a new incident."""
    desk = line(repeat=5)
    desk.evaluate(0, {"Up": {"a": 1}})
    first = incident(desk)
    assert await desk.actions.resolve(first, "ada", at(1)) is Done.DONE
    assert desk.told[-1].closed_by == "ada"
    desk.run(20, {0: {"a": 1}})
    desk.restart(20)
    desk.evaluate(21, {"Up": {}})
    desk.flush(22)
    desk.evaluate(23, {"Up": {"a": 1}})
    assert desk.said() == [
        (0, "firing", "first_notification"),
        (1, "resolved", "resolved_by_hand"),
        (23, "firing", "first_notification"),
    ]
    assert incident(desk) != first


async def test_a_new_alert_beside_a_closed_one_is_a_new_incident() -> None:
    """The group's wait applies to it, and the closed one is not shown."""
    desk = line(wait=3)
    desk.evaluate(0, {"Up": {"a": 1}})
    desk.flush(3)
    await desk.actions.resolve(incident(desk), "ada", at(4))
    desk.evaluate(5, {"Up": {"a": 1, "b": 1}})
    for second in range(6, 12):
        desk.flush(second)
    assert desk.messages()[-1] == (8, "firing", "first_notification", ["b firing"])
    desk.evaluate(12, {"Up": {"a": 1}})
    desk.flush(13)
    assert desk.messages()[-1][1:3] == ("resolved", "all_resolved")
    desk.run(30, {0: {"a": 1}})
    assert len(desk.told) == 4


async def test_a_restart_does_not_wake_what_was_closed() -> None:
    """What is closed is no news for the group when it is taken up again."""
    desk = line(wait=2)
    desk.evaluate(0, {"Up": {"a": 1}})
    desk.flush(2)
    await desk.actions.resolve(incident(desk), "ada", at(2.5))
    desk.restart(2.5)
    desk.evaluate(3, {"Up": {}})
    desk.evaluate(4, {"Up": {"a": 1}})
    for tenth in range(40, 80):
        desk.flush(tenth / 10)
    assert desk.said()[2:] == [(6, "firing", "first_notification")]


async def test_silencing_edits_the_message_and_its_end_speaks_again() -> None:
    """TestSilencing: nothing is told in between; DW: the message shows the silence, a reminder and the end."""
    desk = line(repeat=5)
    desk.evaluate(0, {"Up": {"a": 1}})
    made = await desk.actions.silence(incident(desk), at(100), "ada", "maintenance", at(1))
    assert made.done is Done.DONE
    desk.run(102, {0: {"a": 1}})
    told = [(when, state, reason) for when, state, reason in desk.said() if reason != "repeat_interval"]
    assert told == [
        (0, "firing", "first_notification"),
        (1, "silenced", "silenced"),
        (76, "silenced", "silence_ends_soon"),
        (100, "firing", "unsilenced"),
    ]
    shown = desk.told[1].silenced
    assert shown is not None
    assert (shown.until, shown.actor, shown.comment) == (at(100), "ada", "maintenance")
    assert desk.holds() == ["silenced"]


async def test_only_what_a_silence_fits_is_quiet() -> None:
    """TestSilencing: test1 is silenced, test2 is told on; then both."""
    desk = line(repeat=0.5)
    desk.evaluate(0, {"Up": {"a": 1, "b": 1}})
    await desk.actions.add_silence([read_matcher("series=a")], Window(at(4.5)), "ada", "why", at(2.5))
    desk.run(5, {0: {"a": 1, "b": 1}})
    shown = {when: alerts for when, _, _, alerts in desk.messages()}
    assert shown[2] == ["a firing", "b firing"]
    assert shown[3] == shown[4] == ["b firing"]
    assert shown[5] == ["a firing", "b firing"]


async def test_a_deleted_silence_lets_what_waited_speak() -> None:
    """TestSilenceDelete: both are quiet from the start, and told when it is deleted."""
    desk = line()
    made = await desk.actions.add_silence([read_matcher("alertname=~.+")], Window(at(100)), "ada", "why", at(0))
    assert made.silence is not None
    desk.run(3, {1: {"a": 1, "b": 1}})
    assert not desk.told
    assert await desk.actions.expire(made.silence.id, "ada", at(3.5)) is Done.DONE
    assert await desk.actions.expire(made.silence.id, "ada", at(3.6)) is Done.ALREADY
    assert await desk.actions.expire("nothing", "ada", at(3.6)) is Done.UNKNOWN
    desk.flush(4)
    assert desk.messages() == [(4, "firing", "first_notification", ["a firing", "b firing"])]


async def test_what_fired_and_ended_in_a_silence_is_never_told() -> None:
    """Nobody needs to know, and the record says why."""
    desk = line()
    await desk.actions.add_silence([read_matcher("series=a")], Window(at(100)), "ada", "why", at(0))
    desk.run(6, {1: {"a": 1}, 3: {}})
    assert not desk.told
    assert desk.holds() == ["silenced", "resolved_before_first"]


async def test_the_end_of_a_silenced_incident_is_shown_at_once() -> None:
    """A message that says firing when it is over is a lie, and an edit wakes nobody."""
    desk = line()
    desk.evaluate(0, {"Up": {"a": 1}})
    await desk.actions.silence(incident(desk), at(100), "ada", "why", at(1))
    desk.run(4, {0: {"a": 1}, 3: {}})
    assert desk.said()[-1] == (3, "resolved", "all_resolved")


async def test_a_resolve_unheard_and_a_new_episode_are_told_after_a_silence() -> None:
    """2.6: the reference stays quiet here until the repeat; DW closes that hole."""
    desk = line()
    desk.evaluate(0, {"Up": {"a": 1, "b": 1}})
    await desk.actions.add_silence([read_matcher("series=a")], Window(at(10)), "ada", "why", at(0.5))
    desk.run(12, {0: {"a": 1, "b": 1}, 3: {"b": 1}, 5: {"a": 1, "b": 1}})
    assert desk.messages()[-1] == (10, "firing", "new_alerts", ["a firing", "b firing"])


async def test_unsilence_ends_every_silence_of_an_incident() -> None:
    """Whoever made it; the message says at once that it fires."""
    desk = line()
    desk.evaluate(0, {"Up": {"a": 1}})
    await desk.actions.silence(incident(desk), at(100), "ada", "why", at(1))
    await desk.actions.add_silence([read_matcher("series=a")], Window(at(200)), "bob", "why", at(2))
    assert await desk.actions.unsilence(incident(desk), "cy", at(3)) is Done.DONE
    assert desk.said()[-1] == (3, "firing", "unsilenced")
    assert [one.state(at(3)) for one in desk.actions.silences()] == ["expired", "expired"]


@pytest.mark.parametrize(
    ("matchers", "until", "author", "comment"),
    [
        (["series=a"], 10, "", "why"),
        (["series=a"], 10, "ada", " "),
        (["series=a"], 0, "ada", "why"),
        ([], 10, "ada", "why"),
        (["series=~.*"], 10, "ada", "why"),
    ],
)
async def test_a_silence_must_be_complete(matchers: list[str], until: float, author: str, comment: str) -> None:
    """2.9: author, comment, an end in the future, and a matcher that does not fit the empty text."""
    with pytest.raises(BadSilence):
        await line().actions.add_silence(
            [read_matcher(one) for one in matchers], Window(at(until)), author, comment, at(1)
        )


async def test_every_action_is_a_row() -> None:
    """With who did it."""
    desk = line()
    desk.evaluate(0, {"Up": {"a": 1}})
    name = incident(desk)
    await desk.actions.acknowledge(name, "ada", at(1))
    await desk.actions.silence(name, at(9), "bob", "why", at(2))
    await desk.actions.resolve(name, "cy", at(3))
    rows = [row.values for one in desk.steps for row in one.events if row.values["event"] == "action"]
    assert [(row["incident"], row["reason"], row["detail"]) for row in rows] == [
        (name, "acknowledged", "ada"),
        (name, "silenced", "bob: why"),
        (name, "resolved_by_hand", "cy"),
    ]
