"""A storm: thousands of alerts at once, each an incident of its own, to a Slack that takes one message a second.

    .venv/bin/python -m bench.storm                  10,000 alerts
    .venv/bin/python -m bench.storm --alerts 2000 -o json

The whole alert side runs: evaluation, groups, the store on disk, the sender, HTTP to the simulated workspace with its
own rate limit. Afterwards every alert must be in a message of its own, or counted by the digest in the store.
Exit code 1 if one is missing, or a channel got more than it takes.
"""

import argparse
import asyncio
import json
import sqlite3
import sys
import tempfile
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
import psutil

from alerts import digest
from alerts.notify.slack import SlackNotifier
from alerts.service import AlertService
from alerts.settings import AlertSettings
from alerts.store import Store
from alerts.tree import Receiver, Route, Routing
from bench.machine import machine, show
from core.clock import SystemClock
from core.heartbeat import Load
from core.ports import Result
from core.tasks import start
from rules.model import Group, Rule, Ruleset, Sql
from simulator.slack.workspace import TOKEN, SlackWorkspace, slack_workspace
from tests.fakes.reader import FakeRowReader, Parameters
from tests.fakes.writer import FakeRowWriter

CHANNEL = "alerts"
RULES = {"BookStale": 0.6, "WideSpread": 0.25, "LateFills": 0.1, "VenueDown": 0.05}
"""Rules and their share of the alerts; the last one pages."""
QUIET_S = 6.0
"""The storm is told when nothing was posted and nothing waited for this long."""


@dataclass
class Seen:
    """What the workspace got, and when."""

    first_s: float = 0.0
    told_s: float = 0.0
    peak_second: int = 0
    rss_mb: float = 0.0


def ruleset(alerts: int) -> tuple[Ruleset, dict[str, list[tuple[str, str, float]]]]:
    """Return the rules, and the rows of each."""
    rules, rows = [], {}
    for name, share in RULES.items():
        severity = "page" if name == "VenueDown" else "warn"
        text = "{{ venue }} {{ symbol }} is at {{ value }}"
        rules.append(Rule(name, Sql(name, None, None), severity, text, timedelta(), timedelta()))
        rows[name] = [("okx", f"S{n:05}-USDT", float(n)) for n in range(round(alerts * share))]
    return Ruleset((Group("storm", Path("storm.yaml"), timedelta(seconds=1), timedelta(), {}, tuple(rules)),)), rows


async def measure(alerts: int) -> dict[str, object]:
    """Let the storm come and return the figures."""
    clock, process = SystemClock(), psutil.Process()
    rules, rows = ruleset(alerts)
    breaching = False

    def answer(sql: str, _parameters: Parameters) -> Result:
        return Result(("venue", "symbol", "value"), rows.get(sql, []) if breaching else [])

    wait, interval, repeat = timedelta(seconds=1), timedelta(seconds=10), timedelta(hours=4)  # as shipped
    root = Route("", (), "desk", None, wait, interval, repeat, goes_on=False)
    table = Routing(root, {"desk": Receiver("desk", f"#{CHANNEL}")})
    with tempfile.TemporaryDirectory() as folder:
        store = await Store.open(Path(folder))
        async with slack_workspace(clock, channels=(CHANNEL,)) as workspace, aiohttp.ClientSession() as http:
            slack = SlackNotifier(TOKEN, http, api_url=workspace.api_url)
            service = AlertService(
                rules,
                table,
                store,
                FakeRowReader(answer),
                FakeRowWriter(),
                slack,
                clock,
                AlertSettings(),
                "bench",
                Load,
            )
            before_mb = process.memory_info().rss / 1e6
            async with asyncio.TaskGroup() as group:
                running = start(group, "service", service.run())
                await asyncio.sleep(2)
                breaching = True
                seen = await watch(workspace, service, process, store, alerts)
                running.cancel()
            await asyncio.sleep(0)
            return await figures(alerts, seen, before_mb, workspace, store)


def _all_told(db: sqlite3.Connection) -> int:
    """Return how many incidents there are, 0 while a message waits."""
    waiting = db.execute("SELECT count(*) FROM outbox").fetchone()[0]
    return 0 if waiting else int(db.execute("SELECT count(*) FROM threads").fetchone()[0])


async def watch(
    workspace: SlackWorkspace, service: AlertService, process: psutil.Process, store: Store, alerts: int
) -> Seen:
    """Look until the storm is told."""
    seen, began, last, count = Seen(), 0.0, time.monotonic(), 0
    while True:
        await asyncio.sleep(0.02)
        now = time.monotonic()
        if not began and any(one.state == "firing" for one in service.alerts()[:1]):
            began = now
        found = len(workspace.calls)
        if found != count:
            seen.first_s = seen.first_s or now - began
            count, last = found, now
            seen.told_s = now - began
        seen.rss_mb = max(seen.rss_mb, process.memory_info().rss / 1e6)
        if count and now - last > QUIET_S and await store.run(_all_told) >= alerts:
            seen.peak_second = peak(workspace)
            return seen


def peak(workspace: SlackWorkspace) -> int:
    """Return the most posts of one second, after the burst that Slack allows; edits count by another limit."""
    stamps = [float(one.ts) for one in workspace.messages(CHANNEL)]
    return max((sum(at <= other < at + 0.95 for other in stamps) for at in stamps), default=0)


async def figures(
    alerts: int, seen: Seen, before_mb: float, workspace: SlackWorkspace, store: Store
) -> dict[str, object]:
    """Return what was told, and what was not."""
    own = [one for one in workspace.messages(CHANNEL) if "STORM" not in one.text]
    names = [str(one.metadata["event_payload"]["incident"]) for one in own if one.metadata]  # type: ignore[index]  # our own metadata
    digests = [one for one in workspace.messages(CHANNEL) if "STORM" in one.text]

    def counted(db: sqlite3.Connection) -> int:
        return sum(digest.counts(db, one["digest"])[0] for one in db.execute("SELECT digest FROM digests").fetchall())

    folded = await store.run(counted)
    logged = await store.messages(alerts * 3)
    opened = {one.incident for one in logged}
    limited = sum(status == 429 for _, status in workspace.calls)
    text = digests[0].text if digests else ""
    await store.close()
    return {
        "alerts": alerts,
        "incidents": len(opened),
        "first_message_s": round(seen.first_s, 2),
        "told_s": round(seen.told_s, 1),
        "own_messages": len(own),
        "folded": folded,
        "digests": len(digests),
        "digest": text,
        "edits": sum(len(one.edits) for one in digests),
        "lost": alerts - len(set(names)) - folded,
        "doubled": len(names) - len(set(names)),
        "most_posts_in_a_second": seen.peak_second,
        "refused_429": limited,
        "rss_before_mb": round(before_mb),
        "rss_peak_mb": round(seen.rss_mb),
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": machine(),
    }


def main() -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--alerts", type=int, default=10_000, help="alerts that fire at once")
    parser.add_argument("-o", "--output", choices=("text", "json"), default="text")
    options = parser.parse_args()
    result = asyncio.run(measure(options.alerts))
    if options.output == "json":
        print(json.dumps(result))
    else:
        print(show(result["machine"]))  # type: ignore[arg-type]  # machine() gives what show() takes
        for name, value in result.items():
            if name != "machine":
                print(f"{name:>24}  {value}")
    good = not result["lost"] and not result["doubled"] and result["most_posts_in_a_second"] == 1
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
