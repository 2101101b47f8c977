"""Token buckets, as Slack's rate limits behave."""

import math

from core.clock import Clock
from simulator.slack.refusal import Refusal

POSTS_PER_SECOND = 1.0
UPDATES_PER_SECOND = 50 / 60
UPDATES_BURST = 50
READS_PER_SECOND = 100 / 60
READS_BURST = 100


class Bucket:
    """Lets `burst` calls through at once, then `rate` a second."""

    def __init__(self, clock: Clock, rate: float, burst: int) -> None:
        self._clock = clock
        self._rate = rate
        self._burst = burst
        self._level = float(burst)
        self._at = clock.elapsed()

    def take(self) -> None:
        """Take one, or refuse with the whole seconds to wait."""
        now = self._clock.elapsed()
        self._level = min(float(self._burst), self._level + (now - self._at) * self._rate)
        self._at = now
        if self._level < 1:
            raise limited(math.ceil((1 - self._level) / self._rate))
        self._level -= 1


def limited(seconds: float) -> Refusal:
    """Return the refusal of a rate limit."""
    return Refusal("ratelimited", status=429, retry_after=max(1, math.ceil(seconds)))


class Limits:
    """Posts count by channel, edits and reads over the workspace."""

    def __init__(self, clock: Clock, burst: int) -> None:
        self._clock = clock
        self._burst = burst
        self._posts: dict[str, Bucket] = {}
        self._updates = Bucket(clock, UPDATES_PER_SECOND, UPDATES_BURST)
        self._reads = Bucket(clock, READS_PER_SECOND, READS_BURST)

    def post(self, channel: str) -> None:
        """Count a post."""
        if channel not in self._posts:
            self._posts[channel] = Bucket(self._clock, POSTS_PER_SECOND, self._burst)
        self._posts[channel].take()

    def update(self) -> None:
        """Count an edit."""
        self._updates.take()

    def read(self) -> None:
        """Count a read."""
        self._reads.take()
