"""Groups of alerts on a route: when one speaks, and what it says. Pure.

The decision table is Alertmanager's (section 2.6 of its semantics), with members named by (alert, episode): an alert
that resolved unheard and fires again is new.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from alerts.model import Labels, Reason
from alerts.route import Route

Member = tuple[str, str]
"""(fingerprint, episode)."""


@dataclass(frozen=True, slots=True)
class Told:
    """What a receiver was last told."""

    firing: frozenset[Member]
    resolved: frozenset[Member]
    at: datetime


@dataclass(frozen=True, slots=True)
class AlertGroup:
    """Alerts that share a message. `members` maps an alert's fingerprint to its identity (group/rule) of the rule.

    `incident` is the message's life: it opens with the first notification and closes when all is resolved.
    """

    key: str
    receiver: str
    labels: Labels
    route: str
    created_at: datetime
    next_flush: datetime
    members: Mapping[str, str] = field(default_factory=dict)
    told: Told | None = None
    incident: str = ""
    opened_at: datetime | None = None
    version: int = 0

    def with_member(self, fingerprint: str, rule: str) -> "AlertGroup":
        """Return the group with one more alert."""
        if self.members.get(fingerprint) == rule:
            return self
        return replace(self, members={**self.members, fingerprint: rule})

    def without(self, gone: frozenset[str]) -> "AlertGroup":
        """Return the group without some alerts."""
        return replace(self, members={key: rule for key, rule in self.members.items() if key not in gone})


def group_key(route: Route, labels: Labels) -> str:
    """Return the name of the group that an alert belongs to on a route."""
    named = ",".join(f"{name}={value}" for name, value in sorted(route.group_labels(labels).items()))
    return f"{route.path}|{route.receiver}|{named}"


def open_group(route: Route, labels: Labels, now: datetime, fired_at: datetime) -> AlertGroup:
    """Return a new group for an alert; one that fires for longer than the wait already does not wait again."""
    wait = route.group_wait if fired_at + route.group_wait >= now else now - now
    return AlertGroup(group_key(route, labels), route.receiver, route.group_labels(labels), route.path, now, now + wait)


def decide(
    told: Told | None, firing: frozenset[Member], resolved: frozenset[Member], now: datetime, route: Route
) -> Reason | None:
    """Return why the receiver must be told now, or None."""
    if told is None:
        return Reason.FIRST_NOTIFICATION if firing else None
    if not firing <= told.firing:
        return Reason.NEW_ALERTS if told.firing else Reason.FIRST_NOTIFICATION
    if not firing:
        return Reason.ALL_RESOLVED if told.firing else None
    if not resolved <= told.resolved:
        return Reason.SOME_RESOLVED
    if told.at < now - route.repeat_interval:
        return Reason.REPEAT_INTERVAL
    return None
