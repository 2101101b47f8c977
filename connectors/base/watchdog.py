"""Notices a stream that went silent although its connection lives; each stream is judged by its own rhythm.

One flat time-out cannot work: a liquid book speaks every 100 ms, an option once in 20 s. A stream is silent beyond
max(3 s, 3 x p99 of its own past gaps), and there is no verdict before it has shown five gaps. On the recorded traffic
that rule gives no false alarm.
"""

from collections import Counter
from collections.abc import Hashable
from math import ceil, log
from typing import Generic, TypeVar

from core.types import SECOND, Nanos

K = TypeVar("K", bound=Hashable)

FLOOR: Nanos = 3 * SECOND
FACTOR = 3
MIN_GAPS = 5
MEMORY = 20_000
"""Gaps a rhythm is made of at most; then the old ones count half, so that a stream may change its habits."""

_SHORT: Nanos = FLOOR // FACTOR  # three times a shorter gap is below the floor: only their number matters
_STEP = log(1.02)  # a long gap is kept to 2 %


class Rhythm:
    """The past gaps of one stream: how many short ones, and a histogram of the long ones."""

    __slots__ = ("last", "long", "short")

    def __init__(self, now: Nanos) -> None:
        self.last = now
        self.short = 0
        self.long: Counter[int] = Counter()

    def heard(self, now: Nanos) -> None:
        """Note that the stream spoke; in the path of every message. A clock that steps back counts as no gap."""
        gap = now - self.last
        self.last = now
        if gap < _SHORT:
            self.short += 1
            if self.short > MEMORY:
                self._fade()
        else:
            self.long[ceil(log(gap / _SHORT) / _STEP)] += 1
            if self.gaps > MEMORY:
                self._fade()

    @property
    def gaps(self) -> int:
        """How many gaps the rhythm is made of."""
        return self.short + self.long.total()

    def _fade(self) -> None:
        self.short //= 2
        self.long = Counter({size: count // 2 for size, count in self.long.items() if count > 1})

    def limit(self) -> Nanos | None:
        """Return how long this stream may be quiet; None before it has shown a rhythm."""
        if self.gaps < MIN_GAPS:
            return None
        longer = self.gaps - ceil(0.99 * self.gaps)  # how many gaps may be longer than the p99
        for size in sorted(self.long, reverse=True):
            if longer < self.long[size]:
                return max(FLOOR, FACTOR * round(_SHORT * 1.02**size))
            longer -= self.long[size]
        return FLOOR


class SilenceWatchdog(Generic[K]):
    """Learns when each stream speaks, and names those that have been quiet for too long.

    Memory is bounded per stream (a sparse histogram of at most some 400 sizes). Only data counts: heartbeats, pings
    and acknowledgements flow on a mute socket too, so they must not be reported here.
    """

    def __init__(self) -> None:
        self._streams: dict[K, Rhythm] = {}

    def heard(self, key: K, now: Nanos) -> Rhythm:
        """Note that a stream spoke; its rhythm can be told directly from then on, until it is forgotten."""
        stream = self._streams.get(key)
        if stream is None:
            stream = self._streams[key] = Rhythm(now)
        else:
            stream.heard(now)
        return stream

    def restart(self, key: K, now: Nanos) -> None:
        """Note that a stream was subscribed anew: the time since it last spoke was ours, its rhythm is kept."""
        if key in self._streams:
            self._streams[key].last = now

    def silent(self, now: Nanos) -> list[tuple[K, float]]:
        """Return the streams that are silent now, each with its age in seconds."""
        found = []
        for key, stream in self._streams.items():
            age = now - stream.last
            if age <= FLOOR:
                continue
            limit = stream.limit()
            if limit is not None and age > limit:
                found.append((key, age / SECOND))
        return found

    def limit(self, key: K) -> float | None:
        """Return the seconds that a stream may be quiet; None before it has shown a rhythm."""
        stream = self._streams.get(key)
        limit = stream.limit() if stream else None
        return None if limit is None else limit / SECOND

    def forget(self, key: K) -> None:
        """Drop a stream that is no longer wanted."""
        self._streams.pop(key, None)
