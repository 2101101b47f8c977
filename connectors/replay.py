"""Recorded frames through the real feed. The recording plays the venue, and answers what the feed asks of it.

After a fault the feed asks for a fresh book that nobody recorded. The recording then answers from a book of its own,
built from the recorded image and every undamaged frame, in the venue's native form (`BookRules.write_image`).
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from connectors.base.book import Book, Side
from connectors.base.contract import (
    BookDelta,
    BookImage,
    Command,
    Dialect,
    FetchSnapshot,
    Names,
    Send,
    Texts,
    WireLevels,
)
from connectors.base.feed import MarketFeed
from connectors.base.track import RECOVERY_S
from connectors.recording import Recorded, Recording, read
from connectors.registry import dialect
from core.errors import BadMessage, UsageError
from core.events import MarketEvent
from core.types import SECOND, Channel, Nanos, StreamState


class NoSuchFrame(UsageError):
    """The recording has no such frame."""


@dataclass(frozen=True, slots=True)
class Faults:
    """Frames to damage, numbered from 1 over the frames that the venue sent. `swap` exchanges one with the next."""

    drop: frozenset[int] = frozenset()
    duplicate: frozenset[int] = frozenset()
    swap: frozenset[int] = frozenset()
    corrupt: frozenset[int] = frozenset()


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
            "events": dict(sorted(self.feed.published().items())),
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
    return {"bid": bids.best, "ask": asks.best, "levels": [len(bids.prices), len(asks.prices)], "last": book.last}


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
            return  # the feed counts it
        for meaning in meanings:
            match meaning:
                case BookImage(native=native):
                    _ = self._book(native).image(meaning)
                case BookDelta(native=native):
                    _ = self._book(native).delta(meaning)
                case _:
                    continue

    def _begin(self, native: str, answer: Recorded) -> None:
        parse = self._dialect.books.parse_snapshot
        if parse is not None:
            _ = self._book(native).image(parse(answer.body, native, answer.at))

    def _book(self, native: str) -> Book:
        return self._books.setdefault(native, Book(self._dialect.books))

    def snapshot(self, native: str, now: Nanos) -> bytes | None:
        """Return the REST answer to a request for a book now: the recorded one, or a newer one of the same form."""
        answer = self._recorded.get(native)
        return self.image(native, now) or (answer.body if answer is not None and answer.at <= now else None)

    def image(self, native: str, now: Nanos) -> bytes | None:
        """Return a whole book in the venue's form; None while the venue itself has none."""
        book = self._books.get(native)
        if book is None or book.state is not StreamState.LIVE:
            return None
        texts = Texts(_texts(book.bids), _texts(book.asks))
        image = BookImage(native, now, now, book.last, _levels(book.bids), _levels(book.asks), None, texts)
        return self._dialect.books.write_image(image)


def _levels(side: Side) -> WireLevels:
    return [(at, side.sizes[at]) for at in side.top(len(side.prices))]


def _texts(side: Side) -> Sequence[str]:
    return side.hashed(len(side.prices))


def run_replay(venue: str, prefix: Path, faults: Faults = Faults(), *, collect: bool = False) -> ReplayReport:
    """Replay a recording and return the report; `collect` keeps the published events.

    Raises:
        UnknownVenue, NoRecording, BadRecording, NoSuchFrame: with what to do.
    """
    spoken = dialect(venue)
    return replay(spoken, read(spoken, prefix), faults, collect=collect)


def replay(spoken: Dialect, recording: Recording, faults: Faults = Faults(), *, collect: bool = False) -> ReplayReport:
    """Replay a recording that is in memory; see `run_replay`."""
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
    _settle(feed, shadow, recording.frames[-1].at)
    return ReplayReport(spoken.venue, feed, len(recording.frames), seconds, events)


def _settle(feed: MarketFeed, venue: _Venue, end: Nanos) -> None:
    """Let the recoveries that still wait for their turn come: the recording is over, the venue's books are there."""
    for wait in RECOVERY_S:
        end += wait * SECOND
        _obey(feed, venue, feed.recoveries(end), end)


def _obey(feed: MarketFeed, venue: _Venue, commands: Sequence[Command], now: Nanos) -> None:
    for command in commands:
        match command:
            case FetchSnapshot(native):
                body = venue.snapshot(native, now)
                more = feed.on_snapshot_failed(native, now) if body is None else feed.on_snapshot(native, body, now)
                _obey(feed, venue, more, now)
            case Send(subscribes=streams):
                for stream in streams:
                    frame = venue.image(stream.native, now) if stream.channel is Channel.BOOKS else None
                    if frame is not None:
                        feed.counters.messages -= 1  # the recording holds no such frame
                        _obey(feed, venue, feed.on_frame(frame, now), now)
            case _:
                continue


def _damage(frames: Sequence[Recorded], faults: Faults) -> list[list[bytes]]:
    """Return what arrives in place of each frame: a fault belongs to a frame, wherever a swap puts it."""
    order = list(range(1, len(frames) + 1))
    for number in sorted(faults.drop | faults.duplicate | faults.swap | faults.corrupt):
        if not 1 <= number <= len(frames) - (number in faults.swap):
            raise NoSuchFrame(str(number), hint=f"Frames are numbered from 1 to {len(frames)}; the last has no next")
    for number in sorted(faults.swap):
        order[number - 1], order[number] = order[number], order[number - 1]
    return [list(_copies(number, frames[number - 1].body, faults)) for number in order]


def _copies(number: int, body: bytes, faults: Faults) -> Iterator[bytes]:
    if number not in faults.drop:
        yield corrupt(body) if number in faults.corrupt else body
        if number in faults.duplicate:
            yield body


def corrupt(body: bytes) -> bytes:
    """Return a book frame with one digit of its first size changed: valid JSON, wrong book; else half of the frame."""
    for start in (b'"bids":[["', b'"asks":[["', b'"b":[["', b'"a":[["'):
        at = body.find(start)
        if at >= 0:
            first = body.find(b'","', at) + 3
            end = body.find(b'"', first)
            digit = next((i for i in range(end - 1, first - 1, -1) if body[i : i + 1].isdigit()), None)
            if digit is not None:
                return body[:digit] + b"%d" % ((body[digit] - ord("0") + 1) % 10) + body[digit + 1 :]
    return body[: len(body) // 2]
