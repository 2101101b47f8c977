"""OKX frames to meanings: pure."""

from collections.abc import Callable, Sequence

import msgspec

from connectors.base import checksum
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
    Texts,
    Unknown,
    WireLevels,
)
from connectors.base.numbers import moment, price, signed
from connectors.base.reading import UNREADABLE, words
from connectors.okx.messages import (
    Arg,
    BestData,
    BookData,
    Frame,
    FundingData,
    Level,
    TickerData,
    Time,
    TradeData,
    WrittenBook,
)
from core.errors import BadMessage
from core.events import Funding, Quote, Trade
from core.types import MILLISECOND, Channel, Nanos, Side

VENUE = "okx"
CHANNELS = {
    Channel.TRADES: "trades",
    Channel.QUOTES: "bbo-tbt",
    Channel.BOOKS: "books",
    Channel.FUNDING: "funding-rate",
}
OURS = {name: channel for channel, name in CHANNELS.items()} | {"tickers": Channel.QUOTES}
WILL_CLOSE = "64008"
"""Notice: the connection will be closed for an upgrade of the service."""
PONG = b"pong"

_frame = msgspec.json.Decoder(Frame)
_books = msgspec.json.Decoder(list[BookData], strict=False)
_written = msgspec.json.Decoder(list[WrittenBook])
_trades = msgspec.json.Decoder(list[TradeData], strict=False)
_tickers = msgspec.json.Decoder(list[TickerData])
_best = msgspec.json.Decoder(list[BestData], strict=False)
_funding = msgspec.json.Decoder(list[FundingData])
_time = msgspec.json.Decoder(Time)


def parse(frame: bytes, received: Nanos, names: Names) -> Sequence[Meaning]:
    """Return what a frame means.

    Raises:
        BadMessage: it is not what the venue documents.
    """
    if frame == PONG:
        return (Control(Notice.PONG),)
    try:
        head = _frame.decode(frame)
        if head.event:
            return (_event(head),)
        if head.arg is None:
            return (Unknown(words(frame)),)
        reader = _READERS.get(head.arg.channel)
        if reader is None:
            known = head.arg.channel.startswith(_UNUSED)
            return (Ignored(head.arg.channel) if known else Unknown(words(frame)),)
        return reader(head, head.arg, received, names)
    except UNREADABLE as error:
        raise BadMessage(f"{type(error).__name__}: {str(error)[:200]}") from error


def _event(head: Frame) -> Meaning:
    stream = None
    if head.arg is not None and head.arg.channel in OURS:
        stream = Stream(OURS[head.arg.channel], head.arg.instId)
    if head.event == "subscribe":
        return Acknowledged(ok=True, stream=stream)
    if head.event == "error":
        return Acknowledged(ok=False, stream=stream or _named(head.msg), reason=f"{head.code} {head.msg}")
    if head.event == "notice":
        soon = head.code == WILL_CLOSE
        return Control(Notice.RECONNECT_SOON if soon else Notice.INFO, f"{head.code} {head.msg}")
    return Ignored(head.event)


def _named(text: str) -> Stream | None:
    """Return the stream that an error's text names: `…channel:books,instId:BTC-USDT doesn't exist`."""
    words = text.replace(",", " ").split()
    parts = dict(word.split(":", 1) for word in words if ":" in word)
    channel = OURS.get(parts.get("channel", ""))
    return Stream(channel, parts["instId"]) if channel and "instId" in parts else None


def _book(head: Frame, arg: Arg, received: Nanos, _: Names) -> Sequence[Meaning]:
    rows = _books.decode(head.data)
    # Only a recording of the time when there were checksums needs the texts: 0 means that the venue sends none.
    texts = _written.decode(head.data) if any(one.checksum for one in rows) else [None] * len(rows)
    make = _image if head.action == "snapshot" else _delta
    return [make(arg.instId, one, _texts(text), received) for one, text in zip(rows, texts, strict=True)]


def _image(native: str, one: BookData, texts: Texts | None, received: Nanos) -> BookImage:
    ts, last = one.ts * MILLISECOND, one.seqId or 0
    return BookImage(native, ts, received, last, _levels(one.bids), _levels(one.asks), one.checksum or None, texts)


def _delta(native: str, one: BookData, texts: Texts | None, received: Nanos) -> BookDelta:
    ts, last, checksum = one.ts * MILLISECOND, one.seqId or 0, one.checksum or None
    bids, asks = _levels(one.bids), _levels(one.asks)
    return BookDelta(native, ts, received, last, last, one.prevSeqId, bids, asks, checksum, texts)


def _levels(rows: Sequence[Level]) -> WireLevels:
    return [row[:2] for row in rows]


def _texts(one: WrittenBook | None) -> Texts | None:
    if one is None:
        return None
    return Texts([f"{row[0]}:{row[1]}" for row in one.bids], [f"{row[0]}:{row[1]}" for row in one.asks])


def write_image(image: BookImage) -> bytes:
    """Return a book as the frame that answers a subscription, with its checksum if its texts are known."""
    texts = image.texts or Texts(*([f"{at}:{size}" for at, size in side] for side in (image.bids, image.asks)))
    rows = {
        name: [[*text.split(":"), "0", "1"] for text in side] for name, side in zip(texts._fields, texts, strict=True)
    }
    hashed = checksum.okx(*([*side[: checksum.OKX_DEPTH]] for side in texts)) if image.texts else 0
    stamps = {"ts": str(image.ts // MILLISECOND), "checksum": hashed, "seqId": image.last, "prevSeqId": -1}
    data = {**rows, **stamps}
    arg = {"channel": CHANNELS[Channel.BOOKS], "instId": image.native}
    return msgspec.json.encode({"arg": arg, "action": "snapshot", "data": [data]})


def _trade(head: Frame, _: Arg, received: Nanos, names: Names) -> Sequence[Meaning]:
    return [
        Trade(
            VENUE,
            names.symbol(one.instId),
            one.ts * MILLISECOND,
            received,
            one.tradeId,
            Side.BUY if one.side == "buy" else Side.SELL,
            one.px,
            one.sz,
        )
        for one in _trades.decode(head.data)
    ]


def _ticker(head: Frame, _: Arg, received: Nanos, names: Names) -> Sequence[Meaning]:
    return [
        Quote(
            VENUE,
            names.symbol(one.instId),
            moment(one.ts),
            received,
            price(one.bidPx),
            price(one.bidSz),
            price(one.askPx),
            price(one.askSz),
        )
        if one.bidPx and one.askPx
        else Ignored("tickers: one side is empty")
        for one in _tickers.decode(head.data)
    ]


def _best_prices(head: Frame, arg: Arg, received: Nanos, names: Names) -> Sequence[Meaning]:
    meanings: list[Meaning] = []
    for one in _best.decode(head.data):
        if not one.bids or not one.asks:
            meanings.append(Ignored("bbo-tbt: one side is empty"))
            continue
        symbol, ts = names.symbol(arg.instId), one.ts * MILLISECOND
        meanings.append(Quote(VENUE, symbol, ts, received, *one.bids[0][:2], *one.asks[0][:2]))
    return meanings


def _rate(head: Frame, _: Arg, received: Nanos, names: Names) -> Sequence[Meaning]:
    return [
        Funding(
            VENUE,
            names.symbol(one.instId),
            moment(one.ts) if one.ts else received,
            received,
            rate=signed(one.fundingRate),
        )
        for one in _funding.decode(head.data)
    ]


_READERS: dict[str, Callable[[Frame, Arg, Nanos, Names], Sequence[Meaning]]] = {
    "books": _book,
    "trades": _trade,
    "tickers": _ticker,
    "bbo-tbt": _best_prices,
    "funding-rate": _rate,
}
_UNUSED = (
    "books5", "books50", "books-l2", "candle", "status", "mark-price", "index-tickers", "open-interest",
    # private: the account is not read here
    "orders", "fills", "account", "positions", "balance_and_position", "algo-", "liquidation-warning",
)  # fmt: skip


def parse_time(body: bytes) -> Nanos:
    """Return the venue's clock; raises BadMessage."""
    try:
        return moment(_time.decode(body).data[0].ts)
    except (*UNREADABLE, IndexError) as error:
        raise BadMessage(f"time: {error}") from error


def request(operation: str, streams: Sequence[Stream]) -> str:
    """Return a subscribe or unsubscribe request."""
    arguments = [{"channel": CHANNELS[one.channel], "instId": one.native} for one in streams]
    return msgspec.json.encode({"op": operation, "args": arguments}).decode()
