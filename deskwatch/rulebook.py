"""What `deskwatch rules` does: check rule files, with the database's help or without, and show the SQL that runs."""

import asyncio
import difflib
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path

from core.clock import SystemClock, to_datetime
from core.errors import UsageError
from deskwatch.database import locate
from deskwatch.settings import Settings
from deskwatch.settings import load as load_settings
from rules.catalogue import folder as catalogue
from rules.compile import Query, compile_rule
from rules.explain import show
from rules.lint import place_of
from rules.load import files_of, load, load_sound
from rules.locate import rule_problem, sql_problem
from rules.model import Group, Rule, Ruleset
from rules.problems import Problem
from rules.words import Tables
from storage.reader import BadQuery, Reader, reading
from storage.schema import column_types

COLUMNS = "SELECT table_name, column_name, data_type FROM information_schema.columns()"
CATALOGUE = Path("catalogue")
MANY_COLUMNS = 100_000


class NoRule(UsageError):
    """There is no such rule."""


def load_rules(settings: Settings) -> Ruleset:
    """Return the configured rules. Names of tables and columns are for the database to judge.

    Raises:
        BadRules: every problem of every file.
    """
    return load(configured(settings))


def configured(settings: Settings) -> list[Path]:
    """Return the configured files and folders; `catalogue` is the shipped rules, unless a folder has that name."""
    return [catalogue() if one == CATALOGUE and not one.exists() else one for one in settings.rules]


def check_rules(paths: Sequence[Path] | None, *, explain: bool) -> list[Problem]:
    """Return everything that is wrong in rule files, or in the configured ones; `explain`: the database is asked too.

    Raises:
        UsageError: `explain`, and no database runs.
        Transient: the database does not answer.
    """
    settings = load_settings() if explain or not paths else None
    chosen = list(paths or (configured(settings) if settings else ()))
    if not files_of(chosen):
        hint = f"name files or folders; the rules that come with deskwatch are in {catalogue()}"
        return [Problem(one, 1, 1, "there is no *.yaml in this folder", hint, "") for one in chosen]
    if settings is None or not explain:
        return load_sound(chosen, column_types())[1]
    return asyncio.run(check_on_server(chosen, settings))


def tally(problems: Sequence[Problem]) -> str:
    """Return how many errors and warnings there are, in words."""
    errors = sum(one.is_error for one in problems)
    counts = ((errors, "error"), (len(problems) - errors, "warning"))
    shown = " and ".join(f"{count} {name}{'' if count == 1 else 's'}" for count, name in counts if count)
    return f"{shown} found" if shown else "rules are fine"


async def check_on_server(paths: Sequence[Path], settings: Settings) -> list[Problem]:
    """Return everything that is wrong in rule files, by the running database's own tables and its planner.

    Raises:
        NoDatabase: none runs.
        Transient: it does not answer.
    """
    patience = settings.alerts.statement_timeout
    async with reading(locate(settings), statement_timeout=patience, connections=1) as reader:
        ruleset, problems = await asyncio.to_thread(load_sound, paths, await tables_of(reader))
        seen = {(one.file, one.line) for one in problems}
        found = await explain_rules(ruleset, reader, to_datetime(SystemClock().now()))
    refused = [one for one in found if (one.file, one.line) not in seen]
    return sorted([*problems, *refused], key=lambda one: (str(one.file), one.line, one.column))


async def tables_of(reader: Reader) -> Tables:
    """Return table -> column -> type as the running database has them, tables of your own included."""
    found: dict[str, dict[str, str]] = {}
    for table, column, kind in (await reader.query(COLUMNS, limit=MANY_COLUMNS)).rows:
        found.setdefault(str(table), {})[str(column)] = str(kind)
    return found


async def explain_rules(ruleset: Ruleset, reader: Reader, now: datetime) -> list[Problem]:
    """Let the database plan every rule; a refusal is a problem where the rule's author wrote what it refuses."""
    problems = []
    for group, rule in _all(ruleset):
        query = compile_rule(group, rule)
        if query is None:
            continue
        try:
            await reader.explain(query.driver_sql, query.parameters(now))
        except BadQuery as error:
            problems.append(await asyncio.to_thread(_refusal, group, rule, query, error))
    return problems


def _refusal(group: Group, rule: Rule, query: Query, error: BadQuery) -> Problem:
    message = f"the database refuses this: {error.detail}"
    if error.position is None or error.position < 1:  # the server knows no place, or names one of its own
        return rule_problem(group, rule, message, f"see `deskwatch rules show {group.identity(rule)}`")
    return sql_problem(group, rule, query.sql, place_of(query.sql, error.position - 1), message)


def _all(ruleset: Ruleset) -> Iterator[tuple[Group, Rule]]:
    return ((group, rule) for group in ruleset.groups for rule in group.rules)


# --- show ------------------------------------------------------------------------------------------------------------


def show_rule(name: str, paths: Sequence[Path] | None) -> str:
    """Return the SQL that a rule runs, under a comment that says when it runs and what it makes of the rows.

    Raises:
        BadRules: the files are wrong.
        NoRule: no rule of this name, or several.
    """
    ruleset = load(list(paths) if paths else configured(load_settings()))
    found = [(group, rule) for group, rule in _all(ruleset) if name in (rule.name, group.identity(rule))]
    if not found:
        raise NoRule(repr(name), hint=_near(name, ruleset))
    if len(found) > 1:
        names = ", ".join(group.identity(rule) for group, rule in found)
        raise NoRule(f"{name!r} is in several groups", hint=f"Name one of {names}")
    group, rule = found[0]
    return show(group, rule)


def _near(name: str, ruleset: Ruleset) -> str:
    known = [*(rule.name for _, rule in _all(ruleset)), *ruleset.names]
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    if near:
        return f"Did you mean {near[0]!r}?"
    return f"There are: {', '.join(ruleset.names)}" if known else f"There is none; the catalogue is in {catalogue()}"
