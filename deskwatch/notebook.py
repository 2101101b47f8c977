"""The desk's tables for analysts, as Polars frames: Parquet over HTTP, in a script and in a notebook's own loop."""

import asyncio
import difflib
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Protocol, TypeAlias

import aiohttp
import polars as pl

from core.clock import Clock, SystemClock, to_datetime
from core.errors import Transient
from deskwatch import query
from deskwatch.database import locate
from deskwatch.moments import moment
from deskwatch.settings import load
from storage.address import Address
from storage.parquet import ExportAway, ExportBusy, fetch
from storage.schema import TABLES

Moment: TypeAlias = str | datetime | timedelta
"""`1h` (ago), `2026-01-01T10:00Z`, a timedelta (ago) or an aware datetime."""

TRIES = 5


class DatabaseGone(Transient):
    """The database does not answer."""


class TableReader(Protocol):
    """What `dw.fills`, `dw.quotes` … are: a table's rows."""

    def __call__(self, since: Moment | None = "1h", until: Moment | None = None, /, **filters: object) -> pl.DataFrame:
        """Return the rows with since <= ts < until; None: no bound."""


class Notebook:
    """Every table is a method: `dw.fills("1h", venue="OKX")`. `dw.sql(…)` takes any SELECT."""

    def __init__(self, at: Address, clock: Clock, *, timeout_s: float = 60.0) -> None:
        self._at = at
        self._clock = clock
        self._timeout_s = timeout_s

    @property
    def tables(self) -> dict[str, str]:
        """Every table with what its rows are."""
        return {name: table.meaning for name, table in TABLES.items()}

    def columns(self, table: str) -> dict[str, str]:
        """Return a table's columns with what they mean."""
        return {"ts": "event time, UTC, ns"} | {one.name: one.meaning for one in query.table_named(table).columns}

    def read(
        self, table: str, since: Moment | None = "1h", until: Moment | None = None, /, **filters: object
    ) -> pl.DataFrame:
        """Return a table's rows, oldest first: since <= ts < until, each filter met (a list: any of its values).

        Raises:
            UsageError: an unknown table or column, a value or a moment that cannot be.
            DatabaseGone, ExportBusy, ExportFailed: with what the server said.
        """
        now = to_datetime(self._clock.now())
        bounds = [None if one is None else moment(one, now) for one in (since, until)]
        return self.sql(query.select(table, bounds[0], bounds[1], filters))

    def sql(self, text: str) -> pl.DataFrame:
        """Return the rows of a SELECT; times are UTC, DECIMAL stays exact.

        Raises:
            DatabaseGone, ExportBusy, ExportFailed: with what the server said.
        """
        return _wait(self._fetch(text.strip().rstrip(";")))

    async def _fetch(self, text: str) -> pl.DataFrame:
        try:
            async with aiohttp.ClientSession() as http:
                for _ in range(TRIES - 1):
                    try:
                        return await fetch(self._at, http, text, timeout_s=self._timeout_s)
                    except ExportBusy as busy:
                        await self._clock.sleep(busy.after or 1.0)
                return await fetch(self._at, http, text, timeout_s=self._timeout_s)
        except (ExportAway, aiohttp.ClientConnectionError) as error:
            hint = "Is `deskwatch run` running? After its restart, open the notebook again"
            raise DatabaseGone(f"{self._at.http_url}: {error}", hint=hint) from error

    def __getattr__(self, name: str) -> TableReader:
        """Return the reader of a table."""
        if name not in TABLES:
            near = difflib.get_close_matches(name, [*TABLES, "sql", "read", "tables", "columns"], n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"tables: {', '.join(sorted(TABLES))}"
            message = f"there is no table {name!r}; {hint}"
            raise AttributeError(message, name=name, obj=self)

        def reader(since: Moment | None = "1h", until: Moment | None = None, /, **filters: object) -> pl.DataFrame:
            return self.read(name, since, until, **filters)

        reader.__name__ = name
        reader.__doc__ = f"{TABLES[name].meaning}\n\nColumns: {', '.join(self.columns(name))}."
        return reader

    def __dir__(self) -> list[str]:
        """List the tables too, for completion."""
        return [*super().__dir__(), *TABLES]

    def __repr__(self) -> str:
        """Say where the rows come from."""
        return f"<deskwatch tables at {self._at.http_url}: {', '.join(TABLES)}>"


def open_notebook(config: Path | None = None) -> Notebook:
    """Return the tables of the database that the settings name.

    Raises:
        UsageError: the configuration is wrong, or no database runs.
    """
    return Notebook(locate(load(config)), SystemClock())


def _wait(work: Coroutine[Any, Any, pl.DataFrame]) -> pl.DataFrame:
    """Run to the end; under a running loop (Jupyter) on a thread of its own, since that loop cannot wait for itself."""
    run: Callable[[Coroutine[Any, Any, pl.DataFrame]], pl.DataFrame] = asyncio.run
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return run(work)
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="notebook") as thread:
        return thread.submit(run, work).result()
