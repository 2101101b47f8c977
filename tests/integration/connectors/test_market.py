"""One venue's market data over real HTTP and WebSocket: instruments, sessions, health."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from random import Random
from typing import Any

import structlog
from aiohttp import web

from connectors.base.feed import FeedOptions
from connectors.base.market import MarketData
from connectors.base.settings import VenueSettings
from connectors.registry import DIALECTS
from core.events import Book, FeedStats, Instrument, MarketEvent, VenueHealth
from core.types import Channel, StreamState
from tests.fakes.quick_clock import QuickClock
from tests.fakes.venue import RawVenue, okx, raw_venue


def row(native: str, **other: str) -> dict[str, str]:
    """Return an instrument of OKX."""
    base, quote = native.split("-")
    listed = {
        "instId": native,
        "instType": "SPOT",
        "state": "live",
        "baseCcy": base,
        "quoteCcy": quote,
        "tickSz": "0.1",
    }
    return listed | other


class Site:
    """OKX's REST: instruments that a test changes, and the time."""

    def __init__(self) -> None:
        self.rows = [row("BTC-USDT"), row("ETH-USDT")]
        self.down = False
        self.asked = 0

    async def instruments(self, request: web.Request) -> web.Response:
        self.asked += 1
        if self.down:
            return web.Response(status=503)
        rows = self.rows if request.query["instType"] == "SPOT" else []
        return web.json_response({"code": "0", "data": rows})

    async def time(self, _: web.Request) -> web.Response:
        return web.json_response({"code": "0", "data": [{"ts": "1767268800000"}]})


@asynccontextmanager
async def serving(site: Site) -> AsyncIterator[str]:
    """Serve the site."""
    app = web.Application()
    app.router.add_get("/api/v5/public/instruments", site.instruments)
    app.router.add_get("/api/v5/public/time", site.time)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    server = web.TCPSite(runner, "127.0.0.1", 0)
    await server.start()
    host, port = runner.addresses[0][:2]
    yield f"http://{host}:{port}"
    await runner.cleanup()


class Seen:
    """What was published."""

    def __init__(self) -> None:
        self.events: list[MarketEvent] = []
        self._changed = asyncio.Event()

    def publish(self, event: MarketEvent) -> None:
        """Keep an event."""
        self.events.append(event)
        self._changed.set()

    def of(self, kind: type) -> list[Any]:
        """Return the events of a kind."""
        return [one for one in self.events if isinstance(one, kind)]

    async def until(self, true: Callable[[], bool]) -> None:
        """Wait for events that make it true."""
        while not true():
            self._changed.clear()
            await self._changed.wait()

    def state(self, symbol: str) -> StreamState | None:
        """Return the last state of a book's stream."""
        found = [one.state for one in self.of(FeedStats) if (one.channel, one.symbol) == (Channel.BOOKS, symbol)]
        return found[-1] if found else None


@asynccontextmanager
async def running(site: Site, venue: RawVenue, *symbols: str, factor: float = 30.0) -> AsyncIterator[Seen]:
    """Run OKX's market data against the two servers."""
    async with serving(site) as url:
        seen = Seen()
        settings = VenueSettings(symbols=list(symbols), channels=[Channel.BOOKS], ws_url=venue.url, rest_url=url)
        market = MarketData(
            DIALECTS["okx"], settings, QuickClock(factor), seen.publish, options=FeedOptions(), rng=Random(3)
        )
        task = asyncio.create_task(market.run())
        try:
            yield seen
        finally:
            task.cancel()
            _ = await asyncio.wait({task})
            assert task.cancelled(), task.exception()


async def test_a_venue_is_live() -> None:
    """Instruments of what we watch, books, and each second the venue's health."""
    async with raw_venue(okx) as venue, running(Site(), venue, "BTC-USDT") as seen:
        await seen.until(lambda: bool(seen.of(VenueHealth)) and seen.of(VenueHealth)[-1].ws_state == "live")
        assert [(one.symbol, one.tick, one.status) for one in seen.of(Instrument)] == [("BTC-USDT", "0.1", "live")]
        assert seen.state("BTC-USDT") is StreamState.LIVE
        assert {one.symbol for one in seen.of(Book)} == {"BTC-USDT"}


async def test_an_unknown_symbol_is_named_and_never_subscribed() -> None:
    """With the nearest name in the log, REFUSED in its statistics, and the others live."""
    with structlog.testing.capture_logs() as logs:
        async with raw_venue(okx) as venue, running(Site(), venue, "BTC-USDT", "BTC-USDR") as seen:
            await seen.until(lambda: seen.state("BTC-USDT") is StreamState.LIVE)
            assert seen.state("BTC-USDR") is StreamState.REFUSED
            assert "BTC-USDR" not in "".join(venue.said)
    (told,) = [one for one in logs if one["event"] == "symbol.unknown"]
    assert (told["symbol"], told["hint"]) == ("BTC-USDR", "did you mean BTC-USDT?")


async def test_a_changed_instrument_is_a_row() -> None:
    """Asked again each quarter of an hour: a new status is published, the same again is not."""
    site = Site()
    async with raw_venue(okx) as venue, running(site, venue, "BTC-USDT", "ETH-USDT", factor=2000.0) as seen:
        await seen.until(lambda: len(seen.of(Instrument)) == 2 and site.asked >= 6)
        site.rows[1] = row("ETH-USDT", state="suspend")
        await seen.until(lambda: len(seen.of(Instrument)) == 3)
        asked = site.asked
        await seen.until(lambda: site.asked >= asked + 3)
        assert [(one.symbol, one.status) for one in seen.of(Instrument)][2:] == [("ETH-USDT", "suspend")]


async def test_a_venue_whose_rest_is_down_is_asked_until_it_answers() -> None:
    """Nothing can be subscribed without names; its health says that it is not connected."""
    site = Site()
    site.down = True
    async with raw_venue(okx) as venue, running(site, venue, "BTC-USDT") as seen:
        await seen.until(lambda: bool(seen.of(VenueHealth)) and site.asked > 1)
        assert (seen.of(VenueHealth)[-1].ws_state, venue.opened) == ("connecting", 0)
        site.down = False
        await seen.until(lambda: seen.state("BTC-USDT") is StreamState.LIVE)


async def test_a_symbol_may_be_written_as_the_venue_writes_it() -> None:
    """The venue's own name is understood; events carry ours."""
    site = Site()
    site.rows.append(json.loads(json.dumps(row("SOL-USDT"))) | {"instId": "SOL-USDT-SWAP", "instType": "SWAP"})
    async with raw_venue(okx) as venue, running(site, venue, "SOL-USDT-SWAP") as seen:
        await seen.until(lambda: seen.state("SOL-USDT-PERP") is StreamState.LIVE)
        assert {one.symbol for one in seen.of(Book)} == {"SOL-USDT-PERP"}
