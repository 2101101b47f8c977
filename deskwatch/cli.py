"""The command line: `deskwatch COMMAND`. Command modules import only typer at their top, so that --help is quick."""

import os
import sys

import typer

from core.errors import DeskError, UsageError
from deskwatch.commands import alerts, config, data, demo, routes, rules, run, slack, venue

OK, PROBLEM, USAGE, INTERRUPTED = 0, 1, 2, 130

app = typer.Typer(
    name="deskwatch",
    help="24/7 monitoring and alerting for a crypto trading desk.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    add_completion=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for module in (demo, run, venue, config, data, slack):
    module.register(app)
app.add_typer(rules.app, name="rules")
app.add_typer(routes.app, name="routes")
app.add_typer(alerts.app, name="alerts")
app.add_typer(alerts.silence_app, name="silence")


def main() -> None:
    """Run the program: 0 fine, 1 a problem was found, 2 wrong usage or configuration, 130 interrupted."""
    try:
        app()
    except UsageError as error:
        typer.echo(f"deskwatch: {error}", err=True)
        sys.exit(USAGE)
    except DeskError as error:
        typer.echo(f"deskwatch: {error}", err=True)
        sys.exit(PROBLEM)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # nobody reads on: end quietly
        sys.exit(OK)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
