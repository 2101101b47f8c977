"""The lines of an incident's thread. Source: operator-surface.md 1.1, the table of events."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from alerts.model import Ack, AlertStatus, AlertView, Notification, Reason, Severity, Silenced
from alerts.notify.thread import NAMED, Line, facts, lines, read_facts
from tests.fakes.notifications import AT, alert, notification

OVER: dict[str, Any] = {"status": AlertStatus.RESOLVED, "closed_at": AT, "reason": Reason.ALL_RESOLVED}


def told(before: Notification | None, now: Notification) -> list[Line]:
    """Return the lines, with what is remembered as the store keeps it."""
    kept = read_facts(facts(before).as_json()) if before else None
    return lines(kept, facts(now))


def test_the_first_version_is_the_message_itself() -> None:
    """A post notifies; a line below it would say the same."""
    assert told(None, notification()) == []


def test_what_changes_nothing_says_nothing() -> None:
    """An edit that only moves a value is no event."""
    assert told(notification(), notification(version=2, reason=Reason.NEW_ALERTS)) == []


def test_a_louder_incident_is_said_in_the_channel_too() -> None:
    """An edit would wake nobody."""
    [line] = told(notification(severity=Severity.WARN), notification(severity=Severity.PAGE))
    assert line == Line("Worse: page, it was warn, value 12.4", loud=True)
    assert told(notification(severity=Severity.PAGE), notification(severity=Severity.WARN)) == []


def test_who_joins_and_who_leaves_is_named() -> None:
    """Three by name, the rest by number."""
    one, two = alert("A", summary="A is late"), alert("B", summary="B is late")
    assert told(notification(one), notification(one, two)) == [Line("Joined: B is late; 2 firing now")]
    assert told(notification(one, two), notification(one)) == [Line("Over: B is late; 1 firing now")]
    more = [alert(f"N{n}", summary=f"N{n}") for n in range(5)]
    [line] = told(notification(one), notification(one, *more))
    assert line.text == "Joined: N0; N1; N2 and 2 more; 6 firing now"


def test_a_crowd_is_counted() -> None:
    """Nobody reads two hundred names, and the store need not keep them."""

    def crowd(count: int) -> list[AlertView]:
        return [alert(f"N{n}") for n in range(count)]

    [line] = told(notification(*crowd(NAMED + 1)), notification(*crowd(NAMED + 40)))
    assert line.text == f"39 more, {NAMED + 40} firing now"


def test_what_people_do_is_said_with_who_and_until_when() -> None:
    """Acknowledged, silenced with its comment, and back again; the end of a silence is loud."""
    ack = notification(ack=Ack("maria", AT))
    quiet = notification(silenced=Silenced("s", AT + timedelta(hours=1), "jonas", "upgrade"))
    assert told(notification(), ack) == [Line("Acknowledged by maria")]
    assert told(ack, notification()) == [Line("No longer acknowledged")]
    assert told(ack, quiet) == [Line("Silenced by jonas until 13:00 UTC: upgrade")]
    assert told(quiet, notification()) == [Line("No longer silenced, and it still fires", loud=True)]
    soon = replace(quiet, reason=Reason.SILENCE_ENDS_SOON)
    assert told(quiet, soon) == [Line("The silence ends at 13:00 UTC, and it still fires")]


def test_the_end_tells_how_long_it_lasted_and_the_value_now() -> None:
    """Of an incident that somebody closed, by whom."""
    over = notification(alert(status=AlertStatus.RESOLVED, value_now=0.3), **OVER)
    assert told(notification(), over) == [Line("Resolved after 3m, value now 0.3, it was 12.4")]
    closed = replace(over, closed_by="maria", reason=Reason.RESOLVED_BY_HAND)
    assert told(notification(), closed)[0].text.startswith("Resolved by maria after 3m")


def test_a_reminder_is_loud_only_where_it_pages() -> None:
    """`still firing`, with the value."""
    again = notification(reason=Reason.REPEAT_INTERVAL)
    assert told(notification(), again) == [Line("Still firing after 3m, value 12.4", loud=True)]
    quiet = replace(again, severity=Severity.WARN)
    assert told(notification(severity=Severity.WARN), quiet) == [Line("Still firing after 3m, value 12.4")]
