"""Silences: what somebody keeps quiet, until when, and why. Pure."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from alerts import intervals
from alerts.intervals import Interval
from alerts.labels import Matcher, all_match
from alerts.model import Silenced
from core.errors import UsageError

REMINDER = timedelta(minutes=10)
"""How long before its end a silence is remembered, at most a quarter of its length."""
REMINDER_SHARE = 4


class BadSilence(UsageError):
    """The silence is not complete."""


class SilenceState(StrEnum):
    """Where a silence is in its life. WAITING: it comes back each week, and this is not the time."""

    PENDING = "pending"
    ACTIVE = "active"
    WAITING = "waiting"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class Silence:
    """Alerts that every matcher fits are not told of from `starts_at` to `ends_at`, within `weekly` if there is any."""

    id: str
    matchers: tuple[Matcher, ...]
    starts_at: datetime
    ends_at: datetime
    author: str
    comment: str
    created_at: datetime
    weekly: tuple[Interval, ...] = ()
    incident: str = ""
    """The incident that it was made for."""

    def state(self, at: datetime) -> SilenceState:
        """Return where it is in its life."""
        if at >= self.ends_at:
            return SilenceState.EXPIRED
        if at < self.starts_at:
            return SilenceState.PENDING
        if self.weekly and not intervals.contains(self.weekly, at):
            return SilenceState.WAITING
        return SilenceState.ACTIVE

    def until(self, at: datetime) -> datetime:
        """Return when it ends, or for now."""
        return min(self.ends_at, intervals.end_of(self.weekly, at)) if self.weekly else self.ends_at

    def holds(self, labels: Mapping[str, str], at: datetime) -> bool:
        """Whether it keeps an alert quiet now."""
        return all_match(self.matchers, labels) and self.state(at) is SilenceState.ACTIVE

    def expire(self, at: datetime) -> "Silence":
        """Return it ended now; one that had not begun never did."""
        return replace(self, starts_at=min(self.starts_at, at), ends_at=min(self.ends_at, at))

    def seen(self, at: datetime) -> Silenced:
        """Return what a message shows of it."""
        return Silenced(self.id, self.until(at), self.author, self.comment)


@dataclass(frozen=True, slots=True)
class Window:
    """When a silence holds: from now or `starts_at` to `until`, then only at `weekly` times if there are any."""

    until: datetime
    starts_at: datetime | None = None
    weekly: tuple[Interval, ...] = ()


def new_silence(
    matchers: Sequence[Matcher], window: Window, author: str, comment: str, at: datetime, incident: str = ""
) -> Silence:
    """Return a silence.

    Raises:
        BadSilence: no author, no comment, an end that is over, or matchers that fit everything.
    """
    begins = max(at, window.starts_at or at)
    if not author.strip() or not comment.strip():
        raise BadSilence("it has no author or no comment", hint="Say who wants it quiet, and why")
    if window.until <= begins:
        raise BadSilence(f"it ends at {window.until.isoformat()}, before it begins", hint="Name an end in the future")
    if all_match(matchers, {}):
        raise BadSilence("it would silence everything", hint='Name a label, such as venue = "okx"')
    name = "|".join([author, at.isoformat(), window.until.isoformat(), *(str(one) for one in matchers), incident])
    key = hashlib.sha256(name.encode()).hexdigest()[:12]
    return Silence(key, tuple(matchers), begins, window.until, author, comment, at, window.weekly, incident)


def longest(silences: Iterable[Silence], at: datetime) -> Silence | None:
    """Return the one that lasts longest."""
    return max(silences, key=lambda one: (one.until(at), one.id), default=None)


def reminder_at(silence: Silence) -> datetime | None:
    """Return when to say that a silence ends soon; one that comes back each week is a plan that nobody forgets."""
    if silence.weekly:
        return None
    return silence.ends_at - min(REMINDER, (silence.ends_at - silence.starts_at) / REMINDER_SHARE)
