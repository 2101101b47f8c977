"""Simulated OKX v5, public side: one acknowledgement a stream, a seqId chain with CRC32, text pings.

https://www.okx.com/docs-v5/en/ "WebSocket" and "Public Data". Sizes of swaps are contracts.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from functools import partial
from typing import Any, ClassVar
from zlib import crc32

import msgspec
from aiohttp import web

from core.types import Channel, Symbol
from simulator.market import Change, Level, Listing, Market, Print, funding_rate, price_places, size_places, start_price
from simulator.okx_rest import Json, ms, refusal, routes, text
from simulator.server import SimulatedVenue
from simulator.sockets import Socket, SocketRules

CHANNELS = {
    "trades": Channel.TRADES,
    "bbo-tbt": Channel.QUOTES,
    "tickers": Channel.QUOTES,
    "books": Channel.BOOKS,
    "funding-rate": Channel.FUNDING,
}
FUNDING_EVERY = 30
"""Seconds between two pushes of a funding rate."""
HASHED = 25
SIGN_BIT = 1 << 31
CONNECTION = "a4d3ae55"


class Okx:
    """The `Wire` of OKX."""

    name: ClassVar = "okx"
    socket_rules: ClassVar = SocketRules(idle_limit=30.0)
    socket_paths: ClassVar[Sequence[str]] = ("/ws/v5/public",)
    weight_per_minute: ClassVar = 600
    dense_ids: ClassVar = False

    def listings(self, pairs: Sequence[Symbol]) -> Sequence[Listing]:
        """Return spot and swap of each pair."""
        return [one for pair in pairs for one in (_spot(pair), _swap(pair))]

    def routes(self, venue: SimulatedVenue) -> Sequence[web.RouteDef]:
        """Return the public REST."""
        return routes(venue)

    def weight(self, request: web.Request) -> int:
        """Return 1: the venue counts requests."""
        return 1 if request.path.startswith("/api/v5/") else 0

    def weight_headers(self, used: int) -> Mapping[str, str]:
        """Return nothing: the venue does not tell."""
        del used
        return {}

    def failure(self, status: int, retry_after: int | None) -> web.Response:
        """Return the answer of a venue that cannot, or will not."""
        if status in (429, 418):
            limited = "Rate limit reached. Please refer to API documentation and throttle requests accordingly."
            answer = refusal("50011", limited, 429)
        else:
            answer = web.Response(status=status, text=f"<html><h1>{status}</h1></html>", content_type="text/html")
        if retry_after is not None:
            answer.headers["Retry-After"] = str(retry_after)
        return answer

    # --- requests ----------------------------------------------------------------------------------------------------

    def opened(self, venue: SimulatedVenue, socket: Socket) -> None:
        """Do nothing: the address subscribes nothing."""

    def said(self, venue: SimulatedVenue, socket: Socket, text: str) -> None:
        """Answer a ping or a request, stream by stream."""
        if text == "ping":
            socket.put(b"pong")
            return
        try:
            request = msgspec.json.decode(text)
        except (msgspec.DecodeError, RecursionError):
            request = None
        operation = request.get("op") if isinstance(request, dict) else None
        named = request.get("args") if isinstance(request, dict) else None
        if operation not in ("subscribe", "unsubscribe") or not isinstance(named, list) or not named:
            _tell(socket, {"event": "error", "msg": f"Invalid request: {text[:200]}", "code": "60012"})
            return
        for arg in named:
            self._one(venue, socket, operation, arg)

    def _one(self, venue: SimulatedVenue, socket: Socket, operation: str, arg: object) -> None:
        channel, native = (str(arg.get("channel")), str(arg.get("instId"))) if isinstance(arg, dict) else ("", "")
        market = venue.by_native.get(native)
        wrong = channel == "funding-rate" and market is not None and not market.listing.perpetual
        if channel not in CHANNELS or market is None or wrong:
            words = f"Wrong URL or channel:{channel},instId:{native} doesn't exist."
            please = " Please use the correct URL, channel and parameters referring to API document."
            _tell(socket, {"event": "error", "msg": words + please, "code": "60018"})
            return
        _tell(socket, {"event": operation, "arg": {"channel": channel, "instId": native}})
        stream = f"{channel}:{native}"
        if operation == "unsubscribe":
            venue.courier.unsubscribe(socket, stream)
            return
        venue.courier.subscribe(socket, stream)
        first = self._first(venue, market, channel)
        if first is not None:
            venue.answer(socket, CHANNELS[channel], market.listing.symbol, stream, first)

    def _first(self, venue: SimulatedVenue, market: Market, channel: str) -> bytes | None:
        """Return what a new subscriber gets at once; trades have nothing to say before the next one."""
        match channel:
            case "books":
                return _frame(market, "books", _book(venue, market, None), action="snapshot")
            case "bbo-tbt":
                return _frame(market, channel, _best(venue, market))
            case "tickers":
                return _frame(market, channel, _ticker(venue, market))
            case "funding-rate":
                return _frame(market, channel, _funding(venue, market))
            case _:
                return None

    # --- data --------------------------------------------------------------------------------------------------------

    def stepped(self, venue: SimulatedVenue, market: Market, change: Change) -> None:
        """Publish trades, the best prices if they moved, and the change of the book."""
        symbol, native = market.listing.symbol, market.listing.native
        for one in change.trades:
            venue.publish(Channel.TRADES, symbol, f"trades:{native}", partial(_trade, venue, market, one))
        if change.best_moved:
            best, ticker = "bbo-tbt", "tickers"
            venue.publish(
                Channel.QUOTES, symbol, f"{best}:{native}", lambda: _frame(market, best, _best(venue, market))
            )
            venue.publish(
                Channel.QUOTES, symbol, f"{ticker}:{native}", lambda: _frame(market, ticker, _ticker(venue, market))
            )
        venue.publish(
            Channel.BOOKS,
            symbol,
            f"books:{native}",
            lambda: _frame(market, "books", _book(venue, market, change), action="update"),
        )

    def second(self, venue: SimulatedVenue, market: Market, number: int) -> None:
        """Publish the funding rate now and then."""
        if market.listing.perpetual and number % FUNDING_EVERY == 0:
            channel = "funding-rate"
            venue.publish(
                Channel.FUNDING,
                market.listing.symbol,
                f"{channel}:{market.listing.native}",
                lambda: _frame(market, channel, _funding(venue, market)),
            )

    def corrupted(self, channel: Channel, payload: bytes) -> bytes:
        """Return a book whose best level has another size, which its checksum shows; else half a frame."""
        if channel is not Channel.BOOKS:
            return payload[: len(payload) // 2]
        frame = msgspec.json.decode(payload)
        row = frame["data"][0]
        level = (row["bids"] or row["asks"])[0]
        level[1] = f"{level[1]}1" if "." in level[1] else f"{level[1]}.1"
        return msgspec.json.encode(frame)


def _tell(socket: Socket, event: Json) -> None:
    socket.put(msgspec.json.encode(event | {"connId": CONNECTION}))


def _frame(market: Market, channel: str, row: Json, **head: str) -> bytes:
    arg = {"channel": channel, "instId": market.listing.native}
    return msgspec.json.encode({"arg": arg, **head, "data": [row]})


def _rows(market: Market, levels: Sequence[Level]) -> list[tuple[str, str, str, str]]:
    """Return levels as [price, size, "0", orders]."""
    places, lots = market.listing.price_places, market.listing.size_places
    return [(text(one.ticks, places), text(one.lots, lots), "0", "1" if one.lots else "0") for one in levels]


def checksum(bids: Sequence[Sequence[str]], asks: Sequence[Sequence[str]]) -> int:
    """Return the venue's hash of a book: up to 25 levels a side in turn, `price:size`, CRC32, signed."""
    parts: list[str] = []
    for index in range(min(HASHED, max(len(bids), len(asks)))):
        parts += [f"{side[index][0]}:{side[index][1]}" for side in (bids, asks) if index < len(side)]
    number = crc32(":".join(parts).encode())
    return number - 2 * SIGN_BIT if number >= SIGN_BIT else number


def _book(venue: SimulatedVenue, market: Market, change: Change | None) -> Json:
    """Return a change, or the whole book; the checksum is that of the book afterwards."""
    if change is None:
        bids, asks = _rows(market, market.bids()), _rows(market, market.asks())
        hashed, previous = checksum(bids, asks), -1
    else:
        bids, asks = _rows(market, change.bids), _rows(market, change.asks)
        hashed = checksum(_rows(market, market.bids(HASHED)), _rows(market, market.asks(HASHED)))
        previous = change.previous
    ids: dict[str, Any] = {"checksum": hashed, "prevSeqId": previous, "seqId": market.last}
    return {"asks": asks, "bids": bids, "ts": ms(venue), **ids}


def _trade(venue: SimulatedVenue, market: Market, one: Print) -> bytes:
    row: Json = {
        "instId": market.listing.native,
        "tradeId": str(one.trade_id),
        "px": text(one.ticks, market.listing.price_places),
        "sz": text(one.lots, market.listing.size_places),
        "side": str(one.side),
        "ts": ms(venue),
        "count": "1",
    }
    return _frame(market, "trades", row)


def _best(venue: SimulatedVenue, market: Market) -> Json:
    bids, asks = _rows(market, market.bids(1)), _rows(market, market.asks(1))
    return {"asks": asks, "bids": bids, "ts": ms(venue), "seqId": market.last}


def _ticker(venue: SimulatedVenue, market: Market) -> Json:
    (bid, bid_size, _, _), (ask, ask_size, _, _) = _rows(market, (*market.bids(1), *market.asks(1)))
    return {
        "instType": "SWAP" if market.listing.perpetual else "SPOT",
        "instId": market.listing.native,
        "last": bid,
        "lastSz": bid_size,
        "askPx": ask,
        "askSz": ask_size,
        "bidPx": bid,
        "bidSz": bid_size,
        "ts": ms(venue),
    }


def _funding(venue: SimulatedVenue, market: Market) -> Json:
    eight_hours = 8 * 3600 * 1000
    now = int(ms(venue))
    due = now - now % eight_hours + eight_hours
    return {
        "instType": "SWAP",
        "instId": market.listing.native,
        "fundingRate": f"{funding_rate(market):.10f}",
        "nextFundingRate": "",
        "fundingTime": str(due),
        "nextFundingTime": str(due + eight_hours),
        "ts": str(now),
    }


def _spot(pair: Symbol) -> Listing:
    base, quote = pair.split("-")
    price = start_price(base)
    return Listing(
        symbol=pair,
        native=pair,
        base=base,
        quote=quote,
        perpetual=False,
        price_places=price_places(price),
        size_places=size_places(price),
        spread_bps=1.6,
    )


def _swap(pair: Symbol) -> Listing:
    """Return a swap: a contract is worth 100 to 1000 units of the quote, and a lot is a hundredth of it."""
    base, quote = pair.split("-")
    price = start_price(base)
    return Listing(
        symbol=f"{pair}-PERP",
        native=f"{pair}-SWAP",
        base=base,
        quote=quote,
        perpetual=True,
        price_places=price_places(price),
        size_places=2,
        contract_size=Decimal(1).scaleb(3 - size_places(price)),
        spread_bps=1.1,
    )
