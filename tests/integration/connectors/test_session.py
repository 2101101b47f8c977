"""Sessions on real sockets, against raw servers that do what venues do wrong. Time runs twenty times faster."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from random import Random

import pytest
from websockets.asyncio.server import ServerConnection

from connectors.base.connection import Connection
from connectors.base.contract import Dialect, KeepAlive, Names, Stream
from connectors.base.feed import MarketFeed
from connectors.base.limits import Pace
from connectors.base.session import Plan, Session
from connectors.registry import DIALECTS
from core.errors import Transient
from core.events import Book, FeedStats, Gap, MarketEvent, Trade
from core.types import Channel, GapKind, StreamState
from tests.fakes.quick_clock import QuickClock
from tests.fakes.venue import RawVenue, binance, mute, okx, okx_book, okx_trade, pongs, raw_venue

OKX = DIALECTS["okx"]
BINANCE = replace(DIALECTS["binance"], frames_per_second=1000.0)
BOOK = Stream(Channel.BOOKS, "BTC-USDT")
TRADES = Stream(Channel.TRADES, "BTC-USDT")


class Watched:
    """A session and what it has published."""

    def __init__(self, clock: QuickClock) -> None:
        self.clock = clock
        self.events: list[MarketEvent] = []
        self.session: Session | None = None
        self._changed = asyncio.Event()

    def publish(self, event: MarketEvent) -> None:
        """Keep an event; the statistics of each second are events too."""
        self.events.append(event)
        self._changed.set()

    def of(self, kind: type) -> list[MarketEvent]:
        """Return the events of one kind."""
        return [one for one in self.events if isinstance(one, kind)]

    def gaps(self) -> list[Gap]:
        """Return the holes, open and closed."""
        return [one for one in self.events if isinstance(one, Gap)]

    def state(self, stream: Stream) -> StreamState | None:
        """Return the state that the last statistics row of a stream tells."""
        rows = [one for one in self.events if isinstance(one, FeedStats)]
        mine = [one.state for one in rows if (one.channel, one.symbol) == tuple(stream)]
        return mine[-1] if mine else None

    async def until(self, true: Callable[[], bool]) -> None:
        """Wait until the session has done something; the test's time-out says that it never did."""
        while not true():
            self._changed.clear()
            await self._changed.wait()


@asynccontextmanager
async def running(
    venue: RawVenue, dialect: Dialect, *streams: Stream, life: float = 3600.0, factor: float = 20.0
) -> AsyncIterator[Watched]:
    """Run a session against a server."""
    clock = QuickClock(factor)
    watched = Watched(clock)

    async def no_rest(path: str, _: int) -> bytes:
        raise Transient(f"no REST here: {path}")

    def dial(feed: MarketFeed) -> Connection:
        return Connection(feed, dialect, venue.url, no_rest, clock)

    plan = Plan(
        "test", lambda publish: MarketFeed(dialect, Names(), streams, "test", publish), dial, life, Pace(clock, 0.25)
    )
    watched.session = Session(plan, clock, Random(7), watched.publish)
    task = asyncio.create_task(watched.session.run())
    try:
        yield watched
    finally:
        task.cancel()
        _ = await asyncio.wait({task})
        assert task.cancelled() or not task.exception(), task.exception()


async def test_a_subscription_that_is_acknowledged_goes_live() -> None:
    """Subscribed, the image taken, each stream told of once a second."""
    async with raw_venue(okx) as venue, running(venue, OKX, BOOK, TRADES) as watched:
        await watched.until(lambda: bool(watched.of(Book)))
        await venue.send(okx_trade("BTC-USDT", "1"))
        await watched.until(lambda: watched.state(TRADES) is StreamState.LIVE)
        assert watched.state(BOOK) is StreamState.LIVE
        assert watched.gaps() == []
        assert [one["op"] for one in venue.requests()] == ["subscribe"]


async def test_one_bad_symbol_among_many_costs_only_itself() -> None:
    """OKX refuses a stream by name: the others live, the bad one says so in its statistics."""
    bad = Stream(Channel.BOOKS, "BAD-USDT")
    async with raw_venue(okx) as venue, running(venue, OKX, BOOK, bad) as watched:
        await watched.until(lambda: watched.state(bad) is StreamState.REFUSED)
        await watched.until(lambda: watched.state(BOOK) is StreamState.LIVE)
        assert venue.opened == 1


async def test_a_refused_request_is_asked_again_in_halves() -> None:
    """Binance refuses a whole request for one name: forty streams, one of them bad, are sorted out in a few frames."""
    streams = [Stream(Channel.TRADES, f"C{number}") for number in range(39)] + [Stream(Channel.TRADES, "bad")]
    async with raw_venue(binance) as venue, running(venue, BINANCE, *streams) as watched:
        await watched.until(lambda: watched.state(streams[-1]) is StreamState.REFUSED)
        await venue.until(lambda: len(venue.said) >= 12)
        assert len(venue.said) <= 14
        assert {watched.state(one) for one in streams[:-1]} == {StreamState.CONNECTING}
        await venue.send({"stream": "c3@trade", "data": trade("C3", 1)})
        await watched.until(lambda: watched.state(streams[3]) is StreamState.LIVE)
        assert venue.opened == 1


def trade(native: str, number: int) -> dict[str, object]:
    """Return a trade of Binance."""
    return {"e": "trade", "s": native, "t": number, "p": "1", "q": "1", "T": 1_767_268_800_000, "m": True}


async def test_a_slow_venue_limit_is_no_missing_answer() -> None:
    """A request waits its turn behind the limit of frames a second; that wait is not the venue's."""
    streams = [Stream(Channel.TRADES, f"BAD-{number}") for number in range(30)] + [TRADES]
    slow = replace(
        OKX, frames_per_second=0.5, subscribe=lambda some, _: tuple(OKX.subscribe([one], 0)[0] for one in some)
    )
    async with raw_venue(okx) as venue, running(venue, slow, *streams, factor=200.0) as watched:
        await venue.until(lambda: len(venue.requests()) == 31)
        await watched.until(lambda: watched.state(streams[29]) is StreamState.REFUSED)
        await watched.clock.sleep(60)
        assert watched.state(TRADES) is not StreamState.REFUSED
        assert len(venue.requests()) == 31


async def test_a_venue_that_never_answers_is_left_and_asked_again() -> None:
    """Three requests, then a new connection; no stream is given up for good."""
    async with raw_venue(pongs) as venue, running(venue, OKX, BOOK) as watched:
        await venue.until(lambda: venue.opened == 2)
        assert len(venue.requests()) >= 3
        await venue.until(lambda: len(venue.requests()) >= 4)
        assert watched.session is not None
        assert watched.session.reconnects == 1


async def test_a_stream_that_speaks_needs_no_acknowledgement() -> None:
    """Only the answer was lost: the stream stays."""
    async with raw_venue(pongs) as venue, running(venue, OKX, TRADES, factor=60.0) as watched:
        await venue.until(lambda: venue.opened == 1)
        for number in range(60):
            await venue.send(okx_trade("BTC-USDT", str(number)))
            await asyncio.sleep(0.02)
        assert watched.state(TRADES) is StreamState.LIVE
        assert venue.opened == 1


async def test_a_cut_is_a_hole_with_both_ends() -> None:
    """The venue ends the connection: an open hole at once, closed when the stream speaks again."""
    async with raw_venue(okx) as venue, running(venue, OKX, BOOK) as watched:
        await watched.until(lambda: watched.state(BOOK) is StreamState.LIVE)
        await venue.cut()
        await watched.until(lambda: len(watched.gaps()) == 2)
        begun, ended = watched.gaps()
        assert (begun.kind, begun.end) == (GapKind.DISCONNECT, begun.start)
        assert (ended.kind, ended.start, ended.missing) == (GapKind.DISCONNECT, begun.start, None)
        assert ended.end > ended.start
        await watched.until(lambda: watched.state(BOOK) is StreamState.LIVE)


async def test_waits_grow_while_connections_bring_no_data() -> None:
    """A venue that accepts and cuts at once is still failing; the first data message ends the row."""

    async def cutting(_: RawVenue, connection: ServerConnection, __: str) -> None:
        connection.transport.abort()

    async with raw_venue(cutting) as venue, running(venue, OKX, TRADES, factor=100.0) as watched:
        await venue.until(lambda: venue.opened >= 6)
        assert watched.session is not None
        assert watched.session.failures >= 5
        venue.answer = okx
        await venue.until(lambda: bool(venue.connections) and len(venue.said) > venue.opened)
        while watched.session.failures:
            await venue.send(okx_trade("BTC-USDT", "1"))
            await asyncio.sleep(0.01)


async def test_a_busy_venue_says_how_long_to_wait() -> None:
    """429 with Retry-After: no earlier dial, and the refusal ends nothing."""
    async with raw_venue(okx) as venue:
        venue.refuse = {"Retry-After": "40"}
        async with running(venue, OKX, TRADES) as watched:
            await watched.until(lambda: watched.clock.elapsed() > 30)
            venue.refuse = None
            await venue.until(lambda: venue.opened == 1)
            assert watched.clock.elapsed() >= 40


async def test_an_unanswered_text_ping_ends_the_connection() -> None:
    """A half-open socket: nothing comes back, so a new one is opened."""
    async with raw_venue(mute) as venue, running(venue, OKX, TRADES, factor=30.0):
        await venue.until(lambda: venue.opened == 2)
        assert "ping" in venue.said


async def test_a_half_open_socket_is_found_by_our_own_pings() -> None:
    """Binance: the peer is gone without a word; a ping frame that nobody answers tells."""
    dialect = replace(BINANCE, keep_alive=KeepAlive(every=timedelta(seconds=0.1)))
    async with raw_venue(binance, ping_interval=None) as venue, running(venue, dialect, TRADES):
        await venue.until(lambda: venue.opened == 1)
        venue.connections[0].transport.pause_reading()
        await venue.until(lambda: venue.opened == 2)


async def test_a_planned_replacement_opens_the_new_socket_first_and_loses_nothing() -> None:
    """The connection's life is over: both are open for a while, every trade comes, nothing is called a hole."""
    async with raw_venue(okx) as venue, running(venue, OKX, BOOK, TRADES, life=20.0) as watched:
        most, number = 0, 0
        assert watched.session is not None
        while watched.session.replacements < 2:
            most = max(most, len(venue.connections))
            number += 1
            await venue.send(okx_trade("BTC-USDT", str(number)))
            await asyncio.sleep(0.005)
        await watched.until(lambda: str(number) in {one.trade_id for one in watched.events if isinstance(one, Trade)})
        seen = {int(one.trade_id) for one in watched.events if isinstance(one, Trade)}
        assert most == 2
        assert seen >= set(range(min(seen), number + 1))
        assert watched.gaps() == []
        assert watched.session.reconnects == 0


async def test_the_venues_notice_brings_a_replacement() -> None:
    """64008: the venue will close this connection for an upgrade."""
    async with raw_venue(okx) as venue, running(venue, OKX, BOOK) as watched:
        await watched.until(lambda: watched.state(BOOK) is StreamState.LIVE)
        await venue.send({"event": "notice", "code": "64008", "msg": "The connection will soon be closed"})
        await venue.until(lambda: venue.opened == 2 and len(venue.connections) == 1)
        assert watched.session is not None
        assert (watched.session.replacements, watched.session.reconnects, watched.gaps()) == (1, 0, [])


async def test_a_hole_that_a_replaced_connection_leaves_open_is_closed_by_the_next() -> None:
    """A stream fell silent, then the connection was replaced: one hole, from its last word to the first new one."""
    other = Stream(Channel.TRADES, "ETH-USDT")
    async with raw_venue(okx) as venue, running(venue, OKX, TRADES, other) as watched:
        await venue.until(lambda: venue.opened == 1)
        for number in range(10):
            await venue.send(okx_trade("BTC-USDT", str(number)))
            await asyncio.sleep(0.01)
        while not watched.gaps():
            await venue.send(okx_trade("ETH-USDT", "more"))
            await asyncio.sleep(0.01)
        await venue.send({"event": "notice", "code": "64008", "msg": ""})
        await venue.until(lambda: venue.opened == 2 and len(venue.connections) == 1)
        await venue.send(okx_trade("BTC-USDT", "back"))
        await watched.until(lambda: len(watched.gaps()) == 2)
        begun, ended = watched.gaps()
        assert (ended.symbol, ended.kind, ended.start) == ("BTC-USDT", GapKind.STALE, begun.start)
        assert ended.end > ended.start


HOSTILE: list[bytes] = [
    b"[" * 100_000, b"\xff\xfe", b'{"arg":{"channel":"books","instId":"BTC-USDT"},"data":[{"asks":NaN}]}', b"", b"null",
    b'{"arg":{"channel":"books","instId":"BTC-USDT"},"data":[{"asks":[],"bids":[],"ts":"%s"}]}' % (b"9" * 5000),
    b'{"arg":5}', b'{"event":"%s"}' % (b"x" * 1_000_000),
]  # fmt: skip


async def test_hostile_frames_never_end_the_connection() -> None:
    """Each is counted and costs nothing but itself; the same socket goes on."""
    async with raw_venue(okx) as venue, running(venue, OKX, TRADES) as watched:
        await venue.until(lambda: venue.opened == 1)
        for frame in HOSTILE:
            await venue.send(frame)
        await venue.send(okx_trade("BTC-USDT", "after"))
        await watched.until(lambda: bool(watched.of(Trade)))
        assert venue.opened == 1


async def test_an_oversized_frame_costs_one_connection() -> None:
    """33 MiB in one frame are not read; the session comes back."""
    async with raw_venue(okx) as venue, running(venue, OKX, TRADES) as watched:
        await venue.until(lambda: venue.opened == 1)
        await venue.send('{"event":"' + "x" * (33 << 20) + '"}')
        await venue.until(lambda: venue.opened == 2 and len(venue.said) >= 2)
        await venue.send(okx_trade("BTC-USDT", "after"))
        await watched.until(lambda: bool(watched.of(Trade)))


async def test_one_stalled_stream_among_others_is_silent() -> None:
    """Its siblings flow, the connection lives: a STALE hole, the state SILENT; whole again when it speaks."""
    other = Stream(Channel.TRADES, "ETH-USDT")
    async with raw_venue(okx) as venue, running(venue, OKX, TRADES, other) as watched:
        await venue.until(lambda: venue.opened == 1)
        for number in range(10):
            await venue.send(okx_trade("BTC-USDT", str(number)))
            await venue.send(okx_trade("ETH-USDT", str(number)))
            await asyncio.sleep(0.01)
        while watched.state(TRADES) is not StreamState.SILENT:
            await venue.send(okx_trade("ETH-USDT", "more"))
            await asyncio.sleep(0.01)
        assert watched.state(other) is StreamState.LIVE
        assert [(one.symbol, one.kind) for one in watched.gaps()] == [("BTC-USDT", GapKind.STALE)]
        await venue.send(okx_trade("BTC-USDT", "back"))
        await watched.until(lambda: watched.state(TRADES) is StreamState.LIVE)
        assert venue.opened == 1
        assert watched.gaps()[-1].end > watched.gaps()[-1].start == watched.gaps()[0].start


async def test_a_mute_connection_is_replaced_although_pongs_flow() -> None:
    """Every stream stops: after 20 s a new connection, whatever heartbeats say."""
    async with raw_venue(okx) as venue, running(venue, OKX, TRADES) as watched:
        await venue.until(lambda: venue.opened == 1)
        for number in range(10):
            await venue.send(okx_trade("BTC-USDT", str(number)))
            await asyncio.sleep(0.01)
        await venue.until(lambda: venue.opened == 2)
        assert watched.session is not None
        assert watched.session.reconnects == 1


async def test_a_broken_chain_is_resubscribed_and_whole_again() -> None:
    """A lost update of OKX: gap, new subscription, new image, the hole closed."""
    async with raw_venue(okx) as venue, running(venue, OKX, BOOK) as watched:
        await watched.until(lambda: watched.state(BOOK) is StreamState.LIVE)
        await venue.send(okx_book("BTC-USDT", 101, 100))
        await venue.send(okx_book("BTC-USDT", 103, 102))
        await watched.until(lambda: len(watched.gaps()) == 2)
        assert [one.kind for one in watched.gaps()] == [GapKind.SEQUENCE, GapKind.SEQUENCE]
        assert [one["op"] for one in venue.requests()] == ["subscribe", "unsubscribe", "subscribe"]
        assert venue.opened == 1


async def test_an_image_that_never_comes_is_asked_for_again() -> None:
    """The venue acknowledges, and forgets the book itself."""

    async def forgetful(venue: RawVenue, connection: ServerConnection, text: str) -> None:
        if text == "ping" or len(venue.requests()) > 1:
            await okx(venue, connection, text)
        else:
            await connection.send(json.dumps({"event": "subscribe", "arg": json.loads(text)["args"][0]}))

    async with raw_venue(forgetful) as venue, running(venue, OKX, BOOK) as watched:
        await watched.until(lambda: bool(watched.of(Book)))
        assert venue.opened == 1


@pytest.mark.parametrize("seconds", [0.0, 3.0])
async def test_a_session_can_be_stopped_at_any_time(seconds: float) -> None:
    """Cancelled while it dials or serves: it ends, and so do its sockets."""
    async with raw_venue(okx) as venue:
        async with running(venue, OKX, BOOK) as watched:
            await watched.clock.sleep(seconds)
        await venue.until(lambda: not venue.connections)
