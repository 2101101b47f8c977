"""How fast history is backtested, rule by rule: `python -m bench.backtest [--hours 6]`.

A desk's rows (40 a second, with an incident each half hour) in a QuestDB of its own; each rule of the catalogue alone,
every slot of its group from end to end, checked against the events of the engine that leaves out nothing over a part.
The target is 20,000 x real time for each rule.
"""

import argparse
import asyncio
import random
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import aiohttp

from alerts.route import default_routing
from alerts.settings import AlertSettings
from bench.machine import machine, show
from core.clock import SystemClock, to_datetime
from core.rows import Row, Value
from core.types import SECOND, Nanos
from deskwatch.backtest.engine import Backtest, Outcome
from rules.catalogue import folder
from rules.load import load
from rules.model import Group, Rule, Ruleset
from storage.address import Address
from storage.deliver import Accepted, Door
from storage.embedded import running
from storage.encode import Encoder
from storage.migrate import migrate
from storage.reader import reading
from storage.settings import DatabaseSettings

TARGET = 20_000
STREAMS = 20
INCIDENT_S, EACH_S = 60, 1800
BEHIND = "SELECT count() FROM wal_tables() WHERE sequencerTxn > writerTxn"


def rows(start: Nanos, seconds: int) -> Iterator[Row]:
    """Yield a desk's rows: 20 streams, 20 quotes a second, a heartbeat a service, and the venues' health."""
    rng = random.Random(1)
    for second in range(seconds):
        ts, bad = start + second * SECOND, second % EACH_S < INCIDENT_S
        for number in range(STREAMS):
            place: dict[str, Value] = {"venue": ("okx", "binance")[number % 2], "symbol": f"S{number // 2 % 5}-USDT"}
            wrong = bad and number == 0
            feed: dict[str, Value] = {"channel": ("books", "trades")[number // 10], "connection": "c", "messages": 5}
            feed |= {"state": "broken" if wrong else "live", "age_ms": 50.0, "lag_p99_ms": 30.0, "gaps": int(wrong)}
            yield Row("feeds", ts + number * 1000, {**place, **feed, "checksum_failures": 0, "crossed_ms": 0.0})
            half = (0.003 if wrong else 0.0001) * (0.5 + rng.random())
            quote: dict[str, Value] = {"bid": 100 * (1 - half), "ask": 100 * (1 + half), "bid_size": 1.0}
            yield Row("quotes", ts + number * 37_000_000, {**place, **quote})
        for service in ("collector", "oms", "alerts"):
            beat: dict[str, Value] = {"service": service, "instance": "desk", "loop_lag_ms": 1.0, "rejects": 0}
            yield Row("heartbeats", ts, {**beat, "oldest_unsent_s": 0.02})
        for venue in ("okx", "binance"):
            health: dict[str, Value] = {"venue": venue, "account": "", "ws_state": "live", "reconnects": 0}
            yield Row("venues", ts, {**health, "clock_offset_ms": 3.0, "rest_latency_ms": 40.0, "used_weight_pct": 9.0})


async def fill(at: Address, start: Nanos, seconds: int) -> int:
    """Write the rows, and return how many."""
    count = 0
    async with aiohttp.ClientSession() as http:
        door, encoder = Door(at, http, 60.0), Encoder()
        for row in rows(start, seconds):
            count += 1
            if encoder.add(row) >= 20_000:
                assert await door.deliver(encoder.take().payload) == Accepted()  # noqa: S101  a refused row ends it
        assert await door.deliver(encoder.take().payload) == Accepted()  # noqa: S101  as above
    async with reading(at, statement_timeout=timedelta(seconds=20), connections=1) as reader:
        while (await reader.query(BEHIND)).rows[0] != (0,):  # noqa: ASYNC110  a server has no event
            await asyncio.sleep(0.1)
    return count


async def one(at: Address, group: Group, rule: Rule, start: datetime, end: datetime) -> Outcome:
    """Backtest one rule alone."""
    alone = Ruleset((replace(group, rules=(rule,)),))
    async with reading(at, statement_timeout=timedelta(seconds=60), connections=3) as reader:
        return await Backtest(alone, default_routing(AlertSettings()), reader, SystemClock()).run(
            start, end, lambda *_: None
        )


async def main(hours: float, names: list[str]) -> int:
    """Measure, print a table, and return how many rules miss the target."""
    print(show(machine()))
    clock, seconds = SystemClock(), round(hours * 3600)
    start = (clock.now() // SECOND - seconds - 3600) * SECOND
    missed = 0
    with TemporaryDirectory() as name:
        async with running(Path(name), DatabaseSettings(), clock) as server:
            _ = await migrate(server.address, clock)
            print(f"{await fill(server.address, start, seconds):,} rows, {hours:g} h")
            begin = to_datetime(start)
            print(
                f"{'rule':<24}{'every':>6}{'evaluations':>13}",
                f"{'queries':>8}{'messages':>9}{'seconds':>9}{'x real':>10}",
            )
            for group in load([folder()]).groups:
                for rule in group.rules:
                    if names and rule.name not in names:
                        continue
                    began = time.perf_counter()
                    found = await one(server.address, group, rule, begin, begin + timedelta(seconds=seconds))
                    took = time.perf_counter() - began
                    factor = seconds / took
                    missed += factor < TARGET
                    every = f"{group.every.total_seconds():g}s"
                    counts = f"{found.evaluations:>13,}{found.queries:>9,}{len(found.record.sent):>9}"
                    print(f"{rule.name:<24}{every:>6}{counts}{took:>9.2f}{factor:>10,.0f}", flush=True)
    print(f"target {TARGET:,} x: {f'missed by {missed}' if missed else 'met by every rule'}")
    return missed


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hours", type=float, default=6.0, help="history to make")
    parser.add_argument("--rule", action="append", default=[], help="only this rule; may be repeated")
    given = parser.parse_args()
    raise SystemExit(1 if asyncio.run(main(given.hours, given.rule)) else 0)
