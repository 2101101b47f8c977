"""Simulated Binance spot, public side. Prices and sizes have eight decimals; ids count every changed level."""

from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar

from core.types import Channel, Nanos, Side, Symbol
from simulator.binance_common import BinanceWire, Json, ms, plain_listing
from simulator.market import Change, Listing, Market, Print
from simulator.server import SimulatedVenue
from simulator.sockets import SocketRules

MIN_NOTIONAL = "5.00000000"
ORDER_TYPES = ("LIMIT", "LIMIT_MAKER", "MARKET")
DEPTH_WEIGHTS = ((100, 5), (500, 25), (1000, 50), (5000, 250))


class BinanceSpot(BinanceWire):
    """The `Wire` of Binance spot."""

    name: ClassVar = "binance"
    prefix: ClassVar = "/api/v3"
    socket_rules: ClassVar = SocketRules(ping_every=20.0, pong_within=60.0, inbound_per_second=5)
    socket_paths: ClassVar[Sequence[str]] = ("/ws", "/ws/{streams:.+}", "/stream")
    weight_per_minute: ClassVar = 6000
    dense_ids: ClassVar = True
    channels: ClassVar = {
        "trade": Channel.TRADES,
        "aggTrade": Channel.TRADES,
        "bookTicker": Channel.QUOTES,
        "depth@100ms": Channel.BOOKS,
    }

    def listing(self, pair: Symbol) -> Listing:
        """Return what it trades of a pair."""
        return plain_listing(pair, self.native(pair), perpetual=False, spread_bps=1.5)

    def price(self, listing: Listing, ticks: int) -> str:
        """Return a price, eight decimals."""
        return f"{ticks / 10.0**listing.price_places:.8f}"

    def size(self, listing: Listing, lots: int) -> str:
        """Return a size, eight decimals."""
        return f"{lots / 10.0**listing.size_places:.8f}"

    def depth(self, market: Market, change: Change, now: Nanos) -> Json:
        """Return a depthUpdate: `U` is the previous `u` + 1."""
        return {
            "e": "depthUpdate",
            "E": ms(now),
            "s": market.listing.native,
            "U": change.first,
            "u": change.last,
            "b": self.levels(market, change.bids),
            "a": self.levels(market, change.asks),
        }

    def ticker(self, market: Market, change: Change, now: Nanos) -> Json:
        """Return a bookTicker: it has neither a time nor a name."""
        del now
        (bid, bid_size), (ask, ask_size) = self.levels(market, (*market.bids(1), *market.asks(1)))
        return {"u": change.last, "s": market.listing.native, "b": bid, "B": bid_size, "a": ask, "A": ask_size}

    def trade_frames(self, market: Market, one: Print, now: Nanos) -> Mapping[str, Callable[[], Json]]:
        """Return the trade, and the same as an aggregate of one."""
        listing, at = market.listing, ms(now)
        price, size, maker = self.price(listing, one.ticks), self.size(listing, one.lots), one.side is Side.SELL
        ends = {"p": price, "q": size, "T": at, "m": maker, "M": True}
        number = one.trade_id
        return {
            "trade": lambda: {"e": "trade", "E": at, "s": listing.native, "t": number, **ends},
            "aggTrade": lambda: {
                "e": "aggTrade", "E": at, "s": listing.native, "a": number, "f": number, "l": number, **ends,
            },
        }  # fmt: skip

    def second(self, venue: SimulatedVenue, market: Market, number: int) -> None:
        """Say nothing: spot has no stream of ours that comes each second."""

    def image(self, venue: SimulatedVenue, market: Market, limit: int) -> Json:
        """Return the answer of REST depth."""
        del venue
        bids, asks = self.levels(market, market.bids(limit)), self.levels(market, market.asks(limit))
        return {"lastUpdateId": market.last, "bids": bids, "asks": asks}

    def depth_weight(self, limit: int) -> int:
        """Return 5, 25, 50 or 250, by limit."""
        return next((weight for most, weight in DEPTH_WEIGHTS if limit <= most), 250)

    def symbol_info(self, listing: Listing) -> Json:
        """Return a symbol of exchangeInfo."""
        notional = {"filterType": "NOTIONAL", "minNotional": MIN_NOTIONAL, "applyMinToMarket": True}
        return {
            "symbol": listing.native,
            "status": "TRADING",
            "baseAsset": listing.base,
            "baseAssetPrecision": 8,
            "quoteAsset": listing.quote,
            "quotePrecision": 8,
            "quoteAssetPrecision": 8,
            "baseCommissionPrecision": 8,
            "quoteCommissionPrecision": 8,
            "orderTypes": list(ORDER_TYPES),
            "icebergAllowed": False,
            "ocoAllowed": False,
            "quoteOrderQtyMarketAllowed": True,
            "isSpotTradingAllowed": True,
            "isMarginTradingAllowed": False,
            "filters": [*self.filters(listing), notional],
            "permissions": [],
            "permissionSets": [["SPOT"]],
            "defaultSelfTradePreventionMode": "NONE",
            "allowedSelfTradePreventionModes": ["NONE"],
        }
