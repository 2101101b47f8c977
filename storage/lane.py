"""One lane of the write path: an open batch, its spool, and the tasks that fill and empty it."""

import asyncio
import sqlite3
from collections import deque

from core.clock import Clock
from core.log import get_logger
from storage.deliver import Accepted, BadLine, Door, TryAgain
from storage.encode import Encoded, Encoder
from storage.rejects import Reject, Rejects
from storage.schema import Lane
from storage.settings import WriterSettings
from storage.spool import Batch, Spool

log = get_logger(__name__)

CACHE_BATCHES = 16
"""Batches that are also kept in memory, so that sending does not read back what was just written."""
RETRY_S = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
DISK_RETRY_S = 1.0


class LaneTasks:
    """Two tasks and a cleaner: rows -> durable batch -> acknowledged. Batches leave in the order they came."""

    def __init__(
        self, lane: Lane, spool: Spool, door: Door, rejects: Rejects, settings: WriterSettings, clock: Clock
    ) -> None:
        self.lane = lane
        self.spool = spool
        self.encoder = Encoder()
        self.sent_rows = 0
        self.dropped_rows = 0
        self.held = False
        self.trouble: TryAgain | None = None
        self._door = door
        self._rejects = rejects
        self._settings = settings
        self._clock = clock
        self._urgent = asyncio.Event()
        self._some = asyncio.Event()
        self._more = asyncio.Event()
        self._cache: deque[Batch] = deque()
        self._on_disk_only = spool.backlog().batches > 0
        self._appended = 0
        self._sent = 0
        self._taken = 0
        self._durable = 0
        self._waiters: list[tuple[int, asyncio.Future[None]]] = []
        self._finished: list[Batch] = []
        self._clean = asyncio.Event()

    def row_added(self) -> None:
        """Note that the open batch has one row more."""
        self._taken += 1
        self._some.set()
        if self.encoder.rows >= self._settings.batch_rows:
            self._urgent.set()

    async def flush(self) -> None:
        """Return once every row taken so far is durable."""
        if self._durable >= self._taken:
            return
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiters.append((self._taken, done))
        self._urgent.set()
        await done

    async def fill(self) -> None:
        """Close the open batch when it is old or full, and make it durable; for ever."""
        while True:
            await self._some.wait()
            try:
                async with asyncio.timeout(self._settings.batch_time.total_seconds()):
                    await self._urgent.wait()
            except TimeoutError:
                pass  # the batch is old enough
            await self.close_batch()

    async def close_batch(self) -> None:
        """Make the open batch durable; while the disk refuses, wait and try again."""
        self._some.clear()
        self._urgent.clear()
        if not self.encoder.rows:
            return
        upto = self._taken
        encoded = self.encoder.take()
        batch = await self._append(encoded)
        self._appended = batch.id
        if self._on_disk_only or len(self._cache) >= CACHE_BATCHES:
            self._on_disk_only = True
        else:
            self._cache.append(batch)
        if self.lane is Lane.BULK:
            self.dropped_rows += await self.spool.drop_oldest(self._settings.bulk_spool_bytes)
        self._more.set()
        self._durable = upto
        self._wake_waiters()

    async def _append(self, encoded: Encoded) -> Batch:
        while True:
            try:
                return await self.spool.append(encoded, self._clock.now())
            except sqlite3.OperationalError as error:
                self.trouble = TryAgain(f"spool: {error}", "Free space on the volume of the `data` folder")
                log.error("spool.refused", lane=self.lane, error=str(error))
                await self._clock.sleep(DISK_RETRY_S)

    def _wake_waiters(self) -> None:
        rest = []
        for upto, done in self._waiters:
            if upto > self._durable:
                rest.append((upto, done))
            elif not done.done():
                done.set_result(None)
        self._waiters = rest

    async def empty(self) -> None:
        """Send batches, oldest first, each until the database has it; for ever."""
        while True:
            batch = await self._next()
            if batch is None:
                await self._more.wait()
                continue
            await self._deliver(batch)
            self._sent = batch.id
            self._finished.append(batch)
            self._clean.set()

    async def _next(self) -> Batch | None:
        while self.held:
            await self._clock.sleep(0.5)
        self._more.clear()
        if self._cache:
            return self._cache.popleft()
        if not self._on_disk_only:
            return None
        batch = await self.spool.oldest(after=self._sent)
        if batch is None and self._sent >= self._appended:
            self._on_disk_only = False
        return batch

    async def _deliver(self, batch: Batch) -> None:
        encoded, attempt = batch.encoded, 0
        while encoded.ends:
            match await self._door.deliver(encoded.payload):
                case Accepted():
                    self.sent_rows += len(encoded.ends)
                    self.trouble = None
                    return
                case BadLine(line, reason) if line <= len(encoded.ends):
                    origin = f"{self.lane}/{batch.id}/{encoded.row(line)!r}"
                    log.error("row.rejected", lane=self.lane, reason=reason, row=repr(encoded.row(line))[:500])
                    await self._rejects.add(Reject(self._clock.now(), origin, reason, repr(encoded.row(line))))
                    encoded = encoded.without(line)
                case BadLine(line, reason):
                    self.trouble = TryAgain(f"400 for line {line} of {len(encoded.ends)}: {reason}")
                    await self._clock.sleep(RETRY_S[-1])
                case TryAgain() as verdict:
                    if self.trouble is None:
                        log.warning("write.retry", lane=self.lane, reason=verdict.reason, hint=verdict.hint)
                    self.trouble = verdict
                    await self._clock.sleep(RETRY_S[min(attempt, len(RETRY_S) - 1)])
                    attempt += 1

    async def clean(self) -> None:
        """Forget the batches that were acknowledged; for ever."""
        while True:
            await self._clean.wait()
            self._clean.clear()
            finished, self._finished = self._finished, []
            if finished:
                await self.spool.done(finished)

    async def finish(self) -> None:
        """Make what is open durable and forget what was acknowledged: the last step of a clean stop."""
        await self.close_batch()
        if self._finished:
            finished, self._finished = self._finished, []
            await self.spool.done(finished)

    @property
    def idle(self) -> bool:
        """Whether everything taken is acknowledged."""
        return self._durable >= self._taken and self._sent >= self._appended and not self._cache
