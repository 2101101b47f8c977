"""What `rules show` prints: the SQL of a rule, under a comment that says when it runs and what it makes of the rows."""

from collections.abc import Iterable, Iterator

from core import durations
from rules.compile import compile_rule
from rules.model import (
    Absent,
    Alerts,
    Change,
    Compare,
    Condition,
    Distance,
    Group,
    Mismatch,
    Missing,
    NoData,
    Record,
    Rule,
    Spike,
    Stale,
    Threshold,
)


def show(group: Group, rule: Rule) -> str:
    """Return the text for one rule."""
    query = compile_rule(group, rule)
    lines = [_where(group, rule)]
    if query is None:
        lines.append(f"every {durations.show(group.every)}, of what fires by then; it asks no database")
    else:
        offset = f" less {durations.show(query.offset)}" if query.offset else ""
        lines.append(f"every {durations.show(group.every)}; :now is the time of the evaluation{offset}")
        lines += [f":start is :now less {durations.show(query.over)}"] if query.over else []
    lines += _verdict(rule)
    if not isinstance(rule.kind, Record):
        lines += _life(rule)
    return "\n".join([*(f"-- {line}" for line in lines), *([query.sql] if query else ())])


def _where(group: Group, rule: Rule) -> str:
    severity = "" if isinstance(rule.kind, Record) else f", severity {' or '.join(_severities(rule))}"
    return f"{group.identity(rule)}{severity}, in {group.file}"


def _severities(rule: Rule) -> Iterable[str]:
    return [one.severity for one in rule.levels] or [rule.severity]


def _life(rule: Rule) -> Iterator[str]:
    hold = f"fires after {durations.show(rule.hold)} of it" if rule.hold else "fires at once"
    kept = f", keeps firing for {durations.show(rule.keep_firing_for)} after the last" if rule.keep_firing_for else ""
    yield hold + kept
    if isinstance(rule.kind, Threshold | Spike | Mismatch):
        yield _NO_DATA[rule.no_data]
    limit = f"; at most {rule.limit} alerts" if rule.limit else ""
    if not isinstance(rule.kind, Alerts):
        yield f"when the query fails: {rule.on_error}{limit}"
    elif limit:
        yield limit.removeprefix("; ")


_NO_DATA = {
    NoData.ALERT: "no row at all, twice in a row: an alert that says so",
    NoData.KEEP: "no row at all: everything stays as it is",
    NoData.OK: "no row at all: nothing is wrong",
}


def _verdict(rule: Rule) -> Iterator[str]:
    match rule.kind:
        case Stale(older_than=older):
            yield f"a row is a breach when value, its age in seconds, is above {older.total_seconds():g}"
        case Absent(expect=()):
            yield "a breach when the count is 0"
        case Absent(expect=expect):
            keys = "; ".join(", ".join(f"{name}={value}" for name, value in key.items()) for key in expect)
            yield f"a breach is each expected key without a row: {keys}"
        case Record():
            yield "each value is a row of `recordings`"
        case Alerts(match=match, by=by):
            yield f"value is the number of firing alerts with {', '.join(map(str, match))}"
            yield from [f"one for each {', '.join(by)}"] if by else []
            yield from _conditions(rule, rule.kind.condition, counts=True)
        case Change(condition=None):
            yield "every row is a breach: new is not what old was"
        case kind:
            yield from _meaning(kind)
            yield from _conditions(rule, kind.condition)


def _meaning(kind: object) -> Iterator[str]:
    match kind:
        case Spike(compare=Compare.RATIO):
            yield "value is the window's number over the mean of the steps before it"
        case Spike():
            yield "value is the window's number less the mean of the steps before it, in their standard deviations"
        case Change():
            yield "value is new less old"
        case Mismatch(distance=distance, missing=missing):
            unit = "" if distance is Distance.ABSOLUTE else ", in basis points of the larger"
            yield f"value is how far left and right are apart{unit}"
            if missing is Missing.ALERT:
                yield "a key that one side does not have is a breach, with the label `missing`"
        case _:
            return


def _conditions(rule: Rule, condition: Condition | None, *, counts: bool = False) -> Iterator[str]:
    say = _at_least if counts else _condition
    for level in rule.levels:
        yield f"{level.severity}: {say(level.condition)}"
    if not rule.levels:
        yield "every row is a breach" if condition is None else say(condition)


def _at_least(condition: Condition) -> str:
    least = (condition.above or 0.0) + 1
    until = "" if condition.clear_below is None else f" (once firing, until it is below {condition.clear_below:g})"
    return f"a breach when value is {least:g} or more{until}"


def _condition(condition: Condition) -> str:
    parts = []
    for word, at, clear in (
        ("above", condition.above, condition.clear_below),
        ("below", condition.below, condition.clear_above),
    ):
        if at is not None:
            until = "" if clear is None else f" (once firing, until it is {_OTHER[word]} {clear:g})"
            parts.append(f"{word} {at:g}{until}")
    return f"a row is a breach when value is {' or '.join(parts)}"


_OTHER = {"above": "below", "below": "above"}
