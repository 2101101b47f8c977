"""`deskwatch routes`: check, test."""

from pathlib import Path
from typing import Annotated

import typer

from deskwatch.output import Form, Output, print_json, say

app = typer.Typer(help="Check and test who hears of what.", no_args_is_help=True)

ConfigFile = Annotated[Path | None, typer.Option("-c", "--config", help="the configuration file", show_default=False)]
RoutingFile = Annotated[
    Path | None, typer.Option("--routing", help="a routing.yaml; else the configured one", show_default=False)
]


@app.command()
def check(
    routing: Annotated[
        Path | None, typer.Argument(help="a routing.yaml; else the configured one", show_default=False)
    ] = None,
    output: Output = Form.TABLE,
    *,
    strict: Annotated[bool, typer.Option("--strict", help="warnings make the exit code 1 too")] = False,
    config: ConfigFile = None,
) -> None:
    """Check a routing file: every mistake with file, line and column; routes that nothing reaches are warnings.

    Examples: `deskwatch routes check`, `deskwatch routes check routing.yaml --strict -o json`.
    """
    from deskwatch.routebook import check_routes

    problems = check_routes(routing, config)
    bad = any(one.is_error or strict for one in problems)
    if output is Form.JSON:
        print_json({"problems": [one.as_json() for one in problems], "ok": not bad})
    else:
        for one in problems:
            typer.echo(one.show())
        errors = sum(one.is_error for one in problems)
        say(f"{errors} errors, {len(problems) - errors} warnings" if problems else "no problems")
    raise typer.Exit(1 if bad else 0)


@app.command("test")
def run_tests(
    file: Annotated[Path, typer.Argument(help="label sets and who should hear of them")],
    routing: RoutingFile = None,
    output: Output = Form.TABLE,
    config: ConfigFile = None,
) -> None:
    """Test routes: alerts in, receivers out, inhibited, muted and silenced ones included.

    Examples: `deskwatch routes test routes-test.yaml`, `deskwatch routes test t.yaml --routing new.yaml -o json`.
    """
    from core.clock import SystemClock, to_datetime
    from deskwatch.output import to_json
    from deskwatch.routebook import try_routes

    checked = try_routes(file, routing, config, to_datetime(SystemClock().now()))
    if output is Form.JSON:
        rows = [
            {"test": one.test, "labels": one.labels, "what": one.what, "expected": one.expected, "got": one.got}
            for one in checked.differences
        ]
        print_json({"alerts": checked.alerts, "failures": rows, "failed": len(rows)})
    else:
        for one in checked.differences:
            labels = ", ".join(f"{name}={value}" for name, value in one.labels.items())
            typer.echo(
                f"{one.test}: {labels}\n    {one.what}: expected {to_json(one.expected)}, got {to_json(one.got)}"
            )
        say(f"{checked.alerts} alerts, {len(checked.differences)} differences")
    raise typer.Exit(1 if checked.differences else 0)
