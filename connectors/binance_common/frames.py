"""Frames of both Binance venues to meanings: pure."""

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, Generic, TypeVar

import msgspec

from connectors.base.contract import (
    Acknowledged,
    BookDelta,
    BookImage,
    Control,
    Ignored,
    Meaning,
    Names,
    Notice,
    Stream,
    Unknown,
    WireLevels,
)
from connectors.base.numbers import signed
from connectors.base.reading import UNREADABLE, words
from connectors.binance_common.messages import (
    AggTrade,
    BookTicker,
    Combined,
    DepthImage,
    DepthUpdate,
    Frame,
    MarkPrice,
    ServerTime,
    TradeEvent,
)
from core.errors import BadMessage
from core.events import Funding, Quote, Trade
from core.types import MILLISECOND, Channel, Nanos, Side, VenueName

T = TypeVar("T", bound=msgspec.Struct)
Reader = Callable[[T, Nanos, Names, VenueName], Meaning]

_frame = msgspec.json.Decoder(Frame)
_image = msgspec.json.Decoder(DepthImage, strict=False)
_time = msgspec.json.Decoder(ServerTime)
_ENVELOPE = b'{"stream":"'


class _Kind(Generic[T]):
    """One kind of message: how it is decoded, bare or in a combined stream's envelope, and what it means.

    Prices come as texts: a lax decoder makes floats of them while it reads, exactly rounded.
    """

    def __init__(self, wire: type[T], read: Reader[T]) -> None:
        self.bare = msgspec.json.Decoder(wire, strict=False).decode
        self.combined: Callable[[bytes], Combined[T]] = msgspec.json.Decoder(Combined[wire], strict=False).decode  # type: ignore[valid-type]  # a generic struct, made for this type
        self.read = read


def parser(venue: VenueName) -> Callable[[bytes, Nanos, Names], Sequence[Meaning]]:
    """Return the `parse` of a venue's dialect."""
    start = len(_ENVELOPE)

    def parse(frame: bytes, received: Nanos, names: Names) -> Sequence[Meaning]:
        try:
            if frame.startswith(_ENVELOPE):  # nearly all frames: decoded in one pass
                kind = _kind(frame[start : frame.find(b'"', start)])
                if kind is not None:
                    return (kind.read(kind.combined(frame).data, received, names, venue),)
            return (_by_head(frame, received, names, venue),)
        except UNREADABLE as error:
            raise BadMessage(f"{type(error).__name__}: {str(error)[:200]}") from error

    return parse


@lru_cache(maxsize=8192)
def _kind(stream: bytes) -> _Kind[Any] | None:
    """Return the kind of a stream by its name: `btcusdt@depth@100ms`, `btcusdt@markPrice@1s`."""
    name = stream.partition(b"@")[2].decode(errors="replace")
    return _BY_STREAM.get(name) or _BY_STREAM.get(name.partition("@")[0])


def _by_head(frame: bytes, received: Nanos, names: Names, venue: VenueName) -> Meaning:
    head = _frame.decode(frame)
    if head.stream:
        kind = _kind(head.stream.encode())
        return kind.read(kind.bare(head.data), received, names, venue) if kind else _other(head.stream, frame)
    if head.e:
        kind = _BY_EVENT.get(head.e)
        return kind.read(kind.bare(frame), received, names, venue) if kind else _other(head.e, frame)
    if head.id is not None or head.error or head.code:
        refusal = head.error.msg if head.error else head.msg
        return Acknowledged(not refusal, request=head.id if isinstance(head.id, int) else None, reason=refusal)
    if head.s:  # spot's book ticker has neither an envelope nor an event name
        return _quote(_TICKER.bare(frame), received, names, venue)
    return Unknown(words(frame))


def _other(name: str, frame: bytes) -> Meaning:
    if "serverShutdown" in name:
        return Control(Notice.RECONNECT_SOON, "the venue will close this connection")
    for unused in _UNUSED:
        if unused in name:
            return Ignored(unused)
    return Unknown(words(frame))


def _delta(one: DepthUpdate, received: Nanos, _: Names, __: VenueName) -> Meaning:
    return BookDelta(one.s, (one.T or one.E) * MILLISECOND, received, one.U, one.u, one.pu, one.b, one.a)


def _aggregate_trade(one: AggTrade, received: Nanos, names: Names, venue: VenueName) -> Meaning:
    side = Side.SELL if one.m else Side.BUY
    return Trade(venue, names.symbol(one.s), one.T * MILLISECOND, received, str(one.a), side, one.p, one.q)


def _single_trade(one: TradeEvent, received: Nanos, names: Names, venue: VenueName) -> Meaning:
    side = Side.SELL if one.m else Side.BUY
    return Trade(venue, names.symbol(one.s), one.T * MILLISECOND, received, str(one.t), side, one.p, one.q)


def _quote(one: BookTicker, received: Nanos, names: Names, venue: VenueName) -> Meaning:
    ts = one.T * MILLISECOND or received
    return Quote(venue, names.symbol(one.s), ts, received, one.b, one.B, one.a, one.A)


def _funding(one: MarkPrice, received: Nanos, names: Names, venue: VenueName) -> Meaning:
    return Funding(venue, names.symbol(one.s), one.E * MILLISECOND, received, signed(one.r), one.p, signed(one.i))


_DEPTH = _Kind(DepthUpdate, _delta)
_TICKER = _Kind(BookTicker, _quote)
_BY_EVENT: dict[str, _Kind[Any]] = {
    "depthUpdate": _DEPTH,
    "bookTicker": _TICKER,
    "aggTrade": _Kind(AggTrade, _aggregate_trade),
    "trade": _Kind(TradeEvent, _single_trade),
    "markPriceUpdate": _Kind(MarkPrice, _funding),
}
_BY_STREAM: dict[str, _Kind[Any]] = {
    "depth": _DEPTH,
    "bookTicker": _TICKER,
    "aggTrade": _BY_EVENT["aggTrade"],
    "trade": _BY_EVENT["trade"],
    "markPrice": _BY_EVENT["markPriceUpdate"],
}
_UNUSED = (
    "kline", "24hr", "miniTicker", "ticker", "Ticker@", "forceOrder", "avgPrice", "contractInfo", "assetIndex",
    # USD-M's private stream: its account is not read here
    "ORDER_TRADE_UPDATE", "TRADE_LITE", "ACCOUNT_UPDATE", "ALGO_UPDATE", "MARGIN_CALL", "ACCOUNT_CONFIG_UPDATE",
    "listenKeyExpired",
)  # fmt: skip


def parse_snapshot(body: bytes, native: str, received: Nanos) -> BookImage:
    """Return the book of a REST depth answer; raises BadMessage."""
    try:
        image = _image.decode(body)
    except UNREADABLE as error:
        raise BadMessage(f"depth of {native}: {error}") from error
    return BookImage(native, image.T * MILLISECOND or received, received, image.lastUpdateId, image.bids, image.asks)


def write_snapshot(image: BookImage) -> bytes:
    """Return a book as the body of a REST depth answer."""
    rows = {name: [(repr(at), repr(size)) for at, size in side] for name, side in _sides(image)}
    return msgspec.json.encode({"lastUpdateId": image.last, **rows})


def _sides(image: BookImage) -> tuple[tuple[str, WireLevels], ...]:
    return ("bids", image.bids), ("asks", image.asks)


def parse_time(body: bytes) -> Nanos:
    """Return the venue's clock; raises BadMessage."""
    try:
        return _time.decode(body).serverTime * MILLISECOND
    except UNREADABLE as error:
        raise BadMessage(f"time: {error}") from error


def request(method: str, names: Sequence[str], number: int) -> str:
    """Return a SUBSCRIBE or UNSUBSCRIBE request."""
    body: dict[str, Any] = {"method": method, "params": list(names), "id": number}
    return msgspec.json.encode(body).decode()


def stream_name(stream: Stream, channels: dict[Channel, str]) -> str:
    """Return the venue's name of a stream: `btcusdt@depth@100ms`."""
    return f"{stream.native.lower()}@{channels[stream.channel]}"
