"""Wire messages of Binance spot and USD-M futures, public market data.

Sources: the venue's "Web Socket Streams" page for spot, and its "USD-M Futures" pages.
Fields that we do not use are left out; unknown fields never fail.
"""

from typing import Generic, TypeVar

import msgspec

from connectors.base.numbers import Id, Millis, Price

T = TypeVar("T")


class Combined(msgspec.Struct, Generic[T], gc=False):
    """A combined stream's envelope around a message of a known kind."""

    data: T


class Frame(msgspec.Struct, gc=False):
    """Any frame: a combined stream's envelope, the answer to a request, or a bare event."""

    stream: str = ""
    data: msgspec.Raw = msgspec.Raw(b"")
    e: str = ""
    s: msgspec.Raw = msgspec.Raw(b"")
    id: int | str | None = None
    error: "Refusal | None" = None
    code: int = 0
    msg: str = ""


class Refusal(msgspec.Struct, gc=False):
    """Why a request failed."""

    code: int = 0
    msg: str = ""


class DepthUpdate(msgspec.Struct, gc=False):
    """`depthUpdate`: absolute quantities; `pu` exists on futures only."""

    E: Millis
    s: str
    U: Id
    u: Id
    b: list[tuple[Price, Price]]
    a: list[tuple[Price, Price]]
    pu: Id | None = None
    T: Millis = 0


class AggTrade(msgspec.Struct, gc=False):
    """`aggTrade`: fills of one taker order at one price. `m`: the buyer is the maker."""

    s: str
    a: Id
    p: Price
    q: Price
    T: Millis
    m: bool


class TradeEvent(msgspec.Struct, gc=False):
    """`trade`: one match."""

    s: str
    t: Id
    p: Price
    q: Price
    T: Millis
    m: bool


class BookTicker(msgspec.Struct, gc=False):
    """`bookTicker`: best bid and ask. Spot carries no time and no event name."""

    s: str
    b: Price
    B: Price
    a: Price
    A: Price
    T: Millis = 0


class MarkPrice(msgspec.Struct, gc=False):
    """`markPriceUpdate`: mark, index and funding rate."""

    E: Millis
    s: str
    p: Price
    i: str = ""
    r: str = ""


class DepthImage(msgspec.Struct, gc=False):
    """REST depth. `T` exists on futures only."""

    lastUpdateId: Id  # noqa: N815  the venue's spelling
    bids: list[tuple[Price, Price]]
    asks: list[tuple[Price, Price]]
    T: Millis = 0


class Filter(msgspec.Struct, gc=False):
    """One rule of a symbol."""

    filterType: str  # noqa: N815  the venue's spelling
    tickSize: str | None = None  # noqa: N815  likewise
    stepSize: str | None = None  # noqa: N815  likewise
    minNotional: str | None = None  # noqa: N815  likewise
    notional: str | None = None


class SymbolInfo(msgspec.Struct, gc=False):
    """One symbol of exchangeInfo."""

    symbol: str
    status: str
    baseAsset: str  # noqa: N815  the venue's spelling
    quoteAsset: str  # noqa: N815  likewise
    filters: list[Filter] = []
    contractType: str = ""  # noqa: N815  likewise
    deliveryDate: Id = 0  # noqa: N815  likewise


class ExchangeInfo(msgspec.Struct, gc=False):
    """REST exchangeInfo."""

    symbols: list[msgspec.Raw]


class ServerTime(msgspec.Struct, gc=False):
    """REST time."""

    serverTime: Millis  # noqa: N815  the venue's spelling
