"""The status server over real HTTP."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import aiohttp
import pytest
from prometheus_client import CollectorRegistry, Gauge
from prometheus_client.parser import text_string_to_metric_families

from core.clock import SystemClock
from deskwatch.web.app import PortTaken, StatusServer, serving
from deskwatch.web.model import DeskStatus
from tests.integration.web import desks


class Board:
    """A status that a test changes."""

    def __init__(self, status: DeskStatus) -> None:
        self.status = status

    async def gather(self) -> DeskStatus:
        """Return what is set now."""
        return self.status


@asynccontextmanager
async def page(board: Board, registry: CollectorRegistry | None = None) -> AsyncIterator[str]:
    """Serve a board on a free port."""
    server = StatusServer(board.gather, SystemClock(), registry or CollectorRegistry())
    async with serving(server, "127.0.0.1", 0) as url:
        yield url


async def read(url: str) -> tuple[int, str, str]:
    """Return status, content type and text of an address."""
    async with aiohttp.ClientSession() as http, http.get(url) as reply:
        return reply.status, reply.headers["Content-Type"], await reply.text()


async def test_the_status_is_json_with_stable_keys() -> None:
    """`deskwatch status` and scripts read it: times are RFC 3339 in UTC, lights are words."""
    async with page(Board(desks.storm())) as url:
        status, kind, text = await read(f"{url}/api/status")
    answer = json.loads(text)
    assert (status, kind.split(";")[0]) == (200, "application/json")
    assert list(answer) == [
        "at", "started_at", "version", "problems", "canary_age_ms", "feeds", "venues", "services", "alerts", "messages",
        "rules", "links", "incidents", "silences",
    ]  # fmt: skip
    assert answer["at"] == "2026-11-25T14:05:09Z"
    assert answer["feeds"][0]["light"] == "ok"
    assert answer["alerts"][0]["labels"]["venue"] == "okx"


async def test_ready_names_what_is_not() -> None:
    """503 with the problems while there are some; alive in any case."""
    board = Board(desks.broken())
    async with page(board) as url:
        status, _, text = await read(f"{url}/readyz")
        assert status == 503
        assert "The database does not answer" in text
        assert (await read(f"{url}/healthz"))[::2] == (200, "ok\n")
        board.status = replace(board.status, problems=())
        assert (await read(f"{url}/readyz"))[::2] == (200, "ready\n")


async def test_metrics_parse_as_prometheus_text() -> None:
    """With the content type that names the format's version."""
    registry = CollectorRegistry()
    Gauge("deskwatch_test", "a figure", registry=registry).set(3)
    async with page(Board(desks.quiet()), registry) as url:
        _, kind, text = await read(f"{url}/metrics")
    assert "version=" in kind
    assert [one.samples[0].value for one in text_string_to_metric_families(text)] == [3]


@pytest.mark.parametrize("path", ["/", "/api/status", "/static/style.css", "/static/live.js", "/nothing"])
async def test_everything_is_sent_with_guards(path: str) -> None:
    """No script but ours, no frame, no sniffing; an unknown page has no less."""
    async with page(Board(desks.quiet())) as url, aiohttp.ClientSession() as http, http.get(url + path) as reply:
        assert reply.headers["Content-Security-Policy"].startswith("default-src 'none'")
        assert reply.headers["X-Content-Type-Options"] == "nosniff"


async def test_a_stream_sends_whole_events_as_things_change() -> None:
    """Each event is one page, although the HTML has empty lines."""
    board = Board(desks.quiet())
    async with page(board) as url, aiohttp.ClientSession() as http, http.get(f"{url}/live") as reply:
        assert reply.headers["Content-Type"] == "text/event-stream"
        first = await reply.content.readuntil(b"\n\n")
        board.status = desks.storm()
        second = await reply.content.readuntil(b"\n\n")
    assert b"all quiet" in first
    assert b"35 firing" in second
    assert b"</section>" in second
    assert all(line.startswith(b"data: ") for line in second.strip().split(b"\n"))


async def test_an_open_page_does_not_hold_up_the_stop() -> None:
    """The streams end when the server does, and each reader sees its end; else this test would wait for ever."""
    async with aiohttp.ClientSession() as http:
        async with page(Board(desks.storm())) as url:
            replies = [await http.get(f"{url}/live") for _ in range(3)]
            for reply in replies:
                await reply.content.readuntil(b"\n\n")
        for reply in replies:
            with pytest.raises(aiohttp.ClientPayloadError):
                await reply.content.read()


async def test_a_taken_port_says_which_setting_to_change() -> None:
    """Not a traceback of the socket."""
    async with page(Board(desks.quiet())) as url:
        port = int(url.rsplit(":", 1)[1])
        with pytest.raises(PortTaken, match=r"status\.port"):
            async with serving(
                StatusServer(Board(desks.quiet()).gather, SystemClock(), CollectorRegistry()), "127.0.0.1", port
            ):
                pass
