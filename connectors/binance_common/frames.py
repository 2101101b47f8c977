"""Frames of both Binance venues to meanings: pure."""

from collections.abc import Callable, Sequence
from typing import Any

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

# Prices come as texts: a lax decoder makes floats of them while it reads, exactly rounded.
_frame = msgspec.json.Decoder(Frame)
_depth = msgspec.json.Decoder(DepthUpdate, strict=False)
_aggregate = msgspec.json.Decoder(AggTrade, strict=False)
_trade = msgspec.json.Decoder(TradeEvent, strict=False)
_ticker = msgspec.json.Decoder(BookTicker, strict=False)
_mark = msgspec.json.Decoder(MarkPrice, strict=False)
_image = msgspec.json.Decoder(DepthImage, strict=False)
_time = msgspec.json.Decoder(ServerTime)

Reader = Callable[[bytes | str | msgspec.Raw, Nanos, Names, VenueName], Meaning]


def parse(frame: bytes | str, received: Nanos, names: Names, *, venue: VenueName) -> Sequence[Meaning]:
    """Return what a frame means.

    Raises:
        BadMessage: it is not what the venue documents.
    """
    try:
        head = _frame.decode(frame)
        if head.stream:
            kind = head.stream[head.stream.find("@") + 1 :]
            reader = _BY_STREAM.get(kind) or _BY_STREAM.get(kind[: kind.find("@")])
            if reader is not None:
                return (reader(head.data, received, names, venue),)
            return (_other(head.stream, frame),)
        if head.e:
            reader = _BY_EVENT.get(head.e)
            return (reader(frame, received, names, venue),) if reader else (_other(head.e, frame),)
        return (_answer(head, frame, received, names, venue),)
    except UNREADABLE as error:
        raise BadMessage(f"{type(error).__name__}: {str(error)[:200]}") from error


def _answer(head: Frame, frame: bytes | str, received: Nanos, names: Names, venue: VenueName) -> Meaning:
    """Read the answer to a request, or a spot book ticker, which has neither an envelope nor an event name."""
    if head.id is not None or head.error or head.code:
        refusal = head.error.msg if head.error else head.msg
        return Acknowledged(not refusal, request=head.id if isinstance(head.id, int) else None, reason=refusal)
    if head.s:
        return _quote(frame, received, names, venue)
    return Unknown(words(frame))


def _other(name: str, frame: bytes | str) -> Meaning:
    if "serverShutdown" in name:
        return Control(Notice.RECONNECT_SOON, "the venue will close this connection")
    for unused in _UNUSED:
        if unused in name:
            return Ignored(unused)
    return Unknown(words(frame))


def _delta(data: bytes | str | msgspec.Raw, received: Nanos, _: Names, __: VenueName) -> Meaning:
    one = _depth.decode(data)
    return BookDelta(one.s, (one.T or one.E) * MILLISECOND, received, one.U, one.u, one.pu, one.b, one.a)


def _aggregate_trade(data: bytes | str | msgspec.Raw, received: Nanos, names: Names, venue: VenueName) -> Meaning:
    one = _aggregate.decode(data)
    side = Side.SELL if one.m else Side.BUY
    ts = one.T * MILLISECOND
    return Trade(venue, names.symbol(one.s), ts, received, str(one.a), side, one.p, one.q)


def _single_trade(data: bytes | str | msgspec.Raw, received: Nanos, names: Names, venue: VenueName) -> Meaning:
    one = _trade.decode(data)
    side = Side.SELL if one.m else Side.BUY
    ts = one.T * MILLISECOND
    return Trade(venue, names.symbol(one.s), ts, received, str(one.t), side, one.p, one.q)


def _quote(data: bytes | str | msgspec.Raw, received: Nanos, names: Names, venue: VenueName) -> Meaning:
    one = _ticker.decode(data)
    ts = one.T * MILLISECOND or received
    return Quote(venue, names.symbol(one.s), ts, received, one.b, one.B, one.a, one.A)


def _funding(data: bytes | str | msgspec.Raw, received: Nanos, names: Names, venue: VenueName) -> Meaning:
    one = _mark.decode(data)
    return Funding(venue, names.symbol(one.s), one.E * MILLISECOND, received, signed(one.r), one.p, signed(one.i))


_BY_STREAM: dict[str, Reader] = {
    "depth": _delta,
    "depth@100ms": _delta,
    "depth@500ms": _delta,
    "aggTrade": _aggregate_trade,
    "trade": _single_trade,
    "bookTicker": _quote,
    "markPrice": _funding,
}
_BY_EVENT: dict[str, Reader] = {
    "depthUpdate": _delta,
    "aggTrade": _aggregate_trade,
    "trade": _single_trade,
    "bookTicker": _quote,
    "markPriceUpdate": _funding,
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
