"""What a venue declares, and what one of its frames can mean. Everything here is a value: no socket, no clock.

A venue is a `Dialect`: names, addresses and pure functions. The shared code asks the dialect and never knows a
venue's name. `base/feed.py` is the sans-I/O heart of a connection (frames in, events and commands out);
`base/session.py` is its shell of sockets and REST.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import NamedTuple, TypeAlias

import msgspec

from core.events import Funding, Instrument, Quote, Trade
from core.types import Channel, Nanos, Symbol, VenueName

NativeName: TypeAlias = str
"""The venue's own name of an instrument: `BTCUSDT`, `BTC-USDT-SWAP`."""


WireLevels: TypeAlias = Sequence[tuple[float, float]]
"""Price and absolute size of each level, checked: finite and not negative."""


class Texts(NamedTuple):
    """`price:size` of each level as the venue wrote it, where its checksum is made of that."""

    bids: Sequence[str]
    asks: Sequence[str]


class Stream(NamedTuple):
    """One stream that we want: a channel of one instrument."""

    channel: Channel
    native: NativeName


class Names:
    """The venue's names and ours, both ways; an instrument that we do not know keeps the venue's own name."""

    def __init__(self, instruments: Sequence[Instrument] = ()) -> None:
        self._by_native = {one.native: one.symbol for one in instruments}
        self._by_symbol = {one.symbol: one.native for one in instruments}

    def symbol(self, native: NativeName) -> Symbol:
        """Return our symbol of the venue's instrument."""
        return self._by_native.get(native, native)

    def native(self, symbol: Symbol) -> NativeName:
        """Return the venue's name of our symbol."""
        return self._by_symbol.get(symbol, symbol)


# --- what a frame can mean, besides Trade, Quote and Funding of core.events ---------------------------------------


class BookImage(msgspec.Struct, frozen=True, gc=False):
    """A whole book. `last` is the id that the next delta must link to."""

    native: NativeName
    ts: Nanos
    received: Nanos
    last: int
    bids: WireLevels
    asks: WireLevels
    checksum: int | None = None
    texts: Texts | None = None


class BookDelta(msgspec.Struct, frozen=True, gc=False):
    """A change of a book: absolute sizes, "0" deletes. `previous` is the id it claims to follow, where it says so."""

    native: NativeName
    ts: Nanos
    received: Nanos
    first: int
    last: int
    previous: int | None
    bids: WireLevels
    asks: WireLevels
    checksum: int | None = None
    texts: Texts | None = None


class Acknowledged(msgspec.Struct, frozen=True, gc=False):
    """The venue's answer to a subscription: by request id, or stream by stream; `reason` when it refuses."""

    ok: bool
    request: int | None = None
    stream: Stream | None = None
    reason: str = ""


class Notice(StrEnum):
    """What the venue says about the connection itself."""

    PONG = "pong"
    HEARTBEAT = "heartbeat"
    RECONNECT_SOON = "reconnect_soon"
    INFO = "info"


class Control(msgspec.Struct, frozen=True, gc=False):
    """A word about the connection, not about a market."""

    notice: Notice
    text: str = ""


class Ignored(msgspec.Struct, frozen=True, gc=False):
    """Known and not used; the reason says why."""

    reason: str


class Unknown(msgspec.Struct, frozen=True, gc=False):
    """A message that this dialect does not know: a defect, counted and shown, never an exception."""

    text: str


Meaning: TypeAlias = Trade | Quote | Funding | BookImage | BookDelta | Acknowledged | Control | Ignored | Unknown


# --- what a venue declares --------------------------------------------------------------------------------------


class LinkRule(StrEnum):
    """How a delta proves that it follows the last one (section 1 of the venue sheets)."""

    BINANCE_SPOT = "U <= local + 1 and u >= local + 1"
    BINANCE_FUTURES = "pu == previous u; the first straddles lastUpdateId"
    PREVIOUS_ID = "previous == last"


class ChecksumRule(StrEnum):
    """How a venue hashes its book; a hash that the frame does not carry is not checked."""

    NONE = "none"
    OKX_CRC32 = "crc32 over the top 25 levels, interleaved, signed; 0 means absent"


@dataclass(frozen=True, slots=True)
class BookRules:
    """The integrity rules of a venue's books. `snapshot_path` None: the stream sends the image when subscribed.

    `write_image` is the other way round: a whole book as the venue would send it (REST body or frame). A recording
    answers with it when the feed asks for a book that nobody recorded.
    """

    link: LinkRule
    write_image: Callable[[BookImage], bytes]
    checksum: ChecksumRule = ChecksumRule.NONE
    snapshot_path: Callable[[NativeName], str] | None = None
    parse_snapshot: Callable[[bytes, NativeName, Nanos], BookImage] | None = None
    snapshot_weight: int = 0


@dataclass(frozen=True, slots=True)
class KeepAlive:
    """Who keeps the connection alive: a text of ours every `every` (answered within `every`), or the venue's pings."""

    text: str | None = None
    every: timedelta = timedelta(seconds=20)


@dataclass(frozen=True, slots=True)
class RestRules:
    """The REST budget: capacity per window in weight units, and the venue's header that tells what is used."""

    weight_per_minute: int
    used_weight_header: str | None = None
    banned_statuses: frozenset[int] = frozenset({418})


@dataclass(frozen=True, slots=True)
class Dialect:
    """One venue's public market data: addresses, limits, and the pure functions that read and write its messages."""

    venue: VenueName
    ws_url: str
    rest_url: str
    ws_path: Callable[[Channel], str]
    """Path (and query) of the socket that carries a channel; streams with equal paths share connections."""
    stream_name: Callable[[Stream], str]
    subscribe: Callable[[Sequence[Stream], int], Sequence[str]]
    """Frames that subscribe; the int is the first request id, one per frame, counting up."""
    unsubscribe: Callable[[Sequence[Stream], int], Sequence[str]]
    parse: Callable[[bytes, Nanos, Names], Sequence[Meaning]]
    """(frame, received_at, names) -> what it means. Raises BadMessage, and nothing else, for a malformed frame."""
    books: BookRules
    instruments_paths: Sequence[str]
    parse_instruments: Callable[[bytes, Nanos], Sequence[Instrument]]
    time_path: str
    parse_time: Callable[[bytes], Nanos]
    rest: RestRules
    keep_alive: KeepAlive = field(default_factory=KeepAlive)
    acknowledges_each_stream: bool = False
    """True: one Acknowledged per stream; False: one per request."""
    streams_per_connection: int = 200
    frames_per_second: float = 4.0
    """How fast we may send, the venue's limit less a margin."""
    life: timedelta = timedelta(hours=23, minutes=30)
    """Planned reconnect, before the venue's own cut."""
    channels: Mapping[Channel, str] = field(default_factory=dict)
    """What it offers: our channel, its name."""


# --- what the feed asks its shell to do --------------------------------------------------------------------------


class Send(NamedTuple):
    """Send this text; `subscribes` names the streams that it asks for."""

    text: str
    subscribes: Sequence[Stream] = ()


class FetchSnapshot(NamedTuple):
    """Get this REST path and hand the body to `feed.on_snapshot(native, body, received)`."""

    native: NativeName
    path: str
    weight: int


class Reconnect(NamedTuple):
    """Replace the connection; planned: open the new one first."""

    reason: str
    planned: bool


Command: TypeAlias = Send | FetchSnapshot | Reconnect
