"""A backtest and the live engine over the same rows say the same, event for event. Source: DESIGN.md section 7."""

import asyncio
from datetime import datetime, timedelta

import pytest

from alerts.board import Board
from alerts.drive import Record, drive, slots, steps_of
from alerts.engine import Engine
from alerts.path import PathWatch
from alerts.route import Routing, default_routing
from alerts.settings import AlertSettings
from core.clock import SystemClock, to_datetime
from core.types import SECOND, Nanos
from deskwatch.backtest.engine import Backtest, Outcome
from rules.load import load
from rules.model import Ruleset
from storage.address import Address
from storage.reader import reading
from tests.integration.backtest.history import RULES, SECONDS, rows
from tests.integration.seed import seed

pytestmark = pytest.mark.database

START: Nanos = (SystemClock().now() // SECOND - 9000) * SECOND
"""Some hours ago: within every TTL."""
ROUTING = default_routing(AlertSettings(group_by=["alertname", "symbol"]))


@pytest.fixture(scope="module")
def filled(questdb: Address, tmp_path_factory: pytest.TempPathFactory) -> Address:
    """The database with half an hour of trouble."""
    asyncio.run(seed(questdb, tmp_path_factory.mktemp("spool"), rows(START)))
    return questdb


@pytest.fixture
def ruleset() -> Ruleset:
    """Rules of every kind."""
    return load([RULES])


def span() -> tuple[datetime, datetime]:
    """Return the stretch, some time after the last row included."""
    return to_datetime(START), to_datetime(START) + timedelta(seconds=SECONDS + 300)


async def one_by_one(at: Address, ruleset: Ruleset, routing: Routing) -> Record:
    """Run the live engine at every slot, with one query for each evaluation, and leave out none."""
    start, end = span()
    record = Record()
    known = {group.identity(rule): rule for group in ruleset.groups for rule in group.rules}
    board = Board(known, routing, lambda _: record.render)
    async with reading(at, statement_timeout=timedelta(seconds=20), connections=1) as reader:
        engine = Engine(board, reader, record, PathWatch(reader, timedelta(seconds=5)), SystemClock(), record.save)
        engine.use(ruleset)
        await drive(board, engine.run, slots(ruleset.groups, start, end), end, record.save)
    return record


async def backtested(at: Address, ruleset: Ruleset, routing: Routing) -> Outcome:
    """Run the backtest."""
    async with reading(at, statement_timeout=timedelta(seconds=20), connections=3) as reader:
        return await Backtest(ruleset, routing, reader, SystemClock()).run(*span(), lambda *_: None)


async def test_what_is_left_out_changes_nothing(filled: Address, ruleset: Ruleset) -> None:
    """Every event and every message, with values, texts and times, is that of the engine that leaves out nothing."""
    expected = await one_by_one(filled, ruleset, ROUTING)
    found = await backtested(filled, ruleset, ROUTING)
    assert {one.alert for one in steps_of(expected.events)} == {
        rule.name for group in ruleset.groups for rule in group.rules
    }
    assert found.record.events == expected.events
    assert found.record.sent == expected.sent
    assert found.record.troubles == expected.troubles
    assert len(expected.sent) > 20
