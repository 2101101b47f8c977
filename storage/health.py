"""Is the database really taking rows? A canary row is written and read back each second; its age is the truth."""

import shutil
from dataclasses import dataclass
from pathlib import Path

from core.clock import Clock, to_datetime
from core.errors import DeskError
from core.ports import RowReader
from core.rows import Row
from core.types import Nanos
from storage.writer import Writer

BEAT_S = 1.0
CANARY_LATE_MS = 5_000.0
LAG_LIMIT = 200
"""Transactions in the log that are not applied yet; a few are normal."""
FREE_SHARE = 0.05

_CANARY = "SELECT max(number) AS number FROM canary WHERE instance = %(instance)s AND ts > dateadd('m', -5, %(now)s)"
_TABLES = "SELECT name, suspended, errorMessage, sequencerTxn - writerTxn AS lag FROM wal_tables()"


@dataclass(frozen=True, slots=True)
class DatabaseHealth:
    """The write and read path at one moment. `canary_age_ms` None: no canary has come back yet."""

    canary_age_ms: float | None
    suspended: tuple[str, ...]
    lag_transactions: int
    free_bytes: int
    problems: tuple[str, ...]


class HealthProbe:
    """Writes and reads the canary; `watch` is a task that must run for ever."""

    def __init__(self, writer: Writer, reader: RowReader, folder: Path, instance: str, clock: Clock) -> None:
        self._writer = writer
        self._reader = reader
        self._folder = folder
        self._instance = instance
        self._clock = clock
        self._began: Nanos | None = None
        self._seen: Nanos | None = None
        self._suspended: tuple[str, ...] = ()
        self._lag = 0
        self._trouble = ""

    async def watch(self) -> None:
        """Send a canary and look for the last ones; for ever."""
        self._began = self._clock.now()
        while True:
            now = self._clock.now()
            self._writer.write([Row("canary", now, {"instance": self._instance, "number": now})])
            await self._clock.sleep(BEAT_S / 4)
            await self.look()
            await self._clock.sleep(BEAT_S * 3 / 4)

    async def look(self) -> None:
        """Look for the last canary, for suspended tables and for the lag."""
        try:
            canary = await self._reader.query(
                _CANARY, {"instance": self._instance, "now": to_datetime(self._clock.now())}
            )
            tables = await self._reader.query(_TABLES)
        except DeskError as error:
            self._trouble = str(error)
            return
        self._trouble = ""
        if canary.rows and canary.rows[0][0] is not None:
            self._seen = int(str(canary.rows[0][0]))
        self._suspended = tuple(f"{row[0]}: {row[2]}" for row in tables.rows if row[1])
        self._lag = max((int(str(row[3] or 0)) for row in tables.rows), default=0)

    def health(self) -> DatabaseHealth:
        """Return what the last look saw, and what to do about it."""
        now = self._clock.now()
        age = None if self._seen is None else max(0.0, (now - self._seen) / 1e6)
        disk = shutil.disk_usage(self._folder)
        problems = []
        if self._trouble:
            problems.append(f"The database cannot be read: {self._trouble}")
        waited = age if age is not None else 0.0 if self._began is None else (now - self._began) / 1e6
        if waited > CANARY_LATE_MS:
            late = f"No row has become visible for {waited / 1000:.0f} s"
            problems.append(f"{late}. {self._waiting() or 'See the log of the database.'}")
        problems += [
            f"Table suspended: {one}. Free disk space, then ALTER TABLE … RESUME WAL or restart the database"
            for one in self._suspended
        ]
        if self._lag > LAG_LIMIT:
            problems.append(f"The database is {self._lag} transactions behind: too many rows, or a slow disk")
        if disk.free < disk.total * FREE_SHARE:
            problems.append(f"Only {disk.free / 1e9:.1f} GB free under {self._folder}: free some, or shorten the TTLs")
        return DatabaseHealth(age, self._suspended, self._lag, disk.free, tuple(problems))

    def _waiting(self) -> str:
        status = self._writer.status()
        if trouble := status.critical.trouble or status.bulk.trouble:
            return f"The writer says: {trouble}"
        return "Market data is held back: the volume is nearly full" if status.bulk.held else ""
