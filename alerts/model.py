"""What the alert side speaks of: alerts as a receiver sees them, notifications, reasons."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TypeAlias

Labels: TypeAlias = dict[str, str]
"""Label names and values; an empty value means the label is absent."""


class Severity(StrEnum):
    """How loud an alert is, quietest first."""

    INFO = "info"
    WARN = "warn"
    PAGE = "page"


class AlertStatus(StrEnum):
    """What a receiver is told of an alert."""

    FIRING = "firing"
    RESOLVED = "resolved"


class Reason(StrEnum):
    """Why a group was told."""

    FIRST_NOTIFICATION = "first_notification"
    NEW_ALERTS = "new_alerts"
    SOME_RESOLVED = "some_resolved"
    ALL_RESOLVED = "all_resolved"
    REPEAT_INTERVAL = "repeat_interval"


class Hold(StrEnum):
    """Why a change of an alert is not told now, or at all."""

    GROUP_WAIT = "group_wait"
    """The group's first message waits for more alerts."""
    GROUP_INTERVAL = "group_interval"
    """The group's next message is not due yet."""
    RESOLVED_BEFORE_FIRST = "resolved_before_first"
    """It ended before the first message was due: nobody needs to know."""
    NO_RECEIVER = "no_receiver"
    """Nothing is set up that could tell anybody."""


@dataclass(frozen=True, slots=True)
class AlertView:
    """One alert inside a notification. Texts are rendered; `value` is the last breaching value, `value_now` today's."""

    fingerprint: str
    alertname: str
    labels: Labels
    status: AlertStatus
    severity: Severity
    value: float | None
    value_now: float | None
    summary: str
    description: str
    runbook: str
    dashboard: str
    fired_at: datetime
    resolved_at: datetime | None


@dataclass(frozen=True, slots=True)
class Notification:
    """What one receiver is to know of one incident now: the whole desired state, not an edit."""

    incident: str
    version: int
    receiver: str
    group: Labels
    status: AlertStatus
    severity: Severity
    reason: Reason
    alerts: tuple[AlertView, ...]
    opened_at: datetime
    closed_at: datetime | None
    at: datetime
    source: str = ""
    links: dict[str, str] = field(default_factory=dict)
