"""How far the venue's clock is from ours: several probes, the median of server time minus the midpoint."""

from collections.abc import Awaitable, Callable
from statistics import median_low
from typing import NamedTuple

from core.clock import Clock
from core.errors import Transient
from core.log import get_logger
from core.types import MILLISECOND, Nanos, VenueName

PROBES = 5
EVERY = 60.0
SPACING = 0.05

log = get_logger(__name__)


class Offset(NamedTuple):
    """The venue's clock minus ours, and how wrong that may be (half the shortest round trip), both in ns."""

    value: Nanos
    error: Nanos


class ClockOffset:
    """The offset of one venue's clock; 0 is assumed until it is measured."""

    def __init__(self, venue: VenueName, clock: Clock, ask: Callable[[], Awaitable[Nanos]]) -> None:
        """Take the clock, and a call that asks the venue for its time."""
        self._venue = venue
        self._clock = clock
        self._ask = ask
        self._offset: Offset | None = None

    @property
    def ms(self) -> float | None:
        """The offset in ms, positive when the venue's clock is ahead; None before the first measurement."""
        return None if self._offset is None else self._offset.value / MILLISECOND

    @property
    def offset(self) -> Offset | None:
        """The last measurement."""
        return self._offset

    def venue_now(self) -> Nanos:
        """Return the venue's time."""
        return self._clock.now() + (self._offset.value if self._offset else 0)

    async def measure(self, probes: int = PROBES) -> Offset:
        """Ask the venue several times and keep the median: one slow answer moves nothing.

        Raises:
            Transient: the venue did not answer; the last offset stays.
        """
        offsets, trips = [], []
        for number in range(probes):
            if number:
                await self._clock.sleep(SPACING)
            sent = self._clock.now()
            server = await self._ask()
            received = self._clock.now()
            offsets.append(server - (sent + received) // 2)
            trips.append(received - sent)
        self._offset = Offset(median_low(offsets), max(0, min(trips)) // 2)
        return self._offset

    async def run(self) -> None:
        """Measure now and then, for ever."""
        while True:
            try:
                await self.measure()
            except Transient as error:
                log.warning("clock_offset.unknown", venue=self._venue, error=str(error))
            await self._clock.sleep(EVERY)
