"""Binance USD-M futures, public market data: what it offers and where.

Since 2026-03 the sockets are split: /public carries books, /market the rest.
"""

from collections.abc import Sequence
from datetime import timedelta
from functools import partial

from connectors.base.contract import BookRules, Dialect, KeepAlive, LinkRule, RestRules, Stream
from connectors.binance_common import frames
from connectors.binance_common.symbols import parse_instruments
from core.types import Channel

VENUE = "binance_futures"
CHANNELS = {
    Channel.TRADES: "aggTrade",
    Channel.QUOTES: "bookTicker",
    Channel.BOOKS: "depth@100ms",
    Channel.FUNDING: "markPrice@1s",
}
BOOK_CHANNELS = frozenset({Channel.QUOTES, Channel.BOOKS})


def _name(stream: Stream) -> str:
    return frames.stream_name(stream, CHANNELS)


def _path(channel: Channel) -> str:
    return "/public/stream" if channel in BOOK_CHANNELS else "/market/stream"


def _subscribe(streams: Sequence[Stream], number: int) -> Sequence[str]:
    return (frames.request("SUBSCRIBE", [_name(one) for one in streams], number),)


def _unsubscribe(streams: Sequence[Stream], number: int) -> Sequence[str]:
    return (frames.request("UNSUBSCRIBE", [_name(one) for one in streams], number),)


DIALECT = Dialect(
    venue=VENUE,
    ws_url="wss://fstream.binance.com",
    rest_url="https://fapi.binance.com",
    ws_path=_path,
    stream_name=_name,
    subscribe=_subscribe,
    unsubscribe=_unsubscribe,
    parse=frames.parser(VENUE),
    books=BookRules(
        LinkRule.BINANCE_FUTURES,
        snapshot_path=lambda native: f"/fapi/v1/depth?symbol={native}&limit=1000",
        parse_snapshot=frames.parse_snapshot,
        write_image=frames.write_snapshot,
        snapshot_weight=20,
    ),
    instruments_paths=("/fapi/v1/exchangeInfo",),
    parse_instruments=partial(parse_instruments, venue=VENUE),
    time_path="/fapi/v1/time",
    parse_time=frames.parse_time,
    rest=RestRules(weight_per_minute=2400, used_weight_header="X-MBX-USED-WEIGHT-1M"),
    keep_alive=KeepAlive(text=None, every=timedelta(minutes=3)),
    streams_per_connection=200,
    frames_per_second=8.0,  # ten inbound messages a second
    channels=CHANNELS,
)
