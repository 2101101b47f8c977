"""Wire messages of OKX v5, public channels. Source: the venue's API guide v5, "WebSocket" and "Public data"."""

from typing import Literal, TypeAlias

import msgspec

from connectors.base.numbers import Id, Millis, Price


class Arg(msgspec.Struct, gc=False):
    """Which channel a frame belongs to."""

    channel: str
    instId: str = ""  # noqa: N815  the venue's spelling
    instType: str = ""  # noqa: N815  likewise


class Frame(msgspec.Struct, gc=False):
    """Any JSON frame: data of a channel, or an event about the connection."""

    arg: Arg | None = None
    action: str = ""
    data: msgspec.Raw = msgspec.Raw(b"")
    event: str = ""
    code: str = ""
    msg: str = ""


Level: TypeAlias = tuple[Price, Price, str, str]
"""Price, size, "0", number of orders."""
WrittenLevel: TypeAlias = tuple[str, str, str, str]
"""The same, as the venue wrote it."""


class BookData(msgspec.Struct, gc=False):
    """`books`: rows [price, size, "0", orders]. Recordings of 2022 have no sequence ids."""

    asks: list[Level]
    bids: list[Level]
    ts: Millis
    checksum: int = 0
    seqId: Id | None = None  # noqa: N815  the venue's spelling
    prevSeqId: Id | None = None  # noqa: N815  likewise


class WrittenBook(msgspec.Struct, gc=False):
    """The texts of `books`, of which its checksum is made."""

    asks: list[WrittenLevel]
    bids: list[WrittenLevel]


class TradeData(msgspec.Struct, gc=False):
    """`trades`: one aggregated match."""

    instId: str  # noqa: N815  the venue's spelling
    tradeId: str  # noqa: N815  likewise
    px: Price
    sz: Price
    side: Literal["buy", "sell"]
    ts: Millis


class TickerData(msgspec.Struct, gc=False):
    """`tickers`: of all its fields we use the best prices; an empty text means that side is empty."""

    instId: str  # noqa: N815  the venue's spelling
    askPx: str  # noqa: N815  likewise
    askSz: str  # noqa: N815  likewise
    bidPx: str  # noqa: N815  likewise
    bidSz: str  # noqa: N815  likewise
    ts: str


class BestData(msgspec.Struct, gc=False):
    """`bbo-tbt`: the best level of each side."""

    asks: list[Level]
    bids: list[Level]
    ts: Millis


class FundingData(msgspec.Struct, gc=False):
    """`funding-rate`."""

    instId: str  # noqa: N815  the venue's spelling
    fundingRate: str  # noqa: N815  likewise
    ts: str = ""


class InstrumentData(msgspec.Struct, gc=False):
    """One row of /public/instruments. Empty texts mean "does not apply"."""

    instId: str  # noqa: N815  the venue's spelling
    instType: str  # noqa: N815  likewise
    state: str
    baseCcy: str = ""  # noqa: N815  likewise
    quoteCcy: str = ""  # noqa: N815  likewise
    settleCcy: str = ""  # noqa: N815  likewise
    uly: str = ""
    tickSz: str = ""  # noqa: N815  likewise
    lotSz: str = ""  # noqa: N815  likewise
    ctVal: str = ""  # noqa: N815  likewise
    expTime: str = ""  # noqa: N815  likewise


class Instruments(msgspec.Struct, gc=False):
    """The answer of /public/instruments."""

    code: str
    msg: str = ""
    data: list[msgspec.Raw] = []


class TimeData(msgspec.Struct, gc=False):
    """One row of /public/time."""

    ts: str


class Time(msgspec.Struct, gc=False):
    """The answer of /public/time."""

    data: list[TimeData]
