"""Does the wall clock jump? It is held against the one that cannot."""

from datetime import timedelta

from core.clock import Clock

JUMP_S = 1.0
"""A time server slews by less; more is a jump, or a machine that slept."""


class ClockWatch:
    """`look` gives the jump since the last look, forward or backward, and zero for none."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._now, self._elapsed = clock.now(), clock.elapsed()

    def look(self) -> timedelta:
        """Return how far the wall clock has moved beyond the time that has passed."""
        now, elapsed = self._clock.now(), self._clock.elapsed()
        jump = (now - self._now) / 1e9 - (elapsed - self._elapsed)
        self._now, self._elapsed = now, elapsed
        return timedelta(seconds=jump) if abs(jump) > JUMP_S else timedelta()
