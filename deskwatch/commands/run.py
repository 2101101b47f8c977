"""`deskwatch run`: the services, all in one process or one shard."""

from pathlib import Path
from typing import Annotated

import typer

from deskwatch.services import Service


def register(app: typer.Typer) -> None:
    """Add the commands to the program."""
    app.command()(run)


def run(
    service: Annotated[
        Service, typer.Argument(help="which service; all of them in one process by default")
    ] = Service.ALL,
    venue: Annotated[list[str] | None, typer.Option("--venue", help="collector: only these venues")] = None,
    account: Annotated[list[str] | None, typer.Option("--account", help="oms: only these accounts")] = None,
    config: Annotated[Path | None, typer.Option("-c", "--config", help="the configuration file")] = None,
) -> None:
    """Run the services until stopped with Ctrl-C or SIGTERM.

    Examples: `deskwatch run`, `deskwatch run collector --venue okx`, `deskwatch run oms --account okx-main`.
    """
    from deskwatch.lifecycle import run_services

    run_services(service.value, venues=venue, accounts=account, config=config)
