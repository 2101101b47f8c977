"""The accounts of a process: one that crashes is started again, and takes no other along."""

import asyncio
from collections.abc import Callable
from pathlib import Path

from core.account import AccountEvent, StreamUp
from core.heartbeat import Load
from core.tasks import start
from oms.account import AccountService
from oms.journal import Journal
from oms.service import Oms
from oms.settings import OmsSettings
from tests.fakes.account import FakeAccountVenue
from tests.fakes.writer import FakeRowWriter
from tests.integration.oms.desk import CLOCK, until
from tests.unit.oms.events import NOON, fill


class Brittle(FakeAccountVenue):
    """Its stream breaks in a way that nobody foresaw, the first two times."""

    starts = 0

    async def stream(self, publish: Callable[[AccountEvent], None]) -> None:
        self.starts += 1
        if self.starts <= 2:
            raise ZeroDivisionError
        await super().stream(publish)


async def test_a_crashed_account_starts_again_and_the_other_never_notices(tmp_path: Path) -> None:
    """Both write their fills in the end, and the process shows its heartbeat."""
    journal, writer = await Journal.open(tmp_path), FakeRowWriter()
    venues = {"brittle": Brittle(account="brittle"), "sound": FakeAccountVenue(account="main")}
    opened: dict[str, int] = dict.fromkeys(venues, 0)

    def builder(name: str) -> Callable[[], AccountService]:
        def build() -> AccountService:
            opened[name] += 1
            return AccountService(venues[name], ["BTC-USDT"], journal, writer, CLOCK, OmsSettings())

        return build

    async def done() -> bool:
        return opened["brittle"] == 3 and bool(writer.of("fills")) and bool(writer.of("heartbeats"))

    oms = Oms({name: builder(name) for name in venues}, writer, Load, CLOCK, "test")
    async with asyncio.TaskGroup() as group:
        task = start(group, "oms", oms.run())
        venues["sound"].say(StreamUp("binance", "main", NOON), fill("a", 1, "2"))
        assert await until(done)
        _ = task.cancel()
    await journal.close()
    assert opened == {"brittle": 3, "sound": 1}
    assert [row.values["trade_id"] for row in writer.of("fills")] == ["a"]
