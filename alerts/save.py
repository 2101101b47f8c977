"""Changes to the store: callers at one time share a commit, and what the disk refuses is kept and tried again."""

import asyncio
from collections.abc import Callable

from alerts.changes import Changes
from alerts.store import Store
from core.clock import Clock
from core.errors import DeskError
from core.log import get_logger
from core.ports import RowWriter

log = get_logger(__name__)

EVERY_S = 0.25
AGAIN_S = 1.0


class Saver:
    """`stored` hears of changes once they are durable. `trouble` says what is wrong with the disk."""

    def __init__(self, store: Store, writer: RowWriter, clock: Clock, stored: Callable[[Changes], None]) -> None:
        self._store = store
        self._writer = writer
        self._clock = clock
        self._stored = stored
        self._unsaved: list[Changes] = []
        self._lock = asyncio.Lock()
        self.trouble = ""

    async def save(self, changes: Changes) -> None:
        """Store changes and everything before them. It never fails: what the disk refuses waits for the next call."""
        if changes:
            self._unsaved.append(changes)
        async with self._lock:
            taken, self._unsaved = self._unsaved, []
            if not taken:
                return  # the call before has stored ours too
            try:
                await self._store.save(taken)
            except DeskError as error:
                self._unsaved = taken + self._unsaved
                if not self.trouble:
                    log.error("store.trouble", error=str(error))
                self.trouble = f"Alerts cannot be stored, so nobody is told: {error}"
                return
            self.trouble = ""
        for one in taken:
            self._stored(one)

    async def try_again(self) -> None:
        """Store what was refused, once the disk takes it; for ever."""
        while True:
            await self._clock.sleep(AGAIN_S)
            await self.save(Changes())

    async def hand_on(self) -> None:
        """Give stored rows to the writer, and forget them when it has them on disk; for ever."""
        while True:
            try:
                if not await self.hand_on_some():
                    await self._clock.sleep(EVERY_S)
            except DeskError as error:
                log.warning("events.wait", error=str(error))
                await self._clock.sleep(AGAIN_S)

    async def hand_on_some(self) -> int:
        """Give the oldest stored rows to the writer; return how many. Twice the same row is harmless."""
        last, rows = await self._store.events()
        if rows:
            self._writer.write(rows)
            await self._writer.flush()
            await self._store.forget_events(last)
        return len(rows)
