"""Alerts that another program sends, in Alertmanager's form: they are routed like our own.

Section 2.2 of the semantics, with two differences: an alert keeps the start that it was first told with, since that
names its episode; and the end of one that is no longer sent is counted by the clock that cannot jump.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from alerts.board import Board
from alerts.changes import Changes
from alerts.evaluate import Evaluation, Health, Memory
from alerts.labels import final_labels, fingerprint
from alerts.model import Labels, Severity
from alerts.state import RETENTION, Firing, Instance, Resolved, ResolveReason, State, Texts, Transition, state_of
from core.clock import Clock
from rules.model import Group, Rule, Sql

RESOLVE_TIMEOUT = timedelta(minutes=5)
"""An alert that is sent without an end, and no longer, is over after this."""
MOST = 10_000
"""Alerts that are kept at one time; a sender in a loop must not fill the memory."""
SOURCE = Rule("external", Sql("", None, None), "warn", "{{ summary }}")
GROUP = Group("deskwatch", Path("deskwatch"), timedelta(seconds=1), timedelta(), {}, (SOURCE,))
IDENTITY = GROUP.identity(SOURCE)

_SEVERITIES = {
    Severity.PAGE: ("page", "critical", "emergency", "fatal"),
    Severity.WARN: ("warn", "warning", "error", "major", "high"),
    Severity.INFO: ("info", "information", "informational", "notice", "low", "minor", "none", "debug"),
}
SEVERITY_OF = {word: severity for severity, words in _SEVERITIES.items() for word in words}


@dataclass(frozen=True, slots=True)
class Posted:
    """One alert as it was sent."""

    labels: Labels
    annotations: Mapping[str, str] = field(default_factory=dict)
    starts_at: datetime | None = None
    ends_at: datetime | None = None


class Intake(NamedTuple):
    """What came of some alerts: the evaluation they are worth, how long each is good for, which were refused."""

    evaluation: Evaluation
    valid: Mapping[str, timedelta]
    refused: Sequence[str]


def take(memory: Memory, posted: Iterable[Posted], at: datetime) -> Intake:
    """Return the alerts after some were sent. One that is refused costs only itself."""
    instances = dict(memory.instances)
    transitions: list[Transition] = []
    valid: dict[str, timedelta] = {}
    refused: list[str] = []
    for one in posted:
        labels = our_labels(one.labels)
        why = _wrong(one, labels, instances)
        if why:
            refused.append(why)
            continue
        key = fingerprint(labels)
        before = instances.get(key)
        after = _after(before, key, labels, one, at)
        if after is None:
            continue
        instances[key] = after
        if after.firing:
            valid[key] = one.ends_at - at if one.ends_at is not None else RESOLVE_TIMEOUT
        if state_of(before) is not state_of(after) or (before is not None and before.episode != after.episode):
            reason = after.phase.reason if isinstance(after.phase, Resolved) else ""
            transitions.append(Transition(at, state_of(before), state_of(after), after, reason))
    memory = replace(memory, instances=instances)
    return Intake(Evaluation(memory, transitions, Health.OK, len(valid)), valid, refused)


def our_labels(labels: Mapping[str, str]) -> Labels:
    """Return labels with a severity that we know; the sender's own word is kept beside it."""
    given = labels.get("severity", "")
    severity = SEVERITY_OF.get(given.lower(), Severity.WARN)
    kept = {"sent_severity": given} if given and given != severity else {}
    return final_labels(labels, {"severity": severity}, kept)


def _wrong(one: Posted, labels: Labels, instances: Mapping[str, Instance]) -> str:
    if not any(one.labels.values()):
        return "an alert without labels: give it an alertname at least"
    if one.starts_at is not None and one.ends_at is not None and one.ends_at < one.starts_at:
        return f"{labels.get('alertname', '')}: it ends before it starts"
    if len(instances) >= MOST and fingerprint(labels) not in instances:
        return f"{labels.get('alertname', '')}: {MOST} alerts are kept already"
    return ""


def _after(before: Instance | None, key: str, labels: Labels, one: Posted, at: datetime) -> Instance | None:
    """Return the alert after it was sent once more; None: there is nothing to remember."""
    over = one.ends_at is not None and one.ends_at <= at
    texts = Texts(
        one.annotations.get("summary", "") or one.annotations.get("description", ""),
        one.annotations.get("description", ""),
    )
    match before.phase if before is not None else None:
        case Firing() as phase if over:
            ended = Resolved(phase.active_at, phase.fired_at, one.ends_at or at, ResolveReason.RECOVERED)
            return replace(before, phase=ended, texts=texts) if before is not None else None
        case Firing() as phase:
            return Instance(key, labels, phase, None, None, texts)
        case Resolved() if over:
            return before
        case Resolved(resolved_at=ended_at):
            start = one.starts_at if one.starts_at is not None and one.starts_at > ended_at else at
            return Instance(key, labels, Firing(start, start), None, None, texts)
        case _ if over:
            return None
        case _:
            start = min(one.starts_at or at, at)
            return Instance(key, labels, Firing(start, start), None, None, texts)


def expire(memory: Memory, gone: Iterable[str], at: datetime) -> Evaluation:
    """Return the alerts after some were not sent any more; what is over for long is forgotten."""
    instances = {
        key: one
        for key, one in memory.instances.items()
        if not (isinstance(one.phase, Resolved) and at - one.phase.resolved_at > RETENTION)
    }
    transitions = []
    for key in gone:
        one = instances.get(key)
        if one is not None and isinstance(one.phase, Firing):
            ended = Resolved(one.phase.active_at, one.phase.fired_at, at, ResolveReason.EXPIRED)
            instances[key] = replace(one, phase=ended)
            transitions.append(Transition(at, State.FIRING, State.RESOLVED, instances[key], ResolveReason.EXPIRED))
    same = not transitions and len(instances) == len(memory.instances)
    return Evaluation(memory if same else replace(memory, instances=instances), transitions, Health.OK, len(instances))


class External:
    """Takes alerts from outside onto the board. What was there at the start is good for one time-out more."""

    def __init__(self, board: Board, save: Callable[[Changes], Awaitable[None]], clock: Clock) -> None:
        self._board = board
        self._save = save
        self._clock = clock
        self._until: dict[str, float] = {}

    async def post(self, posted: Iterable[Posted], at: datetime) -> Sequence[str]:
        """Take alerts; return what was refused, each with what to do."""
        found = take(self._board.memory(IDENTITY), posted, at)
        now = self._clock.elapsed()
        self._until.update({key: now + span.total_seconds() for key, span in found.valid.items()})
        await self._settle(found.evaluation, at)
        return found.refused

    async def expire(self, at: datetime) -> None:
        """End what was not sent for too long."""
        memory, now = self._board.memory(IDENTITY), self._clock.elapsed()
        firing = [key for key, one in memory.instances.items() if one.firing]
        for key in firing:
            self._until.setdefault(key, now + RESOLVE_TIMEOUT.total_seconds())
        gone = [key for key in firing if self._until[key] <= now]
        self._until = {key: until for key, until in self._until.items() if key in firing and until > now}
        await self._settle(expire(memory, gone, at), at)

    async def _settle(self, evaluation: Evaluation, at: datetime) -> None:
        changes = self._board.settle([(IDENTITY, evaluation)], at)
        if changes:
            await self._save(changes)
