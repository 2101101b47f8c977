"""Faults: what becomes of the next frame, request, socket and price."""

import msgspec
import pytest

from core.types import SECOND, Channel
from simulator.fault_kinds import Cross, Drop, Fault, Stall
from simulator.faults import ON_TIME, Faults, Plan, Trouble, UnknownSymbol
from simulator.market import CALM, Push
from tests.fakes.clock import NOON, FakeClock

BTC, ETH = "BTC-USDT", "ETH-USDT"
LOST = Plan(copies=0)


@pytest.fixture
def faults(clock: FakeClock) -> Faults:
    """The faults of a venue with two symbols, on a clock that a test moves."""
    return Faults(clock, (BTC, ETH))


def test_a_counted_fault_takes_the_next_frames_of_its_stream_only(faults: Faults) -> None:
    """Two book frames of BTC are lost; trades, and ETH, are on time."""
    faults.drop("books", BTC, 2)
    assert faults.plan(Channel.TRADES, BTC) == ON_TIME
    assert faults.plan(Channel.BOOKS, ETH) == ON_TIME
    assert [faults.plan(Channel.BOOKS, BTC) for _ in range(3)] == [LOST, LOST, ON_TIME]
    assert faults.active() == []


def test_a_fault_without_symbol_takes_every_symbol_and_what_has_none(faults: Faults) -> None:
    """A balance has no symbol: only a fault of the whole channel concerns it."""
    faults.stall("account", BTC)
    assert faults.plan(Channel.ACCOUNT, None) == ON_TIME
    faults.stall("account")
    assert faults.plan(Channel.ACCOUNT, None) == LOST


def test_a_stall_ends_after_its_time_or_when_cleared(faults: Faults, clock: FakeClock) -> None:
    """With seconds it ends by itself, without them somebody must end it."""
    faults.stall("books", BTC, 5.0)
    faults.stall("trades", BTC)
    clock.advance(5.0)
    assert faults.plan(Channel.BOOKS, BTC) == ON_TIME
    assert faults.plan(Channel.TRADES, BTC) == LOST
    faults.clear()
    assert faults.plan(Channel.TRADES, BTC) == ON_TIME


def test_faults_of_one_frame_add_up(faults: Faults) -> None:
    """A frame can be damaged, doubled and late at once."""
    faults.corrupt("books", BTC)
    faults.duplicate("books", BTC)
    faults.reorder("books", BTC)
    faults.delay(2.0, 10.0)
    assert faults.plan(Channel.BOOKS, BTC) == Plan(copies=2, corrupt=True, swap=True, late=2.0)
    assert faults.plan(Channel.BOOKS, BTC) == Plan(late=2.0)


def test_a_rate_limit_says_429_and_then_418_with_the_time_that_is_left(faults: Faults, clock: FakeClock) -> None:
    """Who goes on after 429 is banned, as Binance does."""
    faults.rate_limit(10.0)
    clock.advance(4.0)
    answers = [faults.rest("/api/v3/depth") for _ in range(4)]
    assert answers == [Trouble(429, 6)] * 3 + [Trouble(418, 6)]
    clock.advance(6.0)
    assert faults.rest("/api/v3/depth") is None


def test_rest_fails_where_the_path_begins_so(faults: Faults) -> None:
    """Depth is away, the time is not."""
    faults.rest_fails(503, 5.0, "/api/v3/depth")
    assert faults.rest("/api/v3/depth") == Trouble(503, None)
    assert faults.rest("/api/v3/time") is None


def test_the_venues_clock_is_off_by_the_last_skew(faults: Faults) -> None:
    """A second skew replaces the first; clearing sets the clock right."""
    faults.skew(5_000)
    faults.skew(-250)
    assert faults.venue_now() == NOON - SECOND // 4
    faults.clear()
    assert faults.venue_now() == NOON


def test_market_events_concern_their_symbol(faults: Faults, clock: FakeClock) -> None:
    """A wide BTC is no reason for a wide ETH."""
    faults.widen(BTC, 10.0, 5.0)
    faults.cross(BTC, 2.0)
    assert (faults.push(BTC), faults.push(ETH)) == (Push(10.0, cross=True), CALM)
    clock.advance(2.0)
    assert faults.push(BTC) == Push(10.0)


def test_cuts_and_jumps_reach_their_hooks_at_once(faults: Faults) -> None:
    """They are moments, not states."""
    told: list[object] = []
    faults.on_cut(told.append)
    faults.on_jump(lambda symbol, percent: told.append((symbol, percent)))
    faults.disconnect(private=True)
    faults.jump(BTC, 5.0)
    assert told == [True, (BTC, 5.0)]
    assert faults.active() == []


def test_sockets_are_refused_or_mute_for_a_while(faults: Faults, clock: FakeClock) -> None:
    """Both end by themselves."""
    faults.refuse(2.0)
    faults.half_open(3.0)
    assert (faults.refusing, faults.mute) == (True, True)
    clock.advance(2.0)
    assert (faults.refusing, faults.mute) == (False, True)
    clock.advance(1.0)
    assert not faults.mute


def test_a_symbol_that_is_not_traded_is_refused_with_the_nearest(faults: Faults) -> None:
    """A typo in a demo's script must not be a fault that never comes."""
    with pytest.raises(UnknownSymbol, match="Did you mean BTC-USDT"):
        faults.drop("books", "BTC-USDTT")


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        (b'{"fault":"drop","channel":"books","symbol":"BTC-USDT"}', Drop(Channel.BOOKS, BTC, 1)),
        (b'{"fault":"stall","channel":"account"}', Stall(Channel.ACCOUNT)),
        (b'{"fault":"cross","symbol":"BTC-USDT","seconds":2}', Cross(BTC, 2.0)),
    ],
)
def test_a_fault_is_its_json(body: bytes, fault: Fault) -> None:
    """What the control address takes is the same closed set of values."""
    assert msgspec.json.decode(body, type=Fault) == fault


@pytest.mark.parametrize(
    "body",
    [
        b'{"fault":"explode"}',
        b'{"fault":"drop","channel":"book"}',
        b'{"fault":"drop","channel":"books","count":0}',
        b'{"fault":"refuse","seconds":-1}',
        b'{"fault":"refuse","secs":1}',
        b"{}",
        b"[",
    ],
)
def test_anything_else_is_no_fault(body: bytes) -> None:
    """Unknown faults, channels and fields, and impossible figures, are refused."""
    with pytest.raises(msgspec.DecodeError):
        msgspec.json.decode(body, type=Fault)
