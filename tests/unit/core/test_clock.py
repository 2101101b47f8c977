"""Moments in nanoseconds and aware datetimes are the same thing."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.clock import to_datetime, to_nanos


@given(st.datetimes(min_value=datetime(1900, 1, 1), max_value=datetime(2200, 1, 1)))  # noqa: DTZ001  made aware below
def test_there_and_back_is_exact_to_the_microsecond(moment: datetime) -> None:
    """No float is involved, so no microsecond is lost."""
    aware = moment.replace(tzinfo=UTC)
    assert to_datetime(to_nanos(aware)) == aware


def test_another_zone_is_the_same_moment() -> None:
    """The zone is honoured, not dropped."""
    noon = datetime(2026, 1, 1, 12, tzinfo=timezone(timedelta(hours=2)))
    assert to_nanos(noon) == to_nanos(datetime(2026, 1, 1, 10, tzinfo=UTC))


def test_a_datetime_without_a_zone_is_refused() -> None:
    """Guessing UTC or the local zone would be wrong half of the time."""
    with pytest.raises(ValueError, match="time zone"):
        to_nanos(datetime(2026, 1, 1))  # noqa: DTZ001  that is the point
