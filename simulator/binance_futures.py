"""Simulated Binance USD-M futures, public side: split sockets, a `pu` chain, mark price and funding."""

from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar

import msgspec
from aiohttp import web

from core.types import Channel, Nanos, Side, Symbol
from simulator.binance_common import BinanceWire, Json, ms, plain_listing
from simulator.market import Change, Listing, Market, Print, funding_rate
from simulator.server import SimulatedVenue
from simulator.sockets import Socket, SocketRules

FUNDING_MS = 8 * 3600 * 1000
ONBOARDED = 1_569_398_400_000
NEVER_DELIVERED = 4_133_404_800_000
BOOK_KINDS = frozenset({"bookTicker", "depth@100ms"})
DEPTH_WEIGHTS = ((50, 2), (100, 5), (500, 10), (1000, 20))


class BinanceFutures(BinanceWire):
    """The `Wire` of USD-M futures. Since 2026-03 /public has the books and /market the rest; elsewhere is silence."""

    name: ClassVar = "binance_futures"
    prefix: ClassVar = "/fapi/v1"
    socket_rules: ClassVar = SocketRules(ping_every=180.0, pong_within=600.0, inbound_per_second=10)
    socket_paths: ClassVar[Sequence[str]] = tuple(
        f"/{group}{path}" for group in ("public", "market") for path in ("/ws", "/ws/{streams:.+}", "/stream")
    )
    weight_per_minute: ClassVar = 2400
    dense_ids: ClassVar = False
    channels: ClassVar = {
        "aggTrade": Channel.TRADES,
        "bookTicker": Channel.QUOTES,
        "depth@100ms": Channel.BOOKS,
        "markPrice@1s": Channel.FUNDING,
    }

    def speaks(self, socket: Socket, kind: str) -> bool:
        """Whether this path carries this kind."""
        return kind in self.channels and (kind in BOOK_KINDS) == socket.path.startswith("/public")

    def listing(self, pair: Symbol) -> Listing:
        """Return the perpetual of a pair."""
        return plain_listing(pair, self.native(pair), perpetual=True, spread_bps=1.0)

    def price(self, listing: Listing, ticks: int) -> str:
        """Return a price with the decimals of its tick."""
        return f"{ticks / 10.0**listing.price_places:.{listing.price_places}f}"

    def size(self, listing: Listing, lots: int) -> str:
        """Return a size with the decimals of its lot."""
        return f"{lots / 10.0**listing.size_places:.{listing.size_places}f}"

    def depth(self, market: Market, change: Change, now: Nanos) -> Json:
        """Return a depthUpdate: `pu` is the previous `u`, `U` is beyond it."""
        return {
            "e": "depthUpdate",
            "E": ms(now),
            "T": ms(now),
            "s": market.listing.native,
            "U": change.first,
            "u": change.last,
            "pu": change.previous,
            "b": self.levels(market, change.bids),
            "a": self.levels(market, change.asks),
            "ps": market.listing.native,
            "st": 1,
        }

    def ticker(self, market: Market, change: Change, now: Nanos) -> Json:
        """Return a bookTicker."""
        (bid, bid_size), (ask, ask_size) = self.levels(market, (*market.bids(1), *market.asks(1)))
        return {
            "e": "bookTicker",
            "u": change.last,
            "s": market.listing.native,
            "b": bid,
            "B": bid_size,
            "a": ask,
            "A": ask_size,
            "T": ms(now),
            "E": ms(now),
            "ps": market.listing.native,
            "st": 1,
        }

    def trade_frames(self, market: Market, one: Print, now: Nanos) -> Mapping[str, Callable[[], Json]]:
        """Return the aggregate trade."""
        listing, at = market.listing, ms(now)
        return {
            "aggTrade": lambda: {
                "e": "aggTrade",
                "E": at,
                "a": one.trade_id,
                "s": listing.native,
                "p": self.price(listing, one.ticks),
                "q": self.size(listing, one.lots),
                "f": one.trade_id,
                "l": one.trade_id,
                "T": at,
                "m": one.side is Side.SELL,
                "st": 1,
            }
        }

    def second(self, venue: SimulatedVenue, market: Market, number: int) -> None:
        """Publish the mark price."""
        del number
        mark = self._mark(venue, market)
        frame: Json = {
            "e": "markPriceUpdate",
            "E": mark["time"],
            "s": mark["symbol"],
            "p": mark["markPrice"],
            "i": mark["indexPrice"],
            "P": mark["estimatedSettlePrice"],
            "r": mark["lastFundingRate"],
            "T": mark["nextFundingTime"],
            "st": 1,
        }
        name = f"{market.listing.native.lower()}@markPrice@1s"
        venue.publish(Channel.FUNDING, market.listing.symbol, name, lambda: msgspec.json.encode(frame))

    def _mark(self, venue: SimulatedVenue, market: Market) -> Json:
        now = ms(venue.now())
        return {
            "symbol": market.listing.native,
            "markPrice": f"{market.mid:.8f}",
            "indexPrice": f"{market.index:.8f}",
            "estimatedSettlePrice": f"{market.index:.8f}",
            "lastFundingRate": f"{funding_rate(market):.8f}",
            "interestRate": "0.00010000",
            "nextFundingTime": now - now % FUNDING_MS + FUNDING_MS,
            "time": now,
        }

    def more_routes(self, venue: SimulatedVenue) -> Sequence[web.RouteDef]:
        """Return premiumIndex."""

        async def premium(request: web.Request) -> web.Response:
            if "symbol" not in request.query:
                return web.json_response([self._mark(venue, one) for one in venue.markets.values()])
            market = self.market(venue, request)
            return market if isinstance(market, web.Response) else web.json_response(self._mark(venue, market))

        return (web.get(f"{self.prefix}/premiumIndex", premium),)

    def image(self, venue: SimulatedVenue, market: Market, limit: int) -> Json:
        """Return the answer of REST depth."""
        now = ms(venue.now())
        bids, asks = self.levels(market, market.bids(limit)), self.levels(market, market.asks(limit))
        return {"lastUpdateId": market.last, "E": now, "T": now, "bids": bids, "asks": asks}

    def depth_weight(self, limit: int) -> int:
        """Return 2, 5, 10 or 20, by limit."""
        return next((weight for most, weight in DEPTH_WEIGHTS if limit <= most), 20)

    def symbol_info(self, listing: Listing) -> Json:
        """Return a symbol of exchangeInfo."""
        lot = self.size(listing, 1)
        return {
            "symbol": listing.native,
            "pair": listing.native,
            "contractType": "PERPETUAL",
            "deliveryDate": NEVER_DELIVERED,
            "onboardDate": ONBOARDED,
            "status": "TRADING",
            "baseAsset": listing.base,
            "quoteAsset": listing.quote,
            "marginAsset": listing.quote,
            "pricePrecision": listing.price_places,
            "quantityPrecision": listing.size_places,
            "baseAssetPrecision": 8,
            "quotePrecision": 8,
            "underlyingType": "COIN",
            "orderTypes": ["LIMIT", "MARKET"],
            "timeInForce": ["GTC", "IOC", "FOK", "GTX", "GTD"],
            "filters": [
                *self.filters(listing),
                {"filterType": "MARKET_LOT_SIZE", "minQty": lot, "maxQty": "120", "stepSize": lot},
                {"filterType": "MIN_NOTIONAL", "notional": "5"},
            ],
        }
