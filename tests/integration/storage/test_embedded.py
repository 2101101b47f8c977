"""The embedded server: nobody else's folder, nobody else's port, and nothing left behind."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from core.clock import SystemClock
from storage import jar
from storage.address import NoDatabase, find
from storage.embedded import FolderTaken, PortTaken, StartFailed, running
from storage.jar import JarUnavailable
from storage.settings import DatabaseSettings
from tests.integration.storage.visible import ask

ROOT = Path(__file__).parents[3]
CLOCK = SystemClock()
LOCATE = "from storage import jar; print(jar.locate())"


def gone(pid: int) -> bool:
    """Say whether a process has ended."""
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


async def test_a_server_has_its_folder_and_ports_alone_and_leaves_nothing(tmp_path: Path) -> None:
    """Passwords are private, a second owner is told who has it, and a clean stop ends the process."""
    async with running(tmp_path, DatabaseSettings(), CLOCK) as server:
        pid, at = server.pid or 0, server.address
        assert find(tmp_path / "questdb-address.json") == at
        for name in ("questdb-address.json", "questdb-credentials.json"):
            assert (tmp_path / name).stat().st_mode & 0o777 == 0o600
        assert os.getsid(pid) != os.getsid(0), "Ctrl-C would reach the server before the last rows do"
        with pytest.raises(FolderTaken, match=f"process {os.getpid()}"):
            async with running(tmp_path, DatabaseSettings(), CLOCK):
                pass
        with pytest.raises(PortTaken, match=rf"{at.http_port}.*database\.http_port"):
            async with running(tmp_path / "other", DatabaseSettings(http_port=at.http_port), CLOCK):
                pass
        assert await ask(at, "SELECT 1") == [(1,)]
    assert gone(pid)
    with pytest.raises(NoDatabase):
        find(tmp_path / "questdb-address.json")


async def test_a_server_does_not_outlive_its_killed_owner(tmp_path: Path) -> None:
    """Not even for the next one: it waits until the old server has let go, and has the same rows."""
    command = [sys.executable, "-m", "tests.integration.storage.owner", str(tmp_path)]
    owner = await asyncio.create_subprocess_exec(*command, cwd=ROOT, stdout=subprocess.PIPE)
    assert owner.stdout is not None
    pid = int(await owner.stdout.readline())
    at = find(tmp_path / "questdb-address.json")
    await ask(at, "CREATE TABLE kept (a INT)")
    os.kill(pid, signal.SIGSTOP)  # it takes its time to go
    asyncio.get_running_loop().call_later(3.0, os.kill, pid, signal.SIGCONT)
    os.kill(owner.pid, signal.SIGKILL)
    async with running(tmp_path, DatabaseSettings(), CLOCK) as server:
        assert gone(pid)
        assert server.address == at
        assert await ask(server.address, "SELECT count() FROM kept") == [(0,)]
    await owner.communicate()


async def test_a_server_that_cannot_start_says_where_to_read_why(tmp_path: Path) -> None:
    """Its own log has the reason; nothing runs afterwards, and the folder is free again."""
    damaged = tmp_path / "server.jar"
    damaged.write_bytes(b"not a jar")
    for _ in range(2):
        with pytest.raises(StartFailed, match=r"exit status.*server\.log"):
            async with running(tmp_path / "data", DatabaseSettings(jar=damaged), CLOCK):
                pass
    assert (tmp_path / "data" / "questdb" / "log" / "server.log").stat().st_size > 0


def test_a_jar_that_is_named_and_not_there_is_said(tmp_path: Path) -> None:
    """With the setting to mend."""
    with pytest.raises(JarUnavailable, match=r"database\.jar"):
        jar.locate(tmp_path / "questdb.jar")


def locate_offline(home: Path) -> subprocess.CompletedProcess[str]:
    """Look for the jar in another process that has no network: every connection goes to a port where nobody is."""
    nowhere = dict.fromkeys(
        ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"), "http://127.0.0.1:9"
    )
    environment = dict(os.environ) | nowhere | {"HOME": str(home), "NO_PROXY": "", "no_proxy": ""}
    command = [sys.executable, "-c", LOCATE]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=50)


@contextmanager
def cached(home: Path, content: bytes) -> Iterator[None]:
    """Give a home folder a cache with a jar of that content."""
    here = jar.locate()
    place = home / here.relative_to(Path.home())
    place.parent.mkdir(parents=True)
    for file in here.parent.iterdir():
        if file != here and file.is_file():
            (place.parent / file.name).write_bytes(file.read_bytes())
    place.write_bytes(content or here.read_bytes())
    yield


def test_the_jar_is_found_without_a_network(tmp_path: Path) -> None:
    """Once it is in the cache."""
    with cached(tmp_path, b""):
        done = locate_offline(tmp_path)
    assert done.stdout.strip().endswith("questdb-9.3.4.jar"), done.stderr


def test_a_damaged_jar_is_not_started(tmp_path: Path) -> None:
    """Its checksum is not the one we know."""
    with cached(tmp_path, b"half a download"):
        done = locate_offline(tmp_path)
    assert "JarDamaged" in done.stderr
    assert "Delete the file" in done.stderr


def test_without_cache_and_network_it_is_said_what_to_copy(tmp_path: Path) -> None:
    """The text names the setting."""
    done = locate_offline(tmp_path)
    assert "JarUnavailable" in done.stderr
    assert "DESKWATCH_QUESTDB_JAR" in done.stderr
