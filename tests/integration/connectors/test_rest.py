"""The REST door against a real HTTP server: its budget, and what each of a venue's answers comes to."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager

import aiohttp
import pytest
from aiohttp import web

from connectors.base.contract import RestRules
from connectors.base.limits import Throttled
from connectors.base.rest import (
    ClockRefused,
    KeyRefused,
    KnownError,
    OutcomeUnknown,
    RateLimited,
    Refused,
    RestDoor,
    Trouble,
    VenueDown,
)
from core.errors import BadMessage, DeskError
from core.types import Nanos
from tests.fakes.clock import NOON, FakeClock

RULES = RestRules(weight_per_minute=60, used_weight_header="X-MBX-USED-WEIGHT-1M")
KNOWN = {
    "-1021": KnownError(Trouble.CLOCK, "measure again"),
    "-2015": KnownError(Trouble.KEY, "look at the key"),
    "-1003": KnownError(Trouble.RATE, "slower"),
    "-1007": KnownError(Trouble.UNKNOWN_OUTCOME, "query it"),
    "-1008": KnownError(Trouble.BUSY, "later"),
}


class Signed:
    """A signer that adds the venue's time, and a clock that is the venue's."""

    def sign(self, params: Mapping[str, str], now: Nanos) -> tuple[str, Mapping[str, str]]:
        return "&".join(f"{k}={v}" for k, v in params.items()) + f"&timestamp={now}", {"X-KEY": "k"}

    def venue_now(self) -> Nanos:
        return NOON + 5


class Site:
    """What the server answers next, and what it was asked."""

    def __init__(self) -> None:
        self.answer: Callable[[], web.Response] = lambda: web.Response(body=b"{}")
        self.asked: list[str] = []
        self.hang = False
        self.cut = False

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(f"{request.method} {request.path_qs}")
        if self.cut and request.transport is not None:
            request.transport.abort()
        if self.hang:
            await asyncio.sleep(30)
        return self.answer()


@asynccontextmanager
async def door(site: Site, clock: FakeClock) -> AsyncIterator[RestDoor]:
    """Serve the site and return a door to it."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", site.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    server = web.TCPSite(runner, "127.0.0.1", 0)
    await server.start()
    host, port = runner.addresses[0][:2]
    try:
        async with aiohttp.ClientSession() as http:
            yield RestDoor("test", f"http://{host}:{port}", http, clock, RULES, known=KNOWN)
    finally:
        await runner.cleanup()


async def test_the_body_comes_as_it_is(clock: FakeClock) -> None:
    """And the path goes as it is, its query encoded already."""
    site = Site()
    site.answer = lambda: web.Response(body=b'{"a":1}')
    async with door(site, clock) as rest:
        assert await rest.get("/api/v3/depth?symbol=A%2FB") == b'{"a":1}'
        assert site.asked == ["GET /api/v3/depth?symbol=A%2FB"]
        assert rest.latency_ms is not None


@pytest.mark.parametrize(
    ("status", "body", "error", "words"),
    [
        (500, "oops", VenueDown, "HTTP 500"),
        (503, "<html>", VenueDown, "HTTP 503"),
        (408, "", VenueDown, "HTTP 408"),
        (400, '{"code":-1121,"msg":"Invalid symbol."}', Refused, "code -1121: Invalid symbol"),
        (401, "", KeyRefused, "Check key"),
        (403, "<html>waf", Refused, "firewall"),
        (404, "not json " * 1000, Refused, "HTTP 404"),
        (302, "", Refused, "HTTP 302"),
        (400, '{"code":-1021,"msg":"ahead"}', ClockRefused, "measure again"),
        (400, '{"code":-2015,"msg":"no"}', KeyRefused, "look at the key"),
        (400, '{"code":-1003,"msg":"too many"}', RateLimited, "slower"),
        (400, '{"code":-1007,"msg":"timeout"}', OutcomeUnknown, "query it"),
        (400, '{"code":-1008,"msg":"overloaded"}', VenueDown, "later"),
        (400, "[" * 50_000, Refused, "HTTP 400"),
    ],
)
async def test_an_answer_is_mapped_once(
    clock: FakeClock, status: int, body: str, error: type[DeskError], words: str
) -> None:
    """Status and the venue's code decide what it is; the text says what to do."""
    site = Site()
    site.answer = lambda: web.Response(status=status, text=body)
    async with door(site, clock) as rest:
        with pytest.raises(error, match=words) as caught:
            await rest.get("/x")
    assert type(caught.value) is error
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize("status", [429, 418])
async def test_a_busy_venue_is_left_alone_for_as_long_as_it_says(clock: FakeClock, status: int) -> None:
    """Retry-After holds for every request; a long pause is told, not waited for."""
    site = Site()
    site.answer = lambda: web.Response(status=status, headers={"Retry-After": "100"})
    async with door(site, clock) as rest:
        with pytest.raises(RateLimited) as caught:
            await rest.get("/x")
        assert caught.value.after == 100.0
        with pytest.raises(Throttled) as held:
            await rest.get("/y")
        assert held.value.after == pytest.approx(100.0)
        clock.advance(80)
        site.answer = lambda: web.Response(body=b"{}")
        assert await rest.get("/y") == b"{}"
        assert clock.elapsed() >= 100
    assert site.asked == ["GET /x", "GET /y"]


@pytest.mark.parametrize(("status", "least"), [(429, 10.0), (418, 120.0)])
async def test_without_retry_after_the_pause_is_ours(clock: FakeClock, status: int, least: float) -> None:
    """A ban lasts two minutes at least; an unreadable header is none."""
    site = Site()
    site.answer = lambda: web.Response(status=status, headers={"Retry-After": "Wed, 21 Oct 2026 07:28:00 GMT"})
    async with door(site, clock) as rest:
        with pytest.raises(RateLimited) as caught:
            await rest.get("/x")
        assert caught.value.after == least
        assert rest.limiter.paused_for() == pytest.approx(least)


async def test_the_budget_spreads_requests(clock: FakeClock) -> None:
    """60 weight a minute: the fourth request of 20 waits 20 s."""
    async with door(Site(), clock) as rest:
        for _ in range(4):
            await rest.get("/x", weight=20)
    assert clock.elapsed() == pytest.approx(20.0, abs=0.1)


async def test_the_venues_own_count_beats_ours(clock: FakeClock) -> None:
    """Somebody else uses this address: the header says that 55 of 60 are gone."""
    site = Site()
    site.answer = lambda: web.Response(body=b"{}", headers={"X-MBX-USED-WEIGHT-1M": "55"})
    async with door(site, clock) as rest:
        await rest.get("/x")
        assert rest.limiter.used_percent() == pytest.approx(100 * 55 / 60)
        await rest.get("/x", weight=10)
    assert clock.elapsed() == pytest.approx(5.0, abs=0.1)


async def test_a_nonsense_count_is_ignored(clock: FakeClock) -> None:
    """Not a number, not ours to guess."""
    site = Site()
    site.answer = lambda: web.Response(body=b"{}", headers={"X-MBX-USED-WEIGHT-1M": "many"})
    async with door(site, clock) as rest:
        await rest.get("/x")
        assert rest.limiter.used_percent() < 5


async def test_a_lost_answer_to_a_question_is_a_venue_that_is_down(clock: FakeClock) -> None:
    """A connection that ends in the middle: ask again."""
    site = Site()
    site.cut = True
    async with door(site, clock) as rest:
        with pytest.raises(VenueDown):
            await rest.get("/x")


async def test_a_lost_answer_to_an_order_is_an_unknown_outcome(clock: FakeClock) -> None:
    """It may have been carried out: never failed, never sent again."""
    site = Site()
    site.cut = True
    async with door(site, clock) as rest:
        with pytest.raises(OutcomeUnknown, match="never send it again"):
            await rest.signed("POST", "/order", {"symbol": "A"}, Signed(), Signed())
        site.cut = False
        site.answer = lambda: web.Response(status=503)
        with pytest.raises(OutcomeUnknown):
            await rest.signed("POST", "/order", {"symbol": "A"}, Signed(), Signed())
    assert site.asked[-1] == f"POST /order?symbol=A&timestamp={NOON + 5}"


async def test_nobody_listens(clock: FakeClock) -> None:
    """A refused connection is a venue that is down."""
    async with aiohttp.ClientSession() as http:
        rest = RestDoor("test", "http://127.0.0.1:9", http, clock, RULES)
        with pytest.raises(VenueDown):
            await rest.get("/x")


async def test_an_endless_body_is_not_read(clock: FakeClock) -> None:
    """65 MiB are more than any answer of a venue: refused, in bounded memory."""
    site = Site()
    site.answer = lambda: web.Response(body=b"x" * (65 << 20))
    async with door(site, clock) as rest:
        with pytest.raises(BadMessage, match="64 MiB"):
            await rest.get("/x")
