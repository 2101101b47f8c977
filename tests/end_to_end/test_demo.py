"""The demo as a newcomer runs it: an alert within a minute, an honest report, and nothing left behind."""

import asyncio
import json
import signal
import sys
from pathlib import Path

import psutil
import pytest

from tests.end_to_end.processes import launch

pytestmark = pytest.mark.timeout(150)

SHARES = ("fills", "orders", "positions", "balances", "quotes", "books", "trades", "instruments", "feeds", "venues")
"""Tables that a short demo must have rows in."""


async def test_the_demo_tells_slack_within_a_minute_and_reports_what_it_did() -> None:
    """`deskwatch demo --seconds 45 -o json` prints one object; the first alert came in time."""
    command = (sys.executable, "-m", "deskwatch", "demo", "--seconds", "45", "--port", "0", "--slack-port", "0")
    process = await asyncio.create_subprocess_exec(*command, "-o", "json", stdout=asyncio.subprocess.PIPE)
    out, _ = await process.communicate()
    report = json.loads(out)
    assert process.returncode == 0
    assert {table: report["rows"][table] for table in SHARES if not report["rows"][table]} == {}
    assert report["alerts"] >= 1
    assert report["messages"] >= 1
    assert report["first_alert_s"] < 60


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
async def test_ctrl_c_leaves_nothing_running(tmp_path: Path, ending: signal.Signals) -> None:
    """The database, the simulators and the services end; the exit status is 0."""
    demo = await launch(tmp_path / "demo.log", "demo", "--port", "0", "--slack-port", "0")
    for _ in range(300):
        if "Stop with Ctrl-C" in demo.log.read_text():
            break
        await asyncio.sleep(0.1)
    children = demo.children()
    assert children, demo.log.read_text()
    demo.process.send_signal(ending)
    status = await asyncio.wait_for(demo.process.wait(), 30)
    assert status == 0, demo.log.read_text()
    _, alive = psutil.wait_procs(children, timeout=10)
    assert alive == []
    assert "Traceback" not in demo.log.read_text()
