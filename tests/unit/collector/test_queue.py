"""The bounded queue: states conflate, trades never vanish in silence."""

from collections import Counter
from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from collector.queue import HARD_FACTOR, EventQueue
from core.events import Book, FeedStats, Funding, Gap, Instrument, MarketEvent, Quote, Trade, VenueHealth
from core.types import Channel, GapKind, InstrumentKind, Side, StreamState

LIMIT = 10


def trade(number: int, symbol: str = "BTC-USDT") -> Trade:
    """Return a trade; its number is its time too."""
    return Trade("okx", symbol, number, number, str(number), Side.BUY, 100.0, 1.0)


def quote(number: int, symbol: str = "BTC-USDT") -> Quote:
    """Return a quote."""
    return Quote("okx", symbol, number, number, 1.0, 1.0, 2.0, 1.0)


def book(number: int, symbol: str = "BTC-USDT") -> Book:
    """Return a book."""
    return Book("okx", symbol, number, number, number, ([1.0], [1.0]), ([2.0], [1.0]))


def stats(number: int, channel: Channel) -> FeedStats:
    """Return a second of a stream."""
    live = StreamState.LIVE
    return FeedStats("okx", channel, "BTC-USDT", "okx-0", number, 1, 0.0, None, None, 0, 0, 0, 0.0, live)


def full() -> EventQueue:
    """Return a queue at its limit."""
    queue = EventQueue(LIMIT)
    for number in range(LIMIT):
        queue.put(trade(number))
    return queue


def test_below_the_limit_everything_waits_in_order() -> None:
    """Nothing conflates while there is room."""
    queue = EventQueue(LIMIT)
    events: list[MarketEvent] = [quote(1), trade(2), quote(3), book(4), book(5)]
    for event in events:
        queue.put(event)
    assert queue.status() == (queue.status().__class__)(5, 0, 0)
    assert queue.take_now() == events
    assert queue.take_now() == []


def test_beyond_the_limit_the_latest_state_of_each_stream_remains() -> None:
    """Quotes, books, funding and statistics: one each, the newest; symbols and channels stay apart."""
    queue = full()
    newest: list[MarketEvent] = [
        quote(9), quote(9, "ETH-USDT"), book(9), Funding("okx", "BTC-USDT", 9, 9), stats(9, Channel.BOOKS),
        stats(9, Channel.TRADES),
    ]  # fmt: skip
    older: list[MarketEvent] = [quote(8), quote(8, "ETH-USDT"), book(8), Funding("okx", "BTC-USDT", 8, 8)]
    for event in [*older, stats(8, Channel.BOOKS), stats(8, Channel.TRADES), *newest]:
        queue.put(event)
    assert queue.status().conflated == len(newest)
    assert queue.take_now()[LIMIT:] == newest


def test_what_happened_is_never_conflated() -> None:
    """A gap, an instrument and a venue's health wait however full the queue is."""
    queue = full()
    for number in range(LIMIT, LIMIT * HARD_FACTOR + 5):
        queue.put(trade(number))
    kept: list[MarketEvent] = [
        Gap("okx", Channel.BOOKS, "BTC-USDT", "okx-0", 1, 1, GapKind.SEQUENCE),
        Gap("okx", Channel.BOOKS, "BTC-USDT", "okx-0", 1, 2, GapKind.SEQUENCE),
        Instrument("okx", "A-B", "A-B", 1, 1, InstrumentKind.SPOT, "A", "B", "live"),
        VenueHealth("okx", "", 1, "live", None, None, None, 0),
    ]
    for event in kept:
        queue.put(event)
    assert [one for one in queue.take_now() if not isinstance(one, Trade)][: len(kept)] == kept


def test_trades_beyond_the_hard_limit_become_a_gap_with_their_number() -> None:
    """Per symbol, from the first to the last that is missing; a single one has an end after its start."""
    queue = full()
    for number in range(LIMIT, LIMIT * HARD_FACTOR):
        queue.put(trade(number))
    for number in range(100, 107):
        queue.put(trade(number))
    queue.put(trade(50, "ETH-USDT"))
    assert queue.status().dropped_trades == 8
    holes = [one for one in queue.take_now() if isinstance(one, Gap)]
    assert [(one.symbol, one.kind, one.start, one.end, one.missing) for one in holes] == [
        ("BTC-USDT", GapKind.OVERFLOW, 100, 106, 7),
        ("ETH-USDT", GapKind.OVERFLOW, 50, 51, 1),
    ]
    assert queue.take_now() == []


MAKERS: dict[str, Callable[[int, str], MarketEvent]] = {"t": trade, "q": quote, "b": book}


@given(st.lists(st.tuples(st.sampled_from("tqbx"), st.sampled_from(["A", "B"])), max_size=120))
def test_nothing_is_lost_without_a_trace(steps: list[tuple[str, str]]) -> None:
    """Any flood, taken at any moment: every trade comes or is counted in a gap; the last quote and book come."""
    queue = EventQueue(LIMIT)
    out: list[MarketEvent] = []
    put: list[MarketEvent] = []
    for number, (kind, symbol) in enumerate(steps):
        if kind == "x":
            out += queue.take_now()
            continue
        event: MarketEvent = MAKERS[kind](number, symbol)
        put.append(event)
        queue.put(event)
        assert queue.status().waiting <= LIMIT * HARD_FACTOR + 4
    out += queue.take_now()
    came = Counter(one.trade_id for one in out if isinstance(one, Trade))
    missing = sum(one.missing or 0 for one in out if isinstance(one, Gap))
    assert set(came.values()) <= {1}
    assert came.total() + missing == sum(isinstance(one, Trade) for one in put)
    for state, symbol in ((Quote, "A"), (Quote, "B"), (Book, "A"), (Book, "B")):
        last = [one for one in put if isinstance(one, state) and one.symbol == symbol][-1:]
        assert [one for one in out if isinstance(one, state) and one.symbol == symbol][-1:] == last


async def test_a_reader_waits_for_the_first_event() -> None:
    """And gets whatever came until it ran."""
    queue = EventQueue(LIMIT)
    queue.put(trade(1))
    queue.put(trade(2))
    assert await queue.take() == [trade(1), trade(2)]
