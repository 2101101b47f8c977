"""The collector as a whole: venues in, rows out, and one that fails takes no other along."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager

from collector.service import Collector, VenueBuilder
from core.errors import Transient
from core.events import MarketEvent, Trade
from core.heartbeat import Load
from core.rows import Row
from core.types import Side
from tests.fakes.clock import NOON
from tests.fakes.quick_clock import QuickClock
from tests.fakes.writer import FakeRowWriter

Publish = Callable[[MarketEvent], None]


class Door(FakeRowWriter):
    """A writer that can be waited for; while it is not `open` it lets others wait, as a slow disk does."""

    def __init__(self) -> None:
        super().__init__()
        self.open = asyncio.Event()
        self.open.set()
        self._changed = asyncio.Event()

    def write(self, rows: Iterable[Row]) -> None:
        super().write(rows)
        self._changed.set()

    async def flush(self) -> None:
        await self.open.wait()
        await super().flush()

    def trades(self, venue: str) -> list[object]:
        """Return the ids of a venue's trades, in the order they came."""
        return [one.values["trade_id"] for one in self.of("trades") if one.values["venue"] == venue]

    async def until(self, true: Callable[[], bool]) -> None:
        """Wait for rows that make it true."""
        while not true():
            self._changed.clear()
            await self._changed.wait()


def trade(venue: str, number: int) -> Trade:
    """Return a trade."""
    return Trade(venue, "BTC-USDT", NOON + number, NOON, str(number), Side.BUY, 1.0, 1.0)


class Steady:
    """A venue that publishes a trade now and then."""

    def __init__(self, publish: Publish, clock: QuickClock) -> None:
        self._publish = publish
        self._clock = clock

    async def run(self) -> None:
        number = 0
        while True:
            number += 1
            self._publish(trade("steady", number))
            await self._clock.sleep(0.1)


class Failing:
    """A venue that publishes once and then fails, each time in the next of several ways."""

    starts = 0

    def __init__(self, publish: Publish, errors: Sequence[Exception | None]) -> None:
        self._publish = publish
        self._errors = errors

    async def run(self) -> None:
        Failing.starts += 1
        self._publish(trade("failing", Failing.starts))
        error = self._errors[(Failing.starts - 1) % len(self._errors)]
        if error is not None:
            raise error


@asynccontextmanager
async def collecting(
    door: Door, clock: QuickClock, venues: dict[str, VenueBuilder], limit: int = 1000
) -> AsyncIterator[Collector]:
    """Run a collector."""
    collector = Collector(venues, door, Load, clock, "test", limit)
    task = asyncio.create_task(collector.run())
    try:
        yield collector
    finally:
        task.cancel()
        _ = await asyncio.wait({task})
        assert task.cancelled(), task.exception()


async def test_a_venue_that_fails_is_started_again_and_takes_no_other_along() -> None:
    """An error that we know, a defect, a group of them, an end without a word: each costs a restart of this one."""
    Failing.starts = 0
    errors = [Transient("away"), ValueError("a defect"), ExceptionGroup("several", [KeyError("x")]), None]
    clock, door = QuickClock(200.0), Door()
    venues: dict[str, VenueBuilder] = {
        "steady": lambda publish: Steady(publish, clock),
        "failing": lambda publish: Failing(publish, errors),
    }
    async with collecting(door, clock, venues):
        await door.until(lambda: len(door.trades("failing")) == 5)
        before = len(door.trades("steady"))
        await door.until(lambda: len(door.trades("steady")) > before + 3)
    assert door.trades("failing")[:5] == ["1", "2", "3", "4", "5"]
    steady = door.trades("steady")
    assert steady == [str(number + 1) for number in range(len(steady))]


async def test_a_venue_that_cannot_even_be_built_is_tried_again() -> None:
    """A wrong setting of one venue is its own trouble."""
    clock, door, tries = QuickClock(200.0), Door(), list[int]()

    def build(publish: Publish) -> Steady:
        tries.append(1)
        if len(tries) < 3:
            raise RuntimeError("not yet")
        return Steady(publish, clock)

    async with collecting(door, clock, {"steady": build}):
        await door.until(lambda: len(door.trades("steady")) > 3)
    assert len(tries) == 3


async def test_restarts_are_spaced_further_and_further() -> None:
    """A venue that always fails is not tried in a tight loop."""
    Failing.starts = 0
    clock, door = QuickClock(200.0), Door()
    async with collecting(door, clock, {"failing": lambda publish: Failing(publish, [Transient("away")])}):
        await door.until(lambda: len(door.trades("failing")) == 4)
        assert clock.elapsed() >= 1 + 2 + 5


async def test_what_waits_is_handed_on_when_it_stops() -> None:
    """A slow writer holds the queue; the end empties it."""
    clock, door = QuickClock(50.0), Door()
    door.open.clear()
    async with collecting(door, clock, {"steady": lambda publish: Steady(publish, clock)}) as collector:
        await clock.sleep(5)
        waiting = collector.status().waiting
        assert waiting > 10
        before = len(door.trades("steady"))
    assert len(door.trades("steady")) >= before + waiting


async def test_a_heartbeat_tells_what_waits() -> None:
    """Each second, with the depth of the queue."""
    clock, door = QuickClock(50.0), Door()
    async with collecting(door, clock, {"steady": lambda publish: Steady(publish, clock)}):
        await door.until(lambda: bool(door.of("heartbeats")))
    beat = door.of("heartbeats")[0]
    assert (beat.values["service"], beat.values["instance"]) == ("collector", "test")
    assert isinstance(beat.values["queue_depth"], int)
