"""From the command line to a backtest: which rules, which routing, which database, which stretch of time."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from alerts.route import Routing, default_routing, load_routing
from core.clock import Clock, to_datetime
from core.errors import UsageError
from deskwatch.backtest.engine import CONNECTIONS, Backtest, Outcome
from deskwatch.database import locate
from deskwatch.moments import moment
from deskwatch.rulebook import NoRule, configured
from deskwatch.settings import Settings
from rules.load import load
from rules.model import Ruleset
from rules.problems import nearest
from storage.reader import reading

STATEMENT = timedelta(seconds=60)


class BadStretch(UsageError):
    """This is no stretch of time."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a person asked for."""

    paths: Sequence[Path]
    since: str
    until: str
    rule: str
    against: Path | None


@dataclass(frozen=True, slots=True)
class Found:
    """The backtest of the rules, and of the others where they were asked for; names are those of their rules."""

    outcome: Outcome
    names: list[str]
    other: Outcome | None
    other_names: list[str]


async def run(wanted: Wanted, settings: Settings, clock: Clock, told: Callable[[str, float], None]) -> Found:
    """Backtest the rules, then the others over the same stretch.

    Raises:
        UsageError: wrong rules, an unknown rule, an empty stretch, or no database runs.
        HistoryAway: the database does not answer.
    """
    now = to_datetime(clock.now())
    start, end = moment(wanted.since, now), moment(wanted.until, now)
    if start >= end:
        raise BadStretch(f"{start:%Y-%m-%d %H:%M:%S} to {end:%Y-%m-%d %H:%M:%S}", hint="--from must be before --to")
    rules = _only(load(list(wanted.paths) or configured(settings)), wanted.rule)
    others = None if wanted.against is None else _only(load([wanted.against]), wanted.rule, may_lack=True)
    outcome = await _one(rules, settings, clock, (start, end), told)
    other = None if others is None else await _one(others, settings, clock, (start, end), told)
    return Found(outcome, _names(rules), other, [] if others is None else _names(others))


async def _one(
    rules: Ruleset,
    settings: Settings,
    clock: Clock,
    stretch: tuple[datetime, datetime],
    told: Callable[[str, float], None],
) -> Outcome:
    async with reading(locate(settings), statement_timeout=STATEMENT, connections=CONNECTIONS) as reader:
        return await Backtest(rules, _routing(settings), reader, clock).run(*stretch, told)


def _routing(settings: Settings) -> Routing:
    if settings.routing is None:
        return default_routing(settings.alerts)
    return load_routing(settings.routing, settings.alerts)


def _only(rules: Ruleset, name: str, *, may_lack: bool = False) -> Ruleset:
    if not name:
        return rules
    groups = [
        replace(group, rules=tuple(rule for rule in group.rules if name in (rule.name, group.identity(rule))))
        for group in rules.groups
    ]
    kept = tuple(group for group in groups if group.rules)
    if not kept and not may_lack:
        raise NoRule(repr(name), hint=nearest(name, rules.names))
    return Ruleset(kept)


def _names(rules: Ruleset) -> list[str]:
    return list(dict.fromkeys(rule.name for group in rules.groups for rule in group.rules))
