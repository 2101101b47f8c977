"""The alert service in real time, on its own schedule, and the backtest of the same stretch afterwards."""

import asyncio
import json
from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from alerts.model import Notification
from alerts.notify.base import Payload
from alerts.notify.slack_message import message
from alerts.route import default_routing
from alerts.service import AlertService
from alerts.settings import AlertSettings
from alerts.store import Store
from core.clock import SystemClock, to_datetime, to_nanos
from core.heartbeat import Load
from core.rows import Row
from core.types import SECOND, Nanos
from deskwatch.backtest.engine import Backtest
from rules.load import load
from storage.address import Address
from storage.embedded import dsn
from storage.reader import reading
from tests.fakes.notifier import FakeNotifier
from tests.fakes.writer import FakeRowWriter
from tests.integration.seed import seed

pytestmark = pytest.mark.database

RULES = load([Path(__file__).parent / "live-rules.yaml"])
LIVE_S = 11
SETTINGS = AlertSettings(
    group_by=["alertname", "symbol"],
    # No slot falls on a flush: which of the two comes first at one microsecond is for the operating system to say.
    group_wait=timedelta(milliseconds=730),
    group_interval=timedelta(milliseconds=1370),
    path_late=timedelta(hours=1),
)


class Workspace(FakeNotifier):
    """Renders as Slack does, and keeps what it is asked to render."""

    told: list[tuple[Notification, Payload]]

    def __init__(self) -> None:
        super().__init__()
        self.told = []

    def render(self, notification: Notification) -> Payload:
        payload = message(notification)
        self.told.append((notification, payload))
        return payload


def live_rows(start: Nanos) -> Iterable[Row]:
    """Yield rows of the coming seconds: A goes wide and back, B falls silent and comes back."""
    for number in range(LIVE_S * 10):
        ts = start + number * SECOND // 10
        wide = 10 <= number < 30
        quote: dict[str, Any] = {"venue": "live", "bid": 100.0, "ask": 102.0 + number / 100 if wide else 100.1}
        yield Row("quotes", ts, {**quote, "symbol": "A"})
        if not 5 <= number < 60:
            yield Row("quotes", ts + 1000, {**quote, "symbol": "B", "ask": 100.1})


async def live(at: Address, folder: Path) -> tuple[FakeRowWriter, Workspace]:
    """Run the whole service for some seconds; the rows of these seconds are there before, and :now uncovers them."""
    writer, workspace, clock = FakeRowWriter(), Workspace(), SystemClock()
    await seed(at, folder / "spool", live_rows(clock.now() + 2 * SECOND))
    store = await Store.open(folder)
    try:
        async with reading(at, statement_timeout=timedelta(seconds=5), connections=2) as reader:
            service = AlertService(
                RULES, default_routing(SETTINGS), store, reader, writer, workspace, clock, SETTINGS, "desk", Load
            )
            task = asyncio.create_task(service.run())
            await asyncio.sleep(LIVE_S)
            task.cancel()
            await asyncio.wait([task])
            while await service.hand_on():
                pass
    finally:
        await store.close()
    return writer, workspace


async def undisturbed(at: Address, folder: Path) -> tuple[FakeRowWriter, Workspace]:
    """Run live until no slot was skipped: a machine that stood still has told less than its history has."""
    async with await psycopg.AsyncConnection.connect(dsn(at), autocommit=True, prepare_threshold=None) as connection:
        await connection.execute("TRUNCATE TABLE heartbeats")  # a collector of another test is not missing here
    for attempt in range(3):
        writer, workspace = await live(at, folder / str(attempt))
        outcomes = {str(row.values["outcome"]) for row in writer.of("rule_evaluations")}
        assert not outcomes & {"error", "held"}
        if "skipped" not in outcomes:
            return writer, workspace
    pytest.fail("slots were skipped in each of three runs: the machine is too busy for a live run")


def stretch(writer: FakeRowWriter) -> tuple[datetime, datetime]:
    """Return from the first live slot to the last that every group had, half a second before the end."""
    slots: dict[str, list[int]] = {}
    for row in writer.of("rule_evaluations"):
        slots.setdefault(str(row.values["rule_group"]), []).append(row.ts)
    assert set(slots) == {"live-quick", "live-slow"}
    return to_datetime(min(min(one) for one in slots.values())), to_datetime(min(max(one) for one in slots.values()))


def events(rows: Iterable[Row], end: datetime) -> list[str]:
    """Return the events of our alerts up to the end; what the receiver answered is not the rules' affair."""
    ours = [row for row in rows if row.table == "alert_events" and row.ts < to_nanos(end)]
    kept = [row for row in ours if row.values["event"] != "delivery" and "Live" in str(row.values["alertname"])]
    return sorted(json.dumps([row.ts, dict(row.values)], sort_keys=True) for row in kept)


async def test_the_recorded_live_run_equals_the_backtest(questdb: Address, tmp_path: Path) -> None:
    """Event for event and message for message: times, values, reasons, incidents, and the text that Slack shows."""
    writer, workspace = await undisturbed(questdb, tmp_path)
    start, end = stretch(writer)
    async with reading(questdb, statement_timeout=timedelta(seconds=20), connections=3) as reader:
        backtest = Backtest(RULES, default_routing(SETTINGS), reader, SystemClock())
        found = await backtest.run(start, end, lambda *_: None)
    assert events(found.record.events, end) == events(writer.rows, end)
    assert [one for one in found.record.sent if one[0].at < end] == [one for one in workspace.told if one[0].at < end]
    told = {(one.alerts[0].alertname, str(one.status)) for one, _ in found.record.sent}
    assert told >= {
        ("LiveWide", "firing"),
        ("LiveCount", "firing"),
        ("LiveCount", "resolved"),
        ("LiveSilent", "firing"),
    }
