"""A clock that moves only when someone sleeps or a test says so."""

import asyncio

from core.types import Nanos

NOON = 1_767_268_800_000_000_000
"""2026-01-01T12:00:00Z."""


class FakeClock:
    """Starts at noon; `sleep` moves it at once and lets the other tasks run."""

    def __init__(self, start: Nanos = NOON) -> None:
        self._now = start
        self._elapsed = 0.0

    def now(self) -> Nanos:
        return self._now

    def elapsed(self) -> float:
        return self._elapsed

    async def sleep(self, seconds: float) -> None:
        self.advance(seconds)
        await asyncio.sleep(0)

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self._elapsed += seconds
        self._now += round(seconds * 1e9)

    def jump(self, seconds: float) -> None:
        """Move the wall clock alone, as a time server does."""
        self._now += round(seconds * 1e9)
