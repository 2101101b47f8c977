"""The simulated world: venues on loopback that share the same mid prices, moved on by one task."""

import asyncio
import difflib
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from decimal import Decimal
from random import Random
from types import MappingProxyType

from aiohttp import web

from core.clock import Clock
from core.errors import UsageError
from core.tasks import start
from core.types import Nanos, Symbol, VenueName
from simulator.account_model import Top, TradingRules
from simulator.account_server import SimulatedAccount
from simulator.binance import MIN_NOTIONAL, BinanceSpot
from simulator.binance_futures import BinanceFutures
from simulator.exchange import Exchange
from simulator.market import Change, Market, Mid, start_price
from simulator.okx import Okx
from simulator.server import CLOSE_S, SimulatedVenue, Wire
from simulator.trader import Trader

WIRES: Mapping[VenueName, type[Wire]] = MappingProxyType(
    {"binance": BinanceSpot, "binance_futures": BinanceFutures, "okx": Okx}
)
PAIRS = ("BTC-USDT", "ETH-USDT")
EVERY = 0.1
"""Seconds between two steps of a market: the venues' own 100 ms books."""
LATE = 1.0
"""A world that was held up longer than this goes on from now; it does not make up for the time."""
PURSE = 100_000.0
"""What an account holds of each asset, in the quote."""
HOST = "127.0.0.1"


class UnknownVenue(UsageError):
    """No such venue is simulated."""


class World:
    """Venues by name; `jump` moves a pair's price at all of them."""

    def __init__(self, clock: Clock, venues: Sequence[VenueName], pairs: Sequence[Symbol], seed: int) -> None:
        self._clock = clock
        self._mids = {pair: Mid(pair, start_price(pair.split("-")[0]), seed) for pair in pairs}
        prices = {pair: mid.price for pair, mid in self._mids.items()}
        self.venues = {name: SimulatedVenue(_wire(name), clock, pairs, prices, seed) for name in venues}

    def jump(self, pair: Symbol, percent: float) -> None:
        """Move a pair's price at every venue, for good."""
        self._mids[pair].jump(percent)

    async def run(self, every: float = EVERY) -> None:
        """Let time pass for ever; the venues take turns within a step, so that their frames do not come at once."""
        due = self._clock.elapsed()
        while True:
            prices = {pair: mid.step(every) for pair, mid in self._mids.items()}
            for venue in self.venues.values():
                due += every / len(self.venues)
                await self._clock.sleep(max(0.0, due - self._clock.elapsed()))
                venue.step(prices, every)
            due = max(due, self._clock.elapsed() - LATE)


def _wire(name: VenueName) -> Wire:
    if name not in WIRES:
        near = difflib.get_close_matches(name, WIRES, n=1)
        raise UnknownVenue(name, hint=f"Did you mean {near[0]}?" if near else f"Simulated: {', '.join(WIRES)}")
    return WIRES[name]()


@asynccontextmanager
async def simulating(
    clock: Clock,
    *,
    seed: int = 7,
    venues: Sequence[VenueName] = tuple(WIRES),
    symbols: Sequence[Symbol] = PAIRS,
    every: float = EVERY,
    trades_per_second: float = 0.5,
) -> AsyncIterator[World]:
    """Serve a world until the block ends. `symbols` are spot pairs; their perpetuals come along where there are any.

    `binance` gets an account whose bot does `trades_per_second` things a second; 0: it holds still.
    """
    world = World(clock, venues, symbols, seed)
    async with AsyncExitStack() as stack:
        group = await stack.enter_async_context(asyncio.TaskGroup())
        tasks = [start(group, "simulated markets", world.run(every))]
        # Undone in reverse: first the tasks, then the servers, then the group that waits for both.
        for venue in world.venues.values():
            await stack.enter_async_context(_serving(venue, clock, seed))
            if venue.account is not None and trades_per_second > 0:
                trader = Trader(venue.account.exchange, Random(f"{seed} trader"), rate=trades_per_second)
                tasks.append(start(group, "simulated trader", trader.run(clock, venue.now)))
        _ = stack.callback(_cancel, tasks)
        yield world


def _cancel(tasks: Sequence[asyncio.Task[None]]) -> None:
    for task in tasks:
        _ = task.cancel()


@asynccontextmanager
async def _serving(venue: SimulatedVenue, clock: Clock, seed: int) -> AsyncIterator[None]:
    """Serve one venue on a free port of loopback; its addresses are set."""
    if venue.name == BinanceSpot.name:
        venue.account = _open_account(venue, clock, seed)
    routes = venue.account.routes() if venue.account is not None else []
    runner = web.AppRunner(venue.application(routes), access_log=None, shutdown_timeout=CLOSE_S)
    await runner.setup()
    try:
        await web.TCPSite(runner, HOST, 0).start()
        port = runner.addresses[0][1]
        venue.rest_url, venue.ws_url = f"http://{HOST}:{port}", f"ws://{HOST}:{port}"
        if venue.account is not None:
            venue.account.rest_url, venue.account.ws_url = venue.rest_url, f"{venue.ws_url}/ws-api/v3"
        yield
    finally:
        venue.cut()
        if venue.account is not None:
            venue.account.cut()
        await runner.cleanup()


def _open_account(venue: SimulatedVenue, clock: Clock, seed: int) -> SimulatedAccount:
    """Return an account that trades with the venue's markets, and holds a purse of each asset."""
    listings = [one.listing for one in venue.markets.values()]
    rules = [
        TradingRules(one.native, one.base, one.quote, one.tick, one.lot, Decimal(MIN_NOTIONAL)) for one in listings
    ]
    purse = {one.base: Decimal(PURSE / start_price(one.base)).quantize(one.lot) for one in listings}
    purse |= {one.quote: Decimal(PURSE) for one in listings}
    exchange = Exchange(rules, purse, Random(f"{seed} account"))

    def follow(market: Market, change: Change, now: Nanos) -> None:
        listing = market.listing
        for one in change.trades:
            exchange.printed(listing.native, listing.price(one.ticks), listing.size(one.lots), now)
        if change.best_moved:
            bid, ask = market.bids(1)[0], market.asks(1)[0]
            sizes = listing.size(bid.lots), listing.size(ask.lots)
            top = Top(listing.price(bid.ticks), sizes[0], listing.price(ask.ticks), sizes[1])
            exchange.quote(listing.native, top, now)

    venue.listen(follow)
    return SimulatedAccount(exchange, venue.faults, clock, f"key-{seed}", f"secret-{seed}")
