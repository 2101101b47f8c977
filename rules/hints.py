"""What is allowed and yet seldom meant: warnings about rules that were read, alone and beside one another."""

from collections.abc import Iterator
from datetime import timedelta

from core import durations
from rules.compile import compile_rule
from rules.locate import rule_problem
from rules.model import Alerts, Group, Rule, Ruleset, Stale
from rules.problems import Level, Problem, nearest

Place = tuple[Group, Rule]


def hints(ruleset: Ruleset) -> Iterator[Problem]:
    """Yield a warning at each rule that is seldom meant so."""
    places = [(group, rule) for group in ruleset.groups for rule in group.rules]
    for group, rule in places:
        yield from _times(group, rule)
        yield from _order(ruleset, group, rule)
    yield from _twins(places)


def _warn(group: Group, rule: Rule, key: str, message: str, hint: str) -> Problem:
    return rule_problem(group, rule, message, hint, key=key, level=Level.WARNING)


def _times(group: Group, rule: Rule) -> Iterator[Problem]:
    every = durations.show(group.every)
    if timedelta() < rule.hold < group.every:
        hint = f"it fires at the second evaluation, after {every}: write `for: {every}`, or none"
        yield _warn(group, rule, "for", f"`for` is shorter than the group's `every: {every}`", hint)
    if timedelta() < rule.keep_firing_for < group.every:
        hint = f"nothing is kept so: write {every} or more, or drop it"
        yield _warn(group, rule, "keep_firing_for", f"`keep_firing_for` is shorter than `every: {every}`", hint)
    over = _window(rule)
    if over is not None and timedelta() < over < group.every:
        hint = "rows between two windows are never looked at"
        yield _warn(group, rule, "over", f"the window is shorter than the group's `every: {every}`", hint)


def _window(rule: Rule) -> timedelta | None:
    """Return the window that a rule looks at; of `stale` it is no window but an age."""
    return None if isinstance(rule.kind, Stale) else getattr(rule.kind, "over", None)


def _order(ruleset: Ruleset, group: Group, rule: Rule) -> Iterator[Problem]:
    """An `alerts` rule sees what fires already: its sources come first, and must be there."""
    if not isinstance(rule.kind, Alerts):
        return
    named = [one for one in rule.kind.match if one.name == "alertname"]
    if not named:
        return  # other labels may come from any row

    def counts(other: Rule) -> bool:
        return other is not rule and all(one.matches({"alertname": other.name}) for one in named)

    late = [one.name for one in group.rules[group.rules.index(rule) + 1 :] if counts(one)]
    every = [one for each in ruleset.groups for one in each.rules]
    if late:
        hint = "it would see the evaluation before: move it behind them"
        yield _warn(group, rule, "alert", f"it stands before {', '.join(late)}, which it counts", hint)
    elif not any(map(counts, every)):
        hint = nearest(named[0].value, [one.name for one in every if one is not rule])
        yield _warn(group, rule, "alert", "no rule here makes an alert that it counts", hint)


def _twins(places: list[Place]) -> Iterator[Problem]:
    seen: dict[object, Place] = {}
    for group, rule in places:
        query = compile_rule(group, rule)
        asked: object = rule.kind if query is None else (" ".join(query.sql.split()), query.over, query.offset)
        first = seen.setdefault((type(rule.kind), asked), (group, rule))
        if first[1] is not rule:
            name, levels = first[0].identity(first[1]), _levels(rule)
            message = f"it asks the same as {name}"
            yield _warn(group, rule, "alert", message, f"drop one of them, or make it one rule{levels}")


def _levels(rule: Rule) -> str:
    return "" if rule.levels else " with `warn: {above: …}` and `page: {above: …}`"
