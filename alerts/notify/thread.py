"""The time line in an incident's thread: what a new version of its message adds to the one before. Pure.

An edit notifies nobody, so what must wake somebody is a line that the channel shows too (`loud`).
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from alerts.model import AlertStatus, AlertView, IncidentState, Notification, Reason, Severity
from alerts.notify.slack_text import duration, number, one_line

NAMED = 200
"""Firing alerts that are remembered by name; of more, only their number."""
TOLD = 3
"""Names in one line."""
NAME = 120

_RANK = {severity: rank for rank, severity in enumerate(Severity)}


class Line(NamedTuple):
    """One line, plain text. `loud`: the channel shows it too, and whoever follows the channel is notified."""

    text: str
    loud: bool = False


@dataclass(frozen=True, slots=True)
class Facts:
    """What of a version the next one is compared with; all of it is JSON. `group` is the same when it fires again."""

    group: str
    name: str
    opened: str
    state: str
    severity: str
    reason: str
    firing: dict[str, str]
    count: int
    who: str
    until: str
    comment: str
    lasted: float
    numbers: str

    def as_json(self) -> dict[str, Any]:
        """Return it as the store keeps it."""
        return asdict(self)


def read_facts(given: Mapping[str, Any]) -> Facts | None:
    """Return the facts of a version that was stored; None of one without any."""
    return Facts(**given) if given else None


def facts(notification: Notification) -> Facts:
    """Return what to remember of a notification."""
    firing = [one for one in notification.alerts if one.status is AlertStatus.FIRING]
    until = notification.silenced.until if notification.silenced else None
    named = ",".join(f"{name}={value}" for name, value in sorted(notification.group.items()))
    return Facts(
        group=f"{notification.receiver}|{named}",
        name=_names(notification),
        opened=notification.opened_at.isoformat(),
        state=notification.state,
        severity=notification.severity,
        reason=notification.reason,
        firing={one.fingerprint: _name(one) for one in firing[:NAMED]},
        count=len(firing),
        who=_who(notification),
        until=_clock(until) if until else "",
        comment=one_line(notification.silenced.comment) if notification.silenced else "",
        lasted=((notification.closed_at or notification.at) - notification.opened_at).total_seconds(),
        numbers=_numbers(notification),
    )


def lines(before: Facts | None, now: Facts) -> list[Line]:
    """Return the lines that a version adds, oldest thought first; the first version is the message itself."""
    if before is None:
        return []
    found = [_escalated(before, now), *_members(before, now), _turned(before, now)]
    if now.reason == Reason.REPEAT_INTERVAL and now.state == IncidentState.FIRING:
        text = f"Still firing after {_span(now.lasted)}{now.numbers}"
        found.append(Line(text, loud=now.severity == Severity.PAGE))
    if now.reason == Reason.SILENCE_ENDS_SOON:
        found.append(Line(f"The silence ends at {now.until}, and it still fires"))
    return [one for one in found if one is not None]


def _names(notification: Notification) -> str:
    """Return the rule that an incident is about, for counts."""
    names = dict.fromkeys(one.alertname for one in notification.alerts)
    return one_line(next(iter(names), "") or notification.group.get("alertname", ""))[:NAME] or "no rule"


def _escalated(before: Facts, now: Facts) -> Line | None:
    if now.state == IncidentState.RESOLVED or _RANK[Severity(now.severity)] <= _RANK[Severity(before.severity)]:
        return None
    return Line(f"Worse: {now.severity}, it was {before.severity}{now.numbers}", loud=True)


def _members(before: Facts, now: Facts) -> list[Line | None]:
    """Return who joined and who left; an incident that is over says so in one line."""
    if now.state == IncidentState.RESOLVED or not (before.firing and now.firing):
        return []
    if max(before.count, now.count) > NAMED:
        grown = now.count - before.count
        return [Line(f"{abs(grown):,} {'more' if grown > 0 else 'fewer'}, {now.count:,} firing now")] if grown else []
    joined = [name for key, name in now.firing.items() if key not in before.firing]
    left = [name for key, name in before.firing.items() if key not in now.firing]
    return [
        Line(f"Joined: {_list(joined)}; {now.count:,} firing now") if joined else None,
        Line(f"Over: {_list(left)}; {now.count:,} firing now") if left else None,
    ]


def _turned(before: Facts, now: Facts) -> Line | None:
    """Return the line of a change of state; an extended silence is one too."""
    if (before.state, before.until) == (now.state, now.until):
        return None
    match now.state:
        case IncidentState.ACKNOWLEDGED if before.state == IncidentState.FIRING:
            return Line(f"Acknowledged by {now.who}")
        case IncidentState.SILENCED:
            comment = f": {now.comment}" if now.comment else ""
            return Line(f"Silenced by {now.who} until {now.until}{comment}")
        case IncidentState.RESOLVED:
            by = f" by {now.who}" if now.reason == Reason.RESOLVED_BY_HAND and now.who else ""
            return Line(f"Resolved{by} after {_span(now.lasted)}{now.numbers}")
        case _:
            return _back(before)


def _back(before: Facts) -> Line | None:
    match before.state:
        case IncidentState.SILENCED:
            return Line("No longer silenced, and it still fires", loud=True)
        case IncidentState.ACKNOWLEDGED:
            return Line("No longer acknowledged")
        case _:
            return None


def _who(notification: Notification) -> str:
    if notification.closed_by:
        return one_line(notification.closed_by)
    if notification.silenced is not None:
        return one_line(notification.silenced.actor)
    return one_line(notification.ack.actor) if notification.ack else ""


def _numbers(notification: Notification) -> str:
    """Return the value of an incident of one alert: now, and as it was where it is over."""
    if len(notification.alerts) != 1:
        return ""
    [alert] = notification.alerts
    if notification.status is AlertStatus.FIRING:
        return "" if alert.value is None else f", value {number(alert.value)}"
    was = "" if alert.value is None else f", it was {number(alert.value)}"
    return was if alert.value_now is None else f", value now {number(alert.value_now)}{was}"


def _name(alert: AlertView) -> str:
    return (one_line(alert.summary) or one_line(alert.alertname))[:NAME]


def _list(names: list[str]) -> str:
    rest = len(names) - TOLD
    return "; ".join(names[:TOLD]) + (f" and {rest:,} more" if rest > 0 else "")


def _clock(at: datetime) -> str:
    return f"{at:%H:%M} UTC"


def _span(seconds: float) -> str:
    return duration(timedelta(seconds=seconds))
