"""The one door to the database for rows: encode, keep on disk, deliver at least once. Two lanes, each on its own."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from core.clock import Clock
from core.log import get_logger
from core.rows import Row
from core.sqlite import DiskTrouble
from core.tasks import start
from storage.address import Address
from storage.deliver import Door
from storage.encode import encode
from storage.lane import DISK_RETRY_S, LaneTasks
from storage.rejects import Reject, Rejects, show
from storage.schema import TABLES, Lane
from storage.settings import WriterSettings
from storage.spool import SqliteSpool

log = get_logger(__name__)

DRAIN_S = 3.0
"""How long a clean stop waits for the database; what is left waits on disk for the next start."""
GUARD_S = 1.0
REJECTS_AT_ONCE = 500


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
        self._open = {name: lanes[table.lane].encoder.lines for name, table in TABLES.items()}
        self._rejects = rejects
        self._folder = folder
        self._settings = settings
        self._clock = clock
        self._refused: list[Reject] = []
        self._refusals = asyncio.Event()
        self._refused_count = 0
        self._free = shutil.disk_usage(folder).free

    def write(self, rows: Iterable[Row]) -> None:
        try:
            encode(rows, self._open, self._refuse)
        finally:  # also when the caller's rows end in an error: those before it are taken
            for lane in self._lanes.values():
                lane.note()

    def _refuse(self, row: Row, reason: str) -> None:
        self._refused_count += 1
        now = self._clock.now()
        self._refused.append(Reject(now, f"{now}/{self._refused_count}", reason, show(row)))
        self._refusals.set()

    async def flush(self) -> None:
        for lane in self._lanes.values():
            lane.hurry()
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
            try:
                await self._store_refused()
            except DiskTrouble as error:
                log.error("rejects.refused", error=str(error), waiting=len(self._refused))
                await self._clock.sleep(DISK_RETRY_S)
                self._refusals.set()

    async def _store_refused(self) -> None:
        while self._refused:
            some = self._refused[:REJECTS_AT_ONCE]
            log.error("rows.rejected", rows=len(some), first=some[0].reason, row=some[0].row[:500])
            await self._rejects.add(some)
            del self._refused[: len(some)]

    async def guard_disk(self) -> None:
        """Hold market data back while the volume is nearly full: a full disk can end the server; for ever.

        What is held then takes at most half of the space that is left: the rest is for fills and for the server.
        """
        bulk, floor = self._lanes[Lane.BULK], self._settings.min_free_bytes // 2
        while True:
            self._free = (await asyncio.to_thread(shutil.disk_usage, self._folder)).free
            short = self._free < self._settings.min_free_bytes
            if short != bulk.held:
                log.warning("disk.short" if short else "disk.ample", free_bytes=self._free)
            bulk.held = short
            room = bulk.spool.backlog().bytes + max(0, self._free - floor)
            cap = self._settings.bulk_spool_bytes
            bulk.limit_bytes = min(cap, room) if short else cap
            await self._clock.sleep(GUARD_S)

    async def finish(self) -> None:
        """Make everything durable, and give the database a moment to take it; what is left waits for the next start."""
        deadline = self._clock.elapsed() + DRAIN_S
        try:
            async with asyncio.timeout(DRAIN_S):
                await self.flush()
        except TimeoutError:
            log.warning("writer.slow_stop", hint="the disk does not take the last rows")
        while any(lane.hopeful for lane in self._lanes.values()) and self._clock.elapsed() < deadline:
            await self._clock.sleep(0.01)
        for lane in self._lanes.values():
            await lane.settle()

    async def close(self) -> None:
        """Close the files; the tasks have ended."""
        try:
            await self._store_refused()
        except DiskTrouble as error:
            log.error("rejects.lost", rows=len(self._refused), error=str(error))
        for lane in self._lanes.values():
            await lane.finish()


@asynccontextmanager
async def writing(folder: Path, at: Address, settings: WriterSettings, clock: Clock) -> AsyncIterator[Writer]:
    """Run a writer until the block ends; what the database did not take by then waits in `folder` for the next one.

    One folder, one process.

    Raises:
        DiskTrouble, FileDamaged: a file of the folder cannot be opened.
    """
    async with AsyncExitStack() as stack:
        rejects = await Rejects.open(folder)
        stack.push_async_callback(rejects.close)
        http = await stack.enter_async_context(aiohttp.ClientSession())
        door = Door(at, http, settings.request_timeout.total_seconds())
        lanes = {}
        for name in Lane:
            spool = await SqliteSpool.open(folder, name)
            stack.push_async_callback(spool.close)
            lanes[name] = LaneTasks(name, spool, door, rejects, settings, clock)
        writer = Writer(lanes, rejects, folder, settings, clock)
        stack.push_async_callback(writer.close)
        async with asyncio.TaskGroup() as group:
            tasks = _tasks(group, writer, lanes)
            try:
                yield writer
            finally:
                try:
                    await writer.finish()
                finally:
                    for task in tasks:
                        task.cancel()


def _tasks(group: asyncio.TaskGroup, writer: Writer, lanes: Mapping[Lane, LaneTasks]) -> list[asyncio.Task[None]]:
    tasks = [start(group, "rejects", writer.keep_rejects()), start(group, "disk guard", writer.guard_disk())]
    for name, lane in lanes.items():
        tasks += [
            start(group, f"fill {name}", lane.fill()),
            start(group, f"empty {name}", lane.empty()),
            start(group, f"clean {name}", lane.clean()),
        ]
    return tasks


def _lane_status(lane: LaneTasks, now: int) -> LaneStatus:
    backlog = lane.spool.backlog()
    age = 0.0 if backlog.oldest is None else max(0.0, (now - backlog.oldest) / 1e9)
    return LaneStatus(
        lane.open_rows, backlog.rows, backlog.bytes, age, lane.sent_rows, lane.dropped_rows, lane.held, lane.trouble
    )
