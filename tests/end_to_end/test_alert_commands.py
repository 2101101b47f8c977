"""The commands for alerts and silences against a running desk. Source: DESIGN.md section 9, issue 4 items 8 and 9."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.test_operate import desk, deskwatch, status_of

pytestmark = pytest.mark.timeout(120)


async def ask(config: Path, *arguments: str, code: int = 0) -> Any:
    """Run a command with JSON output; return what it printed."""
    found, out, err = await deskwatch(*arguments, "-c", str(config), "-o", "json")
    assert found == code, err
    return json.loads(out)


async def do(config: Path, *arguments: str) -> tuple[int, str]:
    """Run a command; return its exit status and what it said."""
    code, _, err = await deskwatch(*arguments, "-c", str(config))
    return code, err.strip()


async def open_incident(config: Path) -> dict[str, Any]:
    """Return the incident of a stale book, once it is open."""
    for _ in range(100):
        found = await ask(config, "alerts", "list")
        stale = [one for one in found if "BookStale" in one["title"]]
        if stale:
            one: dict[str, Any] = stale[0]
            return one
        await asyncio.sleep(0.2)
    pytest.fail("no incident")


async def test_an_incident_from_the_command_line(tmp_path: Path) -> None:
    """List, acknowledge, silence, explain, resolve: each is seen by the next, and in Slack."""
    async with desk(tmp_path) as (_, config, world, slack):
        await status_of(config, "feeds")
        await asyncio.sleep(6)
        world.venues["okx"].faults.stall("books", "BTC-USDT", 90.0)
        name = (await open_incident(config))["incident"]

        assert await do(config, "alerts", "ack", name, "--as", "ada") == (0, "done")
        assert await do(config, "alerts", "ack", name) == (0, "it was so before")
        assert (await open_incident(config))["ack"]["actor"] == "ada"
        shown = await ask(config, "alerts", "show", name)
        assert shown["alerts"][0]["labels"]["alertname"] == "BookStale"

        made = await ask(config, "silence", "add", "symbol = BTC-USDT", "--for", "1h", "-m", "upgrade")
        assert [one["id"] for one in await ask(config, "silence", "list")] == [made["silence"]["id"]]
        assert (await open_incident(config))["state"] == "silenced"
        assert await do(config, "silence", "expire", made["silence"]["id"]) == (0, "done")
        assert await ask(config, "silence", "list") == []

        assert await do(config, "alerts", "resolve", name, "--as", "ada") == (0, "done")
        assert await do(config, "alerts", "ack", name) == (1, "this incident is over")
        assert await do(config, "alerts", "ack", "nothing") == (1, "there is no such incident or silence")
        assert [one for one in await ask(config, "alerts", "list") if one["incident"] == name] == []
        await explained(config, name)
        assert any("BookStale" in str(one["alertname"]) for one in await ask(config, "alerts", "history"))
        assert await ask(config, "alerts", "why", "nothing", code=1) == []
        assert any("RESOLVED" in one.text for one in slack.messages("alerts") if "BTC-USDT" in one.text)


async def explained(config: Path, name: str) -> None:
    """Every step of the incident is in `alerts why`, with who did it."""
    wanted = {
        ("transition", ""),
        ("notification", "first_notification"),
        ("action", "acknowledged"),
        ("hold", "closed"),
        ("action", "resolved_by_hand"),
    }
    found: list[dict[str, Any]] = []
    for _ in range(50):
        found = await ask(config, "alerts", "why", name)
        if wanted <= {(one["event"], one["reason"] or "") for one in found}:
            break
        await asyncio.sleep(0.2)
    assert wanted <= {(one["event"], one["reason"] or "") for one in found}
    assert {one["detail"] for one in found if one["event"] == "action"} == {"ada"}
    assert [one["ts"] for one in found] == sorted(one["ts"] for one in found)
