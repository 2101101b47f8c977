"""Rows of a rule's query to findings: labels, the number, the rest. And: does it breach?"""

import math
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import datetime

from core.errors import Permanent
from rules.matcher import all_match
from rules.model import Absent, Alerts, Change, Mismatch, Record, Rule, Spike, Sql, Stale, Threshold

MOST_LISTED = 10
"""Of the values of a label of counted alerts so many are named."""


class BadResult(Permanent):
    """The rule's result cannot be read."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One series of a result. `value` None: the series is there and has no number (NULL, NaN, infinite)."""

    labels: Mapping[str, str]
    value: float | None
    data: Mapping[str, object] = field(default_factory=dict)


def read(rule: Rule, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> list[Finding]:
    """Return the findings of a result.

    Raises:
        BadResult: two rows have the same labels, or a rule with a condition has no column `value`.
    """
    if _needs_value(rule) and "value" not in columns:
        raise BadResult("no column `value`", hint="Name the number: SELECT venue, count() AS value …")
    # What changed may be a text, and is no label: the alert would be another one with each change.
    data_columns = ("old", "new") if isinstance(rule.kind, Change) else ()
    found = [_finding(columns, row, data_columns) for row in rows]
    if isinstance(rule.kind, Absent):
        return _missing(rule.kind, found)
    seen: set[tuple[tuple[str, str], ...]] = set()
    for one in found:
        key = tuple(sorted(one.labels.items()))
        if key in seen:
            text = ", ".join(f"{name}={value}" for name, value in key) or "no labels"
            raise BadResult(f"two rows with {text}", hint="Group by every text column, or select fewer of them")
        seen.add(key)
    return found


def _needs_value(rule: Rule) -> bool:
    return isinstance(rule.kind, Record) or (isinstance(rule.kind, Sql) and rule.kind.condition is not None)


def _finding(columns: Sequence[str], row: Sequence[object], data_columns: Sequence[str]) -> Finding:
    labels: dict[str, str] = {}
    data: dict[str, object] = {}
    value: float | None = None
    for name, cell in zip(columns, row, strict=True):
        if name == "value":
            value = _number(cell)
        elif name in data_columns:
            data[name] = cell
        elif isinstance(cell, bool):
            labels[name] = "true" if cell else "false"
        elif isinstance(cell, str):
            if cell:
                labels[name] = cell
        elif cell is not None and not isinstance(cell, datetime):
            data[name] = cell
    return Finding(labels, value, data)


def _number(cell: object) -> float | None:
    try:
        number = float(str(cell))
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _missing(kind: Absent, found: Sequence[Finding]) -> list[Finding]:
    """Return a finding for each expected key without rows; its value is the window, in seconds."""
    span = kind.over.total_seconds()
    if not kind.expect:
        return [] if any(one.value for one in found) else [Finding({}, span)]
    present = {tuple(sorted(one.labels.items())) for one in found}
    return [Finding(dict(key), span) for key in kind.expect if tuple(sorted(key.items())) not in present]


def breaches(rule: Rule, finding: Finding, *, firing: bool) -> bool:
    """Whether a finding is a breach; `firing`: its alert fires already, so hysteresis applies."""
    return severity_of(rule, finding, firing=rule.severity if firing else None) is not None


def severity_of(rule: Rule, finding: Finding, *, firing: str | None) -> str | None:
    """Return how loud a finding is, None if it is no breach.

    `firing` is the severity that its alert fires with already: hysteresis keeps it, and what is quieter.
    """
    kind = rule.kind
    if isinstance(kind, Mismatch) and "missing" in finding.labels:
        return rule.severity
    if rule.levels:
        return _level(rule, finding, firing)
    return rule.severity if _holds(rule, finding, firing=firing is not None) else None


def _level(rule: Rule, finding: Finding, firing: str | None) -> str | None:
    order = [one.severity for one in rule.levels]
    reached = order.index(firing) if firing in order else -1
    for place, level in reversed(tuple(enumerate(rule.levels))):
        if finding.value is not None and level.condition.holds(finding.value, firing=place <= reached):
            return level.severity
    return None


def _holds(rule: Rule, finding: Finding, *, firing: bool) -> bool:
    kind = rule.kind
    match kind:
        case Stale(older_than=older_than):
            return finding.value is not None and finding.value > older_than.total_seconds()
        case Absent():
            return True
        case Record():
            return False
        case Sql() | Threshold() | Spike() | Change() | Mismatch() | Alerts():
            if kind.condition is None:
                return True
            return finding.value is not None and kind.condition.holds(finding.value, firing=firing)


def counted(kind: Alerts, firing: Iterable[Mapping[str, str]]) -> list[Finding]:
    """Return how many alerts match, for each combination of the labels in `by`; an alert without one has it empty.

    The other labels are data: the values that the counted alerts have, in order.
    """
    groups: dict[tuple[str, ...], list[Mapping[str, str]]] = {}
    for labels in firing:
        if all_match(kind.match, labels):
            groups.setdefault(tuple(labels.get(name, "") for name in kind.by), []).append(labels)
    found = []
    for key, members in sorted(groups.items()):
        names = {name for one in members for name in one} - set(kind.by)
        data = {name: _listed({one[name] for one in members if name in one}) for name in sorted(names)}
        labels = {name: value for name, value in zip(kind.by, key, strict=True) if value}
        found.append(Finding(labels, float(len(members)), data))
    return found


def _listed(values: AbstractSet[str]) -> str:
    shown = sorted(values)
    rest = f" and {len(shown) - MOST_LISTED} more" if len(shown) > MOST_LISTED else ""
    return ", ".join(shown[:MOST_LISTED]) + rest
