"""The desk's vocabulary: closed sets and aliases that every package uses."""

from enum import StrEnum
from typing import TypeAlias

Nanos: TypeAlias = int
"""A moment, in nanoseconds since the epoch, UTC."""

VenueName: TypeAlias = str
"""A venue's name in the registry: lower case, `okx`, `binance_futures`."""

Symbol: TypeAlias = str
"""A canonical symbol: `BTC-USDT`, `BTC-USDT-PERP`, `BTC-USD-20261225-60000-C`."""

SECOND: Nanos = 1_000_000_000
MILLISECOND: Nanos = 1_000_000


class Channel(StrEnum):
    """A kind of stream, public or private."""

    TRADES = "trades"
    QUOTES = "quotes"
    BOOKS = "books"
    FUNDING = "funding"
    INSTRUMENTS = "instruments"
    ACCOUNT = "account"


class Side(StrEnum):
    """The side of an order, or of the aggressor of a public trade."""

    BUY = "buy"
    SELL = "sell"


class Liquidity(StrEnum):
    """Whether a fill made or took liquidity."""

    MAKER = "maker"
    TAKER = "taker"


class InstrumentKind(StrEnum):
    """What is traded."""

    SPOT = "spot"
    PERPETUAL = "perpetual"
    FUTURE = "future"
    OPTION = "option"


class GapKind(StrEnum):
    """Why a stream has a hole."""

    DISCONNECT = "disconnect"
    SEQUENCE = "sequence"
    CHECKSUM = "checksum"
    STALE = "stale"
    OVERFLOW = "overflow"


class StreamState(StrEnum):
    """The state of one stream, or of the book behind it. Only LIVE books are published."""

    CONNECTING = "connecting"
    SYNCING = "syncing"
    LIVE = "live"
    BROKEN = "broken"
    SILENT = "silent"
    REFUSED = "refused"


class Source(StrEnum):
    """Which path told us first: the stream, the history, or our own books."""

    WS = "ws"
    REST = "rest"
    OURS = "ours"
