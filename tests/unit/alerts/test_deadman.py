"""The dead man's switch: a heartbeat while all is well, and silence that somebody else notices."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta

import aiohttp
import pytest
from aiohttp import web
from pydantic import SecretStr

from alerts.deadman import Deadman, DeadmanSettings
from tests.fakes.clock import FakeClock

PATH = "/ping/3f2a"


@dataclass
class Outside:
    """The service that waits for heartbeats."""

    url: str = ""
    status: int = 200
    beats: list[str] = field(default_factory=list)

    async def take(self, request: web.Request) -> web.Response:
        """Take one."""
        self.beats.append(request.method)
        return web.Response(status=self.status)


@pytest.fixture
async def outside() -> AsyncIterator[Outside]:
    """Such a service on loopback."""
    one = Outside()
    app = web.Application()
    app.router.add_route("*", PATH, one.take)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        one.url = f"http://127.0.0.1:{runner.addresses[0][1]}{PATH}"
        yield one
    finally:
        await runner.cleanup()


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    """A session for one test."""
    async with aiohttp.ClientSession() as session:
        yield session


def deadman(url: str, http: aiohttp.ClientSession, why: list[str], method: str = "GET") -> Deadman:
    """Return a switch; `why` holds what is wrong."""
    settings = DeadmanSettings.model_validate({"url": SecretStr(url), "every": timedelta(seconds=5), "method": method})
    return Deadman(settings, http, lambda: why[0] if why else "", FakeClock())


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_heartbeat_goes_out_as_that_service_wants_it(
    outside: Outside, http: aiohttp.ClientSession, method: str
) -> None:
    """Either method."""
    one = deadman(outside.url, http, [], method)
    await one.beat()
    assert outside.beats == [method]
    assert one.problems() == []


async def test_while_we_are_blind_none_goes_out(outside: Outside, http: aiohttp.ClientSession) -> None:
    """A desk that runs and sees nothing is as bad as one that is down; it says why, until all is well."""
    why = ["the database has not applied what was written to books"]
    one = deadman(outside.url, http, why)
    await one.beat()
    assert outside.beats == []
    assert "held back: the database has not applied" in one.problems()[0]
    why.clear()
    await one.beat()
    assert (len(outside.beats), one.problems()) == (1, [])


async def test_a_heartbeat_that_is_not_taken_is_a_problem_without_the_address(
    outside: Outside, http: aiohttp.ClientSession
) -> None:
    """The address is a password."""
    outside.status = 404
    one = deadman(outside.url, http, [])
    await one.beat()
    assert "HTTP status 404" in one.problems()[0]
    gone = deadman("http://127.0.0.1:9" + PATH, http, [])
    await gone.beat()
    assert one.problems()
    assert gone.problems()
    assert PATH not in str(one.problems() + gone.problems())


async def test_without_an_address_nothing_is_sent(http: aiohttp.ClientSession) -> None:
    """It is off unless somebody asks for it."""
    one = Deadman(DeadmanSettings(), http, lambda: "blind", FakeClock())
    await one.beat()
    assert one.problems() == []
