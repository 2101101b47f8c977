"""One lane on a spool in memory: what happens between taking a row and forgetting it, step by step."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from random import Random

import aiohttp
import pytest

from core.rows import Row
from core.tasks import start
from storage.deliver import Door
from storage.lane import LaneTasks, WriterEnded
from storage.rejects import Rejects
from storage.schema import Lane
from storage.settings import WriterSettings
from tests.fakes.clock import FakeClock
from tests.fakes.spool import FakeSpool
from tests.integration.storage.door import NOWHERE, until

NOON = 1_767_268_800_000_000_000
SETTINGS = WriterSettings(batch_time=timedelta(milliseconds=1), batch_rows=10)


@asynccontextmanager
async def made(folder: Path, spool: FakeSpool) -> AsyncIterator[LaneTasks]:
    """Return a critical lane whose database is away."""
    rejects = await Rejects.open(folder)
    async with aiohttp.ClientSession() as http:
        yield LaneTasks(Lane.CRITICAL, spool, Door(NOWHERE, http, 1.0), rejects, SETTINGS, FakeClock())
    await rejects.close()


def add(lane: LaneTasks, count: int, first: int = 0) -> None:
    """Take numbered rows."""
    for number in range(first, first + count):
        lane.encoder.add(Row("fills", NOON + number, {"venue": "okx", "trade_id": f"<{number}>"}))
    lane.note()


async def stored(spool: FakeSpool) -> list[int]:
    """Return the numbers that are durable, in order."""
    numbers: list[int] = []
    last = 0
    while batch := await spool.oldest(after=last):
        last = batch.id
        numbers += [int(line.split(b"<")[1].split(b">")[0]) for line in batch.encoded.payload.splitlines()]
    return numbers


async def turns(true: Callable[[], bool]) -> None:
    """Give the other tasks turns until something holds: with this clock no time passes."""
    while not true():  # noqa: ASYNC110  what is awaited has no event
        await asyncio.sleep(0)


async def test_a_flush_returns_once_its_rows_are_durable_though_others_come(tmp_path: Path) -> None:
    """Rows that are taken while a batch is being made durable belong to the next one, and none is forgotten."""
    spool = FakeSpool()
    async with made(tmp_path, spool) as lane, asyncio.TaskGroup() as group:
        task = start(group, "fill", lane.fill())
        for first in range(0, 95, 10):
            add(lane, 5, first)
            flush = asyncio.get_running_loop().create_task(lane.flush())
            for _ in range(first % 4):
                await asyncio.sleep(0)
            add(lane, 5, first + 5)
            await flush
            assert (await stored(spool))[: first + 5] == list(range(first + 5))
        await lane.flush()
        assert await stored(spool) == list(range(100))
        assert lane.open_rows == 0
        task.cancel()


async def test_a_disk_that_refuses_is_asked_again_until_it_takes(tmp_path: Path) -> None:
    """The trouble is told while it lasts; the rows keep their order."""
    spool = FakeSpool()
    spool.refuse = 5
    async with made(tmp_path, spool) as lane, asyncio.TaskGroup() as group:
        add(lane, 25)
        task = start(group, "fill", lane.fill())
        await turns(lambda: lane.trouble != "")
        assert "full" in lane.trouble
        add(lane, 3, 25)
        await lane.flush()
        assert await stored(spool) == list(range(28))
        await turns(lambda: lane.trouble == "")
        assert spool.refused == 5
        task.cancel()


@pytest.mark.parametrize("seed", range(20))
async def test_a_cancelled_close_loses_no_row(seed: int, tmp_path: Path) -> None:
    """Wherever the task is stopped, the last step of the stop makes durable what was taken."""
    rng, spool = Random(seed), FakeSpool()
    async with made(tmp_path, spool) as lane:
        spool.refuse = rng.randrange(4)
        task = asyncio.get_running_loop().create_task(lane.fill())
        for first in range(0, 60, 12):
            add(lane, 12, first)
            for _ in range(rng.randrange(4)):
                await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])
        spool.refuse = 0
        await lane.finish()
        assert sorted(set(await stored(spool))) == list(range(60))


async def test_who_waits_for_a_writer_that_ended_is_told(tmp_path: Path) -> None:
    """A flush that can never be kept must not wait for ever."""
    spool = FakeSpool()
    async with made(tmp_path, spool) as lane:
        add(lane, 1)
        flush = asyncio.get_running_loop().create_task(lane.flush())
        await asyncio.sleep(0)
        spool.refuse = 1
        await lane.finish()
        with pytest.raises(WriterEnded):
            await flush
        assert lane.open_rows == 1


async def test_time_closes_a_batch_that_nobody_flushes(tmp_path: Path) -> None:
    """A row is durable within the batch time."""
    spool = FakeSpool()
    async with made(tmp_path, spool) as lane, asyncio.TaskGroup() as group:
        task = start(group, "fill", lane.fill())
        add(lane, 1)
        await until(lambda: lane.open_rows == 0)
        assert await stored(spool) == [0]
        task.cancel()
