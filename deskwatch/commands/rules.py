"""`deskwatch rules`: check, show, schema, test, backtest."""

from pathlib import Path
from typing import Annotated

import typer

from deskwatch.output import Form, Output, print_json, print_table, say

app = typer.Typer(help="Check, show, test and backtest rules.", no_args_is_help=True)

ConfigFile = Annotated[Path | None, typer.Option("-c", "--config", help="the configuration file", show_default=False)]
Paths = Annotated[
    list[Path] | None,
    typer.Argument(help="rule files or folders; without any: the configured rules", show_default=False),
]


@app.command()
def check(
    paths: Paths = None,
    output: Output = Form.TABLE,
    *,
    db: Annotated[bool, typer.Option("--db", help="also let the running database explain every rule")] = False,
    strict: Annotated[bool, typer.Option("--strict", help="warnings make the exit code 1 too")] = False,
) -> None:
    """Check rule files: all errors and warnings at once, each with file, line, column and what to do.

    A rule with an error does not run, one with a warning does; the exit code is 1 for errors alone.

    Examples: `deskwatch rules check rules/`, `deskwatch rules check --db -o json`, `deskwatch rules check --strict`.
    """
    from deskwatch.rulebook import check_rules, tally

    problems = check_rules(paths, explain=db)
    bad = any(problem.is_error or strict for problem in problems)
    if output is Form.JSON:
        print_json({"problems": [problem.as_json() for problem in problems], "ok": not bad})
    else:
        for problem in problems:
            typer.echo(problem.show())
        say(tally(problems))
    raise typer.Exit(1 if bad else 0)


@app.command()
def show(
    name: Annotated[str, typer.Argument(help="the rule's name, or GROUP/NAME")],
    paths: Paths = None,
) -> None:
    """Show the SQL that a rule runs: exactly this text, with :now and :start bound.

    Examples: `deskwatch rules show BookStale`, `deskwatch rules show market-data/WideSpread rules/`.
    """
    from deskwatch.rulebook import show_rule

    typer.echo(show_rule(name, paths))


@app.command()
def schema() -> None:
    """Print the JSON Schema of rule files, for completion and hover help in editors.

    Example: `deskwatch rules schema > rules.schema.json`.
    """
    from rules.schema import json_schema

    print_json(json_schema())


@app.command("test")
def run_tests(
    paths: Annotated[list[Path], typer.Argument(help="test files, or folders of them")],
    output: Output = Form.TABLE,
    name: Annotated[str, typer.Option("-k", "--name", help="only tests whose name contains this")] = "",
    junit: Annotated[
        Path | None, typer.Option("--junit", help="also write JUnit XML to this file", show_default=False)
    ] = None,
    config: ConfigFile = None,
) -> None:
    """Run rule tests: rows in, alerts and messages out, on a real QuestDB of their own and a clock of their own.

    Examples: `deskwatch rules test tests/`, `deskwatch rules test spread-test.yaml -k resolved --junit out.xml`.
    """
    from core.clock import SystemClock
    from deskwatch.lifecycle import unwrapped
    from deskwatch.progress import counting
    from deskwatch.ruletest import report
    from deskwatch.ruletest import run as ruletest
    from deskwatch.settings import load

    with counting("rule tests") as count:
        verdicts = unwrapped(
            ruletest.run_tests(paths, name, load(config), SystemClock(), lambda one, total: count(one.case.name, total))
        )
    if junit is not None:
        report.write_junit(junit, verdicts)
    if output is Form.JSON:
        print_json(report.as_json(verdicts))
    else:
        for line in report.lines(verdicts):
            typer.echo(line)
        say(report.summary(verdicts))
    raise typer.Exit(0 if all(one.passed for one in verdicts) else 1)


@app.command()
def backtest(  # noqa: PLR0913, PLR0917  each is an option of the command
    paths: Paths = None,
    since: Annotated[str, typer.Option("--from", help="how long ago (1h, 2d), or a time in UTC")] = "1d",
    until: Annotated[str, typer.Option("--to", help="the same")] = "now",
    rule: Annotated[str, typer.Option("--rule", help="only this rule: NAME or GROUP/NAME")] = "",
    against: Annotated[
        Path | None, typer.Option("--against", help="other rules: which incidents do they gain or lose?")
    ] = None,
    plot: Annotated[Path | None, typer.Option("--plot", help="draw the incidents into this .png")] = None,
    output: Output = Form.TABLE,
    config: ConfigFile = None,
) -> None:
    """Evaluate rules over stored history: the very messages that the desk would have had, and a line for each rule.

    Examples: `deskwatch rules backtest --from 2d --rule WideSpread`,
    `deskwatch rules backtest --from 2026-01-01 --to 2026-01-02 --against new-rules/ --plot incidents.png`.
    """
    from core.clock import SystemClock
    from deskwatch.backtest import report
    from deskwatch.backtest import run as backtest_run
    from deskwatch.backtest.plot import plot as draw
    from deskwatch.lifecycle import unwrapped
    from deskwatch.progress import moving
    from deskwatch.settings import load

    wanted = backtest_run.Wanted(paths or (), since, until, rule, against)
    with moving("backtest") as move:
        found = unwrapped(backtest_run.run(wanted, load(config), SystemClock(), move))
    outcome = found.outcome
    if plot is not None:
        draw(report.episodes(outcome.record.steps()), outcome.start, outcome.end, plot)
    if output is Form.JSON:
        print_json(report.document(found))
        return
    for line in report.message_lines(outcome):
        typer.echo(line)
    print_table(report.COLUMNS, report.summary(outcome, found.names), empty="no rules")
    for line in report.closing_lines(found, str(against)):
        say(line)
