"""Moments as people write them."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from deskwatch.moments import BadMoment, moment

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("1h", NOON - timedelta(hours=1)),
        ("-1h", NOON - timedelta(hours=1)),
        ("1h30m", NOON - timedelta(minutes=90)),
        ("now", NOON),
        ("2026-01-01", datetime(2026, 1, 1, tzinfo=UTC)),
        ("2026-01-01T10:00", datetime(2026, 1, 1, 10, tzinfo=UTC)),
        ("2026-01-01T10:00:00Z", datetime(2026, 1, 1, 10, tzinfo=UTC)),
        ("2026-01-01T10:00:00+02:00", datetime(2026, 1, 1, 8, tzinfo=UTC)),
        (timedelta(minutes=5), NOON - timedelta(minutes=5)),
        (datetime(2026, 1, 1, 10, tzinfo=timezone(timedelta(hours=2))), datetime(2026, 1, 1, 8, tzinfo=UTC)),
    ],
)
def test_a_moment_reads_as_it_is_meant(given: str | datetime | timedelta, meant: datetime) -> None:
    """A span means so long ago; a text without a zone is UTC."""
    assert moment(given, NOON) == meant


@pytest.mark.parametrize("given", ["5", "yesterday", "", "2026-13-01", datetime(2026, 1, 1, 10)])  # noqa: DTZ001  refused
def test_what_could_mean_two_things_is_refused(given: str | datetime) -> None:
    """A bare number has no unit, a naive datetime no zone; the error says what to write."""
    with pytest.raises(BadMoment, match=r"Write how long ago|Attach one"):
        moment(given, NOON)
