"""The service as the status page sees it, and rules that change. Source: DESIGN.md sections 7 and 8."""

from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest

from alerts.notify.base import MessageRefused
from alerts.service import AT_ONCE, AlertService
from alerts.settings import AlertSettings
from alerts.store import MessageState, Store
from alerts.storm_sender import KEPT
from core.clock import to_nanos
from core.heartbeat import Load
from core.ports import Result
from rules.model import Group, Rule, Ruleset, Sql
from storage.reader import BadQuery
from tests.fakes.clock import FakeClock
from tests.fakes.notifier import FakeNotifier
from tests.fakes.reader import FakeRowReader, Parameters
from tests.fakes.writer import FakeRowWriter
from tests.unit.alerts.timeline import T0, at, group_of, route, routing, rule


def asking(name: str, severity: str = "warn") -> Rule:
    """Return a rule whose query is its name."""
    return replace(rule(name, severity=severity), kind=Sql(name, None, None))


@dataclass
class Service:
    """A service on fakes, with a store of its own; `breaching` are the rules whose query has a row."""

    store: Store
    notifier: FakeNotifier | None
    breaching: set[str]
    rules: Ruleset

    def __post_init__(self) -> None:
        self.clock = FakeClock(to_nanos(T0))
        self.writer = FakeRowWriter()
        self.service = AlertService(
            self.rules,
            routing(replace(route(), group_by=("alertname",))),
            self.store,
            FakeRowReader(self._answer),
            self.writer,
            self.notifier,
            self.clock,
            AlertSettings(path_late=timedelta(seconds=5)),
            "here",
            Load,
        )

    def _answer(self, sql: str, _parameters: Parameters) -> Result:
        if sql == "Broken":
            raise BadQuery("no such column")
        return Result(("series", "value"), [("a", 7.0)] if sql in self.breaching else [])

    async def step(self, seconds: float) -> None:
        """Evaluate every group, flush, and send what is due."""
        self.clock.advance((to_nanos(at(seconds)) - self.clock.now()) / 1e9)
        for group in self.rules.groups:
            await self.service.evaluate(group, at(seconds))
        await self.service.flush(at(seconds))
        await self.service.deliver("#desk")


GROUP: Group = group_of(asking("Quiet"), asking("Warn"), asking("Page", "page"), asking("Broken"))


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Service]:
    """A service with four rules."""
    store = await Store.open(tmp_path)
    yield Service(store, FakeNotifier(channels=("desk",)), {"Warn", "Page"}, Ruleset((GROUP,)))
    await store.close()


async def test_alerts_are_shown_the_loudest_first(desk: Service) -> None:
    """What is pending or firing, since when, with its value and text."""
    await desk.step(0)
    shown = [
        (one.alertname, one.severity, one.state, one.value, one.since, one.summary) for one in desk.service.alerts()
    ]
    assert shown == [("Page", "page", "firing", 7.0, at(0), "7.0"), ("Warn", "warn", "firing", 7.0, at(0), "7.0")]


async def test_rules_are_shown_with_what_came_of_them(desk: Service) -> None:
    """Unknown before the first evaluation; then state and error."""
    assert {one.state for one in desk.service.rules()} == {"unknown"}
    await desk.step(0)
    shown = {one.rule: (one.state, one.last_evaluation, one.error) for one in desk.service.rules()}
    assert shown["Quiet"] == ("inactive", at(0), "")
    assert shown["Page"][0] == "firing"
    assert "no such column" in shown["Broken"][2]
    assert shown["DataPathBehind"][0] == "unknown"


async def test_messages_are_shown_with_their_fate(desk: Service) -> None:
    """Sent, waiting or refused, the newest first."""
    assert desk.notifier is not None
    desk.notifier.fail(MessageRefused("invalid_blocks", hint="Send less"))
    await desk.step(0)
    await desk.step(2)
    shown = [(one.receiver, one.channel, one.status, one.state) for one in desk.service.messages(10)]
    assert sorted(shown) == [("desk", "#desk", "firing", "refused"), ("desk", "#desk", "firing", "sent")]
    assert any("invalid_blocks" in one for one in desk.service.problems())


async def test_a_broken_rule_is_a_problem(desk: Service) -> None:
    """It names the rule and what the database said."""
    await desk.step(0)
    assert ["g/Broken" in one and "no such column" in one for one in desk.service.problems()] == [True]


async def test_without_a_receiver_the_page_says_so(tmp_path: Path) -> None:
    """Rules run all the same."""
    store = await Store.open(tmp_path)
    desk = Service(store, None, {"Warn"}, Ruleset((group_of(asking("Warn")),)))
    await desk.step(0)
    assert [one.alertname for one in desk.service.alerts()] == ["Warn"]
    assert "Nobody hears" in desk.service.problems()[0]
    await store.close()


async def test_a_reload_ends_the_alerts_of_removed_rules_and_keeps_the_others(desk: Service) -> None:
    """State carries over by rule and labels; the receiver is told of the end."""
    await desk.step(0)
    await desk.step(2)
    desk.rules = Ruleset((group_of(asking("Page", "page")),))
    await desk.service.reload(desk.rules)
    await desk.step(3)
    await desk.step(5)
    assert [one.alertname for one in desk.service.alerts()] == ["Page"]
    assert desk.notifier is not None
    texts = sorted(str(one["text"]) for one in desk.notifier.messages.values())
    assert texts == ["[FIRING] Page", "[RESOLVED] Warn"]
    assert [one.since for one in desk.service.alerts()] == [at(0)]


async def test_a_new_process_goes_on_where_the_last_one_stopped(desk: Service) -> None:
    """Firing stays firing, its message is edited, and the page shows what was sent."""
    await desk.step(0)
    await desk.step(2)
    again = Service(desk.store, desk.notifier, set(), desk.rules)
    await again.service.restore(at(3))
    assert len(again.service.alerts()) == len(again.service.messages(10)) == 2
    for second in (4, 6, 8):
        await again.step(second)
    assert desk.notifier is not None
    assert len(desk.notifier.posts) == 2
    assert sorted(str(one["text"]) for one in desk.notifier.messages.values()) == [
        "[RESOLVED] Page",
        "[RESOLVED] Warn",
    ]


async def test_a_storm_of_groups_speaks_a_part_at_a_time_and_all_of_it(tmp_path: Path) -> None:
    """More groups than one commit takes: each is made as without the storm, and one message tells of most of them."""
    store = await Store.open(tmp_path)
    rules = [asking(f"R{n}") for n in range(2 * AT_ONCE + 1)]
    desk = Service(store, FakeNotifier(channels=("desk",)), {one.name for one in rules}, Ruleset((group_of(*rules),)))
    desk.service = AlertService(
        desk.rules,
        routing(route(wait=1)),
        store,
        FakeRowReader(desk._answer),  # noqa: SLF001  its own helper
        desk.writer,
        desk.notifier,
        desk.clock,
        AlertSettings(),
        "here",
        Load,
    )
    await desk.step(0)
    assert desk.service.messages(1000) == []
    await desk.step(1)
    assert {one.at for one in desk.service.messages(1000)} == {at(1)}
    states = Counter(one.state for one in await store.messages(1000))
    sent = {MessageState.SENT: 1, MessageState.WAITING: KEPT - 1}
    assert states == {MessageState.FOLDED: len(rules) - KEPT, **sent}
    await store.close()
