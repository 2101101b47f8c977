"""The REST budget of one address at one venue: a weighted token bucket that the venue's own figures steer."""

import asyncio

from core.clock import Clock
from core.errors import Transient

WINDOW = 60.0
HAIR = 1e-6
PATIENCE = 30.0
"""A pause longer than this is told to the caller instead of waited for."""


class Throttled(Transient):
    """The venue asked us to send nothing for now."""


class WeightLimiter:
    """Hands out weight at `capacity` a minute, first come first served.

    The venue counts everybody behind our address, so what it says is used beats our own count. 429 and 418 stop
    everything until the time that the venue gave.
    """

    def __init__(self, clock: Clock, capacity: int, *, patience: float = PATIENCE) -> None:
        self._clock = clock
        self._capacity = float(capacity)
        self._patience = patience
        self._left = float(capacity)
        self._filled_at = clock.elapsed()
        self._paused_until = 0.0
        self._turn = asyncio.Lock()

    async def take(self, weight: int) -> None:
        """Wait until a request of this weight may be sent.

        Raises:
            Throttled: the venue's pause lasts longer than our patience; `after` says how long.
        """
        needed = min(float(weight), self._capacity)
        async with self._turn:
            while (wait := max(self.paused_for(), self._wait_for(needed))) > 0:
                if self.paused_for() > self._patience:
                    raise Throttled(
                        f"{self.paused_for():.0f} s left",
                        hint="Requests resume by themselves; poll less, or see who else uses this address",
                        after=self.paused_for(),
                    )
                await self._clock.sleep(wait)
            self._left -= needed

    def _wait_for(self, needed: float) -> float:
        self._refill()
        shortage = needed - self._left
        # A hair of rounding must not cost another round of sleep; but the sleep itself aims at the whole shortage.
        return shortage * WINDOW / self._capacity if shortage > HAIR else 0.0

    def _refill(self) -> None:
        now = self._clock.elapsed()
        self._left = min(self._capacity, self._left + (now - self._filled_at) * self._capacity / WINDOW)
        self._filled_at = now

    def venue_says(self, used: int) -> None:
        """Take over what the venue counted in its current window, if that is more than we did."""
        self._refill()
        self._left = min(self._left, self._capacity - used)

    def pause(self, seconds: float) -> None:
        """Send nothing for this long; a shorter pause never ends a longer one."""
        self._paused_until = max(self._paused_until, self._clock.elapsed() + seconds)

    def paused_for(self) -> float:
        """Return the seconds left of the venue's pause, 0.0 if there is none."""
        return max(0.0, self._paused_until - self._clock.elapsed())

    def used_percent(self) -> float:
        """Return how much of the budget is used, 0 to 100 and above when the venue counted more than it allows."""
        self._refill()
        return 100.0 * (1.0 - self._left / self._capacity)


class Pace:
    """Lets one through at a time, `every` seconds apart: frames on a socket, dials to a venue."""

    def __init__(self, clock: Clock, every: float) -> None:
        self._clock = clock
        self._every = every
        self._next = clock.elapsed()
        self._turn = asyncio.Lock()

    async def turn(self) -> None:
        """Wait for our turn."""
        async with self._turn:
            wait = self._next - self._clock.elapsed()
            if wait > 0:
                await self._clock.sleep(wait)
            self._next = self._clock.elapsed() + self._every
