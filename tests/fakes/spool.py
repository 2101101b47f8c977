"""A spool in memory; the disk refuses when a test says so."""

from collections.abc import Sequence

from core.sqlite import DiskTrouble
from core.types import Nanos
from storage.encode import Encoded
from storage.spool import Backlog, Batch, Dropped


class FakeSpool:
    """What a lane keeps its batches in. `refuse` makes that many next calls fail as a full disk does."""

    def __init__(self) -> None:
        self._batches: dict[int, Batch] = {}
        self._last = 0
        self.refuse = 0
        self.refused = 0
        self.closed = False

    async def append(self, encoded: Encoded, now: Nanos) -> Batch:
        self._check()
        self._last += 1
        batch = self._batches[self._last] = Batch(self._last, encoded, now)
        return batch

    async def oldest(self, after: int = 0) -> Batch | None:
        self._check()
        return next((batch for number, batch in self._batches.items() if number > after), None)

    async def done(self, ids: Sequence[int]) -> None:
        self._check()
        for number in ids:
            self._batches.pop(number, None)

    async def drop_oldest(self, limit_bytes: int, after: int = 0) -> Dropped:
        self._check()
        rows, upto = 0, after
        for number, batch in list(self._batches.items()):
            if self.backlog().bytes <= limit_bytes:
                break
            if number > after:
                rows, upto = rows + batch.rows, number
                del self._batches[number]
        return Dropped(rows, upto)

    def backlog(self) -> Backlog:
        waiting = self._batches.values()
        oldest = next((batch.at for batch in waiting), None)
        size = sum(len(batch.encoded.payload) for batch in waiting)
        return Backlog(len(waiting), sum(batch.rows for batch in waiting), size, oldest)

    async def close(self) -> None:
        self.closed = True

    def _check(self) -> None:
        if self.refuse:
            self.refuse -= 1
            self.refused += 1
            raise DiskTrouble("database or disk is full")
