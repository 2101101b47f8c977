"""The state machine of one rule's alerts. Pure: instances, what breaches now and a time give the next instances.

The table is section 1.4 of Prometheus' alerting semantics; comparisons are exact, boundaries included. An alert that
fires again after it was resolved is a new episode.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple, TypeAlias

from alerts.model import Labels

RETENTION = timedelta(minutes=15)
"""How long a resolved alert is remembered."""


class ResolveReason(StrEnum):
    """Why an alert ended."""

    RECOVERED = "recovered"
    NO_DATA = "no_data"
    ERROR = "error"
    RULE_DELETED = "rule_deleted"
    EXPIRED = "expired"
    """Who sent it does so no more."""


@dataclass(frozen=True, slots=True)
class Pending:
    """Breaching since `active_at`, not yet for long enough."""

    active_at: datetime


@dataclass(frozen=True, slots=True)
class Firing:
    """Firing; `absent_since` is set while it no longer breaches but is kept firing."""

    active_at: datetime
    fired_at: datetime
    absent_since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Resolved:
    """It was firing, and has ended."""

    active_at: datetime
    fired_at: datetime
    resolved_at: datetime
    reason: ResolveReason


Phase: TypeAlias = Pending | Firing | Resolved


@dataclass(frozen=True, slots=True)
class Texts:
    """An alert's rendered texts, as of its last breach."""

    summary: str = ""
    description: str = ""


@dataclass(frozen=True, slots=True)
class Instance:
    """One alert of a rule. `value` is the last breaching value, `value_now` the latest one, None when there is none.

    Once it is resolved nothing changes any more: `value_now` stays the value that it ended with.
    """

    fingerprint: str
    labels: Labels
    phase: Phase
    value: float | None
    value_now: float | None
    texts: Texts = Texts()

    @property
    def active(self) -> bool:
        """Whether it is pending or firing."""
        return not isinstance(self.phase, Resolved)

    @property
    def firing(self) -> bool:
        """Whether it is firing; hysteresis applies then."""
        return isinstance(self.phase, Firing)

    @property
    def episode(self) -> str:
        """What tells this activation from the next of the same labels, and each severity of it from the others.

        A receiver that knows an alert as a warning has still to hear that it is a page now.
        """
        return f"{self.phase.active_at.isoformat()} {self.labels.get('severity', '')}".rstrip()


@dataclass(frozen=True, slots=True)
class Breach:
    """A series that breaches now."""

    labels: Labels
    value: float | None
    texts: Texts = field(default_factory=Texts)


class State(StrEnum):
    """A phase's name; INACTIVE is the absence of an instance."""

    INACTIVE = "inactive"
    PENDING = "pending"
    FIRING = "firing"
    RESOLVED = "resolved"


class Transition(NamedTuple):
    """One step of one alert; `reason` says why it ended."""

    at: datetime
    before: State
    after: State
    instance: Instance
    reason: str = ""


class Timing(NamedTuple):
    """The two delays of a rule."""

    hold: timedelta
    """`for`: how long it must breach before it fires."""
    keep: timedelta
    """`keep_firing_for`: how long it stays firing after the last breach."""


Instances: TypeAlias = Mapping[str, Instance]


class Step(NamedTuple):
    """What an evaluation made of a rule's alerts."""

    instances: dict[str, Instance]
    transitions: list[Transition]


def state_of(instance: Instance | None) -> State:
    """Return the name of an instance's phase."""
    if instance is None:
        return State.INACTIVE
    return _NAMES[type(instance.phase)]


_NAMES = {Pending: State.PENDING, Firing: State.FIRING, Resolved: State.RESOLVED}


def advance(
    instances: Instances,
    breaches: Mapping[str, Breach],
    values: Mapping[str, float | None],
    timing: Timing,
    at: datetime,
    *,
    ended: ResolveReason = ResolveReason.RECOVERED,
) -> Step:
    """Return the instances after one good evaluation.

    `breaches` is by fingerprint; `values` has the current value of series that do not breach, where one is known.
    """
    after: dict[str, Instance] = {}
    transitions: list[Transition] = []
    for key in {**instances, **breaches}:
        before, breach = instances.get(key), breaches.get(key)
        if breach is not None:
            now: Instance | None = _breaching(before, key, breach, timing.hold, at)
        elif before is not None:
            now = _absent(before, values.get(key), timing.keep, at, ended)
        else:
            continue
        if now is not None:
            after[key] = now
        if state_of(before) is not state_of(now) or (
            before is not None and now is not None and before.phase.active_at != now.phase.active_at
        ):
            transitions.append(_transition(before, now, at))
    return Step(after, transitions)


def _breaching(before: Instance | None, key: str, breach: Breach, hold: timedelta, at: datetime) -> Instance:
    match before.phase if before is not None else None:
        case Pending(active_at):
            phase: Phase = Firing(active_at, at) if at - active_at >= hold else Pending(active_at)
        case Firing(active_at, fired_at):
            phase = Firing(active_at, fired_at)
        case _:
            phase = Pending(at) if hold else Firing(at, at)
    return Instance(key, breach.labels, phase, breach.value, breach.value, breach.texts)


def _absent(
    before: Instance, value: float | None, keep: timedelta, at: datetime, reason: ResolveReason
) -> Instance | None:
    match before.phase:
        case Pending():
            return None
        case Firing(active_at, fired_at, absent_since):
            since = absent_since or at
            kept = bool(keep) and at - since < keep
            phase: Phase = Firing(active_at, fired_at, since) if kept else Resolved(active_at, fired_at, at, reason)
            return replace(before, phase=phase, value_now=value)
        case Resolved(resolved_at=resolved_at):
            return before if at - resolved_at <= RETENTION else None


def _transition(before: Instance | None, now: Instance | None, at: datetime) -> Transition:
    instance = now or before
    assert instance is not None  # noqa: S101  one of the two is there, or nothing has changed
    reason = now.phase.reason if now is not None and isinstance(now.phase, Resolved) else ""
    return Transition(at, state_of(before), state_of(now), instance, reason)


def shifted(instance: Instance, by: timedelta) -> Instance:
    """Return an alert after the clock has jumped: its delays count the time that passed, not the jump.

    What was told of it stays as it was told.
    """
    match instance.phase:
        case Pending(active_at):
            return replace(instance, phase=Pending(active_at + by))
        case Firing(active_at, fired_at, absent_since) if absent_since is not None:
            return replace(instance, phase=Firing(active_at, fired_at, absent_since + by))
        case _:
            return instance


def end_all(instances: Instances, at: datetime, reason: ResolveReason) -> Step:
    """Return the step that ends every alert of a rule that is no more: the firing ones are resolved, by that reason."""
    return advance(instances, {}, {}, Timing(timedelta(), timedelta()), at, ended=reason)
