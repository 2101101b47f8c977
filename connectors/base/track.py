"""What a connection remembers: of itself, and of each of its streams."""

from dataclasses import dataclass

from connectors.base.book import Book
from connectors.base.contract import Stream
from connectors.base.stats import StreamStats
from connectors.base.watchdog import Rhythm
from core.types import MILLISECOND, SECOND, GapKind, Nanos, StreamState, Symbol

RECOVERY_S = (0, 1, 2, 5, 10, 30)
"""Waits before the n-th recovery of one book in a row, so that one bad book never becomes a storm."""
CALM: Nanos = 60 * SECOND
"""A book that stayed LIVE for so long starts again with the first wait."""


@dataclass(slots=True)
class Counters:
    """What a connection has seen since its start; a replay prints them."""

    messages: int = 0
    ignored: int = 0
    unknown: int = 0
    errors: int = 0
    gaps: int = 0
    resyncs: int = 0
    crossed: int = 0
    checksum_failures: int = 0
    snapshots_accepted: int = 0
    snapshots_rejected: int = 0


@dataclass(slots=True)
class Track:
    """One stream: its statistics, its hole if it has one, and its book if it is one."""

    stream: Stream
    symbol: Symbol
    stats: StreamStats
    state: StreamState = StreamState.CONNECTING
    heard: Nanos = 0
    unanswered: bool = False
    """REFUSED only because the venue said nothing: a new connection asks again."""
    hole: tuple[Nanos, GapKind, int | None] | None = None
    book: Book | None = None
    sampled: Nanos = 0
    changed: bool = False
    fetching: bool = False
    attempts: int = 0
    due: Nanos | None = None
    live_since: Nanos = 0
    rhythm: Rhythm | None = None
    published: int = 0
    crossed_since: Nanos | None = None

    def schedule(self, now: Nanos) -> None:
        """Let the next recovery of the book come, later with each one in a row."""
        self.due = now + RECOVERY_S[min(self.attempts, len(RECOVERY_S) - 1)] * SECOND
        self.attempts += 1

    def broke(self, now: Nanos) -> None:
        """Schedule the recovery of a book that broke: at once if it had been whole for a while."""
        if self.live_since and now - self.live_since > CALM:
            self.attempts = 0
        self.live_since = 0
        self.schedule(now)

    def follow_crossing(self, now: Nanos) -> bool:
        """Note whether the book is crossed; say whether it has just become so."""
        begun = self.crossed_since is None
        self.note_crossed(now)
        crossed = self.book is not None and self.book.crossed
        self.crossed_since = now if crossed else None
        return crossed and begun

    def note_crossed(self, now: Nanos) -> None:
        """Add the time since the last call to the statistics, while the book is crossed."""
        if self.crossed_since is not None:
            self.stats.crossed(max(0.0, (now - self.crossed_since) / MILLISECOND))
            self.crossed_since = now
