"""The real connectors at the simulated venues: whole while all is well, and every fault is seen and healed."""

from collections.abc import AsyncIterator

import pytest

from core.events import Funding, Gap, Quote, VenueHealth
from core.types import Channel, GapKind, StreamState
from simulator.server import SimulatedVenue
from simulator.world import simulating
from tests.integration.simulator.watching import QuickClock, until, watching

VENUES = ("binance", "binance_futures", "okx")
SPEED = 4.0
EVERY = 0.1
"""Seconds between steps, of a clock that is SPEED times as fast as ours."""


@pytest.fixture(params=VENUES)
async def venue(request: pytest.FixtureRequest) -> AsyncIterator[SimulatedVenue]:
    """One simulated venue with one pair."""
    async with simulating(QuickClock(SPEED), venues=(request.param,), symbols=("BTC-USDT",), every=EVERY) as world:
        yield world.venues[request.param]


@pytest.fixture
def symbol(venue: SimulatedVenue) -> str:
    """The symbol that a fault is about."""
    return venue.symbols[0]


async def test_quiet_running_has_no_gap_and_every_trade_once(venue: SimulatedVenue) -> None:
    """Each book equals the model's (`Watch` compares), each trade comes once, in order, and nothing is missing."""
    async with watching(venue) as watch:
        await until(lambda: watch.live() and len(watch.traded()) >= 3 and len(watch.of(Quote)) > 50)
        seen = watch.traded()
    first = watch.prints.index(seen[0])
    assert seen == watch.prints[first : first + len(seen)]
    assert watch.gaps(GapKind.SEQUENCE) == watch.gaps(GapKind.CHECKSUM) == watch.gaps(GapKind.STALE) == []
    assert watch.reconnects() == 0


async def test_a_dropped_book_frame_is_a_gap_and_the_book_heals(venue: SimulatedVenue, symbol: str) -> None:
    """The chain of ids proves the loss; the book afterwards is the model's again."""
    async with watching(venue) as watch:
        await until(watch.live)
        venue.faults.drop("books", symbol)
        await until(lambda: watch.closed(GapKind.SEQUENCE))
        healed = len(watch.events)
        await until(lambda: watch.live(healed))
    assert {one.symbol for one in watch.gaps(GapKind.SEQUENCE)} == {symbol}


async def test_a_damaged_book_frame_is_found(venue: SimulatedVenue, symbol: str) -> None:
    """OKX's checksum finds a wrong size; at Binance half a frame is lost, which the ids show."""
    kind = GapKind.CHECKSUM if venue.name == "okx" else GapKind.SEQUENCE
    async with watching(venue) as watch:
        await until(watch.live)
        venue.faults.corrupt("books", symbol)
        await until(lambda: watch.closed(kind))
        healed = len(watch.events)
        await until(lambda: watch.live(healed))


async def test_a_doubled_book_frame_costs_nothing(venue: SimulatedVenue, symbol: str) -> None:
    """Its ids show that the book has it already."""
    async with watching(venue) as watch:
        await until(watch.live)
        venue.faults.duplicate("books", symbol, 2)
        doubled = len(watch.events)
        await until(lambda: venue.faults.active() == [] and len(watch.stats(since=doubled)) >= 2)
        assert watch.live(doubled)
    assert watch.of(Gap) == []


async def test_a_doubled_trade_comes_twice(venue: SimulatedVenue, symbol: str) -> None:
    """The connector passes trades on as they come: the table's key makes one row of both."""
    async with watching(venue, channels=(Channel.TRADES,)) as watch:
        venue.faults.duplicate("trades", symbol)
        await until(lambda: len(watch.traded()) > len(set(watch.traded())))


async def test_swapped_book_frames_are_a_gap_and_the_book_heals(venue: SimulatedVenue, symbol: str) -> None:
    """The second of two frames came first: its ids do not follow."""
    async with watching(venue) as watch:
        await until(watch.live)
        venue.faults.reorder("books", symbol)
        await until(lambda: watch.closed(GapKind.SEQUENCE))
        healed = len(watch.events)
        await until(lambda: watch.live(healed))


async def test_a_stalled_stream_is_silent_while_its_socket_lives(venue: SimulatedVenue, symbol: str) -> None:
    """The watchdog sees it; the other streams go on, and the book is right when it speaks again."""
    async with watching(venue) as watch:
        await until(watch.live)
        await until(lambda: len(watch.stats()) >= 2)
        venue.faults.stall("books", symbol)
        await until(lambda: StreamState.SILENT in watch.states())
        quotes = len(watch.of(Quote))
        await until(lambda: len(watch.of(Quote)) > quotes)
        venue.faults.clear()
        stalled = len(watch.events)
        await until(lambda: watch.live(stalled) and watch.closed(GapKind.STALE))
    assert watch.reconnects() == 0


async def test_a_cut_is_a_gap_of_every_stream_and_heals(venue: SimulatedVenue) -> None:
    """Each stream has a hole from its last word to its next."""
    async with watching(venue) as watch:
        await until(lambda: watch.live() and bool(watch.traded()))
        venue.faults.disconnect()
        await until(lambda: watch.closed(GapKind.DISCONNECT) and watch.closed(GapKind.DISCONNECT, Channel.TRADES))
        healed = len(watch.events)
        await until(lambda: watch.live(healed) and watch.reconnects() >= 1)


async def test_refused_sockets_are_dialled_again(venue: SimulatedVenue) -> None:
    """While the venue says 503 nothing is live; afterwards everything is."""
    async with watching(venue) as watch:
        await until(watch.live)
        venue.faults.refuse(1.0)
        venue.faults.disconnect()
        await until(lambda: not venue.sockets)
        refused = len(watch.events)
        await until(lambda: not venue.faults.refusing)
        assert not watch.live(refused)
        await until(lambda: watch.live(refused) and watch.closed(GapKind.DISCONNECT))


async def test_rest_that_fails_at_the_start_is_asked_again(venue: SimulatedVenue) -> None:
    """Without instruments and snapshots there is no book; they are had as soon as the venue answers."""
    venue.faults.rest_fails(503, 1.0)
    venue.faults.rate_limit(3.0)
    async with watching(venue) as watch:
        await until(watch.live)
    assert venue.faults.active() == []


async def test_a_half_open_socket_loses_what_was_not_sent(venue: SimulatedVenue) -> None:
    """Nothing flows and nothing is closed; what was lost meanwhile is a gap of the book."""
    async with watching(venue) as watch:
        await until(watch.live)
        venue.faults.half_open(0.5)
        muted = len(watch.events)
        await until(lambda: watch.live(muted) and watch.closed(GapKind.SEQUENCE))
    assert watch.reconnects() == 0


async def test_late_frames_show_as_lag(venue: SimulatedVenue) -> None:
    """They carry their old event time; none is lost and none overtakes another."""
    async with watching(venue) as watch:
        await until(watch.live)
        venue.faults.delay(0.8, 1.5)
        delayed = len(watch.events)
        await until(lambda: any((one.lag_p50_ms or 0.0) >= 700.0 for one in watch.stats(since=delayed)))
        late = len(watch.events)
        await until(lambda: any(0.0 < (one.lag_p99_ms or 0.0) < 500.0 for one in watch.stats(since=late)))
    assert watch.gaps(GapKind.SEQUENCE) == []


async def test_a_crossed_book_is_timed_and_passes(venue: SimulatedVenue, symbol: str) -> None:
    """The time that best bid and ask were crossed is in the stream's second, and ends."""
    async with watching(venue) as watch:
        await until(watch.live)
        venue.faults.cross(symbol, 0.6)
        await until(lambda: any(one.crossed_ms > 100.0 for one in watch.stats()))
        await until(lambda: watch.stats()[-1].crossed_ms == 0.0 and watch.stats()[-2].crossed_ms == 0.0)


async def test_a_wide_market_is_seen_in_the_quotes(venue: SimulatedVenue, symbol: str) -> None:
    """Twenty times the spread is twenty times the spread."""
    async with watching(venue) as watch:
        await until(lambda: len(watch.of(Quote)) > 3)
        calm = max((one.ask - one.bid) / one.bid for one in watch.of(Quote))
        venue.faults.widen(symbol, 20.0, 1.0)
        widened = len(watch.events)
        await until(lambda: any((one.ask - one.bid) / one.bid > 10 * calm for one in watch.of(Quote, widened)))


async def test_a_clock_that_is_off_is_measured(venue: SimulatedVenue) -> None:
    """The venue is five seconds ahead of us, and says so on every path."""
    venue.faults.skew(5_000)
    async with watching(venue) as watch:
        await until(lambda: any(one.clock_offset_ms is not None for one in watch.of(VenueHealth)))
        await until(lambda: len(watch.stats()) > 2)
    offset = next(one.clock_offset_ms for one in watch.of(VenueHealth) if one.clock_offset_ms is not None)
    assert offset == pytest.approx(5_000, abs=500)
    assert min(one.lag_p50_ms for one in watch.stats() if one.lag_p50_ms is not None) < -4_000


async def test_a_jump_is_a_price_far_from_the_others(venue: SimulatedVenue, symbol: str) -> None:
    """Three per cent at once."""
    async with watching(venue) as watch:
        await until(lambda: bool(watch.of(Quote)))
        before = watch.of(Quote)[-1].bid
        venue.faults.jump(symbol, 3.0)
        await until(lambda: any(one.symbol == symbol and one.bid > before * 1.02 for one in watch.of(Quote)))


async def test_funding_comes_for_perpetuals_and_only_for_them(venue: SimulatedVenue) -> None:
    """A spot pair has no funding: it is not asked for, so nothing is refused."""
    perpetuals = {one for one in venue.symbols if one.endswith("-PERP")}
    async with watching(venue, channels=(Channel.BOOKS, Channel.FUNDING)) as watch:
        await until(lambda: watch.live() and {one.symbol for one in watch.of(Funding)} == perpetuals)
        await until(lambda: len(watch.stats()) >= 2)
    assert StreamState.REFUSED not in watch.states(Channel.FUNDING)


async def test_a_symbol_that_the_venue_does_not_know_is_refused_alone(venue: SimulatedVenue, symbol: str) -> None:
    """Its streams are refused in the venue's own words; the known symbol's book is live."""
    async with watching(venue, symbols=[symbol, "NO-SUCH"], channels=(Channel.BOOKS,)) as watch:
        await until(lambda: {StreamState.REFUSED, StreamState.LIVE} <= watch.states())
    assert {one.symbol for one in watch.stats() if one.state is StreamState.REFUSED} == {"NO-SUCH"}
