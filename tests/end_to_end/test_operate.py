"""A running desk as its operator sees it: doctor, status, sql, and what is said when something is wrong."""

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from core.clock import SystemClock
from simulator.slack.store import Message
from simulator.slack.workspace import TOKEN, SlackWorkspace, slack_workspace
from simulator.world import World, simulating
from tests.end_to_end.processes import Program, launch

pytestmark = pytest.mark.timeout(120)


def write_config(folder: Path, world: World, slack: SlackWorkspace, token: str = TOKEN) -> Path:
    """Write a configuration of one simulated venue and Slack."""
    okx = world.venues["okx"]
    file = folder / "deskwatch.toml"
    file.write_text(
        f'data = "{folder / "data"}"\n'
        f'[slack]\ntoken = "{token}"\napi_url = "{slack.api_url}"\n'
        '[alerts]\nchannel = "#alerts"\n[status]\nport = 0\n'
        f'[venues.okx]\nsymbols = ["BTC-USDT"]\nws_url = "{okx.ws_url}"\nrest_url = "{okx.rest_url}"\n'
    )
    return file


async def deskwatch(*arguments: str) -> tuple[int, str, str]:
    """Run a command; return its exit status and what it printed."""
    command = (sys.executable, "-m", "deskwatch", *arguments)
    process = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    out, err = await process.communicate()
    return process.returncode or 0, out.decode(), err.decode()


@asynccontextmanager
async def desk(folder: Path) -> AsyncIterator[tuple[Program, Path, World, SlackWorkspace]]:
    """Run everything on one simulated venue."""
    clock = SystemClock()
    async with slack_workspace(clock, channels=("alerts",)) as slack, simulating(clock, venues=("okx",)) as world:
        config = write_config(folder, world, slack)
        running = await launch(folder / "run.log", "run", "-c", str(config))
        try:
            yield running, config, world, slack
        finally:
            assert await running.stop() == 0, running.log.read_text()[-3000:]


async def status_of(config: Path, wanted: str) -> dict[str, Any]:
    """Return the status once it shows something; fails when that takes too long."""
    shown: dict[str, Any] = {}
    for _ in range(120):
        code, out, _ = await deskwatch("status", "-c", str(config), "-o", "json")
        if code in (0, 1) and out:
            shown = json.loads(out)
            if shown[wanted]:
                return shown
        await asyncio.sleep(0.2)
    pytest.fail(f"no {wanted} in {shown}")


async def test_a_running_desk_answers_doctor_status_and_the_rule_check(tmp_path: Path) -> None:
    """Every command of the operator on the running process."""
    async with desk(tmp_path) as (_, config, _, _):
        shown = await status_of(config, "feeds")
        assert {one["venue"] for one in shown["feeds"]} == {"okx"}
        assert len(shown["rules"]) >= 12
        code, out, err = await deskwatch("doctor", "-c", str(config), "-o", "json")
        verdicts = {one["check"]: one for one in json.loads(out)}
        assert code == 0, out
        assert verdicts["database"]["verdict"] == "ok", verdicts["database"]
        assert verdicts["slack"]["verdict"] == "ok", verdicts["slack"]
        assert verdicts["venue okx"]["verdict"] == "ok", verdicts["venue okx"]
        code, out, err = await deskwatch("sql", "SELECT count() AS n FROM quotes", "-c", str(config), "-o", "json")
        assert code == 0, err
        assert json.loads(out)[0]["n"] > 0
        code, _, err = await deskwatch("run", "-c", str(config))
        assert code == 2
        assert "process" in err


async def test_a_fault_in_a_feed_reaches_slack_and_its_end_edits_the_message(tmp_path: Path) -> None:
    """One message for the incident: posted when it fires, edited when it is over."""
    async with desk(tmp_path) as (_, config, world, slack):
        _ = await status_of(config, "feeds")
        await asyncio.sleep(6)
        world.venues["okx"].faults.stall("books", "BTC-USDT", 12.0)
        told: list[Message] = []
        for _ in range(600):
            told = [one for one in slack.messages("alerts") if "BTC-USDT" in one.text]
            if told and "RESOLVED" in told[0].text:
                break
            await asyncio.sleep(0.1)
        assert len(told) == 1, [one.text for one in slack.messages("alerts")]
        assert "RESOLVED" in told[0].text
        assert told[0].edited


async def test_a_slack_that_refuses_the_token_is_a_problem_with_what_to_do(tmp_path: Path) -> None:
    """Nothing is lost: the message goes out once the token is good again."""
    async with desk(tmp_path) as (_, config, world, slack):
        _ = await status_of(config, "feeds")
        slack.faults.token_revoked = True
        world.venues["okx"].faults.stall("books", "BTC-USDT")
        shown = await status_of(config, "problems")
        assert "token" in " ".join(shown["problems"])
        assert slack.messages("alerts") == []
        slack.faults.token_revoked = False
        world.venues["okx"].faults.clear()
