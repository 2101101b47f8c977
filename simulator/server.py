"""One simulated venue on loopback: sockets, REST, and HTTP control of its faults, all on one port.

What is a venue's own (its frames, its answers, its errors) is a `Wire`; what every venue does is here.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import ClassVar, Protocol

import msgspec
from aiohttp import web

from core.clock import Clock
from core.errors import DeskError
from core.types import Channel, Nanos, Symbol, VenueName
from simulator.account_server import SimulatedAccount
from simulator.budget import Budget
from simulator.courier import Courier
from simulator.fault_kinds import Fault
from simulator.faults import Faults
from simulator.market import Change, Listing, Market
from simulator.sockets import Socket, SocketRules

CONTROL = "/control/faults"
CLOSE_S = 1.0
SECOND_S = 1.0
BUSY = 503

_fault: msgspec.json.Decoder[Fault] = msgspec.json.Decoder(Fault)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Listener = Callable[[Market, Change, Nanos], None]
"""(market, what its step did, the venue's time)."""


class Wire(Protocol):
    """A venue's protocol: the names, frames, answers and errors that are its own."""

    name: ClassVar[VenueName]
    socket_rules: ClassVar[SocketRules]
    socket_paths: ClassVar[Sequence[str]]
    weight_per_minute: ClassVar[int]
    dense_ids: ClassVar[bool]

    def listings(self, pairs: Sequence[Symbol]) -> Sequence[Listing]:
        """Return what the venue trades, of these pairs."""

    def routes(self, venue: "SimulatedVenue") -> Sequence[web.RouteDef]:
        """Return its REST."""

    def weight(self, request: web.Request) -> int:
        """Return what a request costs; 0: it is not counted here."""

    def weight_headers(self, used: int) -> Mapping[str, str]:
        """Return how it tells the weight that is used."""

    def failure(self, status: int, retry_after: int | None) -> web.Response:
        """Return its answer when it cannot or will not serve."""

    def opened(self, venue: "SimulatedVenue", socket: Socket) -> None:
        """Take a new socket: its path may subscribe already."""

    def said(self, venue: "SimulatedVenue", socket: Socket, text: str) -> None:
        """Take a client's message."""

    def stepped(self, venue: "SimulatedVenue", market: Market, change: Change) -> None:
        """Publish what a step of a market did."""

    def second(self, venue: "SimulatedVenue", market: Market, number: int) -> None:
        """Publish what comes each second; `number` counts them."""

    def corrupted(self, channel: Channel, payload: bytes) -> bytes:
        """Return a damaged frame, so that a careful client can find it."""


class SimulatedVenue:
    """A venue: `markets` by canonical symbol, `faults`, addresses once it is served."""

    def __init__(
        self, wire: Wire, clock: Clock, pairs: Sequence[Symbol], mids: Mapping[Symbol, float], seed: int
    ) -> None:
        self.name = wire.name
        self.ws_url = ""
        self.rest_url = ""
        self.account: SimulatedAccount | None = None
        """The account that trades here, where the venue has a private side."""
        self.clock = clock
        self.pairs: dict[Symbol, Symbol] = {}
        """The pair whose mid a symbol follows."""
        self.markets: dict[Symbol, Market] = {}
        for listing in wire.listings(pairs):
            pair = f"{listing.base}-{listing.quote}"
            self.pairs[listing.symbol] = pair
            self.markets[listing.symbol] = Market(listing, f"{seed} {wire.name}", mids[pair], dense=wire.dense_ids)
        self.by_native = {one.listing.native: one for one in self.markets.values()}
        self.symbols = tuple(self.markets)
        self.faults = Faults(clock, self.symbols)
        self.courier = Courier(clock)
        self.budget = Budget(clock, wire.weight_per_minute)
        self.sockets: dict[Socket, None] = {}
        self._wire = wire
        self._listeners: list[Listener] = []
        self._span = 0.0
        self._seconds = 0
        self.faults.on_cut(lambda private: None if private else self.cut())
        self.faults.on_jump(lambda symbol, percent: self.markets[symbol].jump(percent))

    # --- what wires and others use -----------------------------------------------------------------------------------

    def now(self) -> Nanos:
        """Return the time on the venue's clock."""
        return self.faults.venue_now()

    def listen(self, listener: Listener) -> None:
        """Tell a listener what each step of each market did."""
        self._listeners.append(listener)

    def publish(self, channel: Channel, symbol: Symbol, stream: str, build: Callable[[], bytes]) -> None:
        """Send a frame to everybody who subscribed; it is built once, and only if there is anybody."""
        if self.courier.wanted(stream):
            self._post(channel, symbol, stream, build(), None)

    def answer(self, socket: Socket, channel: Channel, symbol: Symbol, stream: str, payload: bytes) -> None:
        """Send a frame of a stream to one socket that has just subscribed it."""
        self._post(channel, symbol, stream, payload, socket)

    def _post(self, channel: Channel, symbol: Symbol, stream: str, payload: bytes, only: Socket | None) -> None:
        plan = self.faults.plan(channel, symbol)
        if plan.copies:
            damaged = self._wire.corrupted(channel, payload) if plan.corrupt else payload
            self.courier.post(stream, damaged, plan, only)

    def cut(self) -> None:
        """Break every public socket off."""
        for socket in tuple(self.sockets):
            socket.cut()

    # --- time --------------------------------------------------------------------------------------------------------

    def step(self, mids: Mapping[Symbol, float], seconds: float) -> None:
        """Let time pass: move every market, publish, and look after the sockets."""
        for symbol, market in self.markets.items():
            change = market.step(mids[self.pairs[symbol]], seconds, self.faults.push(symbol))
            self._wire.stepped(self, market, change)
            for listener in self._listeners:
                listener(market, change, self.now())
        self._span += seconds
        while self._span >= SECOND_S:
            self._span -= SECOND_S
            self._seconds += 1
            for market in self.markets.values():
                self._wire.second(self, market, self._seconds)
        self.courier.release()
        now = self.clock.elapsed()
        for socket in tuple(self.sockets):
            socket.tick(now)

    # --- HTTP --------------------------------------------------------------------------------------------------------

    def application(self, extra: Sequence[web.RouteDef] = ()) -> web.Application:
        """Return the venue's server; `extra` routes (an account's) pass the same door."""
        app = web.Application(middlewares=[self._door])
        app.add_routes([web.get(path, self._socket) for path in self._wire.socket_paths])
        app.add_routes([*self._wire.routes(self), *extra])
        app.add_routes(
            [web.get(CONTROL, self._show), web.post(CONTROL, self._inject), web.delete(CONTROL, self._clear)]
        )
        return app

    @web.middleware
    async def _door(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Refuse what a fault or the budget refuses; tell the weight on the rest."""
        if request.path == CONTROL:
            return await handler(request)
        if request.headers.get("Upgrade", "").lower() == "websocket":
            return self._wire.failure(BUSY, None) if self.faults.refusing else await handler(request)
        trouble = self.faults.rest(request.path)
        if trouble is not None:
            return self._wire.failure(trouble.status, trouble.retry_after)
        weight = self._wire.weight(request)
        if not weight:
            return await handler(request)
        refusal = self.budget.spend(weight)
        response = await handler(request) if refusal is None else self._wire.failure(*refusal)
        response.headers.update(self._wire.weight_headers(self.budget.used))
        return response

    async def _socket(self, request: web.Request) -> web.StreamResponse:
        if not web.WebSocketResponse().can_prepare(request):
            return web.Response(status=400, text="a WebSocket is served here")
        socket = Socket(request, self._wire.socket_rules, self.clock, lambda: self.faults.mute)
        self.sockets[socket] = None
        try:
            return await socket.serve(
                lambda one: self._wire.opened(self, one), lambda one, text: self._wire.said(self, one, text)
            )
        finally:
            self.courier.leave(socket)
            del self.sockets[socket]

    async def _show(self, _: web.Request) -> web.Response:
        return web.Response(body=msgspec.json.encode(self.faults.active()), content_type="application/json")

    async def _inject(self, request: web.Request) -> web.Response:
        try:
            self.faults.inject(_fault.decode(await request.read()))
        except (msgspec.DecodeError, UnicodeDecodeError, DeskError) as error:
            return web.json_response({"error": str(error)}, status=400)
        return await self._show(request)

    async def _clear(self, request: web.Request) -> web.Response:
        self.faults.clear()
        return await self._show(request)
