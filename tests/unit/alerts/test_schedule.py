"""When groups run. Source: alert-semantics.md 1.2."""

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.schedule import EPOCH, Schedule, phase, slot_at
from core.clock import SystemClock
from rules.model import Group, Ruleset
from tests.unit.alerts.timeline import T0, group_of, rule, span


@given(st.text(), st.sampled_from([0.1, 1, 5, 30, 60, 3600]), st.floats(0, 1e6))
def test_a_slot_is_the_last_one_of_the_groups_own_grid(name: str, every: float, now: float) -> None:
    """`phase + n x every` since the epoch, not after now, and not older than one interval."""
    group = group_of(rule(), name=name, every=every)
    moment = T0 + timedelta(seconds=now)
    slot = slot_at(group, moment)
    assert slot <= moment < slot + group.every
    assert (slot - EPOCH - phase(group)) % group.every == timedelta()


def test_groups_do_not_start_together() -> None:
    """Phases are spread over the interval, and the same after every restart."""
    phases = [phase(group_of(rule(), name=f"group {n}")) for n in range(1000)]
    tenths = {int(one / span(0.1)) for one in phases}
    assert tenths == set(range(10))
    assert phase(group_of(rule(), name="market-data", every=60)) == phase(
        group_of(rule(), name="market-data", every=60)
    )


async def test_the_scheduler_runs_slots_and_stops_clean(caplog: pytest.LogCaptureFixture) -> None:
    """Real time: slots in order, a slow group skips what it cannot keep up with, and its end is awaited."""
    seen: list[datetime] = []
    ended = asyncio.Event()
    enough = asyncio.Event()

    async def run(group: Group, slot: datetime) -> None:
        assert slot == slot_at(group, slot)
        seen.append(slot)
        if len(seen) == 3:
            enough.set()
            try:
                await asyncio.Event().wait()
            finally:
                ended.set()

    schedule = Schedule(run, SystemClock())
    schedule.use(Ruleset((replace(group_of(rule()), every=span(0.1)),)))
    serving = asyncio.create_task(schedule.serve())
    await enough.wait()
    serving.cancel()
    await asyncio.wait([serving])
    assert ended.is_set()
    assert caplog.records == []
    assert seen == sorted(set(seen))


async def test_a_group_that_fails_runs_again() -> None:
    """Whatever escapes an evaluation costs that slot alone."""
    count = 0
    enough = asyncio.Event()

    async def run(_group: Group, _slot: datetime) -> None:
        nonlocal count
        count += 1
        if count == 2:
            enough.set()
        raise ValueError(count)

    schedule = Schedule(run, SystemClock())
    schedule.use(Ruleset((group_of(rule(), every=0.1),)))
    serving = asyncio.create_task(schedule.serve())
    await enough.wait()
    serving.cancel()
    await asyncio.wait([serving])
    assert serving.cancelled()
