"""From command to clean stop: settings, logs, signals, services, and one exit status for however it ends."""

import asyncio
import signal
from collections.abc import Coroutine, Iterator, Sequence
from pathlib import Path
from random import Random
from typing import TypeVar

from core import log as logs
from core.clock import SystemClock
from core.errors import DeskError
from core.log import get_logger
from deskwatch.services import Service, Shard
from deskwatch.settings import Settings, load
from deskwatch.wiring import running

log = get_logger(__name__)

T = TypeVar("T")


def run_services(
    service: str, *, venues: Sequence[str] | None, accounts: Sequence[str] | None, config: Path | None
) -> None:
    """Run a process's services until SIGINT or SIGTERM; blocks.

    Raises:
        DeskError: the configuration is wrong, or something failed that a restart of one part cannot mend.
    """
    settings = load(config)
    logs.configure(json=settings.log.json_lines, level=settings.log.level)
    shard = Shard(Service(service), tuple(venues or ()), tuple(accounts or ()))
    unwrapped(serve(settings, shard))


def unwrapped(work: Coroutine[None, None, T]) -> T:
    """Run a coroutine to its end; of a group of errors raise the first that says what to do."""
    try:
        return asyncio.run(work)
    except BaseExceptionGroup as several:
        raise first_error(several) from several


def first_error(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """Return the first DeskError of a group, else its first error."""
    leaves = list(_leaves(group))
    return next((one for one in leaves if isinstance(one, DeskError)), leaves[0])


def _leaves(error: BaseException) -> Iterator[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        for one in error.exceptions:
            yield from _leaves(one)
    else:
        yield error


async def serve(settings: Settings, shard: Shard) -> None:
    """Run until a signal asks to stop; then stop cleanly."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    async with running(settings, shard, SystemClock(), Random()) as desk:  # noqa: S311  jitter, not a secret
        log.info("desk.running", shard=shard.name, status=desk.status_url, database=repr(desk.address))
        await stop.wait()
        log.info("desk.stopping")
