"""Whole tables for notebooks: Parquet over HTTP into a Polars frame, over a million rows a second."""

import asyncio
import io

import aiohttp
import polars as pl

from core.errors import Permanent, Transient
from storage.address import Address

OK, BUSY, BAD_QUERY = 200, 429, 400
GRACE_S = 5.0
EVERY_ROW = 1_000_000_000
"""Without a LIMIT the server streams raw partitions, and a VARCHAR over two of them makes an unreadable file."""


class ExportBusy(Transient):
    """The database runs as many exports as it may."""


class ExportAway(Transient):
    """The database does not answer the export."""


class ExportFailed(Permanent):
    """The database refuses the export."""


async def fetch(at: Address, http: aiohttp.ClientSession, sql: str, *, timeout_s: float = 60.0) -> pl.DataFrame:
    """Return the rows of a SELECT; times are UTC, DECIMAL stays exact.

    Raises:
        ExportAway, ExportBusy, ExportFailed: with the server's words.
    """
    query = f"SELECT * FROM (\n{sql}\n) LIMIT {EVERY_ROW}"  # noqa: S608  the caller is the notebook user: it is SQL
    parameters = {"query": query, "fmt": "parquet"}
    headers = {
        "Authorization": aiohttp.encode_basic_auth(at.user, at.password),
        "Statement-Timeout": str(round(timeout_s * 1000)),
    }
    limit = aiohttp.ClientTimeout(total=timeout_s + GRACE_S)
    try:
        async with http.get(f"{at.http_url}/exp", params=parameters, headers=headers, timeout=limit) as reply:
            body = await reply.read()
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        raise ExportAway(f"{type(error).__name__}: {error}") from error
    if reply.status == BUSY:
        raise ExportBusy(after=1.0)
    if reply.status != OK:
        raise ExportFailed(f"{reply.status} {body[:300].decode(errors='replace')}")
    return await asyncio.to_thread(pl.read_parquet, io.BytesIO(body))
