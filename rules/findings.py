"""Rows of a rule's query to findings: labels, the number, the rest. And: does it breach?"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from core.errors import Permanent
from rules.model import Absent, Rule, Sql, Stale, Threshold


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
    if isinstance(rule.kind, Sql) and rule.kind.condition is not None and "value" not in columns:
        raise BadResult("no column `value` to compare", hint="Name the number: SELECT venue, count() AS value …")
    found = [_finding(columns, row) for row in rows]
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


def _finding(columns: Sequence[str], row: Sequence[object]) -> Finding:
    labels: dict[str, str] = {}
    data: dict[str, object] = {}
    value: float | None = None
    for name, cell in zip(columns, row, strict=True):
        if name == "value":
            value = _number(cell)
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
    match rule.kind:
        case Threshold(condition=condition):
            return finding.value is not None and condition.holds(finding.value, firing=firing)
        case Stale(older_than=older_than):
            return finding.value is not None and finding.value > older_than.total_seconds()
        case Sql(condition=condition):
            if condition is None:
                return True
            return finding.value is not None and condition.holds(finding.value, firing=firing)
        case Absent():
            return True
