"""From a fault in a feed to Slack's answer: how long until the message is accepted, with many rules loaded.

    .venv/bin/python -m bench.detect                             20 faults, 1,000 rules at 1 s
    .venv/bin/python -m bench.detect --faults 5 --rules 100 -o json

A simulated venue sends quotes over its own protocol; the real connector, collector, writer, QuestDB, rules, groups and
sender take them to the simulated Slack. A fault makes the spread of one symbol wide; the clock stops when Slack has
accepted the message that names it. One rule with `for: 0s` and a group wait of 0 s sees it; the others ask other
questions of the same tables. Each fault is on another symbol in turn, and ends before the next.
"""

import argparse
import asyncio
import json
import sys
import tempfile
import time
from pathlib import Path
from random import Random

from pydantic import SecretStr

from alerts.settings import AlertSettings
from bench.machine import machine, show
from connectors.base.settings import VenueSettings
from core.clock import SystemClock
from core.types import Channel
from deskwatch.services import Shard
from deskwatch.settings import SlackSettings, StatusSettings, load
from deskwatch.wiring import running
from simulator.slack.workspace import TOKEN, SlackWorkspace, slack_workspace
from simulator.world import World, simulating

CHANNEL = "alerts"
SYMBOLS = ("BTC-USDT", "ETH-USDT")
VENUE = "okx"
WARM_S = 15.0
"""Seconds until the books are live and every rule has run some times."""
FAULT_S, PAUSE_S = 3.0, 9.0
LIMIT_S = 20.0
"""A fault that is not told within this was missed."""

GROUP = """  - name: {name}
    every: 1s
    rules:
"""
WATCHING = """      - alert: {name}
        threshold:
          table: quotes
          value: max((ask - bid) / (ask + bid) * 20000)
          over: {over}s
          by: [venue, symbol]
          above: {above}
        severity: page
        summary: "{{{{ venue }}}} {{{{ symbol }}}} spread is {{{{ value }}}}"
"""


def rules_text(count: int) -> str:
    """Return a rule file: the one that sees the fault, and the others in groups of 20."""
    text = "groups:\n" + GROUP.format(name="detect") + WATCHING.format(name="WideNow", over=1, above=30)
    for at in range(count - 1):
        if at % 20 == 0:
            text += GROUP.format(name=f"load-{at // 20}")
        text += WATCHING.format(name=f"Load{at}", over=5 + at % 50, above=10**9 + at)
    return text


ROUTING = f"""receivers:
  desk: {{slack: {{channel: "#{CHANNEL}"}}}}
route:
  receiver: desk
  group_by: ["..."]
  group_wait: 0s
  group_interval: 1s
"""


async def measure(faults: int, rules: int) -> dict[str, object]:
    """Run the desk, let the faults happen, return the figures."""
    clock = SystemClock()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "rules.yaml").write_text(rules_text(rules))
        (folder / "routing.yaml").write_text(ROUTING)
        async with (
            slack_workspace(clock, channels=(CHANNEL,)) as slack,
            simulating(clock, seed=7) as world,
        ):
            venue = world.venues[VENUE]
            settings = load(
                data=folder / "data",
                rules=[folder / "rules.yaml"],
                routing=folder / "routing.yaml",
                venues={
                    VENUE: VenueSettings(
                        symbols=list(SYMBOLS), channels=[Channel.QUOTES], ws_url=venue.ws_url, rest_url=venue.rest_url
                    )
                },
                slack=SlackSettings(token=SecretStr(TOKEN), api_url=slack.api_url),
                status=StatusSettings(port=0),
                alerts=AlertSettings(channel=f"#{CHANNEL}"),
            )
            async with running(settings, Shard(), clock, Random(7)):
                await asyncio.sleep(WARM_S)
                took = [await one(world, slack, SYMBOLS[at % len(SYMBOLS)], at) for at in range(faults)]
    return figures(took, rules)


async def one(world: World, slack: SlackWorkspace, symbol: str, at: int) -> float | None:
    """Let a fault happen and return the seconds until Slack had the message, None if it never came."""
    await asyncio.sleep(PAUSE_S + (at * 0.37) % 1)  # at another moment of the second each time
    before = {message.ts for message in slack.messages(CHANNEL)}
    began = time.time()
    world.venues[VENUE].faults.widen(symbol, 80.0, FAULT_S)
    while time.time() - began < LIMIT_S:
        for message in slack.messages(CHANNEL):
            if message.ts not in before and symbol in message.text and not message.thread_ts:
                return float(message.ts) - began
        await asyncio.sleep(0.01)
    return None


def figures(took: list[float | None], rules: int) -> dict[str, object]:
    """Return what was measured."""
    found = sorted(one for one in took if one is not None)

    def at(share: float) -> float | None:
        return round(found[min(len(found) - 1, int(share * len(found)))], 3) if found else None

    return {
        "faults": len(took),
        "missed": len(took) - len(found),
        "rules": rules,
        "p50_s": at(0.5),
        "p99_s": at(0.99),
        "least_s": at(0.0),
        "machine": machine(),
    }


def main() -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--faults", type=int, default=20, help="faults, one after the other")
    parser.add_argument("--rules", type=int, default=1000, help="rules that run each second")
    parser.add_argument("-o", "--output", choices=("text", "json"), default="text")
    options = parser.parse_args()
    result = asyncio.run(measure(options.faults, options.rules))
    if options.output == "json":
        print(json.dumps(result))
    else:
        print(show(result["machine"]))  # type: ignore[arg-type]  # machine() gives what show() takes
        for name, value in result.items():
            if name != "machine":
                print(f"{name:>24}  {value}")
    return 1 if result["missed"] else 0


if __name__ == "__main__":
    sys.exit(main())
