"""`deskwatch demo`: everything simulated; no account, no network service."""

from pathlib import Path
from typing import Annotated

import typer

from deskwatch.output import Form, Output, print_json


def register(app: typer.Typer) -> None:
    """Add the commands to the program."""
    app.command()(demo)


def demo(
    seconds: Annotated[float | None, typer.Option(help="stop by itself after so long", show_default=False)] = None,
    output: Output = Form.TABLE,
    data: Annotated[Path | None, typer.Option(help="keep the data here; default: a fresh temporary folder")] = None,
    port: Annotated[int, typer.Option(help="the status page's port; 0 takes any free one")] = 8700,
    slack_port: Annotated[int, typer.Option(help="the Slack page's port; 0 takes any free one")] = 8701,
    rules: Annotated[list[Path] | None, typer.Option(help="rules of your own, beside the catalogue")] = None,
    seed: Annotated[int, typer.Option(help="the simulated market's seed")] = 7,
) -> None:
    """Run a whole desk on simulated venues: collector, OMS, rules, a Slack workspace to look at, scripted incidents.

    Examples: `deskwatch demo`, `deskwatch demo --seconds 90 -o json`.
    """
    from deskwatch.demo import DemoOptions, run_demo

    report = run_demo(DemoOptions(seconds, data, port, slack_port, tuple(rules or ()), seed, quiet=output is Form.JSON))
    if output is Form.JSON:
        print_json(report)
