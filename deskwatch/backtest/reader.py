"""History for the live engine: it asks for one evaluation, and the next ones are fetched in the same statement."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from core.errors import Permanent, Transient
from core.ports import Result, RowReader
from deskwatch.backtest.bounds import BATCH, SLOT, Bound, Look, batch_sql, scan_sql, suspicious
from rules.compile import Query
from rules.model import Rule


class Asked(NamedTuple):
    """A rule with its query, and how often it runs."""

    rule: Rule
    query: Query
    every: timedelta


class History:
    """Implements `core.ports.RowReader`; what a batch cannot answer is asked one by one, as the live engine does.

    `failed` is the first sign that the database does not answer: then nothing that was concluded holds.
    """

    def __init__(self, reader: RowReader, asked: Sequence[Asked], connections: int) -> None:
        self._reader = reader
        self._asked = {one.query.driver_sql: one for one in asked}
        self._batches = {name: batch_sql(one.query) for name, one in self._asked.items()}
        self._known: dict[tuple[str, datetime], Result] = {}
        self._room = asyncio.Semaphore(connections)
        self.failed: Transient | None = None
        self.queries = 0

    async def query(self, sql: str, parameters: Mapping[str, object] | None = None, *, limit: int = 1000) -> Result:
        """Return one evaluation's result; fetch the following ones with it."""
        given = parameters or {}
        now = given.get("now")
        asked = self._asked.get(sql)
        if asked is None or not isinstance(now, datetime):
            return await self._ask(sql, given, limit)
        key = (sql, now)
        if key not in self._known:
            await self._fetch(sql, asked, now, limit)
        result = self._known.pop(key, None)
        return await self._ask(sql, given, limit) if result is None else result

    async def _ask(self, sql: str, parameters: Mapping[str, object], limit: int) -> Result:
        self.queries += 1
        try:
            async with self._room:
                return await self._reader.query(sql, parameters, limit=limit)
        except Transient as error:
            self.failed = self.failed or error
            raise

    async def _fetch(self, sql: str, asked: Asked, now: datetime, limit: int) -> None:
        for old in [key for key in self._known if key[0] == sql]:
            del self._known[old]
        moments = [now + number * asked.every for number in range(BATCH)]
        given = _parameters(asked.query, [one + asked.query.offset for one in moments])
        try:
            found = await self._ask(self._batches[sql], given, limit * BATCH)
        except Permanent:
            return  # one of them fails: each is asked by itself, and the engine judges the error
        at = found.columns.index(SLOT)
        columns = found.columns[:at] + found.columns[at + 1 :]
        rows: list[list[tuple[object, ...]]] = [[] for _ in moments]
        for row in found.rows:
            rows[int(str(row[at]))].append(row[:at] + row[at + 1 :])
        for moment, some in zip(moments, rows, strict=True):
            self._known[sql, moment] = Result(columns, some[:limit])

    async def quiet(self, bound: Bound, query: Query, slots: Sequence[datetime]) -> bool:
        """Whether no evaluation at these slots can breach."""
        first, last = query.parameters(slots[0]), query.parameters(slots[-1])
        try:
            found = await self._ask(bound.sql, {"start": first["start"], "now": last["now"]}, 1)
        except Permanent:
            return False
        if not found.rows:
            return True
        high, low = (None if one is None else float(str(one)) for one in found.rows[0])
        return bound.quiet(high, low)

    async def scan(self, asked: Asked, look: Look, slots: Sequence[datetime]) -> set[datetime]:
        """Return the suspicious ones of at most BATCH slots."""
        padded = [*slots, *[slots[-1]] * (BATCH - len(slots))]  # one text for every batch, so that it is planned once
        given = _parameters(asked.query, padded)
        sql = scan_sql(asked.rule, asked.query, look)
        try:
            found = await self._ask(sql, given, BATCH * BATCH * 1000)
        except Permanent:
            return set(slots)
        return {padded[number] for number in suspicious(look, found.columns, found.rows)}


def _parameters(query: Query, slots: Sequence[datetime]) -> dict[str, object]:
    given: dict[str, object] = {}
    for number, slot in enumerate(slots):
        for name, moment in query.parameters(slot).items():
            given[f"{name}{number}"] = moment
    return given
