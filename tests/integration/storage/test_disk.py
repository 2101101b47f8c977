"""A disk that is full: rows wait, it is said what to do, and nothing that was durable is lost."""

import asyncio
import shutil
import subprocess
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from core.clock import SystemClock
from core.rows import Row
from storage.settings import WriterSettings
from storage.writer import writing
from tests.conftest import unavailable
from tests.integration.storage.door import NOWHERE, OK, Reply, scripted, until

CLOCK = SystemClock()
NOON = 1_767_268_800_000_000_000
SETTINGS = WriterSettings(batch_time=timedelta(milliseconds=1), min_free_bytes=0)
MEGABYTE = 2**20


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A volume of four megabytes."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = shutil.which("mount")
    if (
        mount is None
        or subprocess.run(
            [mount, "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(place)], check=False, capture_output=True
        ).returncode
    ):
        unavailable("a small volume cannot be mounted here")
    try:
        yield place
    finally:
        subprocess.run(["umount", str(place)], check=True)


def fills(count: int, start: int = 0) -> list[Row]:
    """Return rows of two kilobytes."""
    padding = "x" * 2000
    return [
        Row("fills", NOON + n, {"venue": "okx", "trade_id": f"f{n}", "client_order_id": padding})
        for n in range(start, start + count)
    ]


def numbers(lines: list[bytes]) -> list[int]:
    """Return the numbers of the fills in lines."""
    return [int(line.split(b'trade_id="f')[1].split(b'"')[0]) for line in lines]


async def test_rows_wait_for_a_full_disk_and_arrive_once_it_has_space(small_disk: Path) -> None:
    """The writer says what to do, callers of flush wait, and everything goes on by itself."""
    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes(2 * MEGABYTE))
    async with scripted() as door, writing(small_disk / "spool", door.address, SETTINGS, CLOCK) as writer:
        door.answer = lambda _body: Reply(503)
        for start in range(0, 2000, 100):
            writer.write(fills(100, start))
            try:
                await asyncio.wait_for(writer.flush(), 0.3)
            except TimeoutError:
                break
        else:
            pytest.fail("the disk never filled")
        status = writer.status().critical
        assert "Free space" in status.trouble
        assert status.open_rows > 0
        taken = start + 100
        ballast.unlink()
        async with asyncio.timeout(20):
            await writer.flush()
        door.answer = lambda _body: OK
        await until(lambda: writer.status().spool_rows == 0)
        assert writer.status().critical.trouble == ""
        assert writer.status().rejects == 0
    assert numbers(door.lines) == list(range(taken))


async def test_a_stop_on_a_full_disk_ends_and_keeps_what_was_durable(small_disk: Path) -> None:
    """It waits a moment, not for ever; the next start has every row that a flush had returned for."""
    durable = 0
    async with writing(small_disk / "spool", NOWHERE, SETTINGS, CLOCK) as writer:
        for start in range(0, 4000, 100):
            writer.write(fills(100, start))
            try:
                await asyncio.wait_for(writer.flush(), 0.3)
            except TimeoutError:
                break
            durable = start + 100
    assert 0 < durable < 4000
    async with scripted() as door, writing(small_disk / "spool", door.address, SETTINGS, CLOCK) as writer:
        await until(lambda: writer.status().spool_rows == 0)
    assert numbers(door.lines)[:durable] == list(range(durable))


async def test_refused_rows_wait_for_a_full_disk_too(small_disk: Path) -> None:
    """The list of rejects is on the same volume."""
    async with scripted() as door, writing(small_disk / "spool", door.address, SETTINGS, CLOCK) as writer:
        (small_disk / "ballast").write_bytes(bytes(shutil.disk_usage(small_disk).free))
        for number in range(300):
            writer.write([Row("nowhere", NOON, {"text": f"{number}" * 1000})])
        assert writer.status().rejects == 300
        await asyncio.sleep(0.1)
        (small_disk / "ballast").unlink()
    async with writing(small_disk / "spool", NOWHERE, SETTINGS, CLOCK) as writer:
        assert writer.status().rejects == 300
