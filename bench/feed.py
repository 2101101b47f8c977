"""Messages a second of recorded traffic: decode, book, rows and their encoding; beside cryptofeed 2.4.1, in one run.

    .venv/bin/python -m bench.feed [-o json] [--rounds 7] [--captures ../shared/captures]

Ours is the collector's path up to the encoded row: frame -> meanings -> books with every link and checksum checked ->
events (books sampled each second) -> rows -> line protocol. The peer parses, keeps its books (checksums on where it
has them) and calls back: a callback that does nothing, or its own QuestDB backend without the network ("to rows").
Rounds alternate, and seconds are those of the processor: both sides are one thread that never waits, so on an idle
machine that is the wall clock, and on a busy one it still compares. Exit 1: a target is missed.
"""

import argparse
import json
import resource
import subprocess
import sys
import time
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

from bench.machine import machine, show
from collector.rows import row_of
from connectors.base.contract import Dialect, FetchSnapshot, Names
from connectors.base.feed import FeedOptions, MarketFeed
from connectors.recording import Recording, read
from connectors.registry import dialect
from core.events import MarketEvent
from core.types import SECOND
from storage.encode import Encoder

ROOT = Path(__file__).parents[1]
PEER = ROOT / ".peers" / "cryptofeed"
PEER_VERSION = "2.4.1"
VENUES = {"BINANCE": "binance", "BINANCE_FUTURES": "binance_futures", "OKX": "okx"}
ROUND_MESSAGES = 12_000
"""Messages of one round of ours; the peer gets half."""
BATCH_ROWS = 500
TICK = SECOND
"""Of the recording's time. A live connection ticks four times as often, but then a second holds more messages."""
SIDES = {
    "rows": "ours, to encoded rows",
    "events": "ours, to events",
    "cryptofeed_rows": f"cryptofeed {PEER_VERSION}, to rows",
    "cryptofeed_events": f"cryptofeed {PEER_VERSION}, to callbacks",
    "ratio_rows": "times faster, rows to rows",
    "ratio_events": "times faster, events to callbacks",
    "ratio_strict": "times faster, rows to callbacks",
}
TARGETS = {"BINANCE_FUTURES": 2.0}


class Round(NamedTuple):
    """What one round measured."""

    messages: int
    seconds: float
    rows: int = 0
    encoded_bytes: int = 0

    @property
    def rate(self) -> float:
        """Messages a second."""
        return self.messages / self.seconds


class Pass:
    """One pass of ours: a new feed, every frame of a recording, every row encoded."""

    def __init__(self, spoken: Dialect, recording: Recording, *, encode: bool) -> None:
        self._recording = recording
        self._encoder = Encoder()
        self._events: list[MarketEvent] = []
        self._encode = encode
        self.rows = 0
        self.encoded_bytes = 0
        self._feed = MarketFeed(spoken, Names(recording.instruments), (), "bench", self._events.append, FeedOptions())
        self._answers = {one.url.partition("symbol=")[2].partition("&")[0]: one for one in recording.answers}

    def _hand_on(self) -> None:
        """Do what the collector does with the events of some 20 ms."""
        if self._encode:
            add = self._encoder.add
            for event in self._events:
                add(row_of(event))
            self.encoded_bytes += len(self._encoder.take().payload)
        self.rows += len(self._events)
        self._events.clear()

    def run(self) -> float:
        """Return the seconds that it took."""
        feed, answers, due = self._feed, self._answers, 0
        started = time.process_time()
        for at, _, body in self._recording.frames:
            commands = feed.on_frame(body, at)
            if at >= due:
                due = at + TICK
                commands = [*commands, *feed.on_tick(at)]
                if len(self._events) >= BATCH_ROWS:
                    self._hand_on()
            for command in commands:
                if isinstance(command, FetchSnapshot):
                    feed.on_snapshot(command.native, answers[command.native].body, at)
        self._hand_on()
        return time.process_time() - started

    def check(self) -> None:
        """Make sure that speed was not bought with correctness."""
        seen = self._feed.counters
        bad = (seen.gaps, seen.errors, seen.unknown, seen.checksum_failures, seen.snapshots_rejected)
        if any(bad) or not all(book.prices for one in self._feed.books.values() for book in (one.bids, one.asks)):
            sys.exit(f"the replay is not whole: {seen}")


def our_round(spoken: Dialect, recording: Recording, *, encode: bool) -> Round:
    """Return one round of ours; without `encode` it ends where the peer's ends, at the normalised event."""
    passes = max(1, ROUND_MESSAGES // len(recording.frames))
    seconds, rows, size = 0.0, 0, 0
    for _ in range(passes):
        one = Pass(spoken, recording, encode=encode)
        seconds += one.run()
        rows, size = rows + one.rows, size + one.encoded_bytes
        one.check()
    return Round(passes * len(recording.frames), seconds, rows, size)


class Peer:
    """cryptofeed in a process of its own, asked for one round at a time."""

    def __init__(self, captures: Path) -> None:
        self._captures = captures
        self._process = subprocess.Popen(  # noqa: S603  our own script
            [PEER / "bin" / "python", ROOT / "bench" / "peers" / "cryptofeed_feed.py"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def round(self, name: str, messages: int, stop: str) -> Round:
        """Return one round of the peer's."""
        passes = max(1, ROUND_MESSAGES // 2 // messages)
        if self._process.stdin is not None:
            print(self._captures, name, passes, stop, file=self._process.stdin, flush=True)
        line = self._process.stdout.readline() if self._process.stdout is not None else ""
        if not line:
            sys.exit("cryptofeed ended; its error is above")
        answer = json.loads(line)
        return Round(answer["messages"], answer["seconds"], answer["rows"])

    def close(self) -> None:
        """End the process."""
        self._process.terminate()
        self._process.communicate()


def install_peer() -> str:
    """Make the peer's environment if there is none; return why it cannot be had, "" if it can."""
    python = PEER / "bin" / "python"
    check = [
        str(python),
        "-c",
        f"from importlib.metadata import version as v; assert v('cryptofeed') == '{PEER_VERSION}'",
    ]
    if python.exists() and subprocess.run(check, capture_output=True, check=False).returncode == 0:  # noqa: S603  as above
        return ""
    print("installing cryptofeed into .peers/ (first time only) ...", file=sys.stderr)
    steps = (
        [sys.executable, "-m", "venv", "--clear", str(PEER)],
        [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", f"cryptofeed=={PEER_VERSION}"],
        [str(python), "-c", "import cryptofeed.exchanges"],
    )
    for step in steps:
        done = subprocess.run(step, capture_output=True, text=True, check=False)  # noqa: S603  as above
        if done.returncode:
            return f"{' '.join(step[1:4])}: {(done.stderr or done.stdout).strip().splitlines()[-1:]}"
    return ""


def summary(rounds: list[Round]) -> dict[str, Any]:
    """Return the distribution of the rounds, and the size of one."""
    rates = sorted(one.rate for one in rounds)
    return {
        "messages": rounds[0].messages,
        "rows": rounds[0].rows,
        "encoded_bytes": rounds[0].encoded_bytes,
        "messages_per_second": {"min": round(rates[0]), "median": round(median(rates)), "max": round(rates[-1])},
        "microseconds_per_message": round(1e6 / median(rates), 2),
    }


def measure(name: str, captures: Path, peer: Peer | None, rounds: int) -> dict[str, Any]:
    """Return the figures of one recording; the first round of each side warms up and is left out."""
    spoken = dialect(VENUES[name])
    recording = read(spoken, captures / name)
    taken: dict[str, list[Round]] = {"rows": [], "events": [], "cryptofeed_rows": [], "cryptofeed_events": []}
    for number in range(rounds + 1):
        for stop in ("rows", "events"):
            mine = our_round(spoken, recording, encode=stop == "rows")
            theirs = [peer.round(name, len(recording.frames), stop)] if peer is not None else []
            if number:
                taken[stop].append(mine)
                taken[f"cryptofeed_{stop}"] += theirs
    result: dict[str, Any] = {side: summary(found) for side, found in taken.items() if found}
    if peer is not None:
        result["ratio_rows"] = ratio(taken["rows"], taken["cryptofeed_rows"])
        result["ratio_events"] = ratio(taken["events"], taken["cryptofeed_events"])
        result["ratio_strict"] = ratio(taken["rows"], taken["cryptofeed_events"])
    return result


def ratio(ours: list[Round], theirs: list[Round]) -> dict[str, float]:
    """Return how many times faster we were, round by round."""
    found = sorted(a.rate / b.rate for a, b in zip(ours, theirs, strict=True))
    return {"min": round(found[0], 2), "median": round(median(found), 2), "max": round(found[-1], 2)}


def print_report(report: dict[str, Any]) -> None:
    """Print the figures for a person."""
    print(show(report["machine"]))
    print(f"{'messages a second':50} {'min':>9} {'median':>9} {'max':>9}   us/msg")
    for name, figures in report["captures"].items():
        for side, words in SIDES.items():
            if side in figures:
                rate = figures[side].get("messages_per_second", figures[side])
                each = figures[side].get("microseconds_per_message", "")
                print(f"{name:16} {words:33} {rate['min']:>9} {rate['median']:>9} {rate['max']:>9}   {each:>6}")
    print(f"peak memory of ours: {report['peak_rss_mb']} MB")
    if report["peer_missing"]:
        print(f"skipped cryptofeed: {report['peer_missing']}")


def main() -> int:
    """Measure; exit 1 when a target is missed."""
    parser = argparse.ArgumentParser(description="messages a second of recorded traffic")
    parser.add_argument("-o", "--output", choices=("table", "json"), default="table")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--captures", type=Path, default=ROOT.parent / "shared" / "captures")
    options = parser.parse_args()
    before = machine()
    missing = install_peer()
    peer = None if missing else Peer(options.captures.resolve())
    try:
        figures = {name: measure(name, options.captures, peer, options.rounds) for name in VENUES}
    finally:
        if peer is not None:
            peer.close()
    report = {
        "machine": before,
        "captures": figures,
        "peer_missing": missing,
        "peak_rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }
    if options.output == "json":
        print(json.dumps(report, indent=2))
    else:
        print_report(report)
    ratios = {name: figures[name].get("ratio_rows", {}).get("median") for name in TARGETS}
    return int(any(ratio is not None and ratio < TARGETS[name] for name, ratio in ratios.items()))


if __name__ == "__main__":
    sys.exit(main())
