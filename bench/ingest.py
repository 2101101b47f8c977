"""How fast rows reach the database: the whole write path against bare POSTs, in one run; and how soon they are seen.

    .venv/bin/python -m bench.ingest                       60 s of the path, as long of POSTs, 20 s at 5,000 rows/s
    .venv/bin/python -m bench.ingest --seconds 10 -o json  a short run, one JSON object

The path is what the services use: encode, durable bulk spool, POST, delete from the spool. The bare side POSTs the same
rows, encoded beforehand, with the same batch size over one connection too. Slices of both alternate, so that what else
the machine does falls on both. A slice ends when the last of its rows is acknowledged.
"""

import argparse
import asyncio
import json
import random
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import psycopg

from bench.machine import machine, show
from core.clock import SystemClock
from core.rows import Row, Value
from storage.address import Address
from storage.deliver import Accepted, Door
from storage.embedded import EmbeddedServer, dsn, running
from storage.encode import Encoded, Encoder
from storage.migrate import migrate
from storage.settings import DatabaseSettings, WriterSettings
from storage.writer import Writer, writing

TABLES = ("quotes", "trades", "books", "feeds")
"""A quarter of the rows each."""
SYMBOLS, LEVELS, POOL = 50, 20, 1_000
BATCH = WriterSettings().batch_rows
CHUNK = 500
"""Rows handed over at once: what a queue holds after some milliseconds."""
AHEAD = 20 * BATCH
"""Rows that may wait: enough for the moments in which SQLite syncs its file, too few to be read back from disk."""
SLICE_S = 2.5
STEP_NS = 2_000
LATENCY_ROWS_S = 5_000
TICK_S = 0.01


@dataclass(slots=True)
class Side:
    """What one side did: rows and the seconds it took."""

    rows: int = 0
    seconds: float = 0.0
    slices: list[int] = field(default_factory=list)

    @property
    def rate(self) -> float:
        """Rows a second."""
        return self.rows / self.seconds

    def add(self, rows: int, seconds: float) -> None:
        """Count a slice."""
        self.rows += rows
        self.seconds += seconds
        self.slices.append(round(rows / seconds))


class Source:
    """Rows without end: values from a pool, each with an event time of its own."""

    def __init__(self, seed: int) -> None:
        rng = random.Random(seed)
        self._pool = [(TABLES[i % len(TABLES)], _values(TABLES[i % len(TABLES)], i, rng)) for i in range(POOL)]
        self._number = 0
        self._ts = time.time_ns() - 600_000_000_000

    def rows(self, count: int) -> Iterator[Row]:
        """Yield rows, 2 microseconds apart."""
        for _ in range(count):
            yield self.row_at(self._ts)
            self._ts += STEP_NS

    def row_at(self, ts: int) -> Row:
        """Return the next row with an event time."""
        table, values = self._pool[self._number % POOL]
        self._number += 1
        return Row(table, ts, values)

    def batch(self, encoder: Encoder) -> Encoded:
        """Return a whole batch, encoded."""
        for row in self.rows(BATCH):
            encoder.add(row)
        return encoder.take()


def _values(table: str, i: int, rng: random.Random) -> dict[str, Value]:
    price = 100.0 + rng.random()
    values: dict[str, Value] = {"venue": "bench", "symbol": f"S{i % SYMBOLS}-USDT"}
    match table:
        case "quotes":
            values |= {"bid": price, "bid_size": rng.random(), "ask": price + 0.1, "ask_size": rng.random()}
        case "trades":
            values |= {"side": rng.choice(("buy", "sell")), "trade_id": str(10**9 + i), "price": price, "qty": 0.25}
        case "books":
            bids = ([price - 0.1 * n for n in range(LEVELS)], [rng.random() for _ in range(LEVELS)])
            asks = ([price + 0.1 * n for n in range(1, LEVELS + 1)], [rng.random() for _ in range(LEVELS)])
            values |= {"bids": bids, "asks": asks, "seq": i}
        case _:
            values |= {"channel": "books", "connection": "1", "state": "live", "messages": 20, "age_ms": 12.5}
            values |= {"lag_p50_ms": 3.0, "lag_p99_ms": 9.5, "gaps": 0, "resyncs": 0, "checksum_failures": 0}
    if table != "feeds":
        values["received"] = 1_767_268_800_000_000_000 + i
    return values


async def path_slice(writer: Writer, rows: list[Row], seconds: float) -> tuple[int, float]:
    """Send rows through the whole path for a while; return rows and seconds until the last was acknowledged."""
    before, taken, acknowledged = time.perf_counter(), 0, writer.status().bulk.sent_rows
    while taken < len(rows) and time.perf_counter() - before < seconds:
        writer.write(rows[taken : taken + CHUNK])
        taken += CHUNK
        await asyncio.sleep(0)
        while acknowledged + taken - writer.status().bulk.sent_rows > AHEAD:  # noqa: ASYNC110  a figure has no event
            await asyncio.sleep(0.001)
    await writer.flush()
    while writer.status().bulk.sent_rows < acknowledged + taken:  # noqa: ASYNC110  a figure has no event
        await asyncio.sleep(0.001)
    return taken, time.perf_counter() - before


async def bare_slice(door: Door, batches: list[Encoded], seconds: float) -> tuple[int, float]:
    """POST batches that were encoded before, for a while; return rows and seconds."""
    before, rows = time.perf_counter(), 0
    for batch in batches:
        if await door.deliver(batch.payload) != Accepted():
            sys.exit("the database refused a batch")
        rows += len(batch.ends)
        if time.perf_counter() - before >= seconds:
            break
    return rows, time.perf_counter() - before


async def applied(at: Address) -> float:
    """Wait until everything acknowledged is visible; return the seconds that took."""
    before = time.perf_counter()
    query = "SELECT count() FROM wal_tables() WHERE sequencerTxn > writerTxn"
    async with await psycopg.AsyncConnection.connect(dsn(at), autocommit=True, prepare_threshold=None) as connection:
        while (await (await connection.execute(query)).fetchone()) != (0,):  # noqa: ASYNC110  a server has no event
            await asyncio.sleep(0.01)
    return time.perf_counter() - before


async def emptied(at: Address) -> None:
    """Give the disk its space back: a minute of this is twenty gigabytes."""
    await applied(at)
    async with await psycopg.AsyncConnection.connect(dsn(at), autocommit=True, prepare_threshold=None) as connection:
        for name in TABLES:
            await connection.execute(f"TRUNCATE TABLE {name}".encode())


async def throughput(at: Address, folder: Path, seconds: float) -> dict[str, object]:
    """Alternate slices of the path and of bare POSTs until the path has had its seconds."""
    source, path, bare, encoder, lag = Source(1), Side(), Side(), Encoder(), 0.0
    async with writing(folder, at, WriterSettings(), SystemClock()) as writer, aiohttp.ClientSession() as http:
        door = Door(at, http, 30.0)
        await path_slice(writer, list(source.rows(20 * BATCH)), 1.0)  # warm up: the JVM compiles, files grow
        likely = 200
        turn = 0
        while path.seconds < seconds:
            for side in ("path", "bare") if turn % 2 == 0 else ("bare", "path"):
                if side == "path":
                    rows = list(source.rows(likely * BATCH))
                    lag = max(lag, await applied(at))
                    path.add(*await path_slice(writer, rows, SLICE_S))
                else:
                    batches = [source.batch(encoder) for _ in range(likely)]
                    lag = max(lag, await applied(at))
                    bare.add(*await bare_slice(door, batches, SLICE_S))
            turn += 1
            await emptied(at)
            _progress(f"path {path.rate:,.0f} rows/s, bare {bare.rate:,.0f}, ratio {path.rate / bare.rate:.2f}")
        rejected = writer.status().rejects
    return {
        "path_rows_per_second": round(path.rate),
        "bare_rows_per_second": round(bare.rate),
        "ratio": round(path.rate / bare.rate, 3),
        "path_seconds": round(path.seconds, 1),
        "path_rows": path.rows,
        "rejected": rejected,
        "longest_apply_s": round(lag, 2),
        "path_slices": path.slices,
        "bare_slices": bare.slices,
    }


async def latency(at: Address, folder: Path, seconds: float) -> dict[str, object]:
    """Hand rows over at a steady rate and poll until SELECT sees them."""
    source, seen = Source(2), list[float]()
    handed: dict[str, list[int]] = {name: [] for name in TABLES}
    async with writing(folder, at, WriterSettings(), SystemClock()) as writer:
        stop = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            watcher = group.create_task(_watch(at, handed, seen, stop))
            began, ticks = time.perf_counter(), 0
            while (elapsed := time.perf_counter() - began) < seconds:
                if ticks * TICK_S > elapsed:
                    await asyncio.sleep(ticks * TICK_S - elapsed)
                rows = [source.row_at(time.time_ns()) for _ in range(int(LATENCY_ROWS_S * TICK_S))]
                for row in rows:
                    handed[row.table].append(row.ts)
                writer.write(rows)
                ticks += 1
            stop.set()
            await watcher
    seen.sort()
    return {
        "rows_per_second": round(ticks * LATENCY_ROWS_S * TICK_S / seconds),
        "rows_seen": len(seen),
        "visible_p50_ms": round(seen[len(seen) // 2], 1),
        "visible_p99_ms": round(seen[int(len(seen) * 0.99)], 1),
        "visible_max_ms": round(seen[-1], 1),
    }


async def _watch(at: Address, handed: dict[str, list[int]], seen: list[float], stop: asyncio.Event) -> None:
    """Poll the newest row of each table; everything handed over up to it is visible."""
    recent = "WHERE venue = 'bench' AND ts > dateadd('m', -1, now())"
    query = " UNION ALL ".join(
        f"SELECT '{name}' AS t, max(ts)::long AS newest FROM {name} {recent}"  # noqa: S608  four literals
        for name in TABLES
    )
    upto = dict.fromkeys(TABLES, 0)
    async with await psycopg.AsyncConnection.connect(dsn(at), autocommit=True, prepare_threshold=None) as connection:
        while not stop.is_set() or any(upto[name] < len(handed[name]) for name in TABLES):
            rows = await (await connection.execute(query.encode())).fetchall()
            now = time.time_ns()
            for name, newest in rows:
                while upto[name] < len(handed[name]) and newest and handed[name][upto[name]] <= newest:
                    seen.append((now - handed[name][upto[name]]) / 1e6)
                    upto[name] += 1
            await asyncio.sleep(0.004)


def memory(server: EmbeddedServer) -> dict[str, int]:
    """Return the peak resident memory of this process and of the server, MB."""
    lines = Path(f"/proc/{server.pid}/status").read_text().splitlines()
    peak = next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))
    return {
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        "server_peak_mb": peak // 1024,
    }


def _progress(text: str) -> None:
    sys.stderr.write(f"\r{text:<78}")
    sys.stderr.flush()


async def run(seconds: float, latency_seconds: float) -> dict[str, object]:
    """Measure both on a server of its own."""
    state = machine()
    with tempfile.TemporaryDirectory(prefix="deskwatch-bench-") as name:
        folder, clock = Path(name), SystemClock()
        async with running(folder, DatabaseSettings(), clock) as server:
            await migrate(server.address, clock)
            ingest = await throughput(server.address, folder / "throughput", seconds)
            await applied(server.address)
            visible = await latency(server.address, folder / "latency", latency_seconds)
            return {"machine": state, "ingest": ingest, "visibility": visible, "memory": memory(server)}


def table(result: dict[str, object]) -> str:
    """Return the figures as text."""
    lines = [show(machine()), ""]
    for part in ("ingest", "visibility", "memory"):
        figures = result[part]
        assert isinstance(figures, dict)  # noqa: S101  of our own making
        lines += [f"{part:<11} {key:<22} {value}" for key, value in figures.items()]
    return "\n".join(lines)


def main() -> None:
    """Run, and print a table or one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60.0, help="time of the path under full load (default 60)")
    parser.add_argument("--latency-seconds", type=float, default=20.0, help="time at 5,000 rows/s (default 20)")
    parser.add_argument("-o", "--output", choices=("table", "json"), default="table")
    options = parser.parse_args()
    result = asyncio.run(run(options.seconds, options.latency_seconds))
    _progress("")
    sys.stderr.write("\r")
    sys.stdout.write((json.dumps(result) if options.output == "json" else table(result)) + "\n")


if __name__ == "__main__":
    main()
