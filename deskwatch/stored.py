"""What the data commands read: rows of a SELECT, frames as files, rows that were refused."""

import asyncio
import io
import json
from datetime import timedelta
from pathlib import Path

import polars as pl

from core.clock import to_datetime
from core.errors import UsageError
from deskwatch.database import locate
from deskwatch.settings import load
from storage.reader import BadQuery, reading
from storage.rejects import Rejects

PATIENCE = timedelta(seconds=60)
"""A person who asks waits longer than a rule."""


class WrongSql(UsageError):
    """The database refuses the query."""


async def select_rows(
    text: str, limit: int, config: Path | None
) -> tuple[tuple[str, ...], list[dict[str, object]], bool]:
    """Return columns and at most `limit` rows of a SELECT, and whether there were more.

    Raises:
        WrongSql: with what the server said, and where.
    """
    at = locate(load(config))
    async with reading(at, statement_timeout=PATIENCE, connections=1) as reader:
        try:
            result = await reader.query(text.strip().rstrip(";"), limit=limit + 1)
        except BadQuery as error:
            where = f" (at character {error.position})" if error.position else ""
            raise WrongSql(f"{error.detail}{where}", hint="One SELECT, no semicolon inside") from error
    rows = [dict(zip(result.columns, row, strict=True)) for row in result.rows]
    return result.columns, rows[:limit], len(rows) > limit


def parquet(frame: pl.DataFrame) -> bytes:
    """Return a frame as a Parquet file."""
    content = io.BytesIO()
    frame.write_parquet(content)
    return content.getvalue()


def csv(frame: pl.DataFrame) -> bytes:
    """Return a frame as CSV: times as RFC 3339 with nanoseconds, levels of a book as JSON."""
    nested = [name for name, kind in frame.schema.items() if isinstance(kind, pl.List)]
    times = [name for name, kind in frame.schema.items() if isinstance(kind, pl.Datetime)]
    flat = frame.with_columns(
        *(pl.col(name).map_elements(_json, return_dtype=pl.String) for name in nested),
        *(pl.col(name).dt.to_string("%Y-%m-%dT%H:%M:%S%.9fZ") for name in times),
    )
    return flat.write_csv().encode()


def _json(levels: pl.Series) -> str:
    return json.dumps(levels.to_list())


async def refused_rows(data: Path, limit: int) -> list[dict[str, object]]:
    """Return the newest refused rows of every shard that keeps its spool below the data folder, newest first."""
    found: list[tuple[int, dict[str, object]]] = []
    for file in await asyncio.to_thread(lambda: sorted(data.glob("**/rejects.sqlite"))):
        listed = await Rejects.open(file.parent)
        try:
            newest = await listed.newest(limit)
        finally:
            await listed.close()
        shard = str(file.parent.relative_to(data))
        found += [
            (one.at, {"at": to_datetime(one.at), "shard": shard, "reason": one.reason, "row": one.row})
            for one in newest
        ]
    found.sort(key=lambda pair: -pair[0])
    return [row for _, row in found[:limit]]
