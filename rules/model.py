"""A rule file as values: groups of rules, each rule of one kind that carries its own data."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import TypeAlias

from rules.matcher import Matcher

EMPTY: Mapping[str, str] = MappingProxyType({})


class NoData(StrEnum):
    """What a rule that compares a number does when its query has no row at all."""

    ALERT = "alert"
    KEEP = "keep"
    OK = "ok"


class OnError(StrEnum):
    """What a rule does when its query fails."""

    KEEP = "keep"
    ALERT = "alert"
    OK = "ok"


@dataclass(frozen=True, slots=True)
class Condition:
    """When a value breaches; with `clear_…` an alert that fires stays until the value is back beyond that."""

    above: float | None = None
    below: float | None = None
    clear_below: float | None = None
    clear_above: float | None = None

    def holds(self, value: float, *, firing: bool) -> bool:
        """Whether the value breaches; of one that fires already, whether it has not yet recovered."""
        if firing and self.above is not None and self.clear_below is not None:
            high = value >= self.clear_below
        else:
            high = self.above is not None and value > self.above
        if firing and self.below is not None and self.clear_above is not None:
            low = value <= self.clear_above
        else:
            low = self.below is not None and value < self.below
        return high or low


@dataclass(frozen=True, slots=True)
class Sql:
    """The rule's own SQL. Without a condition every row is a breach."""

    text: str
    over: timedelta | None
    condition: Condition | None


@dataclass(frozen=True, slots=True)
class Threshold:
    """One aggregate per key over a window, against thresholds."""

    table: str
    value: str
    over: timedelta
    by: tuple[str, ...]
    where: str
    condition: Condition


@dataclass(frozen=True, slots=True)
class Stale:
    """Keys that spoke within `forget_after`, and not within `older_than`."""

    table: str
    by: tuple[str, ...]
    older_than: timedelta
    forget_after: timedelta
    where: str


@dataclass(frozen=True, slots=True)
class Absent:
    """Expected keys without a row in the window; without `expect`: no row at all."""

    table: str
    over: timedelta
    by: tuple[str, ...]
    expect: tuple[Mapping[str, str], ...]
    where: str


class Compare(StrEnum):
    """What a spike's value is: the window's number over the usual one, or its distance in standard deviations."""

    RATIO = "ratio"
    ZSCORE = "zscore"


class Empty(StrEnum):
    """What a step without rows is to a spike."""

    SKIP = "skip"
    ZERO = "zero"


@dataclass(frozen=True, slots=True)
class Spike:
    """One aggregate over a window against the same over as long steps of the time before it."""

    table: str
    value: str
    over: timedelta
    baseline: timedelta
    """A whole number of windows."""
    by: tuple[str, ...]
    where: str
    compare: Compare
    min_samples: int
    floor: float | None
    """What is divided by is taken for no less."""
    ignore_below: float | None
    """A usual step of less gives no verdict."""
    empty: Empty
    condition: Condition

    @property
    def steps(self) -> int:
        """How many steps the baseline has."""
        return self.baseline // self.over


@dataclass(frozen=True, slots=True)
class Change:
    """The last value of each key against the one it had before the window. Without a condition any change breaches."""

    table: str
    value: str
    over: timedelta
    look_back: timedelta
    """How far before the window the old value is looked for."""
    by: tuple[str, ...]
    where: str
    condition: Condition | None


class Distance(StrEnum):
    """How two values of a mismatch are compared."""

    ABSOLUTE = "absolute"
    BPS = "bps"


class Missing(StrEnum):
    """What a key is that only one side of a mismatch has."""

    ALERT = "alert"
    OK = "ok"
    ZERO = "zero"


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two sources of a mismatch."""

    table: str
    value: str
    where: str


@dataclass(frozen=True, slots=True)
class Mismatch:
    """One number of two sources, joined on keys; the value is how far they are apart."""

    left: Side
    right: Side
    over: timedelta
    by: tuple[str, ...]
    distance: Distance
    ignore: float
    """Values that differ by no more than this do not differ."""
    missing: Missing
    condition: Condition


@dataclass(frozen=True, slots=True)
class Alerts:
    """How many alerts fire that match, for each combination of some of their labels. Asks no database."""

    match: tuple[Matcher, ...]
    by: tuple[str, ...]
    condition: Condition


@dataclass(frozen=True, slots=True)
class Record:
    """A query whose values are stored, and make no alert."""

    text: str
    over: timedelta | None


Kind: TypeAlias = Sql | Threshold | Stale | Absent | Spike | Change | Mismatch | Alerts | Record


@dataclass(frozen=True, slots=True)
class Level:
    """A severity, and from where on it is that."""

    severity: str
    condition: Condition


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule. Durations are spans; texts are templates."""

    name: str
    kind: Kind
    severity: str
    """With levels the loudest: what an alert that has no number is."""
    summary: str
    hold: timedelta = timedelta()
    """`for`: how long it must breach before it fires."""
    keep_firing_for: timedelta = timedelta()
    no_data: NoData = NoData.OK
    on_error: OnError = OnError.KEEP
    limit: int = 0
    labels: Mapping[str, str] = field(default_factory=lambda: EMPTY)
    description: str = ""
    runbook: str = ""
    dashboard: str = ""
    levels: tuple[Level, ...] = ()
    """The quietest first; its condition is the kind's own. Without any, every alert has the rule's severity."""
    offset: timedelta | None = None
    """Instead of the group's."""

    def as_of(self, group: "Group") -> timedelta:
        """Return how far before the slot it looks."""
        return group.offset if self.offset is None else self.offset


@dataclass(frozen=True, slots=True)
class Group:
    """Rules that run one after the other, every so often, as of now less `offset`."""

    name: str
    file: Path
    every: timedelta
    offset: timedelta
    labels: Mapping[str, str]
    rules: tuple[Rule, ...]

    def identity(self, rule: Rule) -> str:
        """Return what a rule's state is kept under."""
        return f"{self.name}/{rule.name}"


@dataclass(frozen=True, slots=True)
class Ruleset:
    """Everything that was loaded."""

    groups: tuple[Group, ...]

    def find(self, name: str) -> tuple[Group, Rule] | None:
        """Return a rule by `NAME` or `GROUP/NAME`."""
        for group in self.groups:
            for rule in group.rules:
                if name in (rule.name, group.identity(rule)):
                    return group, rule
        return None

    @property
    def names(self) -> list[str]:
        """Every rule as `GROUP/NAME`."""
        return [group.identity(rule) for group in self.groups for rule in group.rules]
