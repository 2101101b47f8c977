"""An alert service with the simulated workspace for its receiver: one rule, which breaches when a test says so."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import aiohttp

from alerts.buttons import Buttons
from alerts.notify.slack import SlackNotifier
from alerts.notify.slack_socket import SlackSocket
from alerts.service import AlertService
from alerts.settings import AlertSettings
from alerts.store import Store
from core.clock import SystemClock
from core.heartbeat import Load
from core.ports import Result
from core.tasks import start
from rules.model import Ruleset, Sql
from simulator.slack.store import Message
from simulator.slack.workspace import APP_TOKEN, TOKEN, SlackWorkspace, slack_workspace
from tests.fakes.reader import FakeRowReader, Parameters
from tests.fakes.writer import FakeRowWriter
from tests.unit.alerts.timeline import group_of, route, routing, rule

CHANNEL = "desk"


@dataclass
class SlackDesk:
    """`breaching` holds the names of rules that breach."""

    workspace: SlackWorkspace
    service: AlertService
    socket: SlackSocket
    breaching: set[str]

    def messages(self) -> list[Message]:
        """Return the channel's messages."""
        return self.workspace.messages(CHANNEL)

    def lines(self) -> list[str]:
        """Return the lines of the first message's thread."""
        return [one.text for one in self.workspace.replies(CHANNEL, self.messages()[0].ts)]


async def until(look: Callable[[], bool | Awaitable[bool]]) -> None:
    """Wait until something is so."""
    async with asyncio.timeout(20):
        while True:
            found = look()
            if found if isinstance(found, bool) else await found:
                return
            await asyncio.sleep(0.02)


@asynccontextmanager
async def slack_desk(folder: Path, *, actors: tuple[str, ...] = (), silent_s: float = 20.0) -> AsyncIterator[SlackDesk]:
    """Run the service until the block ends."""
    clock, breaching = SystemClock(), set[str]()

    def answer(sql: str, _parameters: Parameters) -> Result:
        return Result(("venue", "symbol", "value"), [("okx", "BTC-USDT", 12.4)] if sql in breaching else [])

    one = replace(
        rule("BookStale", severity="page"),
        kind=Sql("BookStale", None, None),
        summary="{{ venue }} {{ symbol }} book is {{ value }} s old",
        description="No update of the book for longer than 10 s.",
        dashboard="https://grafana.example.com/d/books",
    )
    group = replace(group_of(one), every=timedelta(seconds=1))
    store = await Store.open(folder)
    async with slack_workspace(clock, channels=(CHANNEL,)) as workspace, aiohttp.ClientSession() as http:
        slack = SlackNotifier(TOKEN, http, app_token=APP_TOKEN, api_url=workspace.api_url)
        table = routing(replace(route(), group_by=("alertname",), group_wait=timedelta(), group_interval=timedelta()))
        service = AlertService(
            Ruleset((group,)),
            table,
            store,
            FakeRowReader(answer),
            FakeRowWriter(),
            slack,
            clock,
            AlertSettings(),
            "here",
            Load,
        )
        buttons = Buttons(service.actions, clock)
        socket = SlackSocket(slack, http, buttons, clock, actors=actors, ping_s=silent_s / 4, silent_s=silent_s)
        service.run_beside("slack buttons", socket)
        async with asyncio.TaskGroup() as tasks:
            running = start(tasks, "service", service.run())
            await until(lambda: socket.connected)
            yield SlackDesk(workspace, service, socket, breaching)
            running.cancel()
    await store.close()
