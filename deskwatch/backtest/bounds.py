"""What can be said of many evaluations at once, so that a backtest asks only for those that matter. Pure.

Every bound errs to one side: it may call a quiet time suspicious, never the other way round; what is suspicious is
evaluated as the live engine does it.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from rules.compile import Query
from rules.lint import bind
from rules.model import (
    Alerts,
    Change,
    Condition,
    Mismatch,
    Missing,
    NoData,
    OnError,
    Record,
    Rule,
    Spike,
    Sql,
    Stale,
    Threshold,
)

BATCH = 24
"""Evaluations in one statement: more do not run faster, and cost the server memory."""
SLOT = "dw_slot"
MARGIN = 1e-6
"""Of a threshold: numbers this near are evaluated, whatever the rounding of a sum or of the server's comparison."""

_CALL = re.compile(r"(avg|max|min|first|last|sum|count)\s*\((.*)\)\s*(?:/\s*(\d+(?:\.\d+)?))?", re.DOTALL)
_ABSOLUTE = re.compile(r"abs\s*\((.*)\)", re.DOTALL)
_RANGE = re.compile(r"last\((\w+)\)\s*-\s*min\(\1\)")


class Look(StrEnum):
    """How a rule's evaluations are looked at in a batch."""

    ROWS = "rows"
    """Any row is suspicious."""
    BREACHES = "breaches"
    """A row near or beyond the threshold is suspicious."""
    COUNTS = "counts"
    """As BREACHES, and so is an evaluation without any row."""
    FIRING = "firing"
    """It asks no query: while nothing fires it finds nothing."""
    ALWAYS = "always"
    """Nothing can be said: every evaluation runs."""
    NEVER = "never"
    """It makes no alert."""


def look_of(rule: Rule) -> Look:
    """Return how a rule may be looked at."""
    if rule.on_error is OnError.ALERT:
        return Look.ALWAYS
    match rule.kind:
        case Record():
            return Look.NEVER
        case Alerts(condition=condition):
            some = condition.above is not None and condition.above >= 0 and condition.below is None
            return Look.FIRING if some and not rule.levels else Look.ALWAYS
        case Sql(condition=None) | Change(condition=None):
            return Look.ROWS
        case Sql() | Threshold() | Stale() | Spike() | Change() | Mismatch():
            return Look.BREACHES if rule.no_data is NoData.OK else Look.COUNTS
        case _:
            return Look.ALWAYS


def _near(rule: Rule) -> str:
    """Return the SQL of what is near or beyond a threshold."""
    if isinstance(rule.kind, Stale):
        return f"value > {_less(rule.kind.older_than.total_seconds())!r}"
    loosest = _loosest(rule)
    parts = [] if loosest.above is None else [_beyond(">", loosest.above, _less(loosest.above))]
    parts += [] if loosest.below is None else [_beyond("<", loosest.below, _more(loosest.below))]
    if isinstance(rule.kind, Mismatch) and rule.kind.missing is Missing.ALERT:
        parts.append("missing IS NOT NULL")
    return " OR ".join(parts)


def _beyond(sign: str, limit: float, near: float) -> str:
    """Return the comparison with a margin; beside 0, the commonest value of all, there is none.

    The server takes numbers for equal that differ by less than 1e-10, so a very small one is made large.
    """
    if limit:
        return f"value {sign} {near!r}"
    edge = abs(near) if sign == ">" else -abs(near)
    return f"value {sign} {edge!r} OR value * 1e100 {sign} {edge!r}"


def _loosest(rule: Rule) -> Condition:
    """Return what is true whenever any of the rule's conditions is."""
    own = getattr(rule.kind, "condition", None)
    known = [one for one in (own, *(level.condition for level in rule.levels)) if one is not None]
    above = [one.above for one in known if one.above is not None]
    below = [one.below for one in known if one.below is not None]
    return Condition(min(above, default=None), max(below, default=None))


def _less(limit: float) -> float:
    return limit - max(abs(limit), 1.0) * MARGIN


def _more(limit: float) -> float:
    return limit + max(abs(limit), 1.0) * MARGIN


def scan_sql(rule: Rule, query: Query, look: Look) -> str:
    """Return one statement for BATCH evaluations, which yields a row where one is suspicious."""
    near = _near(rule)
    match look:
        case Look.BREACHES:
            return _batch(query, "*", f" WHERE {near}")
        case Look.COUNTS:
            return _batch(query, f"count() AS n, sum(CASE WHEN {near} THEN 1 ELSE 0 END) AS bad", "")
        case _:
            return batch_sql(query)


def batch_sql(query: Query) -> str:
    """Return one statement for the full results of BATCH evaluations."""
    return _batch(query, "*", "")


def _batch(query: Query, columns: str, tail: str) -> str:
    parts = []
    for number in range(BATCH):
        inner = bind(query.sql, style=f"%({{}}{number})s")
        parts.append(f"SELECT {number} AS {SLOT}, {columns} FROM (\n{inner}\n){tail}")  # noqa: S608  the rule's own SQL
    return "\nUNION ALL\n".join(parts)


def suspicious(look: Look, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> set[int]:
    """Return the numbers of the evaluations that a scan found suspicious."""
    at = columns.index(SLOT) if SLOT in columns else 0
    if look is not Look.COUNTS:
        return {int(str(row[at])) for row in rows}
    count, bad = columns.index("n"), columns.index("bad")
    return {int(str(row[at])) for row in rows if not row[count] or row[bad]}


# --- whole stretches -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Bound:
    """A query over a whole stretch of time that bounds the value of every window inside it."""

    sql: str
    condition: Condition
    scale: float
    absolute: bool
    grows: bool
    """A sum of what is not negative: a window has no more of it than the stretch."""

    def quiet(self, high: float | None, low: float | None) -> bool:
        """Whether no window inside can breach, by the stretch's highest and lowest."""
        if high is None or low is None:
            return True  # no row, or none with a number
        if self.grows:
            return low >= 0 and self.condition.below is None and self._below(high)
        if self.absolute:
            high, low = max(abs(high), abs(low)), 0.0
        below = self.condition.below
        return self._below(high) and (below is None or low / self.scale > _more(below))

    def _below(self, high: float) -> bool:
        above = self.condition.above
        if above is not None and above >= 0 >= high:
            return True  # signs are exact
        return above is None or high / self.scale < _less(above)


def bound_of(rule: Rule) -> Bound | None:
    """Return the bound of a threshold rule; None if its value is of a form that we do not know, or no row matters."""
    kind = rule.kind
    if not isinstance(kind, Threshold) or rule.no_data is not NoData.OK:
        return None
    where = f"\n  AND ({kind.where.strip()})" if kind.where else ""
    source = f"FROM {kind.table}\nWHERE ts > :start AND ts <= :now{where}"
    if found := _RANGE.fullmatch(kind.value.strip()):
        return _growing(rule, kind, f"max({found[1]}) - min({found[1]})", "0", source)
    form = _form(kind.value.strip())
    if form is None:
        return None
    if form.function in ("sum", "count"):
        least = f"min({form.inside})" if form.function == "sum" else "0"
        call = f"{form.function}({form.inside})"
        return None if form.absolute else _growing(rule, kind, call, least, source, form.scale)
    sql = f"SELECT max({form.inside}) AS high, min({form.inside}) AS low\n{source}"
    return Bound(bind(sql), _loosest(rule), form.scale, form.absolute, grows=False)


def _growing(rule: Rule, kind: Threshold, call: str, least: str, source: str, scale: float = 1.0) -> Bound:
    """Return the bound of what each key has more of in a longer stretch."""
    by = "".join(f"{name}, " for name in kind.by)
    grouped = f"\nGROUP BY {', '.join(kind.by)}" if kind.by else ""
    inner = f"SELECT {by}{call} AS s, {least} AS m\n{source}{grouped}"
    sql = f"SELECT max(s) AS high, min(m) AS low FROM (\n{inner}\n)"  # noqa: S608  the rule's own SQL
    return Bound(bind(sql), _loosest(rule), scale, absolute=False, grows=True)


class _Form(NamedTuple):
    """An aggregate of one expression, perhaps its absolute value, perhaps divided by a number."""

    function: str
    inside: str
    scale: float
    absolute: bool


def _form(value: str) -> _Form | None:
    found = _ABSOLUTE.fullmatch(value)
    call = _CALL.fullmatch(found[1] if found is not None else value)
    if call is None or not _balanced(call[2]):
        return None
    scale = float(call[3] or 1)
    return None if scale <= 0 else _Form(call[1].lower(), call[2], scale, found is not None)


def _balanced(text: str) -> bool:
    depth = 0
    for letter in text:
        depth += (letter == "(") - (letter == ")")
        if depth < 0:
            return False
    return depth == 0
