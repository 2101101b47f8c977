"""The sans-I/O heart of one connection: frames and ticks in, events out through `publish`, commands back to the shell.

It holds the books, what was acknowledged, each stream's statistics and the silence watchdog. It reads no clock and
opens no socket, so a recording, a test and a live session run the same code.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from connectors.base.acks import Acks, Refusal
from connectors.base.book import Book, Broken, Verdict
from connectors.base.contract import (
    Acknowledged,
    BookDelta,
    BookImage,
    Command,
    Control,
    Dialect,
    FetchSnapshot,
    Ignored,
    Names,
    Notice,
    Reconnect,
    Stream,
    Unknown,
)
from connectors.base.reading import words
from connectors.base.stats import StreamStats
from connectors.base.track import Counters, Track
from connectors.base.watchdog import SilenceWatchdog
from core.errors import BadMessage
from core.events import Book as BookEvent
from core.events import FeedStats, Funding, Gap, MarketEvent, Quote, Trade
from core.log import get_logger
from core.types import SECOND, Channel, GapKind, Nanos, StreamState, Symbol

log = get_logger(__name__)

MUTE: Nanos = 20 * SECOND
"""A connection without any data for so long, one of whose streams is silent by its own rhythm, is replaced.

Heartbeats do not count as data. Without the rhythm a connection of quiet instruments would be replaced for ever.
"""
IMAGE_WITHIN: Nanos = 20 * SECOND
"""How long a venue that sends whole books on the stream may take; then the book is subscribed anew."""


@dataclass(frozen=True, slots=True)
class FeedOptions:
    """How much of a book is published, and how often."""

    levels: int = 20
    sample_every: Nanos = SECOND


class MarketFeed:
    """One connection's worth of streams."""

    def __init__(
        self,
        dialect: Dialect,
        names: Names,
        wanted: Sequence[Stream],
        connection: str,
        publish: Callable[[MarketEvent], None],
        options: FeedOptions = FeedOptions(),
    ) -> None:
        self.counters = Counters()
        self.books: dict[Symbol, Book] = {}
        self._dialect = dialect
        self._parse = dialect.parse
        self._names = names
        self._connection = connection
        self._publish = publish
        self._options = options
        self._watchdog: SilenceWatchdog[tuple[Channel, Symbol]] = SilenceWatchdog()
        self._tracks: dict[tuple[Channel, Symbol], Track] = {}
        self._by_native: dict[str, Track] = {}
        self._acks = Acks(dialect)
        self._by_symbol: dict[type, dict[Symbol, Track]] = {kind: {} for kind in _CHANNELS}
        self._takers: dict[type, Callable[[Any, Nanos], Sequence[Command]]] = {
            Quote: self._event,
            Trade: self._event,
            Funding: self._event,
            BookDelta: self._delta,
            BookImage: self._stream_image,
            Acknowledged: self._acknowledged,
            Control: self._control,
            Ignored: self._ignored,
            Unknown: self._unknown,
        }
        self._last_data: Nanos = 0
        self._opened: Nanos = 0
        for stream in wanted:
            self._track(stream.channel, names.symbol(stream.native), stream.native)

    # --- the shell's calls ---------------------------------------------------------------------------------------

    def opening(self, now: Nanos) -> list[Command]:
        """Return the frames that subscribe everything on a new connection."""
        self._opened = self._last_data = now
        self._acks.restart()
        for track in self._tracks.values():
            if track.unanswered:
                track.unanswered = False
                track.state = StreamState.CONNECTING
        wanted = [track for track in self._tracks.values() if track.state is not StreamState.REFUSED]
        for track in wanted:
            if track.book is not None:
                track.book.reset()
                track.fetching = False
                track.due = now if self._dialect.books.snapshot_path else now + IMAGE_WITHIN
            self._watchdog.restart((track.stream.channel, track.symbol), now)
        return self._acks.subscribe([track.stream for track in wanted], now)

    def on_frame(self, frame: bytes, received: Nanos) -> Sequence[Command]:
        """Take one frame; a bad one is counted and costs nothing but itself."""
        self.counters.messages += 1
        try:
            meanings = self._parse(frame, received, self._names)
        except BadMessage as error:
            self.counters.errors += 1
            log.warning("frame.bad", venue=self._dialect.venue, error=str(error), frame=words(frame))
            return []
        takers = self._takers
        if len(meanings) == 1:
            return takers[type(meanings[0])](meanings[0], received)
        return [command for meaning in meanings for command in takers[type(meaning)](meaning, received)]

    def on_snapshot(self, native: str, body: bytes, received: Nanos) -> list[Command]:
        """Take the REST answer that `FetchSnapshot` asked for."""
        parse = self._dialect.books.parse_snapshot
        track = self._by_native.get(native)
        if parse is None or track is None or track.book is None:
            return []
        try:
            image = parse(body, native, received)
        except BadMessage as error:
            self.counters.errors += 1
            log.warning("snapshot.bad", venue=self._dialect.venue, native=native, error=str(error))
            return self.on_snapshot_failed(native, received)
        return self._image(track, image, received)

    def on_snapshot_failed(self, native: str, now: Nanos) -> list[Command]:
        """Note that a snapshot could not be had; it is asked for again, later and later."""
        track = self._by_native.get(native)
        if track is not None:
            track.fetching = False
            track.schedule(now)
        return []

    def on_closed(self, now: Nanos, reason: str) -> None:
        """Note that the connection is gone: every stream has a hole from its last message on."""
        log.info("connection.closed", venue=self._dialect.venue, connection=self._connection, reason=reason)
        for track in self._tracks.values():
            if track.state in (StreamState.CONNECTING, StreamState.REFUSED):
                continue
            if track.book is not None:
                track.book.reset()
            self._open_hole(track, track.heard or now, GapKind.DISCONNECT, None)
            track.state = StreamState.CONNECTING

    def on_tick(self, now: Nanos) -> list[Command]:
        """Do what time asks for: late acknowledgements, due recoveries, samples, silence."""
        commands: list[Command] = self._acks.overdue(now)
        commands += self._refuse(self._acks.refused())
        commands += self.recoveries(now)
        for track in self._tracks.values():
            if track.changed and now - track.sampled >= self._options.sample_every:
                self._sample(track, now)
        commands += self._silence(now)
        return commands

    def recoveries(self, now: Nanos) -> list[Command]:
        """Return what gets the books back whose turn it is."""
        due = [t for t in self._tracks.values() if t.due is not None and now >= t.due and not t.fetching]
        return [command for track in due for command in self._recover(track, now)]

    def published(self) -> dict[str, int]:
        """Return how many events of each kind were published."""
        counts: dict[str, int] = {}
        for track in self._tracks.values():
            if track.published:
                name = _EVENTS[track.stream.channel]
                counts[name] = counts.get(name, 0) + track.published
        return counts

    def stats(self, now: Nanos) -> list[FeedStats]:
        """Return one line a stream since the last call."""
        for track in self._tracks.values():
            track.note_crossed(now)
        return [track.stats.drain(now, track.state) for track in self._tracks.values()]

    @property
    def settled(self) -> bool:
        """Whether every stream that was not refused is acknowledged and every book LIVE."""
        books = all(t.book is None or t.state in (StreamState.LIVE, StreamState.REFUSED) for t in self._tracks.values())
        return books and not self._acks.waiting

    # --- meanings ------------------------------------------------------------------------------------------------

    def _event(self, event: Quote | Trade | Funding, received: Nanos) -> Sequence[Command]:
        kind = type(event)
        track = self._by_symbol[kind].get(event.symbol) or self._track(_CHANNELS[kind], event.symbol, event.symbol)
        self._heard(track, event.ts, received)
        if track.state is not StreamState.LIVE:
            self._whole(track, received)
        track.published += 1
        self._publish(event)
        return ()

    def _acknowledged(self, answer: Acknowledged, received: Nanos) -> Sequence[Command]:
        self.counters.ignored += 1
        return [*self._acks.answered(answer, received), *self._refuse(self._acks.refused())]

    def _control(self, control: Control, _: Nanos) -> Sequence[Command]:
        self.counters.ignored += 1
        if control.notice is Notice.RECONNECT_SOON:
            return [Reconnect(control.text or "the venue asks for it", planned=True)]
        return ()

    def _ignored(self, _: Ignored, __: Nanos) -> Sequence[Command]:
        self.counters.ignored += 1
        return ()

    def _unknown(self, unknown: Unknown, _: Nanos) -> Sequence[Command]:
        self.counters.unknown += 1
        log.warning("frame.unknown", venue=self._dialect.venue, frame=unknown.text)
        return ()

    def _heard(self, track: Track, ts: Nanos, received: Nanos) -> None:
        track.heard = self._last_data = received
        track.stats.message(ts, received)
        if track.rhythm is not None:
            track.rhythm.heard(received)
        elif track.state is not StreamState.REFUSED:
            track.rhythm = self._watchdog.heard((track.stream.channel, track.symbol), received)

    # --- books ---------------------------------------------------------------------------------------------------

    def _delta(self, delta: BookDelta, received: Nanos) -> Sequence[Command]:
        track = self._by_native.get(delta.native) or self._book_track(delta.native)
        last_good = track.heard
        self._heard(track, delta.ts, received)
        assert track.book is not None  # noqa: S101  every track in _by_native has one
        outcome = track.book.delta(delta)
        if outcome is Verdict.APPLIED:
            if track.state is StreamState.SILENT:
                self._whole(track, received)
            track.changed = True
            if track.book.crossed or track.crossed_since is not None:
                self.counters.crossed += track.follow_crossing(received)
        elif isinstance(outcome, Broken):
            return self._broke(track, outcome, last_good or received, received)
        elif outcome is Verdict.BUFFERED and track.due is None and not track.fetching:
            return self._recover(track, received)
        return ()

    def _stream_image(self, image: BookImage, received: Nanos) -> Sequence[Command]:
        return self._image(self._book_track(image.native), image, received)

    def _image(self, track: Track, image: BookImage, received: Nanos) -> list[Command]:
        assert track.book is not None  # noqa: S101  _book_track made it
        track.fetching = False
        last_good = track.heard
        if self._dialect.books.snapshot_path is None:
            self._heard(track, image.ts, received)
        outcome = track.book.image(image)
        if outcome is Verdict.TOO_OLD or isinstance(outcome, Broken):
            self.counters.snapshots_rejected += 1
            if isinstance(outcome, Broken):
                return self._broke(track, outcome, last_good or received, received)
            track.schedule(received)
            return []
        self.counters.snapshots_accepted += 1
        track.due = None
        if track.hole is not None or track.live_since:
            track.stats.resync()
            self.counters.resyncs += 1
        track.live_since = received
        self._whole(track, received)
        self.counters.crossed += track.follow_crossing(received)
        self._sample(track, received)
        return []

    def _broke(self, track: Track, broken: Broken, since: Nanos, received: Nanos) -> list[Command]:
        track.state = StreamState.BROKEN
        if broken.verdict is Verdict.BAD_CHECKSUM:
            self.counters.checksum_failures += 1
            track.stats.checksum_failure()
            self._open_hole(track, since, GapKind.CHECKSUM, None)
        else:
            self.counters.gaps += 1
            track.stats.gap()
            self._open_hole(track, since, GapKind.SEQUENCE, broken.missing)
        track.broke(received)
        return self._recover(track, received) if track.due is not None and received >= track.due else []

    def _recover(self, track: Track, now: Nanos) -> list[Command]:
        """Ask for the book again: a REST snapshot, or a new subscription where the stream sends the image."""
        rules = self._dialect.books
        if rules.snapshot_path is not None:
            track.due = None
            track.fetching = True
            return [FetchSnapshot(track.stream.native, rules.snapshot_path(track.stream.native), rules.snapshot_weight)]
        track.due = now + IMAGE_WITHIN
        return [*self._acks.unsubscribe([track.stream]), *self._acks.subscribe([track.stream], now)]

    def _sample(self, track: Track, now: Nanos) -> None:
        book = track.book
        if book is None or book.state is not StreamState.LIVE:
            return
        track.sampled, track.changed = now, False
        count = self._options.levels
        bids, asks = book.bids.levels(count), book.asks.levels(count)
        event = BookEvent(self._dialect.venue, track.symbol, book.ts, book.received, book.last, bids, asks)
        track.published += 1
        self._publish(event)

    # --- streams, holes, silence -----------------------------------------------------------------------------------

    def _track(self, channel: Channel, symbol: Symbol, native: str) -> Track:
        stats = StreamStats(self._dialect.venue, channel, symbol, self._connection)
        track = Track(Stream(channel, native), symbol, stats)
        if channel is Channel.BOOKS:
            track.book = self.books[symbol] = Book(self._dialect.books)
            track.state = StreamState.SYNCING
            self._by_native[native] = track
        for kind in (kind for kind, one in _CHANNELS.items() if one is channel):
            self._by_symbol[kind][symbol] = track
        self._tracks[(channel, symbol)] = track
        return track

    def _book_track(self, native: str) -> Track:
        return self._by_native.get(native) or self._track(Channel.BOOKS, self._names.symbol(native), native)

    def _open_hole(self, track: Track, start: Nanos, kind: GapKind, missing: int | None) -> None:
        if track.hole is None:
            track.hole = (start, kind, missing)
            self._gap(track, start, start, kind, missing)

    def _whole(self, track: Track, now: Nanos) -> None:
        track.state = StreamState.LIVE
        if track.hole is not None:
            start, kind, missing = track.hole
            track.hole = None
            self._gap(track, start, max(now, start), kind, missing)

    def _gap(self, track: Track, start: Nanos, end: Nanos, kind: GapKind, missing: int | None) -> None:
        channel, connection = track.stream.channel, self._connection
        self._publish(Gap(self._dialect.venue, channel, track.symbol, connection, start, end, kind, missing))

    def refuse(self, stream: Stream, reason: str) -> None:
        """Give a stream up: it is not subscribed, and its statistics say so each second."""
        track = self._tracks.get((stream.channel, self._names.symbol(stream.native)))
        if track is not None:
            track.state = StreamState.REFUSED
            track.due = track.rhythm = None
            self._watchdog.forget((stream.channel, track.symbol))
        log.error("stream.refused", venue=self._dialect.venue, stream=stream.native, reason=reason)

    def _refuse(self, refusals: Sequence[Refusal]) -> list[Command]:
        for stream, reason, answered in refusals:
            track = self._tracks.get((stream.channel, self._names.symbol(stream.native)))
            if track is not None and not answered:
                if track.heard >= self._opened:
                    continue  # it speaks: only the answer was lost
                track.unanswered = True
            self.refuse(stream, reason)
        if refusals and all(track.unanswered for track in self._tracks.values()):
            return [Reconnect("the venue answers none of our subscriptions", planned=False)]
        return []

    def _silence(self, now: Nanos) -> list[Command]:
        silent = self._watchdog.silent(now)
        for key, age in silent:
            track = self._tracks[key]
            if track.state is StreamState.LIVE:
                log.warning("stream.silent", venue=self._dialect.venue, stream=track.stream.native, age_s=round(age, 1))
                track.state = StreamState.SILENT
                track.stats.gap()
                self._open_hole(track, track.heard, GapKind.STALE, None)
        if silent and now - self._last_data > MUTE:
            self._last_data = now
            return [Reconnect(f"no data for {MUTE // SECOND} s", planned=False)]
        return []


_CHANNELS: dict[type, Channel] = {Quote: Channel.QUOTES, Trade: Channel.TRADES, Funding: Channel.FUNDING}
_EVENTS = {Channel.QUOTES: "quote", Channel.TRADES: "trade", Channel.FUNDING: "funding", Channel.BOOKS: "book"}
