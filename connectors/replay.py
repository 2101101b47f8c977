"""Recorded frames through the real feed. The recording plays the venue, and answers what the feed asks of it.

Format (one record a line): `URL <-> TS` a connection, `URL <- TS: MSG` ours, `TS: MSG` the venue's; in `PREFIX.http.*`
and `PREFIX.0`: `URL -> TS: BODY`. After a fault the feed asks for a fresh book that nobody recorded: the recording then
answers from a book of its own, built from the recorded image and every undamaged frame, in the venue's native form.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from connectors.base.book import Book
from connectors.base.contract import (
    BookDelta,
    BookImage,
    Command,
    Dialect,
    FetchSnapshot,
    Names,
    Send,
    Stream,
)
from connectors.base.feed import MarketFeed
from connectors.registry import dialect
from core.errors import BadMessage, UsageError
from core.events import Instrument, MarketEvent
from core.types import SECOND, Channel, Nanos, StreamState


class NoRecording(UsageError):
    """There is no recording."""


@dataclass(frozen=True, slots=True)
class Faults:
    """Frames to damage, numbered from 1 over the frames that the venue sent. `swap` exchanges one with the next."""

    drop: frozenset[int] = frozenset()
    duplicate: frozenset[int] = frozenset()
    swap: frozenset[int] = frozenset()
    corrupt: frozenset[int] = frozenset()


class Recorded(NamedTuple):
    """One record: when, the address it came from, and what was said."""

    at: Nanos
    url: str
    body: str


@dataclass(frozen=True, slots=True)
class Recording:
    """A recording, read into memory."""

    frames: Sequence[Recorded]
    answers: Sequence[Recorded]
    instruments: Sequence[Instrument]


@dataclass(slots=True)
class ReplayReport:
    """What a replay made of a recording; `as_json` is the contract of `deskwatch replay -o json`."""

    venue: str
    feed: MarketFeed
    frames: int
    seconds: float
    events: list[MarketEvent] = field(default_factory=list)

    def as_json(self) -> dict[str, object]:
        """Return the report as JSON-able values."""
        seen = self.feed.counters
        books = self.feed.books
        return {
            "venue": self.venue,
            "messages": seen.messages,
            "events": dict(sorted(seen.events.items())),
            "ignored": seen.ignored,
            "unknown": seen.unknown,
            "errors": seen.errors,
            "sequence": {"checked": sum(b.links_checked for b in books.values()), "gaps": seen.gaps},
            "checksum": {"ok": sum(b.checksums_ok for b in books.values()), "failed": seen.checksum_failures},
            "snapshots": {"accepted": seen.snapshots_accepted, "rejected": seen.snapshots_rejected},
            "resyncs": seen.resyncs,
            "crossed": seen.crossed,
            "seconds": round(self.seconds, 6),
            "messages_per_second": round(seen.messages / self.seconds) if self.seconds else None,
            "books": {symbol: _summary(book) for symbol, book in sorted(books.items())},
        }


def _summary(book: Book) -> dict[str, object]:
    bids, asks = book.bids, book.asks
    return {
        "bid": bids.best,
        "ask": asks.best,
        "levels": [len(bids.prices), len(asks.prices)],
        "last": book.last,
        "state": book.state.value,
    }


def read(venue: Dialect, prefix: Path) -> Recording:
    """Read `PREFIX.ws.*`, `PREFIX.http.*` and `PREFIX.0`.

    Raises:
        NoRecording: there are no frames.
    """
    frames = [one for file in _files(prefix, "ws") for one in _frames(file)]
    if not frames:
        raise NoRecording(f"{prefix}.ws.*", hint="PREFIX is the path without its endings, such as captures/OKX")
    answers = [one for file in _files(prefix, "http") for one in _answers(file)]
    instruments = [
        instrument for one in _answers(prefix.with_name(prefix.name + ".0")) for instrument in _instruments(venue, one)
    ]
    return Recording(sorted(frames, key=lambda one: one.at), sorted(answers, key=lambda one: one.at), instruments)


def _files(prefix: Path, kind: str) -> list[Path]:
    return sorted(prefix.parent.glob(f"{prefix.name}.{kind}.*"))


def _frames(file: Path) -> Iterator[Recorded]:
    url = ""
    for line in file.read_text().splitlines():
        head, _, rest = line.partition(" ")
        if rest.startswith("<->"):
            url = head
        elif head.endswith(":") and head[0].isdigit():
            yield Recorded(_nanos(head[:-1]), url, rest)


def _answers(file: Path) -> Iterator[Recorded]:
    if not file.is_file():
        return
    for line in file.read_text().splitlines():
        url, arrow, rest = line.partition(" -> ")
        if arrow:
            stamp, _, body = rest.partition(": ")
            yield Recorded(_nanos(stamp), url, body)


def _nanos(text: str) -> Nanos:
    return round(float(text) * SECOND)


def _instruments(venue: Dialect, answer: Recorded) -> Sequence[Instrument]:
    try:
        return venue.parse_instruments(answer.body.encode(), answer.at)
    except BadMessage:
        return ()  # PREFIX.0 holds other answers too


class _Venue:
    """The venue of a replay: it knows its own books and answers the feed's commands from the recording."""

    def __init__(self, venue: Dialect, recording: Recording, names: Names) -> None:
        self._dialect = venue
        self._names = names
        self._books: dict[str, Book] = {}
        self._begun: set[str] = set()
        self._recorded = {one.url.partition("symbol=")[2].partition("&")[0]: one for one in reversed(recording.answers)}

    def sees(self, frame: Recorded) -> None:
        """Keep the venue's own books: from the undamaged frames."""
        if self._dialect.books.snapshot_path is not None:
            for native, answer in list(self._recorded.items()):
                if answer.at <= frame.at and native not in self._begun:
                    self._begun.add(native)
                    self._begin(native, answer)
        try:
            meanings = self._dialect.parse(frame.body, frame.at, self._names)
        except BadMessage:
            return
        for meaning in meanings:
            match meaning:
                case BookImage(native=native):
                    self._book(native).image(meaning)
                case BookDelta(native=native):
                    self._book(native).delta(meaning)
                case _:
                    continue

    def _begin(self, native: str, answer: Recorded) -> None:
        parse = self._dialect.books.parse_snapshot
        if parse is not None:
            self._book(native).image(parse(answer.body.encode(), native, answer.at))

    def _book(self, native: str) -> Book:
        return self._books.setdefault(native, Book(self._dialect.books))

    def snapshot(self, native: str, now: Nanos) -> bytes | None:
        """Return the REST answer to a request for a book now: the recorded one, or a newer one of the same form."""
        book = self._books.get(native)
        if book is None or book.state is not StreamState.LIVE:
            answer = self._recorded.get(native)
            return answer.body.encode() if answer is not None and answer.at <= now else None
        return msgspec.json.encode({"lastUpdateId": book.last, "bids": _texts(book, True), "asks": _texts(book, False)})  # noqa: FBT003  which side

    def image(self, native: str, now: Nanos) -> str | None:
        """Return the frame that answers a new subscription with a whole book."""
        book = self._books.get(native)
        if book is None or book.state is not StreamState.LIVE:
            return None
        rows = {
            name: [[price, size, "0", "1"] for price, size in _texts(book, bids)]
            for name, bids in (("bids", True), ("asks", False))
        }
        data = {**rows, "ts": str(now // 1_000_000), "checksum": 0, "seqId": book.last, "prevSeqId": -1}
        frame = {"arg": {"channel": "books", "instId": native}, "action": "snapshot", "data": [data]}
        return msgspec.json.encode(frame).decode()


def _texts(book: Book, bids: bool) -> list[tuple[str, str]]:  # noqa: FBT001  which side
    side = book.bids if bids else book.asks
    if side.texts is not None:
        return [
            (text.partition(":")[0], text.partition(":")[2]) for text in map(side.texts.__getitem__, side.top(10**6))
        ]
    return [(repr(at), repr(side.sizes[at])) for at in side.top(10**6)]


def run_replay(venue: str, prefix: Path, faults: Faults = Faults(), *, collect: bool = False) -> ReplayReport:
    """Replay a recording and return the report; `collect` keeps the published events.

    Raises:
        UnknownVenue, NoRecording: with what to do.
    """
    spoken = dialect(venue)
    recording = read(spoken, prefix)
    names = Names(recording.instruments)
    events: list[MarketEvent] = []
    feed = MarketFeed(spoken, names, (), "replay", events.append if collect else lambda _: None)
    shadow = _Venue(spoken, recording, names)
    damaged = _damage(recording.frames, faults)
    seconds = 0.0  # of the feed alone: the recording's own books do not count
    for original, delivered in zip(recording.frames, damaged, strict=True):
        shadow.sees(original)
        for body in delivered:
            started = time.perf_counter()  # noqa: TID251  the speed of the feed is what is measured
            commands = feed.on_frame(body, original.at)
            seconds += time.perf_counter() - started  # noqa: TID251  as above
            _obey(feed, shadow, commands, original.at)
        _obey(feed, shadow, feed.on_tick(original.at), original.at)
    return ReplayReport(spoken.venue, feed, len(recording.frames), seconds, events)


def _obey(feed: MarketFeed, venue: _Venue, commands: Sequence[Command], now: Nanos) -> None:
    for command in commands:
        match command:
            case FetchSnapshot(native):
                body = venue.snapshot(native, now)
                more = feed.on_snapshot_failed(native, now) if body is None else feed.on_snapshot(native, body, now)
                _obey(feed, venue, more, now)
            case Send(text) if '"unsubscribe"' not in text:
                for stream in _asked(text):
                    body_text = venue.image(stream.native, now)
                    if body_text is not None:
                        feed.counters.messages -= 1  # the recording holds no such frame
                        _obey(feed, venue, feed.on_frame(body_text, now), now)
            case _:
                continue


def _asked(text: str) -> list[Stream]:
    request: Any = msgspec.json.decode(text)
    return [Stream(Channel.BOOKS, one["instId"]) for one in request.get("args", ()) if one["channel"] == "books"]


def _damage(frames: Sequence[Recorded], faults: Faults) -> list[list[str]]:
    """Return what arrives in place of each frame."""
    bodies = [frame.body for frame in frames]
    for number in sorted(faults.swap):
        if 0 < number < len(bodies):
            bodies[number - 1], bodies[number] = bodies[number], bodies[number - 1]
    delivered = []
    for number, body in enumerate(bodies, 1):
        copies = 0 if number in faults.drop else 2 if number in faults.duplicate else 1
        delivered.append([corrupt(body) if number in faults.corrupt else body] * copies)
    return delivered


def corrupt(body: str) -> str:
    """Return a book frame with one digit of its first size changed: valid JSON, wrong book."""
    for start in ('"bids":[["', '"asks":[["', '"b":[["', '"a":[["'):
        at = body.find(start)
        if at >= 0:
            size = body.find('","', at) + 3
            end = body.find('"', size)
            digit = next((i for i in range(end - 1, size - 1, -1) if body[i].isdigit()), None)
            if digit is not None:
                return body[:digit] + str((int(body[digit]) + 1) % 10) + body[digit + 1 :]
    return body[: len(body) // 2]
