"""The private side of simulated Binance spot on loopback: signed REST, and the user stream on the WS API.

`SimulatedAccount` is what a test or the demo holds. A venue's server mounts its `routes`; the venue's faults of REST
and of new sockets are that server's to apply. `serving` runs an account on a port of its own, with the two public
requests that every client of an account makes (time and exchangeInfo).
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from decimal import Decimal

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from core.clock import Clock
from core.types import Nanos
from simulator.account_auth import Door, http_status
from simulator.account_faults import AccountFaults
from simulator.account_model import Ledger, TradingRules, VenueRefuses
from simulator.account_rest import ENDPOINTS, Endpoint
from simulator.account_stream import Surroundings, UserSocket
from simulator.account_wire import Json, ms
from simulator.exchange import Exchange
from simulator.faults import Faults

WS_PATH = "/ws-api/v3"
WEIGHT_A_MINUTE = 6000
MINUTE: Nanos = 60 * 1_000_000_000
CLOSE_S = 1.0
PAGE = "<html><body>Service unavailable</body></html>"
"""What a proxy before the venue says, which is not JSON."""


class SimulatedAccount:
    """One account with its key: `exchange` trades, `ledger` is the truth, `faults` can be set at any time."""

    def __init__(self, exchange: Exchange, venue: Faults, clock: Clock, key: str, secret: str) -> None:
        """Open the account at a venue with these faults."""
        self.exchange = exchange
        self.venue = venue
        self.key = key
        self.secret = secret
        self.rest_url = ""
        self.ws_url = ""
        self.faults = AccountFaults()
        self.weight_a_minute = WEIGHT_A_MINUTE
        self.requests: list[tuple[str, str]] = []
        """Method and path of every private request that arrived here, refused ones too."""
        self._clock = clock
        self._around = Surroundings(exchange, self.door, self.faults, venue, clock)
        self._sockets: set[UserSocket] = set()
        self._window: Nanos = 0
        self._used = 0
        venue.on_cut(lambda private: self.cut() if private else None)

    @property
    def ledger(self) -> Ledger:
        """Every order and fill, as they really are."""
        return self.exchange.ledger

    @property
    def connections(self) -> int:
        """Sockets that are open."""
        return len(self._sockets)

    @property
    def subscriptions(self) -> int:
        """User streams that are subscribed."""
        return sum(one.subscribed for one in self._sockets)

    def door(self) -> Door:
        """Return what checks requests now; no key is known after this one has expired."""
        return Door("" if self.faults.key_expired else self.key, self.secret)

    # --- faults that are a moment, not a state -----------------------------------------------------------------------

    def cut(self) -> None:
        """Break every private socket off."""
        for socket in list(self._sockets):
            socket.cut()

    def end_streams(self) -> None:
        """End every subscription with the venue's own event; the sockets live on."""
        for socket in list(self._sockets):
            socket.end_stream()

    def expire_key(self) -> None:
        """Let the key be unknown from now on, and say so on the open sockets."""
        self.faults.key_expired = True
        for socket in list(self._sockets):
            socket.refuse_key()

    # --- the server --------------------------------------------------------------------------------------------------

    def routes(self) -> list[web.RouteDef]:
        """Return the private requests and the WS API, for a server's application."""
        found = [
            web.route(method, path, self._answers(path, endpoint)) for (method, path), endpoint in ENDPOINTS.items()
        ]
        return [*found, web.get(WS_PATH, self._socket)]

    def public_routes(self) -> list[web.RouteDef]:
        """Return time and exchangeInfo, for a server that has no market data."""
        return [web.get("/api/v3/time", self._time), web.get("/api/v3/exchangeInfo", self._info)]

    def _answers(self, path: str, endpoint: Endpoint) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def answer(request: web.Request) -> web.Response:
            self.requests.append((request.method, path))
            if self.faults.rest_delay:
                await self._clock.sleep(self.faults.rest_delay)
            return self._signed(request, await request.text(), endpoint)

        return answer

    def _signed(self, request: web.Request, body: str, endpoint: Endpoint) -> web.Response:
        now = self.venue.venue_now()
        key = request.headers.get("X-MBX-APIKEY")
        try:
            params = self.door().check_query(key, request.rel_url.raw_query_string, body, now)
            if not self._spend(endpoint.weight(params), now):
                return self._reply({"code": -1003, "msg": "Too much request weight used."}, 429, {"Retry-After": "5"})
            return self._reply(endpoint.answer(self.exchange, params, now), 200)
        except VenueRefuses as refusal:
            _ = self._spend(1, now)
            return self._reply({"code": refusal.code, "msg": refusal.text}, http_status(refusal.code))

    def _spend(self, weight: int, now: Nanos) -> bool:
        """Count a request's weight in the running minute; says whether it was allowed."""
        if now // MINUTE != self._window:
            self._window, self._used = now // MINUTE, 0
        self._used += weight
        return self._used <= self.weight_a_minute

    def _reply(self, body: Json | list[Json], status: int, headers: dict[str, str] | None = None) -> web.Response:
        used = str(self._used)
        weights = {"X-MBX-USED-WEIGHT": used, "X-MBX-USED-WEIGHT-1M": used}
        return web.json_response(body, status=status, headers={**weights, **(headers or {})})

    async def _socket(self, request: web.Request) -> web.StreamResponse:
        socket = UserSocket(self._around, request)
        self._sockets.add(socket)
        try:
            return await socket.serve()
        finally:
            self._sockets.discard(socket)

    async def _time(self, _: web.Request) -> web.Response:
        return self._reply({"serverTime": ms(self.venue.venue_now())}, 200)

    async def _info(self, _: web.Request) -> web.Response:
        symbols: list[Json] = [_listed(one) for one in self.exchange.rules.values()]
        info: Json = {
            "timezone": "UTC",
            "serverTime": ms(self.venue.venue_now()),
            "rateLimits": [],
            "exchangeFilters": [],
            "symbols": symbols,
        }
        return self._reply(info, 200)


def _listed(rules: TradingRules) -> Json:
    return {
        "symbol": rules.symbol,
        "status": "TRADING",
        "baseAsset": rules.base,
        "baseAssetPrecision": 8,
        "quoteAsset": rules.quote,
        "quotePrecision": 8,
        "quoteAssetPrecision": 8,
        "orderTypes": ["LIMIT", "LIMIT_MAKER", "MARKET"],
        "isSpotTradingAllowed": True,
        "filters": [
            {"filterType": "PRICE_FILTER", "minPrice": str(rules.tick), "maxPrice": "0", "tickSize": str(rules.tick)},
            {"filterType": "LOT_SIZE", "minQty": str(rules.lot), "maxQty": "9000", "stepSize": str(rules.lot)},
            {"filterType": "NOTIONAL", "minNotional": str(Decimal(rules.min_notional)), "applyMinToMarket": True},
        ],
        "permissions": [],
        "permissionSets": [["SPOT"]],
        "defaultSelfTradePreventionMode": "NONE",
        "allowedSelfTradePreventionModes": ["NONE"],
    }


def _faulty(account: SimulatedAccount) -> Middleware:
    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.path == WS_PATH:
            refused = account.venue.refusing
            return web.Response(status=503, text=PAGE) if refused else await handler(request)
        trouble = account.venue.rest(request.path)
        if trouble is None:
            return await handler(request)
        headers = {} if trouble.retry_after is None else {"Retry-After": str(trouble.retry_after)}
        return web.Response(status=trouble.status, text=PAGE, headers=headers)

    return middleware


@asynccontextmanager
async def serving(account: SimulatedAccount, *, port: int = 0) -> AsyncIterator[SimulatedAccount]:
    """Serve an account on loopback until the block ends; its addresses are set while it does."""
    app = web.Application(middlewares=[_faulty(account)])
    app.add_routes([*account.routes(), *account.public_routes()])
    runner = web.AppRunner(app, shutdown_timeout=CLOSE_S, access_log=None)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", port)
        await site.start()
        address = runner.addresses[0]
        account.rest_url = f"http://127.0.0.1:{address[1]}"
        account.ws_url = f"ws://127.0.0.1:{address[1]}{WS_PATH}"
        yield account
    finally:
        account.cut()
        await asyncio.shield(runner.cleanup())
