"""Recorded traffic through the real feed: whole, and damaged in every way that a sequence or a checksum can show."""

import functools
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.base.contract import BookDelta, BookImage, Dialect, Names
from connectors.recording import Recording, read
from connectors.registry import dialect
from connectors.replay import Faults, NoSuchFrame, ReplayReport, corrupt, replay, run_replay
from core.events import Book, Gap
from core.types import GapKind

CAPTURES = Path(__file__).parents[4] / "shared" / "captures"
VENUES = ("binance", "binance_futures", "okx")
CHAINED = ("binance", "binance_futures")

pytestmark = [pytest.mark.captures, pytest.mark.usefixtures("captures")]
faulty = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@functools.cache
def recording(venue: str) -> tuple[Dialect, Recording]:
    """Return a venue and its capture."""
    spoken = dialect(venue)
    return spoken, read(spoken, CAPTURES / venue.upper())


@functools.cache
def whole(venue: str) -> ReplayReport:
    """Return the replay of the undamaged capture."""
    return replay(*recording(venue), collect=True)


def damaged(venue: str, **faults: frozenset[int]) -> ReplayReport:
    """Return the replay of a damaged capture."""
    return replay(*recording(venue), Faults(**faults), collect=True)


@functools.cache
def changes(venue: str) -> dict[str, list[int]]:
    """Return the numbers of the frames that change each book, by our symbol."""
    spoken, recorded = recording(venue)
    names = Names(recorded.instruments)
    found: dict[str, list[int]] = {}
    for number, frame in enumerate(recorded.frames, 1):
        for meaning in spoken.parse(frame.body, frame.at, names):
            if isinstance(meaning, BookDelta):
                found.setdefault(names.symbol(meaning.native), []).append(number)
    return found


@functools.cache
def updates(venue: str) -> dict[str, list[int]]:
    """Return those changes that lie between the feed's first image and a later change: whose loss can be seen."""
    frames = recording(venue)[1].frames
    begun: dict[str, int] = {}
    for event in whole(venue).events:
        if isinstance(event, Book):
            begun.setdefault(event.symbol, event.received)
    after = {
        symbol: [number for number in numbers if frames[number - 1].at > begun[symbol]][1:-1]
        for symbol, numbers in changes(venue).items()
    }
    return {symbol: numbers for symbol, numbers in after.items() if numbers}


def exchanged(frames: dict[str, list[int]], swapped: set[int]) -> set[str]:
    """Return the books of which two neighbouring frames of the recording are exchanged."""
    return {symbol for symbol, own in frames.items() if any({one, one + 1} <= {*own} for one in swapped)}


def books(report: ReplayReport) -> dict[str, tuple[object, ...]]:
    """Return every level of every book."""
    return {
        symbol: (book.last, dict(book.bids.sizes), dict(book.asks.sizes), book.bids.prices, book.asks.prices)
        for symbol, book in report.feed.books.items()
    }


def gaps(report: ReplayReport) -> list[Gap]:
    """Return the holes that were published and are closed; a loss can also make a stream silent for a while."""
    holes = [one for one in report.events if isinstance(one, Gap) and one.end > one.start]
    return [one for one in holes if one.kind is not GapKind.STALE]


@pytest.mark.parametrize(
    ("venue", "figures"),
    [
        ("binance", {"messages": 265, "gaps": 0, "checksums": 0, "snapshots": 4}),
        ("binance_futures", {"messages": 1535, "gaps": 0, "checksums": 0, "snapshots": 4}),
        ("okx", {"messages": 410, "gaps": 0, "checksums": 290, "snapshots": 3}),
    ],
)
def test_an_undamaged_recording_is_whole(venue: str, figures: dict[str, int]) -> None:
    """No gap, no error, nothing unknown; every snapshot and every checksum as the recording's notes state."""
    report = whole(venue).as_json()
    assert list(report) == [
        "venue", "messages", "events", "ignored", "unknown", "errors", "sequence", "checksum", "snapshots", "resyncs",
        "crossed", "seconds", "messages_per_second", "books",
    ]  # fmt: skip
    assert (report["venue"], report["messages"]) == (venue, figures["messages"])
    assert (report["unknown"], report["errors"], report["resyncs"]) == (0, 0, 0)
    sequence = report["sequence"]
    assert isinstance(sequence, dict)
    assert list(sequence) == ["checked", "gaps"]
    assert sequence["gaps"] == 0
    assert report["checksum"] == {"ok": figures["checksums"], "failed": 0}
    assert report["snapshots"] == {"accepted": figures["snapshots"], "rejected": 0}
    found = report["books"]
    assert isinstance(found, dict)
    assert all(list(book) == ["bid", "ask", "levels", "last"] and book["bid"] < book["ask"] for book in found.values())
    assert not any(isinstance(one, Gap) for one in whole(venue).events)


@pytest.mark.parametrize("venue", VENUES)
def test_one_update_of_each_book_is_dropped_and_each_is_found(venue: str) -> None:
    """Every book notices, closes its hole and ends as if nothing had happened."""
    middle = frozenset(numbers[len(numbers) // 2] for numbers in updates(venue).values())
    report = damaged(venue, drop=middle)
    found = report.feed.counters
    assert found.gaps + found.checksum_failures >= len(middle)
    assert {one.symbol for one in gaps(report)} == set(updates(venue))
    assert found.resyncs >= len(middle)
    assert books(report) == books(whole(venue))


@pytest.mark.parametrize("venue", CHAINED)
@faulty
@given(data=st.data())
def test_every_drop_is_found_and_the_book_recovers(venue: str, data: st.DataObject) -> None:
    """Any set of lost updates: a sequence gap in each book that lost one and in no other, and the right book after."""
    lost = {symbol: data.draw(st.sets(st.sampled_from(n), max_size=4)) for symbol, n in updates(venue).items()}
    report = damaged(venue, drop=frozenset[int]().union(*lost.values()))
    assert {one.symbol for one in gaps(report)} == {symbol for symbol, numbers in lost.items() if numbers}
    assert books(report) == books(whole(venue))


@faulty
@given(data=st.data())
def test_a_drop_without_sequence_ids_is_found_by_the_checksum_or_did_no_harm(data: st.DataObject) -> None:
    """OKX of 2022: the hash covers the top 25 levels; as long as it holds, these are the venue's."""
    numbers = sorted(n for one in updates("okx").values() for n in one)
    report = damaged("okx", drop=frozenset(data.draw(st.sets(st.sampled_from(numbers), min_size=1, max_size=4))))
    for symbol, book in whole("okx").feed.books.items():
        other = report.feed.books[symbol]
        assert (other.bids.levels(25), other.asks.levels(25)) == (book.bids.levels(25), book.asks.levels(25))


@pytest.mark.parametrize("venue", VENUES)
@faulty
@given(data=st.data())
def test_a_message_that_comes_twice_is_no_gap(venue: str, data: st.DataObject) -> None:
    """Duplicates change nothing and raise no alarm."""
    frames = len(recording(venue)[1].frames)
    report = damaged(venue, duplicate=frozenset(data.draw(st.sets(st.integers(1, frames), min_size=1, max_size=20))))
    assert (report.feed.counters.gaps, report.feed.counters.checksum_failures, gaps(report)) == (0, 0, [])
    assert books(report) == books(whole(venue))


@pytest.mark.parametrize("venue", CHAINED)
@faulty
@given(data=st.data())
def test_an_exchanged_pair_of_one_book_is_found(venue: str, data: st.DataObject) -> None:
    """Whatever frames are exchanged: a gap exactly for the books whose own updates changed their order."""
    frames = len(recording(venue)[1].frames)
    numbers = data.draw(st.sets(st.integers(1, frames - 1), min_size=1, max_size=8))
    apart = {one for one in numbers if one - 1 not in numbers}
    report = damaged(venue, swap=frozenset(apart))
    found = {one.symbol for one in gaps(report)}
    assert exchanged(updates(venue), apart) <= found  # within a chain that is known to run
    assert found <= exchanged(changes(venue), apart)  # while the first image is on its way it may not matter
    assert books(report) == books(whole(venue))


@faulty
@given(data=st.data())
def test_a_corrupted_book_never_passes_its_checksum(data: st.DataObject) -> None:
    """OKX: one digit of a size changed within the top 25 levels is found by this frame's own hash or a later one's."""
    numbers = sorted(n for one in updates("okx").values() for n in one)
    report = damaged("okx", corrupt=frozenset(data.draw(st.sets(st.sampled_from(numbers), min_size=1, max_size=4))))
    for symbol, book in whole("okx").feed.books.items():
        other = report.feed.books[symbol]
        assert (other.bids.levels(25), other.asks.levels(25)) == (book.bids.levels(25), book.asks.levels(25))


def test_the_checksum_finds_one_wrong_digit_in_each_book() -> None:
    """The first update of each book that changes its best levels, one digit changed."""
    numbers = frozenset(own[0] for own in updates("okx").values())
    report = damaged("okx", corrupt=numbers)
    assert report.feed.counters.checksum_failures == len(numbers)
    assert {one.kind for one in gaps(report)} == {GapKind.CHECKSUM}
    assert books(report) == books(whole("okx"))


@pytest.mark.parametrize("venue", VENUES)
@faulty
@given(data=st.data())
def test_any_mix_of_faults_ends_in_the_right_book(venue: str, data: st.DataObject) -> None:
    """Everything at once, anywhere, and no exception; chained books end exact, hashed ones in their top 25 levels.

    Only the last change of a book is left alone: nothing comes after it that could tell of its loss.
    """
    last = {numbers[-1] for numbers in changes(venue).values()}
    some = st.frozensets(
        st.integers(1, len(recording(venue)[1].frames) - 1).filter(lambda one: not {one, one + 1} & last), max_size=5
    )
    report = damaged(venue, drop=data.draw(some), duplicate=data.draw(some), swap=data.draw(some))
    assert report.feed.counters.errors == 0
    if venue == "okx":
        for symbol, book in whole(venue).feed.books.items():
            other = report.feed.books[symbol]
            assert (other.bids.levels(25), other.asks.levels(25)) == (book.bids.levels(25), book.asks.levels(25))
    else:
        assert books(report) == books(whole(venue))


def test_a_lost_first_image_is_asked_for() -> None:
    """OKX sends the whole book on the stream: when that frame is lost, the first change says so."""
    spoken, recorded = recording("okx")
    names = Names()
    first = next(
        number
        for number, frame in enumerate(recorded.frames, 1)
        if any(isinstance(one, BookImage) for one in spoken.parse(frame.body, frame.at, names))
    )
    report = damaged("okx", drop=frozenset({first}))
    assert books(report) == books(whole("okx"))


def test_a_frame_that_is_not_there_is_wrong_usage() -> None:
    """A typing error must not look like a fault that nobody found."""
    for faults in (Faults(drop=frozenset({0})), Faults(corrupt=frozenset({411})), Faults(swap=frozenset({410}))):
        with pytest.raises(NoSuchFrame, match="from 1 to 410"):
            run_replay("okx", CAPTURES / "OKX", faults)


def test_a_fault_stays_with_its_frame_when_that_is_exchanged() -> None:
    """Numbers count the frames that the venue sent, not those that arrive."""
    frames = [frame.body for frame in recording("binance")[1].frames]
    report = damaged("binance", swap=frozenset({5}), drop=frozenset({5}))
    assert report.feed.counters.messages == len(frames) - 1
    assert books(report) == books(whole("binance")) or report.feed.counters.gaps


def test_corruption_leaves_json_that_says_something_else() -> None:
    """One digit, nothing else; a frame without a level is cut in half."""
    assert corrupt(b'{"b":[["1.5","20"]]}') == b'{"b":[["1.5","21"]]}'
    assert corrupt(b'{"bids":[["1","9"]]}') == b'{"bids":[["1","0"]]}'
    assert corrupt(b'{"p":"1"}') == b'{"p"'
