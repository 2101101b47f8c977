"""Groups of alerts on a route: when one speaks, and what it says. Pure.

The decision table is Alertmanager's (section 2.6 of its semantics), with members named by (rule, alert, episode): an
alert that resolved unheard and fires again is new.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import NamedTuple

from alerts.model import Ack, Hold, Labels, Reason, Severity, Silenced
from alerts.route import Route
from alerts.state import Instance

SHORTEST_INTERVAL = timedelta(seconds=1)
"""A channel takes one message a second; a group never looks oftener."""


_LOUDNESS = {str(severity): rank for rank, severity in enumerate(Severity)}


class AlertKey(NamedTuple):
    """An alert: the rule's identity (group/rule) and the fingerprint of its labels."""

    rule: str
    fingerprint: str


class Member(NamedTuple):
    """An alert in one episode of its life."""

    rule: str
    fingerprint: str
    episode: str

    @property
    def began(self) -> str:
        """When the activation began, whatever its severity was."""
        return self.episode.partition(" ")[0]

    @property
    def loudness(self) -> int:
        """How loud it was then."""
        severity = self.episode.partition(" ")[2]
        return _LOUDNESS.get(severity, 0)


@dataclass(frozen=True, slots=True)
class Told:
    """What a receiver was last told."""

    firing: frozenset[Member]
    resolved: frozenset[Member]
    at: datetime


@dataclass(frozen=True, slots=True)
class AlertGroup:
    """Alerts that share a message.

    `members` fired since the group began; those that ended are in `ended` too, as they were then. `incident` is the
    message's life: it opens with the first notification and closes, with the group, when all is resolved.
    `closed` were resolved by hand and still breach: they are as good as over until they recover.
    """

    key: str
    receiver: str
    labels: Labels
    route: str
    created_at: datetime
    next_flush: datetime
    members: frozenset[AlertKey] = frozenset()
    ended: Mapping[AlertKey, Instance] = field(default_factory=dict)
    told: Told | None = None
    incident: str = ""
    opened_at: datetime | None = None
    version: int = 0
    waits: bool = True
    """Its first flush is still to come."""
    ack: Ack | None = None
    silenced: Silenced | None = None
    """What its message shows."""
    reminded: bool = False
    """Its message tells that the silence ends soon."""
    closed: frozenset[Member] = frozenset()
    held: Mapping[AlertKey, Hold] = field(default_factory=dict)
    """What was kept quiet at the last flush."""

    def with_firing(self, keys: Iterable[AlertKey]) -> "AlertGroup":
        """Return the group with alerts that fire now."""
        new = frozenset(keys)
        return replace(self, members=self.members | new, ended={k: v for k, v in self.ended.items() if k not in new})

    def with_ended(self, ended: Mapping[AlertKey, Instance]) -> "AlertGroup":
        """Return the group with some of its alerts resolved."""
        closed = frozenset(one for one in self.closed if AlertKey(one.rule, one.fingerprint) not in ended)
        return replace(self, ended={**self.ended, **ended}, closed=closed)

    def without(self, keys: Iterable[AlertKey]) -> "AlertGroup":
        """Return the group without some alerts of which nothing is to be said any more."""
        gone = frozenset(keys)
        return replace(
            self,
            members=self.members - gone,
            ended={key: one for key, one in self.ended.items() if key not in gone},
            closed=frozenset(one for one in self.closed if AlertKey(one.rule, one.fingerprint) not in gone),
            held={key: why for key, why in self.held.items() if key not in gone},
        )

    def over(self, alive: Iterable[AlertKey] = ()) -> "AlertGroup":
        """Return the group after its incident: what is left are alerts closed by hand, and such as nobody heard of."""
        kept = frozenset(AlertKey(one.rule, one.fingerprint) for one in self.closed) | frozenset(alive)
        return AlertGroup(
            self.key,
            self.receiver,
            self.labels,
            self.route,
            self.created_at,
            self.next_flush,
            members=kept,
            waits=False,
            closed=self.closed,
            held={key: why for key, why in self.held.items() if key in kept},
        )

    @property
    def dormant(self) -> bool:
        """Whether its incident is over, and what is left of it waits for nothing."""
        return self.told is None and not self.waits

    def again(self, at: datetime, wait: timedelta) -> "AlertGroup":
        """Return a group that was over as it waits for the first message of its next incident."""
        return replace(self, created_at=at, next_flush=at + wait, waits=True)

    def tells(self, key: AlertKey, instance: Instance) -> bool:
        """Whether its receiver was told that an alert fires."""
        return self.told is not None and Member(*key, instance.episode) in self.told.firing

    def has_closed(self, key: AlertKey, instance: Instance) -> bool:
        """Whether an alert was resolved by hand, and has not recovered since."""
        return Member(*key, instance.episode) in self.closed

    def shifted(self, by: timedelta) -> "AlertGroup":
        """Return the group after the clock has jumped: its timers count the time that passed."""
        told = replace(self.told, at=self.told.at + by) if self.told is not None else None
        return replace(self, next_flush=self.next_flush + by, told=told)

    def due(self, now: datetime, interval: timedelta) -> datetime:
        """Return the last moment of its grid up to `now`: flushes that fell due while we were away run once."""
        step = max(interval, SHORTEST_INTERVAL)
        return self.next_flush + (now - self.next_flush) // step * step

    def after(self, at: datetime, interval: timedelta) -> "AlertGroup":
        """Return the group as it waits for the flush after the one at `at`."""
        return replace(self, next_flush=at + max(interval, SHORTEST_INTERVAL), waits=False)


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
        return _news(firing - told.firing, told.firing) if told.firing else Reason.FIRST_NOTIFICATION
    if not firing:
        return Reason.ALL_RESOLVED if told.firing else None
    if not resolved <= told.resolved:
        return Reason.SOME_RESOLVED
    if told.at < now - route.repeat_interval:
        return Reason.REPEAT_INTERVAL
    return None


def _news(new: frozenset[Member], told: frozenset[Member]) -> Reason:
    """Return what is new: other alerts, or those that were told at another severity."""
    known = {(one.rule, one.fingerprint, one.began): one.loudness for one in told}
    before = [(one, known.get((one.rule, one.fingerprint, one.began))) for one in new]
    if any(loudness is None for _, loudness in before):
        return Reason.NEW_ALERTS
    louder = any(loudness is not None and one.loudness > loudness for one, loudness in before)
    return Reason.LOUDER if louder else Reason.QUIETER
