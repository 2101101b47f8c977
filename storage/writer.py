"""The one door to the database for rows: encode, keep on disk, deliver at least once. Two lanes, each on its own."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from core.clock import Clock
from core.log import get_logger
from core.rows import Row
from core.tasks import start
from storage.address import Address
from storage.deliver import Door
from storage.encode import BadRow
from storage.lane import LaneTasks
from storage.rejects import Reject, Rejects, show
from storage.schema import TABLES, Lane
from storage.settings import WriterSettings
from storage.spool import SqliteSpool

log = get_logger(__name__)

DRAIN_S = 3.0
"""How long a clean stop waits for the database; what is left waits on disk for the next start."""
GUARD_S = 1.0


@dataclass(frozen=True, slots=True)
class LaneStatus:
    """What waits in a lane and what became of it; times in seconds, `trouble` empty while all is well."""

    open_rows: int
    spool_rows: int
    spool_bytes: int
    oldest_unsent_s: float
    sent_rows: int
    dropped_rows: int
    held: bool
    trouble: str


@dataclass(frozen=True, slots=True)
class WriterStatus:
    """The write path at one moment."""

    critical: LaneStatus
    bulk: LaneStatus
    rejects: int
    free_bytes: int

    @property
    def spool_rows(self) -> int:
        """Rows that the database does not have yet."""
        return self.critical.spool_rows + self.bulk.spool_rows

    @property
    def oldest_unsent_s(self) -> float:
        """Age of the oldest of them."""
        return max(self.critical.oldest_unsent_s, self.bulk.oldest_unsent_s)


class Writer:
    """Implements `core.ports.RowWriter`. Make it with `writing(...)`."""

    def __init__(
        self, lanes: dict[Lane, LaneTasks], rejects: Rejects, folder: Path, settings: WriterSettings, clock: Clock
    ) -> None:
        self._lanes = lanes
        self._lane_of = {name: lanes[table.lane] for name, table in TABLES.items()}
        self._rejects = rejects
        self._folder = folder
        self._settings = settings
        self._clock = clock
        self._refused: list[Reject] = []
        self._refusals = asyncio.Event()
        self._refused_count = 0
        self._free = shutil.disk_usage(folder).free

    def write(self, rows: Iterable[Row]) -> None:
        for row in rows:
            lane = self._lane_of.get(row.table)
            if lane is None:
                self._refuse(row, f"there is no table {row.table!r}")
                continue
            try:
                lane.encoder.add(row)
            except BadRow as error:
                self._refuse(row, str(error))
                continue
            lane.row_added()

    def _refuse(self, row: Row, reason: str) -> None:
        self._refused_count += 1
        log.error("row.rejected", reason=reason)
        text = show(row)
        self._refused.append(Reject(self._clock.now(), f"{self._clock.now()}/{self._refused_count}", reason, text))
        self._refusals.set()

    async def flush(self) -> None:
        for lane in self._lanes.values():
            await lane.flush()

    def status(self) -> WriterStatus:
        """Return what waits, what was sent, and what is wrong."""
        now = self._clock.now()
        lanes = {name: _lane_status(lane, now) for name, lane in self._lanes.items()}
        rejects = self._rejects.count + len(self._refused)
        return WriterStatus(lanes[Lane.CRITICAL], lanes[Lane.BULK], rejects, self._free)

    async def keep_rejects(self) -> None:
        """Write refused rows to their list; for ever."""
        while True:
            await self._refusals.wait()
            self._refusals.clear()
            await self._store_refused()

    async def _store_refused(self) -> None:
        while self._refused:
            await self._rejects.add(self._refused[0])
            self._refused.pop(0)

    async def guard_disk(self) -> None:
        """Hold market data back while the volume is nearly full: a full disk can end the server; for ever."""
        while True:
            self._free = (await asyncio.to_thread(shutil.disk_usage, self._folder)).free
            bulk = self._lanes[Lane.BULK]
            short = self._free < self._settings.min_free_bytes
            if short != bulk.held:
                log.warning("disk.short" if short else "disk.ample", free_bytes=self._free)
            bulk.held = short
            await self._clock.sleep(GUARD_S)

    async def finish(self) -> None:
        """Make everything durable, and give the database a moment to take it."""
        await self.flush()
        deadline = self._clock.elapsed() + DRAIN_S
        while not all(lane.idle for lane in self._lanes.values()) and self._clock.elapsed() < deadline:
            await self._clock.sleep(0.02)
        await self._store_refused()

    async def close(self) -> None:
        """Close the files; the tasks have ended."""
        for lane in self._lanes.values():
            await lane.finish()
            await lane.spool.close()
        await self._rejects.close()


@asynccontextmanager
async def writing(folder: Path, at: Address, settings: WriterSettings, clock: Clock) -> AsyncIterator[Writer]:
    """Run a writer until the block ends; what the database did not take by then waits in `folder` for the next one."""
    rejects = await Rejects.open(folder)
    async with aiohttp.ClientSession() as http:
        door = Door(at, http, settings.request_timeout.total_seconds())
        lanes = {
            lane: LaneTasks(lane, await SqliteSpool.open(folder, lane), door, rejects, settings, clock) for lane in Lane
        }
        writer = Writer(lanes, rejects, folder, settings, clock)
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [
                    start(group, "rejects", writer.keep_rejects()),
                    start(group, "disk guard", writer.guard_disk()),
                ]
                for name, lane in lanes.items():
                    tasks += [
                        start(group, f"fill {name}", lane.fill()),
                        start(group, f"empty {name}", lane.empty()),
                        start(group, f"clean {name}", lane.clean()),
                    ]
                try:
                    yield writer
                finally:
                    await writer.finish()
                    for task in tasks:
                        task.cancel()
        finally:
            await writer.close()


def _lane_status(lane: LaneTasks, now: int) -> LaneStatus:
    backlog = lane.spool.backlog()
    age = 0.0 if backlog.oldest is None else max(0.0, (now - backlog.oldest) / 1e9)
    trouble = f"{lane.trouble.reason}. {lane.trouble.hint}".strip() if lane.trouble else ""
    return LaneStatus(
        lane.encoder.rows, backlog.rows, backlog.bytes, age, lane.sent_rows, lane.dropped_rows, lane.held, trouble
    )
