"""A wall clock that jumps. Source: issue 4 item 7, alert-semantics.md 1.15; DESIGN.md section 2 (one clock)."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from alerts.store import Store
from core.clock import to_datetime
from rules.model import Ruleset
from tests.fakes.notifier import FakeNotifier
from tests.unit.alerts.test_service import Service, asking
from tests.unit.alerts.timeline import group_of, span

SLOW = replace(asking("Slow"), hold=span(10))


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Service]:
    """A service with an alert that has been told, and one that is pending."""
    store = await Store.open(tmp_path)
    one = Service(store, FakeNotifier(channels=("desk",)), {"Warn", "Slow"}, Ruleset((group_of(asking("Warn"), SLOW),)))
    await evaluate(one, 1)
    yield one
    await store.close()


async def evaluate(desk: Service, seconds: float) -> None:
    """Let time pass, evaluate, flush and send."""
    desk.clock.advance(seconds)
    now = to_datetime(desk.clock.now())
    for group in desk.rules.groups:
        await desk.service.evaluate(group, now)
    await desk.service.flush(to_datetime(desk.clock.now()))
    await desk.service.deliver("#desk")


def states(desk: Service) -> dict[str, str]:
    """Return each alert's state."""
    return {one.alertname: one.state for one in desk.service.alerts()}


@pytest.mark.parametrize("jump", [3600.0, -3600.0])
async def test_delays_count_the_time_that_passes(desk: Service, jump: float) -> None:
    """A pending alert fires after its `for`, neither at once nor an hour late, and what was told is not told again."""
    desk.clock.jump(jump)
    await evaluate(desk, 5)
    assert states(desk) == {"Warn": "firing", "Slow": "pending"}
    await evaluate(desk, 5)
    await evaluate(desk, 1)
    assert states(desk) == {"Warn": "firing", "Slow": "firing"}
    assert desk.notifier is not None
    assert len(desk.notifier.posts) == 2


@pytest.mark.parametrize(("jump", "told"), [(3600.0, "+3600.0 s"), (-3600.0, "-3600.0 s")])
async def test_a_jump_is_told(desk: Service, jump: float, told: str) -> None:
    """As a problem with what to do, for a while."""
    desk.clock.jump(jump)
    await evaluate(desk, 1)
    assert any(told in one and "time server" in one for one in desk.service.problems())
    desk.clock.advance(3600)
    assert not any(told in one for one in desk.service.problems())


async def test_missed_slots_are_rows_with_their_cause(desk: Service) -> None:
    """A jump forward skips slots; so does an evaluation that takes too long."""
    desk.clock.jump(30)
    await evaluate(desk, 1)
    await evaluate(desk, 5)
    rows = [row.values for row in desk.writer.rows if row.table == "rule_evaluations"]
    causes = [str(row["error"]) for row in rows if row["outcome"] == "skipped"]
    assert (causes.count("the clock has jumped"), len(causes)) == (30, 34)
    told = [one for one in desk.service.problems() if "missed 30 evaluations" in one]
    assert len(told) == 1
    desk.clock.advance(3600)
    assert not any("missed" in one for one in desk.service.problems())


async def test_a_slew_is_no_jump(desk: Service) -> None:
    """Time servers move a clock by less than a second at a time."""
    desk.clock.jump(0.5)
    await evaluate(desk, 1)
    assert not any("clock" in one for one in desk.service.problems())
