"""A disk that is full: rows wait, it is said what to do, and nothing that was durable is lost."""

import asyncio
import resource
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
from tests.integration.storage.door import NOWHERE, OK, Reply, scripted, until

CLOCK = SystemClock()
NOON = 1_767_268_800_000_000_000
SETTINGS = WriterSettings(batch_time=timedelta(milliseconds=1), min_free_bytes=0)
MEGABYTE = 2**20


class SmallVolume:
    """A volume of four megabytes with a ballast."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def fill(self) -> None:
        """Leave half of it to the writer."""
        (self.folder / "ballast").write_bytes(bytes(2 * MEGABYTE))

    def fill_all(self) -> None:
        """Leave nothing, or too little."""
        (self.folder / "ballast").write_bytes(bytes(shutil.disk_usage(self.folder).free))

    def free(self) -> None:
        """Give the space back."""
        (self.folder / "ballast").unlink(missing_ok=True)


class SmallFiles(SmallVolume):
    """Where nobody may mount: this process's files may not grow above a limit, which fails as a full disk does."""

    def fill(self) -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (2 * MEGABYTE, resource.RLIM_INFINITY))

    def fill_all(self) -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, resource.RLIM_INFINITY))  # the test log must still fit

    def free(self) -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


@pytest.fixture(params=["volume", "limit"])
def disk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SmallVolume]:
    """A small disk of each kind; the second everywhere, the first where it may be mounted."""
    place = tmp_path / "disk"
    place.mkdir()
    mounted = request.param == "volume" and _mount(place)
    made = SmallVolume(place) if mounted else SmallFiles(place)
    try:
        yield made
    finally:
        made.free()
        if mounted:
            subprocess.run(["umount", str(place)], check=True)


def _mount(place: Path) -> bool:
    command = ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(place)]
    try:
        return subprocess.run(command, check=False, capture_output=True).returncode == 0
    except FileNotFoundError:
        return False


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


async def test_rows_wait_for_a_full_disk_and_arrive_once_it_has_space(disk: SmallVolume) -> None:
    """The writer says what to do, callers of flush wait, and everything goes on by itself."""
    disk.fill()
    async with scripted() as door, writing(disk.folder / "spool", door.address, SETTINGS, CLOCK) as writer:
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
        disk.free()
        async with asyncio.timeout(20):
            await writer.flush()
        door.answer = lambda _body: OK
        await until(lambda: writer.status().spool_rows == 0)
        assert writer.status().critical.trouble == ""
        assert writer.status().rejects == 0
    assert numbers(door.lines) == list(range(taken))


async def test_a_stop_on_a_full_disk_ends_and_keeps_what_was_durable(disk: SmallVolume) -> None:
    """It waits a moment, not for ever; the next start has every row that a flush had returned for."""
    durable = 0
    disk.fill()
    async with writing(disk.folder / "spool", NOWHERE, SETTINGS, CLOCK) as writer:
        for start in range(0, 4000, 100):
            writer.write(fills(100, start))
            try:
                await asyncio.wait_for(writer.flush(), 0.3)
            except TimeoutError:
                break
            durable = start + 100
    assert 0 < durable < 4000
    disk.free()
    async with scripted() as door, writing(disk.folder / "spool", door.address, SETTINGS, CLOCK) as writer:
        await until(lambda: writer.status().spool_rows == 0)
    assert numbers(door.lines)[:durable] == list(range(durable))


async def test_refused_rows_wait_for_a_full_disk_too(disk: SmallVolume) -> None:
    """The list of rejects is on the same volume."""
    async with scripted() as door, writing(disk.folder / "spool", door.address, SETTINGS, CLOCK) as writer:
        disk.fill_all()
        for number in range(300):
            writer.write([Row("nowhere", NOON, {"text": f"{number}" * 1000})])
        assert writer.status().rejects == 300
        await asyncio.sleep(0.1)
        disk.free()
    async with writing(disk.folder / "spool", NOWHERE, SETTINGS, CLOCK) as writer:
        assert writer.status().rejects == 300
