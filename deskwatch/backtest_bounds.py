"""What can be said of many evaluations at once, so that a backtest asks only for those that matter. Pure.

Every bound errs to one side: it may call a quiet time suspicious, never the other way round; what is suspicious is
evaluated as the live engine does it.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from rules.compile import Query
from rules.lint import bind
from rules.model import Condition, NoData, OnError, Rule, Sql, Stale, Threshold

BATCH = 24
"""Evaluations in one statement: more do not run faster, and cost the server memory."""
SLOT = "dw_slot"
MARGIN = 1e-6
"""Of a threshold: numbers this near are evaluated, whatever the rounding of a sum or of the server's comparison."""

_CALL = re.compile(r"(abs\s*\()?\s*(avg|max|min|first|last|sum|count)\s*\((.*)\)\s*(?:/\s*(\d+(?:\.\d+)?))?", re.DOTALL)


class Look(StrEnum):
    """How a rule's evaluations are looked at in a batch."""

    ROWS = "rows"
    """Any row is suspicious."""
    BREACHES = "breaches"
    """A row near or beyond the threshold is suspicious."""
    COUNTS = "counts"
    """As BREACHES, and so is an evaluation without any row."""
    ALWAYS = "always"
    """Nothing can be said: every evaluation runs."""


def look_of(rule: Rule) -> Look:
    """Return how a rule may be looked at."""
    if rule.on_error is OnError.ALERT:
        return Look.ALWAYS
    match rule.kind:
        case Sql(condition=None):
            return Look.ROWS
        case Sql():
            return Look.BREACHES if rule.no_data is NoData.OK else Look.COUNTS
        case Threshold():
            return Look.BREACHES if rule.no_data is NoData.OK else Look.COUNTS
        case Stale():
            return Look.BREACHES
        case _:
            return Look.ALWAYS


def _near(rule: Rule) -> str:
    """Return the SQL of what is near or beyond the threshold."""
    match rule.kind:
        case Sql(condition=Condition() as condition) | Threshold(condition=condition):
            parts = [] if condition.above is None else [f"value > {_less(condition.above)!r}"]
            parts += [] if condition.below is None else [f"value < {_more(condition.below)!r}"]
            return " OR ".join(parts)
        case Stale(older_than=older):
            return f"value > {_less(older.total_seconds())!r}"
        case _:
            return ""


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
        return above is None or high / self.scale < _less(above)


def bound_of(rule: Rule) -> Bound | None:
    """Return the bound of a threshold rule; None if its value is of a form that we do not know, or no row matters."""
    kind = rule.kind
    if not isinstance(kind, Threshold) or rule.no_data is not NoData.OK:
        return None
    found = _CALL.fullmatch(kind.value.strip())
    if found is None:
        return None
    absolute, function, inside, divisor = found[1] is not None, found[2].lower(), found[3], found[4]
    if absolute:
        inside, closed = inside.rstrip(), inside.rstrip().endswith(")")
        if not closed:
            return None
        inside = inside[:-1]
    if not _balanced(inside) or (absolute and divisor):
        return None
    scale = float(divisor or 1)
    grows = function in ("sum", "count")
    if scale <= 0 or (grows and absolute):
        return None
    where = f"\n  AND ({kind.where.strip()})" if kind.where else ""
    source = f"FROM {kind.table}\nWHERE ts > :start AND ts <= :now{where}"
    if not grows:
        sql = f"SELECT max({inside}) AS high, min({inside}) AS low\n{source}"
    else:
        by = "".join(f"{name}, " for name in kind.by)
        least = f"min({inside})" if function == "sum" else "0"
        grouped = f"\nGROUP BY {', '.join(kind.by)}" if kind.by else ""
        inner = f"SELECT {by}{function}({inside}) AS s, {least} AS m\n{source}{grouped}"
        sql = f"SELECT max(s) AS high, min(m) AS low FROM (\n{inner}\n)"  # noqa: S608  the rule's own SQL
    return Bound(bind(sql), kind.condition, scale, absolute, grows)


def _balanced(text: str) -> bool:
    depth = 0
    for letter in text:
        depth += (letter == "(") - (letter == ")")
        if depth < 0:
            return False
    return depth == 0
