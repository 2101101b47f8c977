"""The only reader of the time. Everything below the edges takes a moment as an argument."""

import asyncio
import time
from datetime import UTC, datetime
from typing import Protocol

from core.types import Nanos


class Clock(Protocol):
    """Tells the time and waits; a test passes a fake that moves when someone sleeps."""

    def now(self) -> Nanos:
        """Return the wall clock, ns since the epoch; it can jump."""

    def elapsed(self) -> float:
        """Return seconds since an arbitrary start; never jumps."""

    async def sleep(self, seconds: float) -> None:
        """Wait for a span of time."""


class SystemClock:
    """The real clock."""

    def now(self) -> Nanos:
        return time.time_ns()

    def elapsed(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


def to_datetime(moment: Nanos) -> datetime:
    """Return the aware UTC datetime of a moment, cut to microseconds."""
    seconds, rest = divmod(moment, 1_000_000_000)
    return datetime.fromtimestamp(seconds, tz=UTC).replace(microsecond=rest // 1_000)


def to_nanos(moment: datetime) -> Nanos:
    """Return an aware datetime as ns since the epoch, exact to the microsecond.

    Raises:
        ValueError: the datetime has no time zone.
    """
    if moment.tzinfo is None:
        message = "a datetime without a time zone is ambiguous; attach UTC"
        raise ValueError(message)
    span = moment - datetime(1970, 1, 1, tzinfo=UTC)
    return ((span.days * 86_400 + span.seconds) * 1_000_000 + span.microseconds) * 1_000
