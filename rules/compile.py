"""A rule to one SQL text with bound times: what `rules show` prints is what runs."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from rules.lint import bind
from rules.model import (
    Absent,
    Alerts,
    Change,
    Compare,
    Distance,
    Empty,
    Group,
    Mismatch,
    Missing,
    Record,
    Rule,
    Side,
    Spike,
    Sql,
    Stale,
    Threshold,
)

UNION = "UNION ALL"
MOST = 2**31


@dataclass(frozen=True, slots=True)
class Query:
    """A rule's query. `sql` has :now and :start; `driver_sql` is the same text for the driver."""

    sql: str
    driver_sql: str
    over: timedelta
    offset: timedelta

    def parameters(self, now: datetime) -> dict[str, datetime]:
        """Return the bound times of an evaluation at `now` (aware, UTC)."""
        as_of = now - self.offset
        return {"now": as_of, "start": as_of - self.over}


def compile_rule(group: Group, rule: Rule) -> Query | None:
    """Return the query of a rule; None: it asks none, an `alerts` rule counts what fires.

    The query yields every series with its value; the condition is judged on the rows.
    """
    found = _text(rule)
    if found is None:
        return None
    sql, over = found
    return Query(sql, bind(sql), over, rule.as_of(group))


def _text(rule: Rule) -> tuple[str, timedelta] | None:
    match rule.kind:
        case Alerts():
            return None
        case Sql(text, over, _) | Record(text, over):
            return text, over or timedelta()
        case Threshold() | Stale() | Absent() as kind:
            return _of_one(kind)
        case kind:
            return _of_two(kind)


def _of_one(kind: Threshold | Stale | Absent) -> tuple[str, timedelta]:
    match kind:
        case Threshold(table, value, over, by, where, _):
            return _windowed(table, [*by, f"{value} AS value"], where, by), over
        case Stale(table, by, _, forget_after, where):
            # LATEST ON reads backwards and stops at each key's newest row.
            columns = [*by, "datediff('T', ts, :now) / 1000.0 AS value"]
            return f"{_windowed(table, columns, where, ())}\nLATEST ON ts PARTITION BY {', '.join(by)}", forget_after
        case Absent(table, over, by, _, where):
            return _windowed(table, [*by, "count() AS value"], where, by), over


def _of_two(kind: Spike | Change | Mismatch) -> tuple[str, timedelta]:
    match kind:
        case Spike():
            return _spike(kind), kind.baseline + kind.over
        case Change():
            return _change(kind), kind.over + kind.look_back
        case Mismatch():
            return _mismatch(kind), kind.over


def _windowed(table: str, columns: Sequence[str], where: str, by: Sequence[str]) -> str:
    lines = [f"SELECT {', '.join(columns)}", f"FROM {table}", "WHERE ts > :start AND ts <= :now"]
    if where:
        lines.append(f"  AND ({where.strip()})")
    if by:
        lines.append(_grouped(by))
    return "\n".join(lines)


def _grouped(by: Sequence[str]) -> str:
    return f"GROUP BY {', '.join(by)}"


def _inside(inner: str, columns: Sequence[str], *behind: str) -> str:
    """Return a query over another one."""
    indented = "\n".join(f"  {line}" for line in inner.splitlines())
    return "\n".join([f"SELECT {', '.join(columns)}", f"FROM (\n{indented}\n)", *(one for one in behind if one)])


def _spike(kind: Spike) -> str:
    """One value a step, 0 being the window; then the window's beside the mean of the others."""
    width = kind.over // timedelta(microseconds=1) * 1000
    steps = _windowed(
        kind.table,
        [*kind.by, f"datediff('n', ts, :now) / {width} AS step", f"{kind.value} AS x"],
        kind.where,
        [*kind.by, "step"],
    )
    current, before = "max(CASE WHEN step = 0 THEN x::double END)", "CASE WHEN step > 0 THEN x::double END"
    if kind.empty is Empty.SKIP:
        usual, spread, known = f"avg({before})", f"stddev_samp({before})", f"count({before})"
    else:
        usual, known = f"coalesce(sum({before}), 0.0) / {kind.steps}", str(kind.steps)
        current = f"coalesce({current}, 0.0)"
        # Steps without rows are zeros that no row stands for.
        spread = f"coalesce(sum(({before}) * ({before})), 0.0)"
    columns = [f"{current} AS current", f"{usual} AS usual", f"{spread} AS spread", f"{known} AS steps"]
    seen = _inside(steps, [*kind.by, *columns], _grouped(kind.by) if kind.by else "")
    if kind.empty is Empty.ZERO:
        spread = f"sqrt(greatest(spread - {kind.steps} * usual * usual, 0.0) / {kind.steps - 1}) AS spread"
        seen = _inside(seen, [*kind.by, "current", "usual", spread, "steps"])
    return _inside(seen, [*kind.by, f"{_compared(kind)} AS value", "current", "usual", "spread", "steps"])


def _compared(kind: Spike) -> str:
    """Return what is compared; without enough steps, or with nothing to divide by, it is NULL and no breach."""
    above, under = ("current", "usual") if kind.compare is Compare.RATIO else ("(current - usual)", "spread")
    floor = "" if kind.floor is None else f"greatest({under}, {kind.floor!r})"
    enough = f"steps >= {kind.min_samples} AND {floor or under} > 0"
    if kind.ignore_below is not None:
        enough += f" AND usual >= {kind.ignore_below!r}"
    return f"CASE WHEN {enough} THEN {above} / {floor or under} END"


def _change(kind: Change) -> str:
    """Rows without a value say nothing; `<>` is true between NULL and a value, and there is no NULL here."""
    rows = _windowed(kind.table, ["ts", *kind.by, f"{kind.value} AS x"], kind.where, ())
    old = "first(x)"
    if kind.look_back:
        old = f"coalesce(last_not_null(CASE WHEN ts <= {_before(kind.over)} THEN x END), first(x))"
    both = _inside(rows, [*kind.by, f"{old} AS old", "last(x) AS new"], "WHERE x IS NOT NULL", _grouped(kind.by))
    if kind.condition is None:
        return _inside(both, [*kind.by, "old", "new"], "WHERE old <> new")
    return _inside(both, [*kind.by, "old", "new", "new - old AS value"])


def _before(span: timedelta) -> str:
    """Return the time so long before :now; the server takes a number of 32 bits."""
    milliseconds = span // timedelta(milliseconds=1)
    if milliseconds < MOST:
        return f"dateadd('T', {-milliseconds}, :now)"
    return f"dateadd('s', {-(milliseconds // 1000)}, :now)"


def _mismatch(kind: Mismatch) -> str:
    """Grouping instead of a join: keys with NULL meet, and a key of one side alone is a row."""
    sides = f"\n{UNION}\n".join(_one_side(kind, name) for name in ("left", "right"))
    columns = [f"max(CASE WHEN side = '{name}' THEN x::double END) AS {short}" for name, short in _SIDES]
    both = _inside(sides, [*kind.by, *columns], _grouped(kind.by) if kind.by else "")
    if kind.missing is Missing.ZERO:
        both = _inside(both, [*kind.by, *(f"coalesce({short}, 0.0) AS {short}" for _, short in _SIDES)])
    apart = "abs(l - r)"
    value = apart if kind.distance is Distance.ABSOLUTE else f"{apart} / greatest(abs(l), abs(r)) * 10000"
    exact = f"CASE WHEN {apart} <= {kind.ignore!r} THEN 0.0 ELSE {value} END AS value"
    data = ['l AS "left"', 'r AS "right"']
    if kind.missing is Missing.ALERT:
        missing = "CASE WHEN l IS NULL THEN 'left' WHEN r IS NULL THEN 'right' END AS missing"
        return _inside(both, [*kind.by, missing, exact, *data], "WHERE l IS NOT NULL OR r IS NOT NULL")
    return _inside(both, [*kind.by, exact, *data], "WHERE l IS NOT NULL AND r IS NOT NULL")


_SIDES = (("left", "l"), ("right", "r"))


def _one_side(kind: Mismatch, name: str) -> str:
    side: Side = getattr(kind, name)
    return _windowed(side.table, [*kind.by, f"'{name}' AS side", f"{side.value} AS x"], side.where, kind.by)
