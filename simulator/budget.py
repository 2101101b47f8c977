"""The REST weight that a venue grants an address each minute: 429 beyond it, 418 for who goes on."""

from core.clock import Clock
from core.types import SECOND

MINUTE_S = 60
PATIENCE = 10
"""Requests after the first 429 of a minute, until the address is banned."""
BAN_S = 120


class Budget:
    """Counts weight in whole minutes of the clock, as Binance does. There is one client: whoever asks on loopback."""

    def __init__(self, clock: Clock, per_minute: int) -> None:
        self.per_minute = per_minute
        self.used = 0
        self._clock = clock
        self._minute = 0
        self._refused = 0
        self._banned_until = 0.0

    def spend(self, weight: int) -> tuple[int, int] | None:
        """Count a request; return None if it is granted, else (status, seconds to wait)."""
        now = self._clock.now() // SECOND
        if now // MINUTE_S != self._minute:
            self._minute, self.used, self._refused = now // MINUTE_S, 0, 0
        if now < self._banned_until:
            return 418, int(self._banned_until - now)
        self.used += weight
        if self.used <= self.per_minute:
            return None
        self._refused += 1
        if self._refused > PATIENCE:
            self._banned_until = now + BAN_S
            return 418, BAN_S
        return 429, MINUTE_S - now % MINUTE_S
