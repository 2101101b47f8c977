"""The database of this process: embedded and supervised, another process's embedded one, or a server of your own."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import psycopg

from core.clock import Clock
from core.errors import Transient
from core.log import get_logger
from core.tasks import start
from deskwatch.services import Service, Shard
from deskwatch.settings import BadConfiguration, Settings
from storage import address, embedded
from storage.address import Address, NoDatabase
from storage.migrate import migrate, pending

log = get_logger(__name__)

ADDRESS_FILE = "questdb-address.json"
LOOK_EVERY_S = 1.0
PATIENCE_S = 60.0
"""How long a shard waits for the process that keeps the database."""


class DatabaseMoved(Transient):
    """The embedded database has another address now."""


@asynccontextmanager
async def database(settings: Settings, shard: Shard, clock: Clock) -> AsyncIterator[Address]:
    """Give the address of a database that has our tables; an embedded one is started, and kept until the block ends.

    Raises:
        UsageError: a folder or port is taken, the jar is not to be had, or no database runs.
    """
    if settings.database.host is not None:
        at = own_server(settings)
        await _until_up(at, clock)
        _ = await migrate(at, clock)
        yield at
    elif shard.service in (Service.ALL, Service.DATABASE):
        async with _embedded(settings, clock) as at:
            yield at
    else:
        async with _another_process(settings.data / ADDRESS_FILE, clock) as at:
            yield at


def locate(settings: Settings) -> Address:
    """Return where the database is, for a command that only looks at it.

    Raises:
        NoDatabase: no embedded server runs on the data folder, and no server of your own is configured.
    """
    return own_server(settings) if settings.database.host else address.find(settings.data / ADDRESS_FILE)


def own_server(settings: Settings) -> Address:
    """Return the address of the server that the settings name.

    Raises:
        BadConfiguration: a password is missing.
    """
    at = settings.database
    missing = [name for name in ("password", "reader_password") if getattr(at, name) is None]
    if missing:
        names = ", ".join(f"database.{name}" for name in missing)
        raise BadConfiguration(f"{names} missing", hint="A server of your own needs both; DESKWATCH_…_FILE reads files")
    return Address(
        host=at.host or embedded.LOOPBACK,
        http_port=at.http_port or 9000,
        pg_port=at.pg_port or 8812,
        user=at.user,
        password=at.password.get_secret_value() if at.password else "",
        reader_user=at.reader_user,
        reader_password=at.reader_password.get_secret_value() if at.reader_password else "",
    )


@asynccontextmanager
async def _embedded(settings: Settings, clock: Clock) -> AsyncIterator[Address]:
    given = settings.database
    if settings.questdb_jar is not None and given.jar is None:
        given = given.model_copy(update={"jar": settings.questdb_jar})
    async with embedded.running(settings.data, given, clock) as server:
        _ = await migrate(server.address, clock)
        async with asyncio.TaskGroup() as group:
            keeper = start(group, "database supervisor", server.supervise())
            try:
                yield server.address
            finally:
                keeper.cancel()


@asynccontextmanager
async def _another_process(file: Path, clock: Clock) -> AsyncIterator[Address]:
    at = await _find(file, clock)
    await _until_up(at, clock)
    while await pending(at):
        await clock.sleep(LOOK_EVERY_S)
    async with asyncio.TaskGroup() as group:
        watcher = start(group, "database address", _watch(file, at, clock))
        try:
            yield at
        finally:
            watcher.cancel()


async def _find(file: Path, clock: Clock) -> Address:
    deadline = clock.elapsed() + PATIENCE_S
    while True:
        try:
            return await asyncio.to_thread(address.find, file)
        except NoDatabase:
            if clock.elapsed() > deadline:
                raise
        log.info("database.awaited", hint="`deskwatch run database` keeps it, or set database.host")
        await clock.sleep(LOOK_EVERY_S)


async def _watch(file: Path, at: Address, clock: Clock) -> None:
    """End this process when the database comes back elsewhere: the supervisor starts it again on the new address."""
    while True:
        await clock.sleep(LOOK_EVERY_S)
        try:
            found = await asyncio.to_thread(address.find, file)
        except NoDatabase:
            continue  # it is away; rows wait on disk
        if found != at:
            raise DatabaseMoved(f"now at {found.host}:{found.http_port}", hint="Start this service again")


async def _until_up(at: Address, clock: Clock) -> None:
    told = False
    while True:
        try:
            async with await psycopg.AsyncConnection.connect(embedded.dsn(at), autocommit=True) as connection:
                await connection.execute("SELECT 1")
        except psycopg.OperationalError as error:
            if not told:
                log.warning("database.away", address=repr(at), error=str(error).strip(), hint="it is tried again")
            told = True
            await clock.sleep(LOOK_EVERY_S)
        else:
            return
