"""What a stream did within a second."""

from connectors.base.stats import StreamStats
from core.types import MILLISECOND, SECOND, Channel, StreamState

NOW = 1_000 * SECOND


def stream() -> StreamStats:
    """Return the stats of one stream."""
    return StreamStats("okx", Channel.BOOKS, "BTC-USDT", "okx/0")


def test_a_second_is_counted_and_then_forgotten_but_the_age_runs_on() -> None:
    """Counters belong to one second; the age to the stream."""
    stats = stream()
    for lag in range(1, 101):
        stats.message(NOW - lag * MILLISECOND, NOW)
    stats.gap()
    stats.resync()
    stats.resync()
    stats.checksum_failure()
    stats.crossed(1.5)
    stats.crossed(2.0)
    first = stats.drain(NOW + SECOND // 4, StreamState.LIVE)
    assert (first.venue, first.channel, first.symbol, first.connection) == ("okx", "books", "BTC-USDT", "okx/0")
    assert (first.messages, first.age_ms, first.lag_p50_ms, first.lag_p99_ms) == (100, 250.0, 50.0, 99.0)
    assert (first.gaps, first.resyncs, first.checksum_failures, first.crossed_ms) == (1, 2, 1, 3.5)
    second = stats.drain(NOW + SECOND, StreamState.SILENT)
    assert (second.messages, second.age_ms, second.lag_p50_ms, second.gaps) == (0, 1000.0, None, 0)
    assert second.state is StreamState.SILENT


def test_a_stream_that_never_spoke_has_no_age() -> None:
    """Unknown is not zero."""
    assert stream().drain(NOW, StreamState.SYNCING).age_ms is None


def test_without_an_event_time_there_is_no_lag() -> None:
    """Some streams carry no time of their own; a lag of zero would be a lie."""
    stats = stream()
    stats.message(NOW, NOW)
    drained = stats.drain(NOW, StreamState.LIVE)
    assert (drained.messages, drained.lag_p50_ms) == (1, None)


def test_a_clock_behind_the_venue_shows_as_a_negative_lag() -> None:
    """It is a fault to be seen, not to be hidden."""
    stats = stream()
    stats.message(NOW + 4 * MILLISECOND, NOW)
    assert stats.drain(NOW, StreamState.LIVE).lag_p50_ms == -4.0


def test_a_flood_is_counted_in_bounded_memory() -> None:
    """Beyond some thousand samples the oldest make room."""
    stats = stream()
    for _ in range(10_000):
        stats.message(NOW - 9 * MILLISECOND, NOW)
    for _ in range(5_000):
        stats.message(NOW - 2 * MILLISECOND, NOW)
    drained = stats.drain(NOW, StreamState.LIVE)
    assert (drained.messages, drained.lag_p99_ms) == (15_000, 2.0)
