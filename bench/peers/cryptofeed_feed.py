"""The other side of bench/feed.py: recorded frames through cryptofeed's own handlers, in an environment of its own.

Reads lines `FOLDER NAME PASSES` (such as `captures BINANCE_FUTURES 20`) on stdin and answers each with one JSON object:
the messages handled, the seconds in its handlers, and how often each callback was called.
"""

import asyncio
import json
import sys
import time
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any, NamedTuple

from cryptofeed.connection import (  # type: ignore[import-not-found]  # it is installed in its own environment only
    HTTPAsyncConn,
    HTTPSync,
)
from cryptofeed.exchanges import EXCHANGE_MAP  # type: ignore[import-not-found]  # likewise


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


async def one_pass(name: str, capture: Capture, calls: Counter[str]) -> float:
    """Handle every frame once with a new feed, and return the seconds that the handlers took."""
    venue = Recorded(capture.answers)
    lists = list(capture.lists)
    HTTPAsyncConn.read = lambda _, url, **kwargs: venue.read(url, **kwargs)
    HTTPSync.read = lambda *_, **__: lists.pop(0)

    def counter(kind: str) -> Any:  # noqa: ANN401  a callback, as cryptofeed wants it
        async def count(*_: object, **__: object) -> None:
            calls[kind] += 1

        return count

    callbacks = {kind: counter(kind) for kind in capture.subscription}
    feed = EXCHANGE_MAP[name](
        subscription=capture.subscription,
        callbacks=callbacks,
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
    return time.process_time() - started


async def serve() -> None:
    """Answer one line after the other."""
    captures: dict[str, Capture] = {}
    for line in sys.stdin:
        folder, name, passes = line.rsplit(maxsplit=2)
        capture = captures.setdefault(name, load(Path(folder), name))
        calls: Counter[str] = Counter()
        seconds = 0.0
        for _ in range(int(passes)):
            seconds += await one_pass(name, capture, calls)
        answer = {"messages": len(capture.frames) * int(passes), "seconds": seconds, "callbacks": dict(calls)}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    asyncio.run(serve())
