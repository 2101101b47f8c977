"""Rows of rule tests into a real QuestDB: tables without TTL, written through the encoder, visible when it returns."""

from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime
from decimal import Decimal

import aiohttp
import psycopg

from core.clock import Clock, to_nanos
from core.errors import Permanent, Transient
from core.rows import Row, Value
from rules.cases import RowSeries
from rules.series import Cell
from storage.address import Address
from storage.deliver import Accepted, BadLine, Door, TryAgain
from storage.embedded import dsn
from storage.encode import Encoder
from storage.schema import TABLES
from storage.table import Column, Lane, Table, Type

POLL_S = 0.002
PATIENCE_S = 20.0
HTTP_S = 30.0
_BEHIND = "SELECT count() FROM wal_tables() WHERE sequencerTxn > writerTxn AND NOT suspended"
_OWN = {"TIMESTAMP": Type.TIMESTAMP, "TIMESTAMP_NS": Type.TIMESTAMP}


class RowRefused(Permanent):
    """The database refuses a row of a test."""


class NotVisible(Transient):
    """The rows of a test do not become visible."""


class Bench:
    """A server that belongs to rule tests alone: its tables are emptied from test to test."""

    def __init__(self, connection: psycopg.AsyncConnection[tuple[object, ...]], door: Door, clock: Clock) -> None:
        self._connection = connection
        self._door = door
        self._clock = clock
        self._own: dict[str, Table] = {}
        self._used: set[str] = set()

    async def prepare(self) -> None:
        """Make the schema's tables; old rows are kept, whatever today is."""
        for table in TABLES.values():
            await self._connection.execute(replace(table, ttl=None).ddl().encode())

    async def add_tables(self, tables: Mapping[str, str]) -> None:
        """Make the tables of a test file afresh."""
        await self.clear()
        self._own = {name: _table(name, text) for name, text in tables.items()}
        for name, text in tables.items():
            sql = f"CREATE TABLE {name} ({text}) TIMESTAMP(ts) PARTITION BY DAY WAL"
            await self._connection.execute(sql.encode())

    async def clear(self) -> None:
        """Remove what tests have left."""
        await self._empty()
        for name in self._own:
            await self._connection.execute(f"DROP TABLE {name}".encode())
        self._own = {}

    async def _empty(self) -> None:
        for name in sorted(self._used):
            await self._connection.execute(f"TRUNCATE TABLE {name}".encode())
        self._used = set()

    async def fill(self, series: Iterable[RowSeries], start: datetime) -> None:
        """Empty what the last test used, and write the rows of this one.

        Raises:
            RowRefused: with the server's or the encoder's word.
            NotVisible: the server applies nothing.
        """
        await self._empty()
        encoder = Encoder(tuple(self._own.values()))
        given = list(series)
        for one in given:
            kinds = {column.name: column.type for column in {**TABLES, **self._own}[one.table].columns}
            for after, cells in one.rows():
                values = {name: _value(cell, kinds[name]) for name, cell in cells.items()}
                encoder.add(Row(one.table, to_nanos(start + after), values))
        self._used = {one.table for one in given}
        if encoder.rows:
            await self._write(encoder)
        await self._visible()

    async def add(self, rows: Iterable[Row]) -> None:
        """Write what the rules of the running test record.

        Raises:
            RowRefused, NotVisible: as for `fill`.
        """
        encoder = Encoder()
        for row in rows:
            encoder.add(row)
            self._used.add(row.table)
        await self._write(encoder)
        await self._visible()

    async def _write(self, encoder: Encoder) -> None:
        match await self._door.deliver(encoder.take().payload):
            case BadLine(line, reason):
                raise RowRefused(f"row {line}: {reason}")
            case TryAgain(reason, hint):
                raise NotVisible(reason, hint=hint)
            case Accepted():
                return

    async def _visible(self) -> None:
        deadline = self._clock.elapsed() + PATIENCE_S
        while await (await self._connection.execute(_BEHIND)).fetchone() != (0,):
            if self._clock.elapsed() > deadline:
                raise NotVisible(f"not within {PATIENCE_S:.0f} s")
            await self._clock.sleep(POLL_S)


@asynccontextmanager
async def bench(at: Address, clock: Clock) -> AsyncIterator[Bench]:
    """Give a server to rule tests; everything in its tables is theirs to remove."""
    async with (
        aiohttp.ClientSession() as http,
        await psycopg.AsyncConnection.connect(dsn(at), autocommit=True, prepare_threshold=None) as connection,
    ):
        one = Bench(connection, Door(at, http, HTTP_S), clock)
        await one.prepare()
        try:
            yield one
        finally:
            await one.clear()


def _table(name: str, text: str) -> Table:
    pairs = [part.split() for part in text.split(",")][1:]
    columns = tuple(Column(column, _OWN.get(kind.upper()) or Type(kind.upper()), "") for column, kind in pairs)
    return Table(name, Lane.BULK, "DAY", None, (), columns, "")


def _value(cell: Cell, kind: Type) -> Value:
    if isinstance(cell, Decimal):
        match kind:
            case Type.DOUBLE:
                return float(cell)
            case Type.LONG:
                return int(cell)
            case _:
                return cell
    return cell
