"""`deskwatch doctor`, `status` and `config show`: is everything set up, is everything running."""

from pathlib import Path
from typing import Annotated

import typer

from deskwatch.output import Form, Output, print_json, print_table, say

ConfigFile = Annotated[Path | None, typer.Option("-c", "--config", help="the configuration file")]
settings_app = typer.Typer(help="Show the configuration.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the commands to the program."""
    app.command()(doctor)
    app.command()(status)
    app.add_typer(settings_app, name="config")


@settings_app.command()
def show(output: Output = Form.TABLE, config: ConfigFile = None) -> None:
    """Show every setting, where its value comes from, secrets hidden.

    Examples: `deskwatch config show`, `deskwatch config show -o json`.
    """
    from deskwatch.settings import explain, load

    rows = explain(load(config), config)
    if output is Form.JSON:
        print_json(rows)
    else:
        print_table(["setting", "value", "origin"], rows, empty="no settings")


def doctor(output: Output = Form.TABLE, config: ConfigFile = None) -> None:
    """Check the set-up: versions, rules, database, venues, Slack, disk; one line each, with what to do.

    Examples: `deskwatch doctor`, `deskwatch doctor -o json`.
    """
    from deskwatch.doctor import Verdict, examine

    checks = examine(config)
    if output is Form.JSON:
        print_json([check.as_json() for check in checks])
    else:
        print_table(["check", "verdict", "what"], [check.as_json() for check in checks], empty="nothing to check")
    raise typer.Exit(1 if any(check.verdict is Verdict.FAIL for check in checks) else 0)


def status(output: Output = Form.TABLE, config: ConfigFile = None) -> None:
    """Ask the running service how it is: feeds, alerts, last messages, services.

    Examples: `deskwatch status`, `deskwatch status -o json`.
    """
    from deskwatch.status import fetch_status, sections

    answer = fetch_status(config)
    if output is Form.JSON:
        print_json(answer)
    else:
        for title, columns, rows in sections(answer):
            say(f"\n{title}")
            print_table(columns, rows, empty="nothing")
    raise typer.Exit(1 if answer["problems"] else 0)
