"""Rules on a board, step by step: what the tests of this folder share. Times are seconds since T0."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

from alerts import codec
from alerts.actions import Actions
from alerts.board import Board
from alerts.changes import Changes, Saved
from alerts.evaluate import Answered, Failed, Memory, Outcome, evaluate
from alerts.group import AlertGroup
from alerts.model import Notification
from alerts.notify.base import Payload
from alerts.route import Receiver, Route, Routing
from alerts.state import Instance
from rules.findings import Finding
from rules.model import Group, Rule, Sql

K = TypeVar("K")
V = TypeVar("V")
T0 = datetime(2026, 1, 1, tzinfo=UTC)
Series = Mapping[str, float | None]
"""The label `series` of each row, and its value."""


def at(seconds: float) -> datetime:
    """Return a moment."""
    return T0 + timedelta(seconds=seconds)


def since(moment: datetime | None) -> float | None:
    """Return a moment in seconds."""
    return None if moment is None else (moment - T0).total_seconds()


def span(seconds: float) -> timedelta:
    """Return a span of time."""
    return timedelta(seconds=seconds)


def rule(name: str = "Up", *, hold: float = 0, keep: float = 0, severity: str = "warn", limit: int = 0) -> Rule:
    """Return a rule whose every row is a breach."""
    kind = Sql("", None, None)
    return Rule(name, kind, severity, "{{ value }}", span(hold), span(keep), limit=limit)


def group_of(*rules: Rule, name: str = "g", every: float = 1) -> Group:
    """Return a group of rules."""
    return Group(name, Path("rules.yaml"), span(every), span(0), {}, rules)


def findings(series: Series) -> Answered:
    """Return rows."""
    return Answered([Finding({"series": name} if name else {}, value) for name, value in series.items()])


def route(
    *, wait: float = 0, interval: float = 1, repeat: float = 3600, group_by: Sequence[str] | None = ("alertname",)
) -> Route:
    """Return a tree of one route."""
    by = None if group_by is None else tuple(group_by)
    return Route("", (), "desk", by, span(wait), span(interval), span(repeat), goes_on=False)


def routing(root: Route) -> Routing:
    """Return a routing with one receiver, `desk`."""
    return Routing(root, {"desk": Receiver("desk", "#desk")})


@dataclass
class Timeline:
    """A board and everything that it has said; `restart` makes a new one of what was stored."""

    group: Group
    routing: Routing
    told: list[Notification] = field(default_factory=list)
    steps: list[Changes] = field(default_factory=list)
    deaf: bool = False
    _instances: dict[tuple[str, str], str] = field(default_factory=dict)
    _empty: dict[str, int] = field(default_factory=dict)
    _groups: dict[str, str] = field(default_factory=dict)
    _silences: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.board = self._board()

    @property
    def actions(self) -> Actions:
        """What a person can do."""
        return Actions(self.board, self._save, self._knows)

    async def _save(self, changes: Changes) -> None:
        self.keep(changes)

    async def _knows(self, incident: str) -> bool:
        return any(one.incident == incident for one in self.told)

    def _board(self) -> Board:
        rules = {self.group.identity(one): one for one in self.group.rules}
        return Board(rules, self.routing, lambda _receiver: None if self.deaf else self._render)

    def _render(self, notification: Notification) -> Payload:
        self.told.append(notification)
        return {"text": notification.status}

    def evaluate(self, seconds: float, outcomes: Mapping[str, Outcome | Series]) -> Changes:
        """Evaluate some rules of the group by name."""
        found = []
        for one in self.group.rules:
            given = outcomes.get(one.name, {})
            outcome = given if isinstance(given, Answered | Failed) else findings(given)
            memory = self.board.memory(self.group.identity(one))
            found.append((self.group.identity(one), evaluate(self.group, one, memory, outcome, at(seconds))))
        return self.keep(self.board.settle(found, at(seconds)))

    def flush(self, seconds: float) -> Changes:
        """Let the groups speak that are due."""
        return self.keep(self.board.flush(at(seconds)))

    def run(self, until: float, series: Mapping[float, Series], step: float = 1) -> None:
        """Evaluate the first rule each step with the newest series of that time, and flush ten times a step."""
        name, now = self.group.rules[0].name, 0.0
        current: Series = {}
        while now <= until:
            current = series.get(now, current)
            self.evaluate(now, {name: current})
            for tenth in range(1, 10):
                self.flush(now + step * tenth / 10)
            now += step

    def keep(self, changes: Changes) -> Changes:
        """Store changes as texts."""
        self.steps.append(changes)
        for key, one in changes.instances.items():
            _put(self._instances, (key.rule, key.fingerprint), None if one is None else codec.dump_instance(one))
        for name, empty in changes.empty.items():
            _put(self._empty, name, empty)
        for name, group in changes.groups.items():
            _put(self._groups, name, None if group is None else codec.dump_group(group))
        for name, silence in changes.silences.items():
            _put(self._silences, name, codec.dump_silence(silence))
        return changes

    def restart(self, seconds: float, rules: Group | None = None, routing: Routing | None = None) -> Changes:
        """Go on with a new board that knows what was stored."""
        self.group, self.routing = rules or self.group, routing or self.routing
        alerts: dict[str, dict[str, Instance]] = {}
        for (name, key), text in self._instances.items():
            alerts.setdefault(name, {})[key] = codec.read_instance(text)
        memories = {
            name: Memory(alerts.get(name, {}), self._empty.get(name, 0)) for name in alerts.keys() | self._empty
        }
        groups: list[AlertGroup] = [codec.read_group(text) for text in self._groups.values()]
        silences = [codec.read_silence(text) for text in self._silences.values()]
        self.board = self._board()
        return self.keep(self.board.restore(Saved(memories, groups, (), silences), at(seconds)))

    def transitions(self) -> list[tuple[float, str, str]]:
        """Return every transition: time, from, to."""
        return [
            ((row.ts // 1000) / 1e6 - T0.timestamp(), str(row.values["from_state"]), str(row.values["to_state"]))
            for one in self.steps
            for row in one.events
            if row.values["event"] == "transition"
        ]

    def messages(self) -> list[tuple[float | None, str, str, list[str]]]:
        """Return every notification: time, status, reason, and its alerts as `series status`."""
        return [
            (
                since(one.at),
                str(one.status),
                str(one.reason),
                sorted(f"{alert.labels.get('series', '')} {alert.status}" for alert in one.alerts),
            )
            for one in self.told
        ]

    def said(self) -> list[tuple[float | None, str, str]]:
        """Return every notification: time, state, reason."""
        return [(since(one.at), str(one.state), str(one.reason)) for one in self.told]

    def holds(self) -> list[str]:
        """Return the reasons of every hold."""
        return [str(row.values["reason"]) for one in self.steps for row in one.events if row.values["event"] == "hold"]


def _put(kept: dict[K, V], key: K, value: V | None) -> None:
    if value is None:
        kept.pop(key, None)
    else:
        kept[key] = value
