"""Binance spot, public market data: what it offers and where."""

from collections.abc import Sequence
from datetime import timedelta
from functools import partial

from connectors.base.contract import BookRules, Dialect, KeepAlive, LinkRule, RestRules, Stream
from connectors.binance_common import frames
from connectors.binance_common.symbols import parse_instruments
from core.types import Channel

VENUE = "binance"
CHANNELS = {Channel.TRADES: "trade", Channel.QUOTES: "bookTicker", Channel.BOOKS: "depth@100ms"}


def _name(stream: Stream) -> str:
    return frames.stream_name(stream, CHANNELS)


def _subscribe(streams: Sequence[Stream], number: int) -> Sequence[str]:
    return (frames.request("SUBSCRIBE", [_name(one) for one in streams], number),)


def _unsubscribe(streams: Sequence[Stream], number: int) -> Sequence[str]:
    return (frames.request("UNSUBSCRIBE", [_name(one) for one in streams], number),)


DIALECT = Dialect(
    venue=VENUE,
    ws_url="wss://stream.binance.com:9443",
    rest_url="https://api.binance.com",
    ws_path=lambda _: "/stream",
    stream_name=_name,
    subscribe=_subscribe,
    unsubscribe=_unsubscribe,
    parse=frames.parser(VENUE),
    books=BookRules(
        LinkRule.BINANCE_SPOT,
        snapshot_path=lambda native: f"/api/v3/depth?symbol={native}&limit=1000",
        parse_snapshot=frames.parse_snapshot,
        write_image=frames.write_snapshot,
        snapshot_weight=50,
    ),
    instruments_paths=("/api/v3/exchangeInfo",),
    parse_instruments=partial(parse_instruments, venue=VENUE),
    time_path="/api/v3/time",
    parse_time=frames.parse_time,
    rest=RestRules(weight_per_minute=6000, used_weight_header="X-MBX-USED-WEIGHT-1M"),
    keep_alive=KeepAlive(text=None, every=timedelta(seconds=20)),
    streams_per_connection=200,
    frames_per_second=3.0,  # five inbound messages a second, pings and pongs included
    channels=CHANNELS,
)
