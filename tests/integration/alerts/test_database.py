"""Rules on rows that were really written, to messages. Source: DESIGN.md sections 7 and 8."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest

from alerts.route import Receiver, Routing
from alerts.service import AlertService
from alerts.settings import AlertSettings
from alerts.store import Store
from core.clock import SystemClock
from core.heartbeat import Load
from core.rows import Row, Value
from rules.model import Condition, Group, Rule, Ruleset, Stale, Threshold
from storage.address import Address
from storage.embedded import dsn
from storage.reader import Reader, reading
from storage.settings import WriterSettings
from storage.writer import Writer, writing
from tests.fakes.notifier import FakeNotifier
from tests.unit.alerts.timeline import route, span

pytestmark = pytest.mark.database

VENUE = "alerts_test"
SYMBOLS = tuple(f"S{n}-USDT" for n in range(20))
WHERE = f"venue = '{VENUE}'"
STALE = Rule("TestStale", Stale("quotes", ("venue", "symbol"), span(4), span(600), WHERE), "page", "{{ symbol }}")
SPREAD = Threshold("quotes", "avg(ask - bid)", span(1), ("venue", "symbol"), WHERE, Condition(above=10, clear_below=5))
RULES = Ruleset(
    (
        Group("test stale", Path("t.yaml"), span(0.5), span(0), {}, (STALE,)),
        Group("test wide", Path("t.yaml"), span(0.5), span(0), {}, (Rule("TestWide", SPREAD, "warn", "{{ value }}"),)),
    )
)


@dataclass
class Desk:
    """A running service and a collector's rows; `silent` symbols have none, `stopped` writes nothing at all."""

    writer: Writer
    reader: Reader
    slack: FakeNotifier
    silent: set[str] = field(default_factory=set)
    wide: set[str] = field(default_factory=set)
    stopped: bool = False

    async def feed(self) -> None:
        """Write a quote of each symbol five times a second, and a heartbeat."""
        clock = SystemClock()
        late: list[Row] = []
        while True:
            now = clock.now()
            beat: dict[str, Value] = {"service": "collector", "instance": "test", "oldest_unsent_s": 0.0}
            late += [*self._quotes(now), Row("heartbeats", now, beat)]
            if not self.stopped:
                self.writer.write(late)
                late.clear()
            await asyncio.sleep(0.2)

    def _quotes(self, now: int) -> Iterator[Row]:
        for symbol in SYMBOLS:
            if symbol not in self.silent:
                ask = 120.0 if symbol in self.wide else 101.0
                yield Row("quotes", now, {"venue": VENUE, "symbol": symbol, "bid": 100.0, "ask": ask})

    def texts(self) -> list[str]:
        """Return what the channel shows."""
        return sorted(str(one["text"]) for one in self.slack.messages.values())

    async def shows(self, *texts: str) -> None:
        """Wait until the channel shows exactly this."""
        await self.until(lambda: self.texts() == sorted(texts))

    async def until(self, seen: Callable[[], bool]) -> None:
        """Wait for something."""
        async with asyncio.timeout(25):
            while not seen():  # noqa: ASYNC110  what a database shows has no event
                await asyncio.sleep(0.05)


@asynccontextmanager
async def running(at: Address, folder: Path) -> AsyncIterator[Desk]:
    """Run a desk until the block ends; nobody else's heartbeats count."""
    async with await psycopg.AsyncConnection.connect(dsn(at), autocommit=True, prepare_threshold=None) as connection:
        await connection.execute("TRUNCATE TABLE heartbeats")
    slack = FakeNotifier(channels=("desk",))
    store = await Store.open(folder)
    tree = Routing(route(wait=0, interval=1), {"desk": Receiver("desk", "#desk")})
    settings = AlertSettings(path_late=timedelta(seconds=3))
    clock = SystemClock()
    async with (
        writing(folder, at, WriterSettings(), clock) as writer,
        reading(at, statement_timeout=timedelta(seconds=5)) as reader,
        asyncio.TaskGroup() as group,
    ):
        desk = Desk(writer, reader, slack)
        service = AlertService(RULES, tree, store, reader, writer, slack, clock, settings, "test", Load)
        tasks = [group.create_task(desk.feed()), group.create_task(service.run())]
        await desk.until(lambda: all(one.last_evaluation for one in service.rules() if one.group.startswith("test")))
        yield desk
        for task in tasks:
            task.cancel()
    await store.close()


async def test_a_stale_rule_and_a_threshold_fire_and_resolve(questdb: Address, tmp_path: Path) -> None:
    """Rows stop for one symbol and another's spread is wide: two messages, edited when it is over; all is stored."""
    async with running(questdb, tmp_path) as desk:
        desk.silent.add(SYMBOLS[0])
        desk.wide.add(SYMBOLS[1])
        await desk.shows("[FIRING] TestStale", "[FIRING] TestWide")
        desk.silent.clear()
        desk.wide.clear()
        await desk.shows("[RESOLVED] TestStale", "[RESOLVED] TestWide")
        assert len(desk.slack.posts) == 2
        stored: list[tuple[object, ...]] = []
        sql = (
            "SELECT alertname, event, to_state, reason FROM alert_events "
            "WHERE alertname IN ('TestStale', 'TestWide') AND event IN ('transition', 'notification') ORDER BY ts"
        )
        async with asyncio.timeout(10):
            while len(stored) < 8:
                stored = list((await desk.reader.query(sql)).rows)
        for name in ("TestStale", "TestWide"):
            assert [row[1:] for row in stored if row[0] == name] == [
                ("transition", "firing", None),
                ("notification", "firing", "first_notification"),
                ("transition", "resolved", "recovered"),
                ("notification", "resolved", "all_resolved"),
            ]
        late = "SELECT count() FROM rule_evaluations WHERE rule_group LIKE 'test %' AND lateness_ms >= 0"
        assert (await desk.reader.query(late)).rows[0][0] != 0


async def test_one_alert_takes_the_place_of_a_storm(questdb: Address, tmp_path: Path) -> None:
    """Nothing is written any more: DataPathBehind, and not twenty stale symbols; late rows bring it to its end."""
    async with running(questdb, tmp_path) as desk:
        desk.stopped = True
        await desk.shows("[FIRING] DataPathBehind")
        await asyncio.sleep(2)  # longer than the stale rule's own patience by now
        desk.stopped = False
        await desk.shows("[RESOLVED] DataPathBehind")
        assert len(desk.slack.posts) == 1
