"""A group's notification: which of its alerts are shown, how loud it is, what its incident is called. Pure."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime

from alerts.group import AlertGroup, AlertKey, Member, Told
from alerts.model import ACTIONS, AlertStatus, AlertView, Notification, Reason, Severity
from alerts.state import Firing, Instance, Resolved
from rules.model import Rule

ENDED_SHOWN = 50
"""Resolved alerts that an open incident keeps showing, the newest."""
RANK: Mapping[str, int] = {severity: rank for rank, severity in enumerate(Severity)}
"""Severities by loudness."""


def severity_of(instance: Instance) -> Severity:
    """Return how loud an alert is."""
    return Severity(instance.labels.get("severity", Severity.WARN))


def loudest(severities: Iterable[Severity]) -> Severity:
    """Return the loudest of some; of none, the quietest there is."""
    return max(severities, key=RANK.__getitem__, default=Severity.INFO)


def incident_name(group: AlertGroup, at: datetime) -> str:
    """Return an incident's name: of its group and its first notification, so that a replay makes the same."""
    return hashlib.sha256(f"{group.key}|{at.isoformat()}".encode()).hexdigest()[:12]


def speak(
    group: AlertGroup,
    firing: Mapping[AlertKey, Instance],
    reason: Reason,
    at: datetime,
    rules: Mapping[str, Rule],
    closed_by: str = "",
) -> tuple[AlertGroup, Notification]:
    """Return the group after it has spoken, and what it says: the whole incident as it is now.

    Whatever fires is shown as over when somebody has closed the incident.
    """
    ended = dict(sorted(group.ended.items(), key=lambda item: _ended_at(item[1]))[-ENDED_SHOWN:])
    views = [_view(key, one, rules) for key, one in firing.items()]
    if closed_by:
        views = [replace(one, status=AlertStatus.RESOLVED, resolved_at=at) for one in views]
    views += [_view(key, one, rules) for key, one in ended.items()]
    opened_at = group.opened_at or min((one.fired_at for one in views), default=at)
    fires = bool(firing) and not closed_by
    status = AlertStatus.FIRING if fires else AlertStatus.RESOLVED
    after = replace(
        group,
        ended=ended,
        told=_told(group, firing, reason, at),
        incident=group.incident or incident_name(group, at),
        opened_at=opened_at,
        version=group.version + 1,
    )
    notification = Notification(
        incident=after.incident,
        version=after.version,
        receiver=group.receiver,
        group=group.labels,
        status=status,
        severity=loudest(one.severity for one in views if one.status is status),
        reason=reason,
        alerts=tuple(views),
        opened_at=opened_at,
        closed_at=None if fires else _closed_at(ended, at, closed_by),
        at=at,
        source="deskwatch",
        ack=group.ack,
        silenced=group.silenced,
        closed_by=closed_by,
    )
    return after, notification


def _told(group: AlertGroup, firing: Mapping[AlertKey, Instance], reason: Reason, at: datetime) -> Told:
    """Return what the receiver knows now. What a person did tells of no alert: the news are still to come."""
    if group.told is not None and reason in ACTIONS:
        return replace(group.told, at=at)
    return Told(members_of(firing), members_of(group.ended), at)


def _closed_at(ended: Mapping[AlertKey, Instance], at: datetime, closed_by: str) -> datetime:
    return at if closed_by else max((_ended_at(one) for one in ended.values()), default=at)


def members_of(alerts: Mapping[AlertKey, Instance]) -> frozenset[Member]:
    """Return alerts with their episodes."""
    return frozenset(Member(key.rule, key.fingerprint, one.episode) for key, one in alerts.items())


def _ended_at(instance: Instance) -> datetime:
    match instance.phase:
        case Resolved(resolved_at=at):
            return at
        case phase:
            return phase.active_at


def _view(key: AlertKey, instance: Instance, rules: Mapping[str, Rule]) -> AlertView:
    rule = rules.get(key.rule)
    phase = instance.phase
    return AlertView(
        fingerprint=instance.fingerprint,
        alertname=instance.labels.get("alertname", ""),
        labels=instance.labels,
        status=AlertStatus.RESOLVED if isinstance(phase, Resolved) else AlertStatus.FIRING,
        severity=severity_of(instance),
        value=instance.value,
        value_now=instance.value_now,
        summary=instance.texts.summary,
        description=instance.texts.description,
        runbook=rule.runbook if rule else "",
        dashboard=rule.dashboard if rule else "",
        fired_at=phase.fired_at if isinstance(phase, Firing | Resolved) else phase.active_at,
        resolved_at=phase.resolved_at if isinstance(phase, Resolved) else None,
    )
