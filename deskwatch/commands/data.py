"""`deskwatch export`, `sql` and `rejects list`: the stored rows, and those that were refused."""

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from deskwatch.output import Form, Output, print_json, print_table, say

ConfigFile = Annotated[Path | None, typer.Option("-c", "--config", help="the configuration file")]
rejects_app = typer.Typer(help="Rows that the database or the schema refused.", no_args_is_help=True)


class FileFormat(StrEnum):
    """What an export is written as."""

    PARQUET = "parquet"
    CSV = "csv"


def register(app: typer.Typer) -> None:
    """Add the commands to the program."""
    app.command()(export)
    app.command()(sql)
    app.add_typer(rejects_app, name="rejects")


def export(
    table: Annotated[str, typer.Argument(help="the table's name, such as fills")],
    since: Annotated[str, typer.Option("--from", help="how long ago (1h, 2d), or a time in UTC")] = "1h",
    until: Annotated[str, typer.Option("--to", help="the same; the rows before it")] = "now",
    form: Annotated[FileFormat, typer.Option("--format", help="parquet keeps every type; csv is text")] = (
        FileFormat.PARQUET
    ),
    out: Annotated[Path | None, typer.Option("--out", help="the file; default: stdout", show_default=False)] = None,
    config: ConfigFile = None,
) -> None:
    """Export a table's rows, oldest first.

    Examples: `deskwatch export fills --from 2d --out fills.parquet`,
    `deskwatch export orders --from 2026-01-01 --to 2026-01-02 --format csv > orders.csv`.
    """
    from core.errors import UsageError
    from deskwatch.notebook import open_notebook
    from deskwatch.query import table_named
    from deskwatch.stored import csv, parquet

    if out is None and form is FileFormat.PARQUET and sys.stdout.isatty():
        raise UsageError("a terminal cannot show parquet", hint="Name a file with --out, or use --format csv")
    table_named(table)  # a wrong name is wrong usage, whether or not a database runs
    frame = open_notebook(config).read(table, since, until)
    content = parquet(frame) if form is FileFormat.PARQUET else csv(frame)
    if out is None:
        sys.stdout.buffer.write(content)
    else:
        _save(out, content)
    say(f"{len(frame)} rows of {table}{f' in {out}' if out else ''}")


def sql(
    text: Annotated[str, typer.Argument(help="one SELECT")],
    output: Output = Form.TABLE,
    limit: Annotated[int, typer.Option(min=1, help="rows at most")] = 1000,
    config: ConfigFile = None,
) -> None:
    """Run a SELECT as the read-only user and print its rows.

    Examples: `deskwatch sql "SELECT venue, count() FROM trades WHERE ts > dateadd('h', -1, now())"`,
    `deskwatch sql "SELECT * FROM gaps" -o json`.
    """
    import asyncio

    from deskwatch.stored import select_rows

    columns, rows, more = asyncio.run(select_rows(text, limit, config))
    if output is Form.JSON:
        print_json(rows)
    else:
        print_table(columns, rows, empty="no rows")
    if more:
        say(f"only the first {limit} rows; take more with --limit, or everything with `deskwatch export`")


@rejects_app.command("list")
def list_rejects(
    output: Output = Form.TABLE,
    limit: Annotated[int, typer.Option(min=1, help="rows at most, newest first")] = 100,
    config: ConfigFile = None,
) -> None:
    """List the refused rows, newest first, each with the reason; exit code 1 if there are any.

    Examples: `deskwatch rejects list`, `deskwatch rejects list -o json --limit 10`.
    """
    import asyncio

    from deskwatch.settings import load
    from deskwatch.stored import refused_rows

    rows = asyncio.run(refused_rows(load(config).data, limit))
    if output is Form.JSON:
        print_json(rows)
    else:
        print_table(["at", "shard", "reason", "row"], rows, empty="no row was refused")
    raise typer.Exit(1 if rows else 0)


def _save(file: Path, content: bytes) -> None:
    from core.errors import UsageError

    try:
        file.write_bytes(content)
    except OSError as error:
        raise UsageError(f"{file}: {error.strerror}", hint="Name a file that can be written") from error
