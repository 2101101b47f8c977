"""The one place that chooses adapters: settings in, running services out. Nothing else builds a service."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from random import Random
from types import MappingProxyType

import aiohttp
from prometheus_client import CollectorRegistry

from alerts.service import AlertService
from alerts.store import Store
from collector.service import Collector, VenueBuilder
from connectors.base.account import AccountKeys
from connectors.base.feed import FeedOptions
from connectors.base.market import MarketData
from connectors.registry import account_builder, dialect
from core.clock import Clock
from core.heartbeat import Load
from core.lock import held
from core.log import get_logger
from core.tasks import start
from deskwatch.database import database
from deskwatch.gather import Gatherer
from deskwatch.history import History
from deskwatch.metrics import DeskMetrics
from deskwatch.receivers import Receivers, put_beside
from deskwatch.reload import Reloader
from deskwatch.routebook import load_routes
from deskwatch.rulebook import load_rules
from deskwatch.services import Service, Shard
from deskwatch.settings import BadConfiguration, Settings
from deskwatch.web.api import AlertApi
from deskwatch.web.app import ADDRESS_FILE, StatusServer, serving
from deskwatch.web.guard import Guard, load_token
from oms.account import AccountService
from oms.journal import Journal
from oms.service import Oms
from storage.address import Address
from storage.health import HealthProbe
from storage.reader import Reader, reading
from storage.writer import Writer, writing

log = get_logger(__name__)

NO_LINKS: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Desk:
    """The running services of this process, for those who look at them."""

    address: Address
    reader: Reader | None
    writer: Writer | None
    alerts: AlertService | None
    status_url: str | None


@dataclass(frozen=True, slots=True)
class Services:
    """What a process runs besides the database."""

    collector: Collector | None = None
    oms: Oms | None = None
    alerts: AlertService | None = None

    def tasks(self) -> Iterator[tuple[str, Callable[[], Coroutine[None, None, None]]]]:
        """Yield each service's name and what runs it."""
        for name, one in (("collector", self.collector), ("oms", self.oms), ("alerts", self.alerts)):
            if one is not None:
                yield name, one.run


class Builder:
    """Builds the services of one process on one database."""

    def __init__(self, settings: Settings, shard: Shard, clock: Clock, rng: Random) -> None:
        self._settings = settings
        self._shard = shard
        self._clock = clock
        self._rng = rng
        self.instance = f"{socket.gethostname()}/{shard.name}"
        self.folder = settings.data / shard.name

    def check(self) -> None:
        """Refuse a wrong configuration before anything starts.

        Raises:
            UsageError: an unknown venue, account, rule or route.
        """
        _check_chosen("venue", self._shard.venues, self._venues())
        _check_chosen("account", self._shard.accounts, list(self._settings.accounts))
        for name in self._venues():
            _ = dialect(name)
        for account in self._settings.accounts.values():
            _ = account_builder(account.venue)
        if self._shard.runs(Service.ALERTS):
            _ = load_rules(self._settings), load_routes(self._settings)

    async def build(self, stack: AsyncExitStack, address: Address, writer: Writer) -> Services:
        """Return the services that this shard runs; what they hold open is closed with the stack."""

        def waiting() -> Load:
            status = writer.status()
            return Load(0, status.spool_rows, status.oldest_unsent_s, status.rejects)

        runs = self._shard.runs
        return Services(
            self._collector(writer, waiting) if runs(Service.COLLECTOR) else None,
            await self._oms(stack, writer, waiting) if runs(Service.OMS) else None,
            await self._alerts(stack, address, writer, waiting) if runs(Service.ALERTS) else None,
        )

    def _venues(self) -> list[str]:
        return [name for name, one in self._settings.venues.items() if one.enabled]

    def _collector(self, writer: Writer, waiting: Callable[[], Load]) -> Collector:
        names = self._shard.wanted(self._venues(), self._shard.venues)
        venues = {name: self._venue(name) for name in names}
        queue_events = self._settings.collector.queue_events
        return Collector(venues, writer, waiting, self._clock, self.instance, queue_events)

    def _venue(self, name: str) -> VenueBuilder:
        spoken, settings = dialect(name), self._settings.venues[name]
        options = FeedOptions(levels=self._settings.collector.book_levels)
        return lambda publish: MarketData(spoken, settings, self._clock, publish, options=options, rng=self._rng)

    async def _oms(self, stack: AsyncExitStack, writer: Writer, waiting: Callable[[], Load]) -> Oms:
        names = self._shard.wanted(list(self._settings.accounts), self._shard.accounts)
        http = await stack.enter_async_context(aiohttp.ClientSession())
        journal = await Journal.open(self.folder)
        stack.push_async_callback(journal.close)
        accounts = {name: self._account(name, http, journal, writer) for name in names}
        return Oms(accounts, writer, waiting, self._clock, self.instance)

    def _account(
        self, name: str, http: aiohttp.ClientSession, journal: Journal, writer: Writer
    ) -> Callable[[], AccountService]:
        given = self._settings.accounts[name]
        keys = AccountKeys(given.key, given.secret, given.rest_url, given.ws_url)
        build = account_builder(given.venue)

        def account() -> AccountService:
            venue = build(name, keys, http, self._clock, self._rng)
            return AccountService(venue, given.symbols, journal, writer, self._clock, self._settings.oms)

        return account

    async def _alerts(
        self, stack: AsyncExitStack, address: Address, writer: Writer, waiting: Callable[[], Load]
    ) -> AlertService:
        store = await Store.open(self.folder)
        stack.push_async_callback(store.close)
        timeout, connections = self._settings.alerts.statement_timeout, self._settings.database.readers
        reader = await stack.enter_async_context(reading(address, statement_timeout=timeout, connections=connections))
        http = await stack.enter_async_context(aiohttp.ClientSession())
        routing = load_routes(self._settings)
        receivers = Receivers(self._settings, routing, http, self._clock)
        service = AlertService(
            load_rules(self._settings),
            routing,
            store,
            reader,
            writer,
            receivers,
            self._clock,
            self._settings.alerts,
            self.instance,
            waiting,
        )
        put_beside(service, receivers, self._settings, http, self._clock)
        return service


def _check_chosen(what: str, chosen: tuple[str, ...], configured: list[str]) -> None:
    unknown = [name for name in chosen if name not in configured]
    if unknown:
        known = ", ".join(configured) or "none"
        raise BadConfiguration(f"no {what} {', '.join(unknown)} is configured", hint=f"Configured: {known}")


@asynccontextmanager
async def running(
    settings: Settings, shard: Shard, clock: Clock, rng: Random, links: Mapping[str, str] = NO_LINKS
) -> AsyncIterator[Desk]:
    """Run a process's services until the block ends; they stop in this order: services, rows, sockets, database.

    Raises:
        UsageError: the configuration is wrong, or a port or a folder is taken.
    """
    builder = Builder(settings, shard, clock, rng)
    builder.check()
    async with AsyncExitStack() as stack:
        address = await stack.enter_async_context(database(settings, shard, clock))
        if shard.service is Service.DATABASE:
            yield Desk(address, None, None, None, None)
            return
        stack.enter_context(held(builder.folder / "lock", f"Another process runs {shard.name} on this folder"))
        writer = await stack.enter_async_context(writing(builder.folder, address, settings.writer, clock))
        reader = await stack.enter_async_context(
            reading(address, statement_timeout=settings.database.statement_timeout, connections=2)
        )
        services = await builder.build(stack, address, writer)
        probe = HealthProbe(writer, reader, settings.data, builder.instance, clock)
        gatherer = Gatherer(reader, probe, services.alerts, clock, links)
        if services.alerts is not None:
            url = await stack.enter_async_context(
                _status_page(settings, gatherer, writer, clock, _api(settings, services.alerts, reader, clock))
            )
        else:
            url = None
        async with asyncio.TaskGroup() as group:
            tasks = [start(group, "database health", probe.watch())]
            tasks += [start(group, name, run()) for name, run in services.tasks()]
            if services.alerts is not None:
                tasks.append(start(group, "reload", Reloader(settings, services.alerts, clock).run()))
            try:
                yield Desk(address, reader, writer, services.alerts, url)
            finally:
                for task in tasks:
                    task.cancel()


def _api(settings: Settings, alerts: AlertService, reader: Reader, clock: Clock) -> AlertApi:
    given = settings.status.token.get_secret_value() if settings.status.token else None
    return AlertApi(alerts, History(reader), Guard(load_token(settings.data, given)), clock)


@asynccontextmanager
async def _status_page(
    settings: Settings, gatherer: Gatherer, writer: Writer, clock: Clock, api: AlertApi
) -> AsyncIterator[str]:
    registry = CollectorRegistry()
    registry.register(DeskMetrics(gatherer, writer))
    server = StatusServer(gatherer.gather, clock, registry, api)
    async with serving(server, settings.status.host, settings.status.port) as url:
        file = settings.data / ADDRESS_FILE
        file.write_text(url)
        try:
            yield url
        finally:
            file.unlink(missing_ok=True)
