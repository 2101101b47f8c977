"""Rows into the real database, through the real write path, and visible when the call returns."""

import asyncio
from collections.abc import Iterable
from pathlib import Path

import psycopg

from core.clock import SystemClock
from core.rows import Row
from storage.address import Address
from storage.embedded import dsn
from storage.settings import WriterSettings
from storage.writer import writing

_BEHIND = "SELECT count() FROM wal_tables() WHERE sequencerTxn > writerTxn AND NOT suspended"


async def seed(at: Address, folder: Path, rows: Iterable[Row]) -> None:
    """Write rows and wait until SELECT sees them; a refused row fails the test."""
    written = list(rows)
    async with writing(folder, at, WriterSettings(), SystemClock()) as writer:
        writer.write(written)
        await writer.finish()
        assert writer.status().rejects == 0
        assert writer.status().critical.sent_rows + writer.status().bulk.sent_rows == len(written)
    async with (
        asyncio.timeout(20),
        await psycopg.AsyncConnection.connect(dsn(at), autocommit=True, prepare_threshold=None) as connection,
    ):
        while (await (await connection.execute(_BEHIND)).fetchone()) != (0,):  # noqa: ASYNC110  a server has no event
            await asyncio.sleep(0.01)


def configuration(at: Address, folder: Path) -> Path:
    """Write a configuration that names the server, and return the file."""
    file = folder / "deskwatch.toml"
    lines = (
        f'data = "{folder}"',
        "[database]",
        f'host = "{at.host}"',
        f"http_port = {at.http_port}",
        f"pg_port = {at.pg_port}",
        f'user = "{at.user}"',
        f'password = "{at.password}"',
        f'reader_user = "{at.reader_user}"',
        f'reader_password = "{at.reader_password}"',
    )
    file.write_text("\n".join(lines) + "\n")
    return file
