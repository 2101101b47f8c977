"""What simulated Binance spot and USD-M futures share: live subscriptions, REST answers, weights, errors.

https://developers.binance.com/docs/binance-spot-api-docs/web-socket-streams and its USD-M counterpart.
"""

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

import msgspec
from aiohttp import web

from core.types import MILLISECOND, Channel, Nanos, Symbol, VenueName
from simulator.market import Change, Level, Listing, Market, Print, price_places, size_places, start_price
from simulator.server import SimulatedVenue
from simulator.sockets import Socket, SocketRules

STREAM = re.compile(r"!?[a-z0-9_]+@[A-Za-z0-9_@]+|![A-Za-z0-9@]+")
"""The form of a stream's name. Of this form, the venue accepts any: an unknown symbol is acknowledged, and silent."""
METHODS = ("SUBSCRIBE", "UNSUBSCRIBE", "LIST_SUBSCRIPTIONS", "SET_PROPERTY", "GET_PROPERTY")
DEPTH_LIMIT = 100
ILLEGAL = -1121
MANDATORY = -1102

Json = dict[str, Any]


def ms(moment: Nanos) -> int:
    """Return a moment in the venue's milliseconds."""
    return moment // MILLISECOND


def error(code: int, text: str, status: int = 400) -> web.Response:
    """Return the venue's error of REST."""
    return web.json_response({"code": code, "msg": text}, status=status)


class BinanceWire(ABC):
    """Both Binance venues; what differs is declared by each."""

    name: ClassVar[VenueName]
    prefix: ClassVar[str]
    socket_rules: ClassVar[SocketRules]
    socket_paths: ClassVar[Sequence[str]]
    weight_per_minute: ClassVar[int]
    dense_ids: ClassVar[bool]
    channels: ClassVar[Mapping[str, Channel]]
    """Kinds of streams that speak: what follows the symbol and its @."""

    # --- what each venue says ----------------------------------------------------------------------------------------

    def native(self, pair: Symbol) -> str:
        """Return the venue's name of a pair."""
        return pair.replace("-", "")

    @abstractmethod
    def listing(self, pair: Symbol) -> Listing:
        """Return what it trades of a pair."""

    @abstractmethod
    def price(self, listing: Listing, ticks: int) -> str:
        """Return a price as the venue writes it."""

    @abstractmethod
    def size(self, listing: Listing, lots: int) -> str:
        """Return a size as the venue writes it."""

    @abstractmethod
    def depth(self, market: Market, change: Change, now: Nanos) -> Json:
        """Return a depthUpdate."""

    @abstractmethod
    def ticker(self, market: Market, change: Change, now: Nanos) -> Json:
        """Return a bookTicker."""

    @abstractmethod
    def image(self, venue: SimulatedVenue, market: Market, limit: int) -> Json:
        """Return the answer of REST depth."""

    @abstractmethod
    def depth_weight(self, limit: int) -> int:
        """Return what a depth request costs."""

    @abstractmethod
    def symbol_info(self, listing: Listing) -> Json:
        """Return a symbol of exchangeInfo."""

    def speaks(self, socket: Socket, kind: str) -> bool:
        """Whether a stream of this kind speaks on this socket: it may be the wrong path for it."""
        del socket
        return kind in self.channels

    def more_routes(self, venue: SimulatedVenue) -> Sequence[web.RouteDef]:
        """Return REST that only this venue has."""
        del venue
        return ()

    # --- the Wire ----------------------------------------------------------------------------------------------------

    def listings(self, pairs: Sequence[Symbol]) -> Sequence[Listing]:
        """Return what the venue trades, of these pairs."""
        return [self.listing(pair) for pair in pairs]

    def opened(self, venue: SimulatedVenue, socket: Socket) -> None:
        """Subscribe what the address names: /stream?streams=a/b, /ws/a."""
        head, _, tail = socket.path.partition("/ws/")
        socket.combined = head.endswith("/stream")
        named = socket.query.get("streams", "") if socket.combined else tail
        self._subscribe(venue, socket, [one for one in named.split("/") if STREAM.fullmatch(one)])

    def said(self, venue: SimulatedVenue, socket: Socket, text: str) -> None:
        """Answer a request."""
        socket.put(msgspec.json.encode(self._answer(venue, socket, text)))

    def _answer(self, venue: SimulatedVenue, socket: Socket, text: str) -> Json:
        try:
            request = msgspec.json.decode(text)
        except (msgspec.DecodeError, RecursionError) as broken:
            return {"error": {"code": 3, "msg": f"Invalid JSON: {broken}"}}
        problem = _problem(request)
        if problem:
            number = request.get("id") if isinstance(request, dict) else None
            answer: Json = {"error": {"code": 2, "msg": f"Invalid request: {problem}"}}
            return answer | ({"id": number} if isinstance(number, int | str) else {})
        result: list[str] | bool | None = None
        match request["method"]:
            case "SUBSCRIBE":
                self._subscribe(venue, socket, request["params"])
            case "UNSUBSCRIBE":
                for stream in request["params"]:
                    venue.courier.unsubscribe(socket, stream)
                    _ = socket.streams.pop(stream, None)
            case "LIST_SUBSCRIPTIONS":
                result = list(socket.streams)
            case "SET_PROPERTY":
                socket.combined = bool(request["params"][-1])
            case _:
                result = socket.combined
        return {"result": result, "id": request["id"]}

    def _subscribe(self, venue: SimulatedVenue, socket: Socket, streams: Sequence[str]) -> None:
        for stream in streams:
            socket.streams[stream] = None
            if self.speaks(socket, stream.partition("@")[2]):
                venue.courier.subscribe(socket, stream)

    def stepped(self, venue: SimulatedVenue, market: Market, change: Change) -> None:
        """Publish trades, the best prices if they moved, and the change of the book."""
        now, symbol = venue.now(), market.listing.symbol
        prefix = f"{market.listing.native.lower()}@"
        for one in change.trades:
            for kind, build in self.trade_frames(market, one, now).items():
                venue.publish(Channel.TRADES, symbol, prefix + kind, _encoded(build))
        if change.best_moved:
            ticker = _encoded(lambda: self.ticker(market, change, now))
            venue.publish(Channel.QUOTES, symbol, f"{prefix}bookTicker", ticker)
        depth = _encoded(lambda: self.depth(market, change, now))
        venue.publish(Channel.BOOKS, symbol, f"{prefix}depth@100ms", depth)

    @abstractmethod
    def trade_frames(self, market: Market, one: Print, now: Nanos) -> Mapping[str, Callable[[], Json]]:
        """Return the frames of a trade by kind of stream."""

    @abstractmethod
    def second(self, venue: SimulatedVenue, market: Market, number: int) -> None:
        """Publish what comes each second."""

    def corrupted(self, channel: Channel, payload: bytes) -> bytes:
        """Return half a frame: the venue has no checksum that would show a wrong digit."""
        del channel
        return payload[: len(payload) // 2]

    # --- REST --------------------------------------------------------------------------------------------------------

    def routes(self, venue: SimulatedVenue) -> Sequence[web.RouteDef]:
        """Return the public REST."""

        async def ping(_: web.Request) -> web.Response:
            return web.json_response({})

        async def time(_: web.Request) -> web.Response:
            return web.json_response({"serverTime": ms(venue.now())})

        async def info(request: web.Request) -> web.Response:
            return self._info(venue, request)

        async def depth(request: web.Request) -> web.Response:
            return self._depth(venue, request)

        async def best(request: web.Request) -> web.Response:
            return self._best(venue, request)

        return [
            web.get(f"{self.prefix}/ping", ping),
            web.get(f"{self.prefix}/time", time),
            web.get(f"{self.prefix}/exchangeInfo", info),
            web.get(f"{self.prefix}/depth", depth),
            web.get(f"{self.prefix}/ticker/bookTicker", best),
            *self.more_routes(venue),
        ]

    def weight(self, request: web.Request) -> int:
        """Return what a public request costs; an account's requests are counted by the account."""
        match request.path.removeprefix(self.prefix):
            case "/depth":
                return self.depth_weight(_limit(request))
            case "/exchangeInfo":
                return 20 if self.dense_ids else 1
            case "/ticker/bookTicker":
                return 2 if "symbol" in request.query else 4
            case "/ping" | "/time" | "/premiumIndex":
                return 1
            case _:
                return 0

    def weight_headers(self, used: int) -> Mapping[str, str]:
        """Return the venue's headers of used weight."""
        return {"X-MBX-USED-WEIGHT": str(used), "X-MBX-USED-WEIGHT-1M": str(used)}

    def failure(self, status: int, retry_after: int | None) -> web.Response:
        """Return the answer of a venue that cannot, or will not."""
        match status:
            case 429:
                text = f"Too many requests; current limit is {self.weight_per_minute} request weight per 1 MINUTE."
                refusal = error(-1003, text, status)
            case 418:
                refusal = error(-1003, "Way too many requests; IP banned.", status)
            case 408:
                refusal = error(-1007, "Timeout waiting for response from backend server.", status)
            case _:
                # What stands before the venue answers with a page, not with JSON.
                page = f"<html><body><h1>{status}</h1></body></html>"
                refusal = web.Response(status=status, text=page, content_type="text/html")
        if retry_after is not None:
            refusal.headers["Retry-After"] = str(retry_after)
        return refusal

    def market(self, venue: SimulatedVenue, request: web.Request) -> Market | web.Response:
        """Return the market that a request names, or the venue's refusal."""
        native = request.query.get("symbol")
        if not native:
            return error(MANDATORY, "Mandatory parameter 'symbol' was not sent, was empty/null, or malformed.")
        return venue.by_native.get(native) or error(ILLEGAL, "Invalid symbol.")

    def _info(self, venue: SimulatedVenue, request: web.Request) -> web.Response:
        try:
            wanted = _wanted(request)
        except msgspec.DecodeError:
            return error(-1100, "Illegal characters found in parameter 'symbols'; legal range is a JSON list.")
        if wanted is not None and not wanted <= set(venue.by_native):
            return error(ILLEGAL, "Invalid symbol.")
        listed = [one.listing for native, one in venue.by_native.items() if wanted is None or native in wanted]
        limits = [
            {
                "rateLimitType": "REQUEST_WEIGHT",
                "interval": "MINUTE",
                "intervalNum": 1,
                "limit": self.weight_per_minute,
            }
        ]
        return web.json_response(
            {
                "timezone": "UTC",
                "serverTime": ms(venue.now()),
                "rateLimits": limits,
                "exchangeFilters": [],
                "symbols": [self.symbol_info(one) for one in listed],
            }
        )

    def _depth(self, venue: SimulatedVenue, request: web.Request) -> web.Response:
        market = self.market(venue, request)
        if isinstance(market, web.Response):
            return market
        return web.json_response(self.image(venue, market, _limit(request)))

    def _best(self, venue: SimulatedVenue, request: web.Request) -> web.Response:
        if "symbol" not in request.query:
            return web.json_response([self._best_of(one) for one in venue.markets.values()])
        market = self.market(venue, request)
        return market if isinstance(market, web.Response) else web.json_response(self._best_of(market))

    def _best_of(self, market: Market) -> Json:
        (bid, bid_size), (ask, ask_size) = (self.levels(market, side(1))[0] for side in (market.bids, market.asks))
        native = market.listing.native
        return {"symbol": native, "bidPrice": bid, "bidQty": bid_size, "askPrice": ask, "askQty": ask_size}

    def levels(self, market: Market, levels: Sequence[Level]) -> list[tuple[str, str]]:
        """Return levels as the venue writes them."""
        listing = market.listing
        return [(self.price(listing, one.ticks), self.size(listing, one.lots)) for one in levels]

    def filters(self, listing: Listing) -> list[Json]:
        """Return the filters that both venues have."""
        tick, lot = self.price(listing, 1), self.size(listing, 1)
        return [
            {"filterType": "PRICE_FILTER", "minPrice": tick, "maxPrice": "1000000.00", "tickSize": tick},
            {"filterType": "LOT_SIZE", "minQty": lot, "maxQty": "9000.00", "stepSize": lot},
        ]


def _encoded(build: Callable[[], Json]) -> Callable[[], bytes]:
    return lambda: msgspec.json.encode(build())


def _wanted(request: web.Request) -> set[str] | None:
    """Return the symbols that exchangeInfo is asked for; None: all. Raises DecodeError."""
    if "symbols" in request.query:
        return msgspec.json.decode(request.query["symbols"], type=set[str])
    return {request.query["symbol"]} if "symbol" in request.query else None


def _limit(request: web.Request) -> int:
    text = request.query.get("limit", "")
    return int(text) if text.isascii() and text.isdigit() else DEPTH_LIMIT


def _problem(request: object) -> str:
    """Return what is wrong with a request; empty if nothing is."""
    if not isinstance(request, dict):
        return "an object is expected"
    method, number = request.get("method"), request.get("id")
    params = request["params"] if isinstance(request.get("params"), list) else []
    names = method in ("SUBSCRIBE", "UNSUBSCRIBE")
    sets = method in ("SET_PROPERTY", "GET_PROPERTY")
    wrong = (
        (method not in METHODS, f"unknown variant `{method}`, expected one of `{'`, `'.join(METHODS)}`"),
        (not isinstance(number, int) or number < 0, "request ID must be an unsigned integer"),
        ((names or sets) and not params, "missing field `params`"),
        (sets and params[:1] != ["combined"], "property name must be a string"),
        (names and not all(isinstance(one, str) and STREAM.fullmatch(one) for one in params), "invalid stream"),
    )
    return next((text for is_wrong, text in wrong if is_wrong), "")


def plain_listing(pair: Symbol, native: str, *, perpetual: bool, spread_bps: float) -> Listing:
    """Return the listing of a pair whose sizes are counted in the base asset."""
    base, quote = pair.split("-")
    price = start_price(base)
    return Listing(
        symbol=f"{pair}-PERP" if perpetual else pair,
        native=native,
        base=base,
        quote=quote,
        perpetual=perpetual,
        price_places=price_places(price),
        size_places=size_places(price),
        spread_bps=spread_bps,
    )
