"""The heart of a connection, driven by hand: what it asks for, what it publishes, what it gives up."""

import json

from connectors.base.contract import Command, FetchSnapshot, Names, Reconnect, Send, Stream
from connectors.base.feed import IMAGE_WITHIN, MUTE, MarketFeed
from connectors.base.track import CALM, RECOVERY_S
from connectors.registry import DIALECTS
from core.events import Book, Gap, MarketEvent, Trade
from core.types import SECOND, Channel, GapKind, Nanos, StreamState
from tests.fakes.clock import NOON

BOOK = Stream(Channel.BOOKS, "BTCUSDT")


class Fed:
    """A feed of one venue and what it has published."""

    def __init__(self, venue: str, *streams: Stream) -> None:
        self.events: list[MarketEvent] = []
        self.feed = MarketFeed(DIALECTS[venue], Names(), streams, "test", self.events.append)

    def frame(self, frame: object, now: Nanos = NOON) -> list[Command]:
        """Send a frame."""
        return [*self.feed.on_frame(json.dumps(frame).encode(), now)]

    def gaps(self) -> list[tuple[GapKind, Nanos, Nanos, int | None]]:
        """Return the holes."""
        return [(one.kind, one.start, one.end, one.missing) for one in self.events if isinstance(one, Gap)]

    def state(self, now: Nanos = NOON) -> StreamState:
        """Return the state of the only stream."""
        (stats,) = self.feed.stats(now)
        return stats.state


def delta(first: int, last: int, bid: str = "99", size: str = "1") -> object:
    """Return a change of Binance spot."""
    data = {"e": "depthUpdate", "E": 1, "s": "BTCUSDT", "U": first, "u": last, "b": [[bid, size]], "a": []}
    return {"stream": "btcusdt@depth@100ms", "data": data}


def snapshot(last: int, bid: str = "99", ask: str = "101") -> bytes:
    """Return a REST book of Binance spot."""
    return json.dumps({"lastUpdateId": last, "bids": [[bid, "1"]], "asks": [[ask, "1"]]}).encode()


def synced() -> Fed:
    """Return a feed whose book is LIVE at id 10."""
    fed = Fed("binance", BOOK)
    _ = fed.feed.opening(NOON)
    _ = fed.frame({"id": 1, "result": None})
    _ = fed.feed.on_tick(NOON)
    _ = fed.feed.on_snapshot("BTCUSDT", snapshot(10), NOON)
    assert fed.state() is StreamState.LIVE
    return fed


def test_opening_subscribes_and_fetches() -> None:
    """One request for all streams, and with the first tick the book's REST image."""
    fed = Fed("binance", BOOK, Stream(Channel.TRADES, "BTCUSDT"))
    (asked,) = fed.feed.opening(NOON)
    assert isinstance(asked, Send)
    assert json.loads(asked.text)["params"] == ["btcusdt@depth@100ms", "btcusdt@trade"]
    assert fed.feed.on_tick(NOON) == [FetchSnapshot("BTCUSDT", "/api/v3/depth?symbol=BTCUSDT&limit=1000", 50)]
    assert fed.feed.on_tick(NOON + SECOND) == []


def test_changes_wait_for_the_image_and_then_apply() -> None:
    """Those that it holds are dropped, the first that reaches beyond it joins."""
    fed = Fed("binance", BOOK)
    _ = fed.feed.opening(NOON)
    for first, last in ((8, 9), (10, 11), (12, 12)):
        _ = fed.frame(delta(first, last, "100", str(last)))
    assert not any(isinstance(one, Book) for one in fed.events)
    assert fed.feed.on_snapshot("BTCUSDT", snapshot(10), NOON) == []
    book = fed.feed.books["BTCUSDT"]
    assert (book.last, book.bids.sizes) == (12, {99.0: 1.0, 100.0: 12.0})
    assert fed.gaps() == []


def test_an_image_that_is_too_old_is_fetched_again_later() -> None:
    """Between it and the first change something is missing: not a gap, the book never was whole."""
    fed = Fed("binance", BOOK)
    _ = fed.feed.opening(NOON)
    _ = fed.frame(delta(20, 21))
    assert fed.feed.on_snapshot("BTCUSDT", snapshot(10), NOON) == []
    assert fed.feed.counters.snapshots_rejected == 1
    assert [type(one) for one in fed.feed.on_tick(NOON)] == [FetchSnapshot]
    _ = fed.feed.on_snapshot("BTCUSDT", snapshot(20), NOON)
    assert fed.state() is StreamState.LIVE


def test_a_gap_says_how_many_are_missing_and_nothing_is_published_until_it_is_whole() -> None:
    """Ids tell the number; the row comes at once with an open end, and again closed."""
    fed = synced()
    _ = fed.frame(delta(11, 11), NOON + SECOND)
    before = sum(isinstance(one, Book) for one in fed.events)
    asked = fed.frame(delta(15, 16), NOON + 2 * SECOND)
    assert [type(one) for one in asked] == [FetchSnapshot]
    assert fed.state() is StreamState.BROKEN
    assert fed.gaps() == [(GapKind.SEQUENCE, NOON + SECOND, NOON + SECOND, 3)]
    _ = fed.feed.on_tick(NOON + 4 * SECOND)
    assert sum(isinstance(one, Book) for one in fed.events) == before
    _ = fed.feed.on_snapshot("BTCUSDT", snapshot(16), NOON + 5 * SECOND)
    assert fed.gaps()[1:] == [(GapKind.SEQUENCE, NOON + SECOND, NOON + 5 * SECOND, 3)]
    assert sum(isinstance(one, Book) for one in fed.events) == before + 1


def test_a_book_that_breaks_again_and_again_is_recovered_later_and_later() -> None:
    """No storm of requests, however long ago it last was whole; after a calm minute it starts at once again."""
    fed = synced()
    now, waits = NOON + 2 * CALM, []
    _ = fed.frame(delta(15, 16), now)
    for _ in range(8):
        broken_at = now
        _ = fed.feed.on_snapshot_failed("BTCUSDT", now)
        while not fed.feed.on_tick(now):
            now += SECOND // 4
        waits.append((now - broken_at) // SECOND)
    assert waits == [*RECOVERY_S[1:], 30, 30, 30]
    _ = fed.feed.on_snapshot("BTCUSDT", snapshot(30), now)
    assert fed.frame(delta(40, 41), now + SECOND) == []
    _ = fed.feed.on_tick(now + 31 * SECOND)
    _ = fed.feed.on_snapshot("BTCUSDT", snapshot(50), now + 31 * SECOND)
    assert [type(one) for one in fed.frame(delta(60, 61), now + 31 * SECOND + CALM + 1)] == [FetchSnapshot]


def test_a_venue_whose_images_are_all_wrong_is_not_stormed() -> None:
    """OKX: each image fails its checksum; new subscriptions are spaced, however long ago the book was whole."""
    fed = Fed("okx", Stream(Channel.BOOKS, "A"))
    _ = fed.feed.opening(NOON)
    data = {"asks": [["2", "1", "0", "1"]], "bids": [["1", "1", "0", "1"]], "ts": "1", "checksum": 7}
    image = {"arg": {"channel": "books", "instId": "A"}, "action": "snapshot", "data": [data]}
    right = image | {"data": [data | {"checksum": 0}]}
    _ = fed.frame({"event": "subscribe", "arg": {"channel": "books", "instId": "A"}})
    _ = fed.frame(right)
    assert fed.state() is StreamState.LIVE
    asked, now = 0, NOON + 2 * CALM
    for _ in range(240):
        asked += len(fed.frame(image, now)) + len(fed.feed.on_tick(now))
        now += SECOND
    assert fed.feed.counters.checksum_failures == 240
    assert asked <= 2 * 12


def test_one_bad_row_of_a_frame_does_not_lose_what_the_others_ask_for() -> None:
    """A frame is understood as a whole or not at all; a book is never changed by half a message."""
    fed = synced()
    bad = {"e": "depthUpdate", "E": 1, "s": "BTCUSDT", "U": 11, "u": 11, "b": [["98", "1"], ["97", "NaN"]], "a": []}
    assert fed.frame({"stream": "btcusdt@depth", "data": bad}) == []
    assert fed.feed.counters.errors == 1
    assert fed.feed.books["BTCUSDT"].bids.sizes == {99.0: 1.0}


def test_an_image_that_never_comes_is_asked_for_again() -> None:
    """OKX acknowledges and sends no book."""
    fed = Fed("okx", Stream(Channel.BOOKS, "A"))
    _ = fed.feed.opening(NOON)
    _ = fed.frame({"event": "subscribe", "arg": {"channel": "books", "instId": "A"}})
    assert fed.feed.on_tick(NOON + IMAGE_WITHIN - SECOND) == []
    again = fed.feed.on_tick(NOON + IMAGE_WITHIN)
    assert [json.loads(one.text)["op"] for one in again if isinstance(one, Send)] == ["unsubscribe", "subscribe"]
    _ = fed.frame({"event": "subscribe", "arg": {"channel": "books", "instId": "A"}})
    assert fed.feed.on_tick(NOON + 2 * IMAGE_WITHIN - SECOND) == []
    assert fed.feed.on_tick(NOON + 2 * IMAGE_WITHIN) != []


def test_a_crossed_book_is_counted_and_timed() -> None:
    """From the change that crosses it to the one that ends it."""
    fed = synced()
    _ = fed.frame(delta(11, 11, "102"), NOON + SECOND)
    _ = fed.frame(delta(12, 12, "102"), NOON + 2 * SECOND)
    (stats,) = fed.feed.stats(NOON + 2 * SECOND)
    assert (fed.feed.counters.crossed, stats.crossed_ms) == (1, 1000.0)
    _ = fed.frame(delta(13, 13, "102", "0"), NOON + 3 * SECOND)
    (stats,) = fed.feed.stats(NOON + 9 * SECOND)
    assert (fed.feed.counters.crossed, stats.crossed_ms) == (1, 1000.0)


def test_quiet_instruments_do_not_end_their_connection() -> None:
    """Fewer than five messages are no rhythm: half an hour without a trade is no reason to reconnect."""
    fed = Fed("binance", Stream(Channel.TRADES, "BTCUSDT"))
    _ = fed.feed.opening(NOON)
    trade = {"e": "trade", "s": "BTCUSDT", "t": 1, "p": "1", "q": "1", "T": 1, "m": True}
    _ = fed.frame({"stream": "btcusdt@trade", "data": trade})
    asked = [one for step in range(120) for one in fed.feed.on_tick(NOON + step * 15 * SECOND)]
    assert [one for one in asked if isinstance(one, Reconnect)] == []
    assert any(isinstance(one, Trade) for one in fed.events)


def test_a_connection_whose_streams_fell_silent_is_replaced() -> None:
    """Once, and not before the whole connection was mute for long enough."""
    fed = Fed("binance", Stream(Channel.TRADES, "BTCUSDT"))
    _ = fed.feed.opening(NOON)
    for number in range(10):
        trade = {"e": "trade", "s": "BTCUSDT", "t": number, "p": "1", "q": "1", "T": 1, "m": True}
        _ = fed.frame({"stream": "btcusdt@trade", "data": trade}, NOON + number * SECOND // 10)
    _ = fed.frame({"id": 1, "result": None})
    last = NOON + 9 * SECOND // 10
    assert fed.feed.on_tick(last + MUTE) == []
    assert fed.state(last + MUTE) is StreamState.SILENT
    assert [type(one) for one in fed.feed.on_tick(last + MUTE + 1)] == [Reconnect]
    assert fed.gaps() == [(GapKind.STALE, last, last, None)]


def test_a_lost_connection_is_a_hole_in_every_stream_that_had_spoken() -> None:
    """From its last message; one that never spoke has nothing to lose."""
    fed = Fed("binance", Stream(Channel.TRADES, "BTCUSDT"), Stream(Channel.QUOTES, "BTCUSDT"))
    _ = fed.feed.opening(NOON)
    trade = {"e": "trade", "s": "BTCUSDT", "t": 1, "p": "1", "q": "1", "T": 1, "m": True}
    _ = fed.frame({"stream": "btcusdt@trade", "data": trade}, NOON + SECOND)
    fed.feed.on_closed(NOON + 3 * SECOND, "cut")
    fed.feed.on_closed(NOON + 4 * SECOND, "cut again before anything came")
    assert fed.gaps() == [(GapKind.DISCONNECT, NOON + SECOND, NOON + SECOND, None)]
    _ = fed.feed.opening(NOON + 5 * SECOND)
    _ = fed.frame({"stream": "btcusdt@trade", "data": trade}, NOON + 6 * SECOND)
    assert fed.gaps()[1:] == [(GapKind.DISCONNECT, NOON + SECOND, NOON + 6 * SECOND, None)]
