"""An alert service on a store of its own, behind a status server: what the tests of the API and the page share."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
from prometheus_client import CollectorRegistry

from alerts.route import Receiver, Route, Routing
from alerts.service import AlertService
from alerts.settings import AlertSettings
from alerts.store import Store
from core.clock import Clock, SystemClock, to_datetime
from core.heartbeat import Load
from core.ports import Result, RowReader
from deskwatch.history import History
from deskwatch.web.api import AlertApi
from deskwatch.web.app import StatusServer, serving
from deskwatch.web.guard import Guard
from deskwatch.web.lines import alert_lines
from deskwatch.web.model import DeskStatus
from rules.model import Group, Rule, Ruleset, Sql
from tests.fakes.notifier import FakeNotifier
from tests.fakes.reader import FakeRowReader, Parameters
from tests.fakes.writer import FakeRowWriter
from tests.integration.web import desks

TOKEN = "the-token"
RULE = Rule("Hot", Sql("Hot", None, None), "page", "{{ series }} is hot", description="why", runbook="docs/hot.md")
GROUP = Group("g", Path("rules.yaml"), timedelta(seconds=1), timedelta(), {}, (RULE,))
ROUTE = Route("route", (), "desk", ("alertname",), timedelta(), timedelta(seconds=1), timedelta(hours=4), goes_on=False)


@dataclass
class AlertDesk:
    """`breaching` are the series that are hot; `step` evaluates and tells."""

    url: str
    service: AlertService
    writer: FakeRowWriter
    notifier: FakeNotifier
    breaching: set[str]
    clock: Clock
    http: aiohttp.ClientSession

    async def step(self) -> None:
        """Evaluate the rule now, and tell what there is to tell."""
        now = to_datetime(self.clock.now())
        await self.service.evaluate(GROUP, now)
        await self.service.flush(now)

    async def read(self, path: str) -> tuple[int, dict[str, object]]:
        """Return status and JSON of a path."""
        async with self.http.get(f"{self.url}{path}") as reply:
            return reply.status, await reply.json()

    async def act(
        self,
        path: str,
        method: str = "POST",
        token: str = TOKEN,
        **body: Any,
    ) -> tuple[int, dict[str, object]]:
        """Return status and JSON of an action."""
        headers = {"Authorization": f"Bearer {token}"}
        given = {"actor": "ada", **{name.rstrip("_"): value for name, value in body.items()}}
        async with self.http.request(method, f"{self.url}{path}", json=given, headers=headers) as reply:
            return reply.status, await reply.json()

    @property
    def incident(self) -> str:
        """The open incident."""
        return self.service.incidents()[0].incident


@asynccontextmanager
async def alert_desk(folder: Path, history: RowReader | None = None) -> AsyncIterator[AlertDesk]:
    """Serve a desk with one rule on a free port."""
    breaching: set[str] = set()

    def answer(_sql: str, _parameters: Parameters) -> Result:
        return Result(("series", "value"), [(name, 7.0) for name in sorted(breaching)])

    store, clock, writer = await Store.open(folder), SystemClock(), FakeRowWriter()
    notifier, reader = FakeNotifier(channels=("desk",)), FakeRowReader(answer)
    service = AlertService(
        Ruleset((GROUP,)),
        Routing(ROUTE, {"desk": Receiver("desk", "#desk")}),
        store,
        reader,
        writer,
        notifier,
        clock,
        AlertSettings(),
        "here",
        Load,
    )
    api = AlertApi(service, History(history or reader), Guard(TOKEN), clock)

    async def gather() -> DeskStatus:
        now = to_datetime(clock.now())
        return replace(desks.quiet(), at=now, started_at=now, **alert_lines(service, now))

    server = StatusServer(gather, clock, CollectorRegistry(), api)
    try:
        async with serving(server, "127.0.0.1", 0) as url, aiohttp.ClientSession() as http:
            yield AlertDesk(url, service, writer, notifier, breaching, clock, http)
    finally:
        await store.close()
