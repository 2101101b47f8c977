"""`deskwatch replay` and `deskwatch decode`: recorded or piped frames through the real connectors."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from deskwatch.output import Form, Output, print_json, print_table

Venue = Annotated[str, typer.Option("--venue", help="the venue whose frames these are, such as okx")]
Numbers = Annotated[str, typer.Option(help="frame numbers, from 1, separated by commas", show_default=False)]


def register(app: typer.Typer) -> None:
    """Add the commands to the program."""
    app.command()(replay)
    app.command()(decode)


def replay(
    prefix: Annotated[Path, typer.Argument(help="the recording: PREFIX.ws.*, PREFIX.http.* and PREFIX.0")],
    venue: Venue,
    output: Output = Form.TABLE,
    drop: Numbers = "",
    duplicate: Numbers = "",
    swap: Numbers = "",
    corrupt: Numbers = "",
) -> None:
    """Send recorded frames through the real connector and print what it made of them.

    Examples: `deskwatch replay --venue okx captures/OKX -o json`,
    `deskwatch replay --venue binance captures/BINANCE --drop 5,17`.
    """
    from connectors.replay import Faults, run_replay

    faults = Faults(drop=_frames(drop), duplicate=_frames(duplicate), swap=_frames(swap), corrupt=_frames(corrupt))
    report = run_replay(venue, prefix, faults).as_json()
    if output is Form.JSON:
        print_json(report)
        return
    books = report.pop("books")
    print_table(["what", "figure"], [{"what": name, "figure": value} for name, value in report.items()], empty="")
    if isinstance(books, dict):
        rows = [{"symbol": symbol, **book} for symbol, book in books.items()]
        print_table(["symbol", "bid", "ask", "levels", "last"], rows, empty="no book")


def decode(venue: Venue) -> None:
    """Read raw frames on stdin, one a line, and print what each means as JSON lines.

    Examples: `deskwatch decode --venue okx < frames.txt`, `echo 'pong' | deskwatch decode --venue okx`.
    """
    import json

    from connectors.decode import decode_frames

    for meaning in decode_frames(venue, sys.stdin.buffer):
        sys.stdout.write(json.dumps(meaning, separators=(",", ":")) + "\n")


def _frames(text: str) -> frozenset[int]:
    from core.errors import UsageError

    try:
        return frozenset(int(part) for part in text.split(",") if part.strip())
    except ValueError as error:
        raise UsageError(f"{text!r} is not a list of frame numbers", hint="Write them as 5 or 5,17,203") from error
