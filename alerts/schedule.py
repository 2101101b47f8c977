"""When groups run: at slots `phase + n x every` since the epoch, phases spread by a hash of the group's name."""

import asyncio
import hashlib
import logging
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

from apscheduler.executors.asyncio import AsyncIOExecutor
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.interval import IntervalTrigger

from core.clock import Clock, to_datetime
from core.log import get_logger
from rules.model import Group, Ruleset

log = get_logger(__name__)

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)

# What the scheduler would log is counted and stored by the engine (skipped runs), or is our own stop (cancelled ones).
_QUIET = logging.Logger("apscheduler", logging.CRITICAL)  # noqa: LOG001  its own: nobody configures it


class _Executor(AsyncIOExecutor):  # type: ignore[misc]  # the library has no types
    def start(self, scheduler: AsyncIOScheduler, alias: str) -> None:
        super().start(scheduler, alias)
        self._logger = _QUIET


def phase(group: Group) -> timedelta:
    """Return where in its interval a group runs: the same after every restart, and different from other groups'."""
    number = int.from_bytes(hashlib.sha256(group.name.encode()).digest()[:8])
    return number % (group.every // MICROSECOND) * MICROSECOND


def slot_at(group: Group, now: datetime) -> datetime:
    """Return a group's last slot up to `now`."""
    start = EPOCH + phase(group)
    return start + (now - start) // group.every * group.every


class Schedule:
    """One job a group. A late job runs once, for its newest slot; a group never overlaps itself."""

    def __init__(self, run: Callable[[Group, datetime], Awaitable[None]], clock: Clock) -> None:
        self._run = run
        self._clock = clock
        self._scheduler = AsyncIOScheduler(timezone=UTC, logger=_QUIET, executors={"default": _Executor()})
        self._running = 0
        self._idle = asyncio.Event()
        self._idle.set()

    def use(self, rules: Ruleset) -> None:
        """Run these groups from now on."""
        self._scheduler.remove_all_jobs()
        for group in rules.groups:
            first = slot_at(group, to_datetime(self._clock.now())) + group.every
            self._scheduler.add_job(
                self._job,
                IntervalTrigger(seconds=group.every.total_seconds(), start_date=first, timezone=UTC),
                args=(group,),
                id=group.name,
                coalesce=True,
                max_instances=1,
                misfire_grace_time=None,
            )

    async def serve(self) -> None:
        """Run jobs until cancelled; those that run then are cancelled and awaited."""
        self._scheduler.start()
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            self._scheduler.shutdown(wait=False)
            await self._idle.wait()

    async def _job(self, group: Group) -> None:
        self._running += 1
        self._idle.clear()
        try:
            await self._run(group, slot_at(group, to_datetime(self._clock.now())))
        except asyncio.CancelledError:
            return  # our own stop: the job ends here, and the scheduler would call it an error
        except Exception as error:  # noqa: BLE001  the supervised boundary of a group: its next slot tries again
            log.error("group.failed", group=group.name, error=str(error))
        finally:
            self._running -= 1
            if not self._running:
                self._idle.set()
