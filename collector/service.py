"""The collector: venues in, rows out. A venue that fails is started again and takes no other with it."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from collector.queue import EventQueue, QueueStatus
from collector.rows import row_of
from core.clock import Clock
from core.errors import DeskError
from core.events import MarketEvent
from core.heartbeat import Load, beat
from core.log import get_logger
from core.ports import RowWriter
from core.tasks import start

log = get_logger(__name__)

DRAIN_EVERY_S = 0.02
"""Rows are handed on in small batches: a shorter wait costs more commits than it saves latency."""
RESTART_S = (1.0, 2.0, 5.0, 15.0, 30.0)


class VenueFeed(Protocol):
    """One venue's public market data."""

    async def run(self) -> None:
        """Publish until cancelled."""


VenueBuilder = Callable[[Callable[[MarketEvent], None]], VenueFeed]
"""Makes a venue's feed, given where to publish."""


class Collector:
    """Runs the feeds and hands their events to the writer."""

    def __init__(
        self,
        venues: Mapping[str, VenueBuilder],
        writer: RowWriter,
        waiting: Callable[[], Load],
        clock: Clock,
        instance: str,
        queue_events: int,
    ) -> None:
        self._venues = venues
        self._writer = writer
        self._waiting = waiting
        self._clock = clock
        self._instance = instance
        self._queue = EventQueue(queue_events)

    async def run(self) -> None:
        """Run until cancelled; what waits then is handed to the writer."""
        try:
            async with asyncio.TaskGroup() as group:
                start(group, "collector rows", self._hand_on())
                start(group, "collector heartbeat", self._beat())
                for name, build in self._venues.items():
                    start(group, f"venue {name}", self._keep(name, build))
        finally:
            self._write(self._queue.take_now())

    def status(self) -> QueueStatus:
        """Return what waits."""
        return self._queue.status()

    async def _hand_on(self) -> None:
        while True:
            self._write(await self._queue.take())
            await self._writer.flush()
            await self._clock.sleep(DRAIN_EVERY_S)

    def _write(self, events: Sequence[MarketEvent]) -> None:
        self._writer.write(row_of(event) for event in events)

    async def _beat(self) -> None:
        def load() -> Load:
            return self._waiting()._replace(queue_depth=self._queue.status().waiting)

        await beat("collector", self._instance, self._writer, load, self._clock)

    async def _keep(self, name: str, build: VenueBuilder) -> None:
        """Run one venue for ever: what it cannot handle itself costs a restart of this venue alone."""
        attempt = 0
        while True:
            began = self._clock.elapsed()
            try:
                await build(self._queue.put).run()
                log.error("venue.ended", venue=name)
            except DeskError as error:
                log.error("venue.failed", venue=name, error=str(error))
            except Exception as error:  # noqa: BLE001  the supervised boundary of a venue: a defect must not stop the desk
                log.error("venue.crashed", venue=name, error=repr(error), hint="this is a defect: please report it")
            if self._clock.elapsed() - began > 2 * RESTART_S[-1]:
                attempt = 0
            await self._clock.sleep(RESTART_S[min(attempt, len(RESTART_S) - 1)])
            attempt += 1
