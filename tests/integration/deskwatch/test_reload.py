"""Rules and routes that change under a running desk. Source: DESIGN.md section 7, alert-semantics.md 1.13."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from alerts.service import AlertService
from alerts.store import Store
from core.heartbeat import Load
from core.ports import Result
from deskwatch.reload import Reloader
from deskwatch.routebook import load_routes
from deskwatch.rulebook import load_rules
from deskwatch.settings import Settings
from tests.fakes.clock import FakeClock
from tests.fakes.notifier import FakeNotifier
from tests.fakes.reader import FakeRowReader
from tests.fakes.writer import FakeRowWriter

RULES = """
groups:
  - name: g
    every: 1s
    rules:
      - {alert: Hot, sql: "SELECT venue, 1 AS value FROM fills WHERE ts > :start AND ts <= :now", over: 1m, above: 0,
         severity: warn, summary: "{{ venue }}"}
"""
ROUTING = 'receivers: {desk: {slack: {channel: "#desk"}}}\nroute: {receiver: desk}\n'


class Desk:
    """A service whose rules and routes are files, and what looks after them."""

    def __init__(self, folder: Path, store: Store) -> None:
        self.rules, self.routing = folder / "rules.yaml", folder / "routing.yaml"
        self.rules.write_text(RULES)
        self.routing.write_text(ROUTING)
        settings = Settings(data=folder, rules=[self.rules], routing=self.routing)
        self.clock = FakeClock()
        self.service = AlertService(
            load_rules(settings),
            load_routes(settings),
            store,
            FakeRowReader(lambda _sql, _parameters: Result((), ())),
            FakeRowWriter(),
            FakeNotifier(channels=("desk",)),
            self.clock,
            settings.alerts,
            "here",
            Load,
        )
        self.reloader = Reloader(settings, self.service, self.clock)

    async def write(self, file: Path, text: str) -> None:
        """Change a file, and look."""
        await asyncio.to_thread(file.write_text, text)
        await self.reloader.look()

    def names(self) -> set[str]:
        """Return the rules that run."""
        return {rule.name for group in self.service.groups() for rule in group.rules}

    def firing(self) -> list[tuple[str, str]]:
        """Return what fires."""
        return [(one.alertname, one.labels.get("file", "")) for one in self.service.alerts()]


@asynccontextmanager
async def desk(folder: Path) -> AsyncIterator[Desk]:
    """Open a desk on its files."""
    store = await Store.open(folder)
    try:
        yield Desk(folder, store)
    finally:
        await store.close()


async def test_changed_rules_are_loaded(tmp_path: Path) -> None:
    """By themselves, and only when something has changed."""
    async with desk(tmp_path) as one:
        await one.reloader.look()
        assert one.names() == {"Hot"}
        await one.write(one.rules, RULES.replace("Hot", "Warmer"))
        assert one.names() == {"Warmer"}
        assert one.service.problems() == []


async def test_a_broken_rule_file_keeps_the_old_rules_and_says_so(tmp_path: Path) -> None:
    """As a problem with its place and as an alert, until it is mended."""
    async with desk(tmp_path) as one:
        await one.write(one.rules, RULES.replace("above: 0", "abvoe: 0"))
        assert one.names() == {"Hot"}
        assert one.firing() == [("ConfigBroken", str(one.rules))]
        [problem] = one.service.problems()
        assert "line 6" in problem
        assert "abvoe" in problem
        await one.write(one.rules, RULES.replace("above: 0", "above: 1"))
        assert one.firing() == []
        assert one.service.problems() == []


async def test_a_broken_routing_file_keeps_the_old_routes(tmp_path: Path) -> None:
    """And a wrong rule file beside it is another alert."""
    async with desk(tmp_path) as one:
        await one.write(one.routing, ROUTING.replace("{receiver: desk}", "{receiver: dsek}"))
        await one.write(one.rules, "groups: [")
        assert sorted(one.firing()) == [("ConfigBroken", str(one.routing)), ("ConfigBroken", str(one.rules))]
        await one.write(one.routing, ROUTING)
        assert one.firing() == [("ConfigBroken", str(one.rules))]


async def test_a_file_that_is_gone_is_broken(tmp_path: Path) -> None:
    """What was loaded before goes on."""
    async with desk(tmp_path) as one:
        one.routing.unlink()
        await one.reloader.look()
        assert [name for name, _ in one.firing()] == ["ConfigBroken"]
        assert one.names() == {"Hot"}
