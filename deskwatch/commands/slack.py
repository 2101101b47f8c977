"""`deskwatch slack` and `deskwatch drill`: what Slack would get, whether it would take it, and a test alert."""

from pathlib import Path
from typing import Annotated

import typer

from deskwatch.output import Form, Output, print_json, print_table, say

app = typer.Typer(help="What Slack gets, and whether it takes it.", no_args_is_help=True)

ConfigFile = Annotated[Path | None, typer.Option("-c", "--config", help="the configuration file", show_default=False)]


def register(program: typer.Typer) -> None:
    """Add the commands to the program."""
    program.add_typer(app, name="slack")
    program.command()(drill)


@app.command()
def preview(
    rule: Annotated[str, typer.Option("--rule", help="only this rule", show_default=False)] = "",
    output: Output = Form.TABLE,
    config: ConfigFile = None,
) -> None:
    """Show what each rule would send, with example values.

    Examples: `deskwatch slack preview --rule BookStale`, `deskwatch slack preview -o json`.
    """
    from core.clock import SystemClock, to_datetime
    from deskwatch.settings import load
    from deskwatch.slack_check import lines, previews

    found = previews(load(config), rule, to_datetime(SystemClock().now()))
    if output is Form.JSON:
        print_json([{"rule": one.rule, **one.payload} for one in found])
        return
    for one in found:
        for line in lines(one.payload):
            typer.echo(line)
        typer.echo("")


@app.command()
def check(output: Output = Form.TABLE, config: ConfigFile = None) -> None:
    """Ask Slack about the token, its scopes, every receiver's channel and the buttons; nothing is posted.

    Examples: `deskwatch slack check`, `deskwatch slack check -o json`. Exit code 1: something is wrong.
    """
    import asyncio

    from core.clock import SystemClock
    from deskwatch.settings import load
    from deskwatch.slack_check import check as ask

    found = asyncio.run(ask(load(config), SystemClock()))
    rows = [{"what": one.what, "ok": one.ok, "detail": one.detail} for one in found]
    if output is Form.JSON:
        print_json(rows)
    else:
        shown = [{**one, "ok": "ok" if one["ok"] else "WRONG"} for one in rows]
        print_table(["what", "ok", "detail"], shown, empty="nothing to check")
    raise typer.Exit(0 if all(one.ok for one in found) else 1)


def drill(
    receiver: Annotated[str, typer.Option("--receiver", help="who must hear of it", show_default=False)] = "",
    label: Annotated[
        list[str] | None, typer.Option("--label", help="NAME=VALUE, to steer it through the routes", show_default=False)
    ] = None,
    limit: Annotated[float, typer.Option("--timeout", min=1, help="seconds to wait for each answer")] = 60.0,
    output: Output = Form.TABLE,
    config: ConfigFile = None,
) -> None:
    """Send a marked test alert through the running desk; it fires and resolves, and each receiver must confirm.

    Examples: `deskwatch drill`, `deskwatch drill --receiver risk --label severity=page`. Exit code 1: not confirmed.
    """
    import asyncio
    from dataclasses import asdict

    from core.clock import SystemClock
    from core.errors import UsageError
    from deskwatch.drill import run_drill

    labels = dict(one.partition("=")[::2] for one in label or [])
    if any(not name or not value for name, value in labels.items()):
        raise UsageError("a label is NAME=VALUE", hint="Such as --label severity=page")
    found = asyncio.run(run_drill(config, receiver, labels, limit, SystemClock(), say))
    rows = [{**asdict(one), "confirmed": one.confirmed} for one in found]
    if output is Form.JSON:
        print_json(rows)
    else:
        print_table(["status", "receiver", "channel", "state", "seconds"], rows, empty="nobody was told")
    wanted = [one for one in found if receiver in {"", one.receiver}]
    raise typer.Exit(0 if wanted and all(one.confirmed for one in wanted) else 1)
