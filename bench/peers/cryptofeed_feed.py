"""The other side of bench/feed.py: recorded frames through cryptofeed's own handlers, in an environment of its own.

Reads lines `FOLDER NAME PASSES STOP` (such as `captures BINANCE_FUTURES 20 rows`) on stdin and answers each with a JSON
object: the messages handled, the seconds in its handlers, the rows made. STOP `events` ends in callbacks that do
nothing; `rows` ends in the lines of its own QuestDB backend (books sampled each second, as ours are), joined, encoded.
"""

import asyncio
import json
import sys
import time
from collections import defaultdict
from pathlib import Path
from typing import Any, NamedTuple

from cryptofeed.backends import quest  # type: ignore[import-not-found]  # it is installed in its own environment only
from cryptofeed.connection import (  # type: ignore[import-not-found]  # likewise
    HTTPAsyncConn,
    HTTPSync,
)
from cryptofeed.exchanges import EXCHANGE_MAP  # type: ignore[import-not-found]  # likewise

LEVELS = 20


class Capture(NamedTuple):
    """A recording: subscription, lists of instruments, REST answers by address, frames with their times."""

    subscription: dict[str, list[str]]
    lists: list[Any]
    answers: dict[str, list[str]]
    frames: list[tuple[float, str]]


class Recorded:
    """The connection that cryptofeed talks to; it answers from the recording."""

    conn_type = "wss"
    uuid = "bench"

    def __init__(self, answers: dict[str, list[str]]) -> None:
        self.answers = {url: list(bodies) for url, bodies in answers.items()}
        self.subscription: dict[str, list[str]] = {}

    async def write(self, *_: object, **__: object) -> None:
        """Take a subscription."""

    async def read(self, url: str, **_: object) -> str:
        """Answer a request."""
        return self.answers[url].pop(0)


def load(folder: Path, name: str) -> Capture:
    """Read a recording."""
    subscription: dict[str, list[str]] = {}
    lists, frames = [], []
    answers: dict[str, list[str]] = defaultdict(list)
    for line in (folder / f"{name}.0").read_text().splitlines():
        head, _, body = line.partition(": ")
        if head == "configuration":
            subscription = json.loads(body)
        elif body:
            lists.append(json.loads(body))
    for line in (line for file in folder.glob(f"{name}.http.*") for line in file.read_text().splitlines()):
        url, _, rest = line.partition(" -> ")
        answers[url].append(rest.partition(": ")[2])
    for line in (folder / f"{name}.ws.1.0").read_text().splitlines():
        stamp, _, body = line.partition(": ")
        if stamp[:1].isdigit():
            frames.append((float(stamp), body))
    return Capture(subscription, lists, answers, frames)


class Rows:
    """Its QuestDB backend without the network: callbacks by kind, and the lines they made."""

    def __init__(self) -> None:
        self._lines: asyncio.Queue[str] = asyncio.Queue()
        self._sampled: dict[str, float] = {}
        self._book = quest.BookQuest(depth=LEVELS)
        self.callbacks = {"ticker": quest.TickerQuest(), "trades": quest.TradeQuest(), "l2_book": self._sample}
        for backend in (self._book, self.callbacks["ticker"], self.callbacks["trades"]):
            backend.queue = self._lines

    async def _sample(self, book: Any, received: float) -> None:  # noqa: ANN401  its own type
        if received - self._sampled.get(book.symbol, 0.0) >= 1.0:
            self._sampled[book.symbol] = received
            await self._book(book, received)

    def take(self) -> int:
        """Join and encode the lines, as its writer does; return how many there were."""
        lines = [self._lines.get_nowait() for _ in range(self._lines.qsize())]
        _ = ("\n".join(lines) + "\n").encode()
        return len(lines)


async def nothing(*_: object, **__: object) -> None:
    """Be called back."""


async def one_pass(name: str, capture: Capture, *, rows: bool) -> tuple[float, int]:
    """Handle every frame once with a new feed; return the seconds that it took, and the rows it made."""
    venue = Recorded(capture.answers)
    lists = list(capture.lists)
    HTTPAsyncConn.read = lambda _, url, **kwargs: venue.read(url, **kwargs)
    HTTPSync.read = lambda *_, **__: lists.pop(0)
    sink = Rows()
    feed = EXCHANGE_MAP[name](
        subscription=capture.subscription,
        callbacks={kind: sink.callbacks.get(kind, nothing) if rows else nothing for kind in capture.subscription},
        checksum_validation=name == "OKX",
        candle_closed_only=False,
    )
    connections = feed.connect()
    venue.subscription = {
        feed.std_channel_to_exchange(channel): [feed.std_symbol_to_exchange_symbol(one) for one in symbols]
        for channel, symbols in capture.subscription.items()
    }
    for _, subscribe, _, _ in connections:
        await subscribe(venue)
    handler = connections[0][2]
    started = time.process_time()
    for stamp, frame in capture.frames:
        await handler(frame, venue, stamp)
    made = sink.take()
    return time.process_time() - started, made


async def serve() -> None:
    """Answer one line after the other."""
    captures: dict[str, Capture] = {}
    for line in sys.stdin:
        folder, name, passes, stop = line.rsplit(maxsplit=3)
        capture = captures.setdefault(name, load(Path(folder), name))
        seconds, made = 0.0, 0
        for _ in range(int(passes)):
            took, rows = await one_pass(name, capture, rows=stop == "rows")
            seconds, made = seconds + took, made + rows
        answer = {"messages": len(capture.frames) * int(passes), "seconds": seconds, "rows": made}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    asyncio.run(serve())
