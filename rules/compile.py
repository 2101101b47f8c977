"""A rule to one SQL text with bound times: what `rules show` prints is what runs."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from rules.lint import bind
from rules.model import Absent, Group, Rule, Sql, Stale, Threshold


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


def compile_rule(group: Group, rule: Rule) -> Query:
    """Return the query of a rule. It yields every series with its value; the condition is judged on the rows."""
    sql, over = _text(rule)
    return Query(sql, bind(sql), over, group.offset)


def _text(rule: Rule) -> tuple[str, timedelta]:
    match rule.kind:
        case Sql(text, over, _):
            return text, over or timedelta()
        case Threshold(table, value, over, by, where, _):
            return _windowed(table, [*by, f"{value} AS value"], where, by), over
        case Stale(table, by, _, forget_after, where):
            # LATEST ON reads backwards and stops at each key's newest row.
            columns = [*by, "datediff('T', ts, :now) / 1000.0 AS value"]
            return f"{_windowed(table, columns, where, ())}\nLATEST ON ts PARTITION BY {', '.join(by)}", forget_after
        case Absent(table, over, by, _, where):
            return _windowed(table, [*by, "count() AS value"], where, by), over


def _windowed(table: str, columns: list[str], where: str, by: tuple[str, ...]) -> str:
    lines = [f"SELECT {', '.join(columns)}", f"FROM {table}", "WHERE ts > :start AND ts <= :now"]
    if where:
        lines.append(f"  AND ({where.strip()})")
    if by:
        lines.append(f"GROUP BY {', '.join(by)}")
    return "\n".join(lines)
