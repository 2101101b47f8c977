"""What a connection remembers: of itself, and of each of its streams."""

from dataclasses import dataclass

from connectors.base.book import Book
from connectors.base.contract import Stream
from connectors.base.stats import StreamStats
from connectors.base.watchdog import Rhythm
from core.types import GapKind, Nanos, StreamState, Symbol


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
