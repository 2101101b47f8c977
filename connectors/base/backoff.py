"""How long to wait before the next attempt: capped exponential, full jitter, unlimited."""

from random import Random

FIRST = 0.5
CAP = 30.0
LEAST = 0.1
"""Even the luckiest draw waits this long: a loop of instant reconnects is how addresses get banned."""


class Backoff:
    """Waits that grow with each failure in a row.

    Only a good data message ends the row: a venue that accepts the connection and then cuts it is still failing.
    """

    def __init__(self, rng: Random, *, first: float = FIRST, cap: float = CAP) -> None:
        self._rng = rng
        self._first = first
        self._cap = cap
        self.failures = 0

    def next(self, at_least: float = 0.0) -> float:
        """Return the seconds to wait, not less than what the venue asked for."""
        # The exponent is bounded because 2.0 ** 1100 overflows, after some hours of a venue being away.
        ceiling = min(self._cap, self._first * 2.0 ** min(self.failures, 64))
        self.failures += 1
        return max(LEAST, at_least, self._rng.uniform(0.0, ceiling))

    def good(self) -> None:
        """Forget the failures: the first good data message has come."""
        self.failures = 0
