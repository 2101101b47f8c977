"""One lane of the write path: an open batch, its spool, and the tasks that fill and empty it."""

import asyncio
from collections import deque

from core.clock import Clock
from core.errors import Transient
from core.log import get_logger
from core.sqlite import DiskTrouble
from storage.deliver import Accepted, BadLine, Door, TryAgain
from storage.encode import Encoded, Encoder, joined
from storage.rejects import Reject, Rejects
from storage.schema import Lane
from storage.settings import WriterSettings
from storage.spool import Batch, Spool

log = get_logger(__name__)

CACHE_BATCHES = 32
"""Batches that are also kept in memory, so that sending does not read back what was just written."""
RETRY_S = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
DISK_RETRY_S = 1.0
CLEAN_S = 0.1
"""Acknowledged batches are forgotten together: a transaction for each would cost more than its sending."""
HELD_S = 0.5


class WriterEnded(Transient):
    """The writer ended before a row was durable."""


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
        self.limit_bytes = settings.bulk_spool_bytes
        self._door = door
        self._rejects = rejects
        self._batch_rows = settings.batch_rows
        self._batch_s = settings.batch_time.total_seconds()
        self._clock = clock
        self._refusal: TryAgain | None = None
        self._disk_trouble = ""
        self._urgent = asyncio.Event()
        self._some = asyncio.Event()
        self._more = asyncio.Event()
        self._clean = asyncio.Event()
        self._picking = asyncio.Lock()
        self._closed: deque[tuple[Encoded, int]] = deque()
        self._waiters: list[tuple[int, asyncio.Future[None]]] = []
        self._closed_rows = 0
        self._durable = 0
        self._cache: deque[Batch] = deque()
        self._on_disk_only = spool.backlog().batches > 0
        self._appended = 0
        self._picked = 0
        self._sent = 0
        self._finished: list[int] = []

    @property
    def open_rows(self) -> int:
        """Rows that are not durable yet."""
        return self._taken - self._durable

    @property
    def trouble(self) -> str:
        """What is wrong and what to do; empty while all is well."""
        server = f"{self._refusal.reason}. {self._refusal.hint}".strip() if self._refusal else ""
        return " ".join(text for text in (self._disk_trouble, server) if text)

    @property
    def idle(self) -> bool:
        """Whether everything taken is acknowledged."""
        sending = self._sent < self._picked
        return self._durable >= self._taken and not sending and not self._cache and not self._on_disk_only

    @property
    def hopeful(self) -> bool:
        """Whether waiting helps: something is on its way, and nothing says that it will not arrive."""
        return not self.idle and not self.held and not self.trouble

    def note(self) -> None:
        """Close the batches that are full, after the encoder was given rows."""
        while self.encoder.rows >= self._batch_rows:
            self._close(self._batch_rows)
            self._urgent.set()
        if self.encoder.rows or self._closed:
            self._some.set()

    def _close(self, limit: int | None = None) -> None:
        encoded = self.encoder.take(limit)
        self._closed_rows += len(encoded.ends)
        self._closed.append((encoded, self._closed_rows))

    @property
    def _taken(self) -> int:
        return self._closed_rows + self.encoder.rows

    def hurry(self) -> None:
        """Close the open batch now, not when it is old."""
        if self._durable < self._taken:
            self._urgent.set()

    async def flush(self) -> None:
        """Return once every row taken so far is durable.

        Raises:
            WriterEnded: the writer was stopped before that.
        """
        if self._durable >= self._taken:
            return
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiters.append((self._taken, done))
        self.hurry()
        await done

    async def fill(self) -> None:
        """Close the open batch when it is old or full, and make it durable; for ever."""
        while True:
            await self._some.wait()
            try:
                async with asyncio.timeout(self._batch_s):
                    await self._urgent.wait()
            except TimeoutError:
                pass  # the batch is old enough
            await self._close_batch()

    async def _close_batch(self) -> None:
        """Make the open batch durable; while the disk refuses, wait and try again."""
        self._some.clear()
        self._urgent.clear()
        while True:
            try:
                await self._make_durable()
                await self._respect_limit()
            except DiskTrouble as error:
                await self._wait_for_disk(error)
            else:
                self._disk_trouble = ""
                return

    async def _make_durable(self) -> None:
        if self.encoder.rows:
            self._close()
        while self._closed:
            encoded, upto = self._closed[0]
            batch = await self.spool.append(encoded, self._clock.now())
            self._closed.popleft()  # not before: whoever cancels us must not lose it
            self._appended = batch.id
            self._on_disk_only = self._on_disk_only or len(self._cache) >= CACHE_BATCHES
            if not self._on_disk_only:
                self._cache.append(batch)
            self._more.set()
            self._durable = upto
            self._wake_waiters()

    async def _respect_limit(self) -> None:
        """Give up the oldest market data when too much waits; never what is on its way."""
        if self.lane is Lane.CRITICAL or self.spool.backlog().bytes <= self.limit_bytes:
            return
        async with self._picking:
            dropped = await self.spool.drop_oldest(self.limit_bytes, after=self._picked)
            while self._cache and self._cache[0].id <= dropped.upto:
                self._cache.popleft()
        if dropped.rows and not self.dropped_rows:
            log.error("rows.dropped", lane=self.lane, rows=dropped.rows, hint="the spool is full: is the database up?")
        self.dropped_rows += dropped.rows

    async def _wait_for_disk(self, error: DiskTrouble) -> None:
        if not self._disk_trouble:
            log.error("spool.refused", lane=self.lane, error=str(error))
        self._disk_trouble = str(error)
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
            while self.held:
                await self._clock.sleep(HELD_S)
            self._more.clear()
            try:
                batches = await self._next()
            except DiskTrouble as error:
                await self._wait_for_disk(error)
                continue
            if not batches:
                await self._more.wait()
                continue
            await self._deliver(joined([batch.encoded for batch in batches]))
            self._sent = batches[-1].id
            self._finished += [batch.id for batch in batches]
            self._clean.set()

    async def _next(self) -> list[Batch]:
        """Return what is to be sent next: several small batches at once when more than one waits."""
        picked: list[Batch] = []
        room = self._batch_rows
        async with self._picking:
            while room > 0:
                cached = bool(self._cache)
                batch = self._cache[0] if cached else await self._next_on_disk()
                if batch is None or (picked and batch.rows > room):
                    break
                if cached:
                    self._cache.popleft()
                picked.append(batch)
                room -= batch.rows
                self._picked = batch.id
        return picked

    async def _next_on_disk(self) -> Batch | None:
        if not self._on_disk_only:
            return None
        appended = self._appended
        batch = await self.spool.oldest(after=self._picked)
        if batch is None and appended == self._appended:
            self._on_disk_only = False  # all caught up: from here on batches come through memory
        return batch

    async def _deliver(self, batch: Encoded) -> None:
        """Send a batch until the database has every row of it that it does not refuse."""
        parts, attempt = [batch], 0
        while parts:
            encoded = parts[-1]
            verdict = await self._door.deliver(encoded.payload) if encoded.ends else Accepted()
            match verdict:
                case Accepted():
                    self.sent_rows += len(encoded.ends)
                    self._refusal = None
                    attempt = 0
                    parts.pop()
                case BadLine(line, reason) if 1 <= line <= len(encoded.ends):
                    await self._reject(encoded.row(line), reason)
                    before, after = encoded.around(line)
                    parts[-1:] = [after, before]
                case BadLine(line, reason):
                    await self._wait_for_server(TryAgain(f"400 for line {line} of {len(encoded.ends)}: {reason}"), 9)
                case TryAgain():
                    await self._wait_for_server(verdict, attempt)
                    attempt += 1

    async def _wait_for_server(self, verdict: TryAgain, attempt: int) -> None:
        if self._refusal is None:
            log.warning("write.retry", lane=self.lane, reason=verdict.reason, hint=verdict.hint)
        self._refusal = verdict
        await self._clock.sleep(RETRY_S[min(attempt, len(RETRY_S) - 1)])

    async def _reject(self, row: bytes, reason: str) -> None:
        log.error("row.rejected", lane=self.lane, reason=reason, row=repr(row)[:500])
        reject = Reject(self._clock.now(), f"{self.lane}/{row!r}", reason, repr(row))
        while True:
            try:
                await self._rejects.add([reject])
            except DiskTrouble as error:
                await self._wait_for_disk(error)
            else:
                return

    async def clean(self) -> None:
        """Forget the batches that were acknowledged; for ever."""
        while True:
            await self._clean.wait()
            await self._clock.sleep(CLEAN_S)
            self._clean.clear()
            try:
                await self.forget()
            except DiskTrouble as error:
                await self._wait_for_disk(error)
                self._clean.set()
            else:
                self._disk_trouble = ""

    async def forget(self) -> None:
        """Forget the batches that were acknowledged so far."""
        ids = tuple(self._finished)
        if ids:
            await self.spool.done(ids)
            self._finished = [number for number in self._finished if number > ids[-1]]

    async def settle(self) -> None:
        """Forget what was acknowledged so far; if the disk refuses, it is sent again at the next start."""
        try:
            await self.forget()
        except DiskTrouble as error:
            log.warning("spool.unsettled", lane=self.lane, error=str(error))

    async def finish(self) -> None:
        """Make what is open durable and forget what was acknowledged, without waiting for a disk that refuses."""
        try:
            await self._make_durable()
            await self.forget()
        except DiskTrouble as error:
            log.error("spool.unfinished", lane=self.lane, lost_rows=self.open_rows, error=str(error))
        for _, done in self._waiters:
            if not done.done():
                done.set_exception(WriterEnded("the disk refused it" if self._disk_trouble else ""))
        self._waiters = []
