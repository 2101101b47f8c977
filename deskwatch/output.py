"""What commands print: data to stdout as a table or as JSON, messages to stderr."""

import json
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from enum import Enum, StrEnum
from pathlib import Path
from typing import Annotated

import typer


class Form(StrEnum):
    """How a listing is printed."""

    TABLE = "table"
    JSON = "json"


Output = Annotated[Form, typer.Option("-o", "--output", help="table for people, json for programs")]
"""The option of every command that lists something."""


def _plain(value: object) -> object:
    match value:
        case datetime():
            return value.isoformat().replace("+00:00", "Z")
        case Enum():
            return value.value
        case Decimal() | Path():
            return str(value)
        case set() | frozenset():
            return sorted(value)
        case _:
            return repr(value)


def to_json(value: object) -> str:
    """Return JSON text: times as RFC 3339 UTC, decimals as exact text."""
    return json.dumps(value, default=_plain, indent=2)


def print_json(value: object) -> None:
    """Print one JSON value, and nothing else."""
    sys.stdout.write(to_json(value) + "\n")


def print_table(columns: Sequence[str], rows: Sequence[Mapping[str, object]], *, empty: str) -> None:
    """Print rows as a table for people; `empty` says what it means that there are none."""
    from rich.console import Console  # noqa: PLC0415  rich costs start-up time, `--help` does not need it
    from rich.table import Table  # noqa: PLC0415  as above

    console = Console()
    if not rows:
        console.print(empty)
        return
    table = Table(box=None, header_style="bold", pad_edge=False)
    for column in columns:
        table.add_column(column.replace("_", " "))
    for row in rows:
        table.add_row(*(_cell(row.get(column)) for column in columns))
    console.print(table)


def _cell(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:.6g}"
    plain = _plain(value) if not isinstance(value, str | int) else value
    return str(plain)


def say(text: str) -> None:
    """Print a message for a person, to stderr."""
    typer.echo(text, err=True)
