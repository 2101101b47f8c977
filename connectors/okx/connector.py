"""OKX v5, public market data: what it offers and where."""

from collections.abc import Sequence
from datetime import timedelta

from connectors.base.contract import BookRules, ChecksumRule, Dialect, KeepAlive, LinkRule, RestRules, Stream
from connectors.okx import market
from connectors.okx.symbols import parse_instruments


def _subscribe(streams: Sequence[Stream], _: int) -> Sequence[str]:
    return (market.request("subscribe", streams),)


def _unsubscribe(streams: Sequence[Stream], _: int) -> Sequence[str]:
    return (market.request("unsubscribe", streams),)


DIALECT = Dialect(
    venue=market.VENUE,
    ws_url="wss://ws.okx.com:8443",
    rest_url="https://www.okx.com",
    ws_path=lambda _: "/ws/v5/public",
    stream_name=lambda stream: f"{market.CHANNELS[stream.channel]}:{stream.native}",
    subscribe=_subscribe,
    unsubscribe=_unsubscribe,
    parse=market.parse,
    books=BookRules(LinkRule.PREVIOUS_ID, market.write_image, ChecksumRule.OKX_CRC32),
    instruments_paths=tuple(f"/api/v5/public/instruments?instType={kind}" for kind in ("SPOT", "SWAP", "FUTURES")),
    parse_instruments=parse_instruments,
    time_path="/api/v5/public/time",
    parse_time=market.parse_time,
    rest=RestRules(weight_per_minute=600),
    keep_alive=KeepAlive(text="ping", every=timedelta(seconds=15)),
    acknowledges_each_stream=True,
    streams_per_connection=100,
    frames_per_second=2.0,
    channels=market.CHANNELS,
)
