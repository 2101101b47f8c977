"""Inhibition, mute and active times, silences that come back. Source: alert-semantics.md 2.8, 2.10 and 2.13."""

from dataclasses import replace
from datetime import datetime

import pytest

from alerts import intervals
from alerts.inhibit import Inhibition, Inhibitor
from alerts.intervals import MONTHS, WEEKDAYS, Interval, read_names, read_numbers, read_times, read_weekly, show_weekly
from alerts.labels import read_matcher
from alerts.silence import Window
from tests.unit.alerts.timeline import T0, Timeline, at, group_of, route, routing, rule


def inhibition(source: str, target: str, *equal: str) -> Inhibition:
    """Return an inhibition with one matcher on each side."""
    return Inhibition((read_matcher(source),), (read_matcher(target),), equal)


def labels(text: str) -> dict[str, str]:
    """Read `a=1,b=2`."""
    return dict(one.split("=") for one in text.split(","))


TABLE = [inhibition("s1=1", "t1=1", "e"), inhibition("s2=1", "t2=1", "e")]
FIRING = [("X", labels("s1=1,t1=2,e=1")), ("Y", labels("s2=1,t2=1,e=1"))]


@pytest.mark.parametrize(
    ("target", "by"),
    [
        ("t1=1,e=1", "X"),
        ("t2=1,e=1", "Y"),
        ("t1=1,t3=1,e=1", "X"),
        ("t1=1,t2=1,e=1", "X"),
        ("t1=0,e=1", None),
        ("t1=1,e=0", None),
        ("s1=1,t1=1,e=1", "X"),
        ("s2=1,t2=1,e=1", None),
    ],
)
def test_an_alert_is_inhibited_or_not(target: str, by: str | None) -> None:
    """The table of 2.8."""
    assert Inhibitor(TABLE, FIRING).by(labels(target)) == by


def test_a_source_of_both_sides_does_not_hide_a_good_one() -> None:
    """DW 2.8: every source of an equal set is looked at, the reference keeps one."""
    firing = [("both", labels("s2=1,t2=1,e=1")), ("good", labels("s2=1,e=1"))]
    for order in (firing, firing[::-1]):
        assert Inhibitor(TABLE, order).by(labels("s2=1,t2=1,e=1")) == "good"


def test_missing_labels_agree_and_without_equal_any_source_does() -> None:
    """2.8: missing is empty; no `equal`: any source mutes any target."""
    assert Inhibitor(TABLE, [("X", {"s1": "1"})]).by({"t1": "1"}) == "X"
    assert Inhibitor([inhibition("s1=1", "t1=1")], [("X", labels("s1=1,e=1"))]).by(labels("t1=1,e=2")) == "X"


DOWN = replace(rule("JobDown"), labels={"job": "j"})
INSTANCE = replace(rule("InstanceDown"), labels={"job": "j"})


def inhibiting() -> Timeline:
    """Return a board whose JobDown inhibits InstanceDown of the same job and series."""
    one = inhibition("alertname=JobDown", "alertname=InstanceDown", "job", "series")
    return Timeline(group_of(DOWN, INSTANCE), replace(routing(route(group_by=())), inhibitions=(one,)))


def test_inhibiting() -> None:
    """TestInhibiting: what was told is no longer shown while the source fires, and again when it ends."""
    desk = inhibiting()
    desk.evaluate(1, {"InstanceDown": {"aa": 1, "ab": 1}})
    desk.evaluate(2.2, {"InstanceDown": {"aa": 1, "ab": 1}, "JobDown": {"aa": 1}})
    desk.flush(3)
    desk.evaluate(3.6, {"InstanceDown": {"aa": 1, "ab": 1}})
    desk.flush(4)
    assert [(when, alerts) for when, _, _, alerts in desk.messages()] == [
        (1, ["aa firing", "ab firing"]),
        (3, ["aa firing", "ab firing"]),
        (4, ["aa firing", "aa resolved", "ab firing"]),
    ]
    assert [one.alertname for one in desk.told[1].alerts] == ["InstanceDown", "JobDown"]
    assert desk.holds().count("inhibited") == 1


def test_always_inhibited_is_never_told() -> None:
    """TestAlwaysInhibiting; DW: what nobody was told of does not appear as resolved either."""
    desk = inhibiting()
    desk.evaluate(1, {"InstanceDown": {"aa": 1}, "JobDown": {"aa": 1}})
    desk.evaluate(2.6, {})
    desk.flush(3)
    assert [one.alertname for told in desk.told for one in told.alerts] == ["JobDown", "JobDown"]
    assert desk.told[-1].state == "resolved"


def test_an_incident_of_which_all_that_fires_is_inhibited_closes() -> None:
    """What was told is over; what is left speaks when the source ends, as a new incident."""
    desk = inhibiting()
    desk.evaluate(0, {"InstanceDown": {"aa": 1}, "JobDown": {"ab": 1, "aa": 1}})
    desk.evaluate(1, {"InstanceDown": {"aa": 1}, "JobDown": {"aa": 1}})
    desk.evaluate(2, {"InstanceDown": {"aa": 1}})
    desk.flush(3)
    assert desk.messages()[-1][3] == ["aa firing", "aa resolved", "ab resolved"]


WORK = Interval((read_times("09:00-17:00"),), (read_names("mon-fri", WEEKDAYS, 0),))
LAST = Interval(days_of_month=(read_numbers("-3:-1", -31, 31),))


@pytest.mark.parametrize(
    ("interval", "moment", "inside"),
    [
        (WORK, "2020-05-04T15:04+00:00", True),
        (WORK, "2020-05-04T08:59+00:00", False),
        (WORK, "2020-05-04T17:00+00:00", False),
        (WORK, "2020-05-03T15:04+00:00", False),
        (replace(WORK, zone="Australia/Sydney"), "2021-04-06T13:00+10:00", True),
        (replace(WORK, zone="Australia/Sydney"), "2021-04-06T13:00+00:00", False),
        (replace(WORK, zone="Australia/Sydney"), "2021-10-31T22:00+00:00", True),
        (replace(WORK, zone="Australia/Sydney"), "2021-10-31T21:00+00:00", False),
        (LAST, "2020-02-29T12:00+00:00", True),
        (LAST, "2020-01-27T12:00+00:00", False),
        (Interval(days_of_month=(read_numbers("30:31", -31, 31),)), "2020-02-29T12:00+00:00", False),
        (
            Interval(days_of_month=(read_numbers("-1", -31, 31),), zone="America/New_York"),
            "2021-03-31T12:00-04:00",
            True,
        ),
        (
            Interval(days_of_month=(read_numbers("-1", -31, 31),), zone="America/New_York"),
            "2021-03-30T12:00-04:00",
            False,
        ),
        (Interval(months=(read_names("jun-aug", MONTHS, 1),)), "2026-07-01T00:00+00:00", True),
        (Interval(months=(read_names("may", MONTHS, 1),)), "2026-07-01T00:00+00:00", False),
        (Interval(years=(read_numbers("2026", 1970, 9999),)), "2026-07-01T00:00+00:00", True),
    ],
)
def test_a_moment_is_inside_an_interval_or_not(interval: Interval, moment: str, *, inside: bool) -> None:
    """The cases of 2.10."""
    assert interval.contains(datetime.fromisoformat(moment)) is inside


@pytest.mark.parametrize(
    ("text", "moment", "end"),
    [
        ("sat,sun 00:00-24:00 UTC", "2026-01-03T10:00+00:00", "2026-01-05T00:00+00:00"),
        ("mon-fri 09:00-12:00,12:00-17:00 Europe/Berlin", "2026-01-05T10:00+00:00", "2026-01-05T16:00+00:00"),
        ("sun 01:00-04:00 Europe/Berlin", "2026-10-25T00:30+00:00", "2026-10-25T03:00+00:00"),
        ("mon-sun 00:00-24:00 UTC", "2026-01-05T10:00+00:00", "2026-01-14T00:00+00:00"),
    ],
)
def test_the_end_of_a_window_is_found(text: str, moment: str, end: str) -> None:
    """Over midnight, over two times that meet, over a change of the clocks; what never ends is cut off."""
    weekly = read_weekly(text)
    assert show_weekly(weekly) == text
    assert intervals.end_of([weekly], datetime.fromisoformat(moment)) == datetime.fromisoformat(end)


def test_a_route_does_not_speak_at_its_mute_times() -> None:
    """Ticks go on; the first one afterwards tells what still fires."""
    night = Interval((read_times("00:00-00:01"),))
    quiet = replace(route(), mute_times=("night",))
    desk = Timeline(group_of(rule()), replace(routing(quiet), time_intervals={"night": (night,)}))
    desk.run(62, {1: {"a": 1, "b": 1}, 30: {"a": 1}})
    assert desk.messages() == [(60, "firing", "first_notification", ["a firing"])]
    assert desk.holds() == ["muted", "muted", "resolved_before_first"]


def test_a_route_speaks_at_its_active_times_alone() -> None:
    """The end of what was told is told at once: an edit wakes nobody."""
    minute = Interval((read_times("00:00-00:01"),))
    active = replace(route(repeat=10), active_times=("minute",))
    desk = Timeline(group_of(rule()), replace(routing(active), time_intervals={"minute": (minute,)}))
    desk.run(90, {55: {"a": 1}, 80: {}})
    assert [(when, reason) for when, _, reason, _ in desk.messages()] == [
        (55, "first_notification"),
        (80, "all_resolved"),
    ]
    assert desk.holds() == ["inactive"]


async def test_a_silence_that_comes_back_holds_in_its_window() -> None:
    """DW 2.9: from one weekly window to the next it holds nothing; the message shows the end of the window."""
    desk = Timeline(group_of(rule()), routing(route()))
    weekly = read_weekly("thu 00:01-00:02 UTC")
    await desk.actions.add_silence([read_matcher("series=a")], Window(at(1e6), weekly=(weekly,)), "ada", "why", T0)
    desk.run(130, {0: {"a": 1}})
    assert [(when, reason) for when, _, reason in desk.said()] == [
        (0, "first_notification"),
        (60, "silenced"),
        (120, "unsilenced"),
    ]
    shown = desk.told[1].silenced
    assert shown is not None
    assert shown.until == at(120)
