"""Rate limits as Slack's."""

import pytest

from simulator.slack.rate import Bucket, Limits
from simulator.slack.refusal import Refusal
from tests.fakes.clock import FakeClock


def test_a_burst_passes_and_then_one_a_second(clock: FakeClock) -> None:
    """The refusal names the whole seconds to wait."""
    bucket = Bucket(clock, rate=1.0, burst=3)
    for _ in range(3):
        bucket.take()
    with pytest.raises(Refusal) as caught:
        bucket.take()
    assert (caught.value.status, caught.value.retry_after, caught.value.code) == (429, 1, "ratelimited")
    clock.advance(1)
    bucket.take()


def test_a_quiet_hour_saves_no_more_than_the_burst(clock: FakeClock) -> None:
    """A bucket has a brim."""
    bucket = Bucket(clock, rate=1.0, burst=2)
    clock.advance(3600)
    bucket.take()
    bucket.take()
    with pytest.raises(Refusal):
        bucket.take()


def test_channels_have_buckets_of_their_own(clock: FakeClock) -> None:
    """A storm in one channel does not hold up the other."""
    limits = Limits(clock, burst=1)
    limits.post("C1")
    limits.post("C2")
    with pytest.raises(Refusal):
        limits.post("C1")
