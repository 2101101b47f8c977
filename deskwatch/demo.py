"""`deskwatch demo`: the real services on simulated venues and a simulated Slack; incidents follow by a script."""

import asyncio
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

from pydantic import SecretStr

from alerts.settings import AlertSettings
from connectors.base.settings import VenueSettings
from core import log as logs
from core.clock import Clock, SystemClock
from core.tasks import start
from core.types import Channel
from deskwatch.demo_script import INCIDENTS, play
from deskwatch.lifecycle import unwrapped
from deskwatch.output import say
from deskwatch.rulebook import CATALOGUE
from deskwatch.services import Shard
from deskwatch.settings import AccountSettings, SlackSettings, StatusSettings, load
from deskwatch.wiring import Desk, running
from oms.settings import OmsSettings
from simulator.slack.workspace import APP_TOKEN, TOKEN, SlackWorkspace, slack_workspace
from simulator.world import World, simulating
from storage.schema import TABLES

CHANNEL = "alerts"
LOOK_EVERY_S = 0.1
ACCOUNT = "demo"


@dataclass(frozen=True, slots=True)
class DemoOptions:
    """What the command line says. `seconds` None: until Ctrl-C."""

    seconds: float | None
    data: Path | None
    port: int
    slack_port: int
    rules: tuple[Path, ...]
    seed: int
    quiet: bool


@dataclass(slots=True)
class _Seen:
    """What the demo has seen so far."""

    first_alert_s: float | None = None


def run_demo(options: DemoOptions) -> dict[str, object]:
    """Run until the time is over or Ctrl-C; return what was stored and told."""
    logs.configure(json=False, level="error")
    with _folder(options.data) as folder:
        return unwrapped(_demo(options, folder))


@contextmanager
def _folder(given: Path | None) -> Iterator[Path]:
    if given is not None:
        yield given
        return
    with tempfile.TemporaryDirectory(prefix="deskwatch-demo-") as made:
        yield Path(made)


async def _demo(options: DemoOptions, folder: Path) -> dict[str, object]:
    clock = SystemClock()
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    tell = _Teller(clock, quiet=options.quiet)
    tell("starting simulated venues and a Slack workspace")
    async with (
        slack_workspace(clock, port=options.slack_port, channels=(CHANNEL,)) as slack,
        simulating(clock, seed=options.seed) as world,
    ):
        settings = _settings(options, folder, world, slack)
        tell("starting QuestDB (the first time it is fetched and checked)")
        links = {"Slack": slack.page_url}
        async with running(settings, Shard(), clock, Random(options.seed), links) as desk:  # noqa: S311  jitter
            tell("running")
            _addresses(desk, slack, quiet=options.quiet)
            return await _perform(options, world, slack, desk, stop, tell)


class _Teller:
    """Says what goes on, with the seconds since the start."""

    def __init__(self, clock: Clock, *, quiet: bool) -> None:
        self._clock = clock
        self._quiet = quiet
        self._began = clock.elapsed()

    def __call__(self, text: str) -> None:
        if not self._quiet:
            say(f"{self._clock.elapsed() - self._began:6.1f} s  {text}")


def _settings(options: DemoOptions, folder: Path, world: World, slack: SlackWorkspace) -> Any:  # noqa: ANN401  see load
    funding = [Channel.FUNDING]
    spot = [Channel.TRADES, Channel.QUOTES, Channel.BOOKS]
    venues = {
        name: VenueSettings(
            symbols=list(venue.symbols),
            channels=spot if name == "binance" else spot + funding,
            ws_url=venue.ws_url,
            rest_url=venue.rest_url,
        )
        for name, venue in world.venues.items()
    }
    account = world.venues["binance"].account
    accounts = {}
    if account is not None:
        accounts[ACCOUNT] = AccountSettings(
            venue="binance",
            key=SecretStr(account.key),
            secret=SecretStr(account.secret),
            symbols=list(world.venues["binance"].symbols),
            rest_url=account.rest_url,
            ws_url=account.ws_url,
        )
    return load(
        data=folder,
        rules=[CATALOGUE, *options.rules],
        venues=venues,
        accounts=accounts,
        slack=SlackSettings(token=SecretStr(TOKEN), app_token=SecretStr(APP_TOKEN), api_url=slack.api_url),
        oms=OmsSettings(compare_every=timedelta(seconds=5)),
        status=StatusSettings(port=options.port),
        alerts=AlertSettings(channel=f"#{CHANNEL}"),
    )


def _addresses(desk: Desk, slack: SlackWorkspace, *, quiet: bool) -> None:
    if quiet:
        return
    say("")
    say(f"  status page   {desk.status_url}")
    say(f"  Slack         {slack.page_url}")
    say("")
    say("  The first incident comes in a few seconds. Stop with Ctrl-C.")
    say("")


async def _perform(
    options: DemoOptions, world: World, slack: SlackWorkspace, desk: Desk, stop: asyncio.Event, tell: _Teller
) -> dict[str, object]:
    clock = SystemClock()
    seen = _Seen()
    async with asyncio.TaskGroup() as group:
        tasks = [
            start(group, "incidents", play(world, INCIDENTS, clock, tell)),
            start(group, "first alert", _watch_slack(slack, seen, clock, tell)),
        ]
        try:
            async with asyncio.timeout(options.seconds):
                await stop.wait()
        except TimeoutError:
            tell("the time is over")
        tell("stopping")
        for task in tasks:
            task.cancel()
    return await _report(desk, slack, seen)


async def _watch_slack(slack: SlackWorkspace, seen: _Seen, clock: Clock, tell: _Teller) -> None:
    began, shown = clock.elapsed(), 0
    while True:
        messages = slack.messages(CHANNEL)
        for message in messages[shown:]:
            if seen.first_alert_s is None:
                seen.first_alert_s = round(clock.elapsed() - began, 2)
            tell(f"Slack: {message.text.replace('*', '').splitlines()[0]}")
        shown = len(messages)
        await clock.sleep(LOOK_EVERY_S)


async def _report(desk: Desk, slack: SlackWorkspace, seen: _Seen) -> dict[str, object]:
    rows = {}
    assert desk.reader is not None  # noqa: S101  a whole desk has one
    for table in TABLES:
        result = await desk.reader.query(f"SELECT count() FROM {table}")  # noqa: S608  our own names
        rows[table] = result.rows[0][0]
    fired = await desk.reader.query("SELECT count() FROM alert_events WHERE to_state = 'firing'")
    return {
        "rows": rows,
        "alerts": fired.rows[0][0],
        "messages": len(slack.messages(CHANNEL)),
        "first_alert_s": seen.first_alert_s,
    }
