"""The real clock, some times faster: real sockets, whose minutes pass in a second."""

import asyncio
import time

from core.types import Nanos


class QuickClock:
    """Seconds pass `factor` times faster than on the wall; `now` starts at the real time."""

    def __init__(self, factor: float = 20.0) -> None:
        self._factor = factor
        self._began = time.monotonic()
        self._start = time.time_ns()

    def now(self) -> Nanos:
        return self._start + round(self.elapsed() * 1e9)

    def elapsed(self) -> float:
        return (time.monotonic() - self._began) * self._factor

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds / self._factor)
