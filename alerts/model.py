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


class IncidentState(StrEnum):
    """What an incident's message shows; SILENCED: everything that fires in it is."""

    FIRING = "firing"
    ACKNOWLEDGED = "acknowledged"
    SILENCED = "silenced"
    RESOLVED = "resolved"


@dataclass(frozen=True, slots=True)
class Ack:
    """Somebody looks after an incident."""

    actor: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Silenced:
    """The silence that keeps an incident quiet: the one that lasts longest."""

    silence: str
    until: datetime
    actor: str
    comment: str


class Reason(StrEnum):
    """Why a group was told."""

    FIRST_NOTIFICATION = "first_notification"
    NEW_ALERTS = "new_alerts"
    LOUDER = "louder"
    """The same alerts, one of them at a higher severity than was told."""
    QUIETER = "quieter"
    SOME_RESOLVED = "some_resolved"
    ALL_RESOLVED = "all_resolved"
    REPEAT_INTERVAL = "repeat_interval"
    ACKNOWLEDGED = "acknowledged"
    UNACKNOWLEDGED = "unacknowledged"
    SILENCED = "silenced"
    UNSILENCED = "unsilenced"
    """The silence is over, and it still fires."""
    SILENCE_ENDS_SOON = "silence_ends_soon"
    RESOLVED_BY_HAND = "resolved_by_hand"
    CHART = "chart"
    """Its chart is drawn: the message shows it."""


ACTIONS = frozenset(
    {
        Reason.ACKNOWLEDGED,
        Reason.UNACKNOWLEDGED,
        Reason.SILENCED,
        Reason.UNSILENCED,
        Reason.SILENCE_ENDS_SOON,
        Reason.CHART,
    }
)
"""Reasons that tell of no alert: the incident is as it was, and its message looks different."""


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
    SILENCED = "silenced"
    INHIBITED = "inhibited"
    """Another alert that fires says it all."""
    MUTED = "muted"
    """It is one of the route's mute times."""
    INACTIVE = "inactive"
    """It is none of the route's active times."""
    ACKNOWLEDGED = "acknowledged"
    """Somebody looks after it: no reminder."""
    CLOSED = "closed"
    """Somebody has resolved it by hand, and it has not recovered since."""


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
    ack: Ack | None = None
    silenced: Silenced | None = None
    closed_by: str = ""
    """Who resolved it by hand."""

    @property
    def state(self) -> IncidentState:
        """What the message shows: a silence is louder than an acknowledgement, and an end beats both."""
        if self.status is AlertStatus.RESOLVED:
            return IncidentState.RESOLVED
        if self.silenced is not None:
            return IncidentState.SILENCED
        return IncidentState.ACKNOWLEDGED if self.ack is not None else IncidentState.FIRING
