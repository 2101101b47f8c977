"""What receivers without edits promise, each against a real HTTP server."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from alerts.model import AlertStatus, Reason, Severity
from alerts.notify.base import (
    ChannelBusy,
    CredentialsRefused,
    MessageRefused,
    Notifier,
    OutcomeUnknown,
    ReceiverDown,
    Storm,
)
from alerts.notify.slack_webhook import SlackWebhook
from alerts.notify.webhook import ZERO, Webhook
from core.clock import SystemClock
from core.errors import DeskError
from simulator.slack.workspace import slack_workspace
from tests.fakes.notifications import AT, alert, notification

SECRET = "/hook/b7d1"


@dataclass
class Server:
    """Takes what is posted; `answers` are used first: a status with headers, 0 to cut the connection."""

    url: str = ""
    bodies: list[dict[str, Any]] = field(default_factory=list)
    answers: list[tuple[int, dict[str, str]]] = field(default_factory=list)

    async def take(self, request: web.Request) -> web.Response:
        """Take one post."""
        status, headers = self.answers.pop(0) if self.answers else (200, {})
        if status in {0, 200}:
            self.bodies.append(await request.json())
        if status == 0 and request.transport is not None:
            request.transport.abort()
        return web.Response(status=status or 200, text="ok" if status == 200 else "no", headers=headers)


@asynccontextmanager
async def serving() -> AsyncIterator[Server]:
    """Serve a receiver on loopback."""
    server = Server()
    app = web.Application()
    app.router.add_post(SECRET, server.take)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        server.url = f"http://127.0.0.1:{runner.addresses[0][1]}{SECRET}"
        yield server
    finally:
        await runner.cleanup()


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    """A receiver for one test."""
    async with serving() as one:
        yield one


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    """A session for one test."""
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture(params=["slack_webhook", "webhook"])
def hook(request: pytest.FixtureRequest, server: Server, http: aiohttp.ClientSession) -> Notifier:
    """Each receiver in turn."""
    if request.param == "webhook":
        return Webhook(server.url, http, name="hook", time_out=2.0)
    return SlackWebhook(server.url, http, name="hook", time_out=2.0)


async def test_a_post_arrives_and_cannot_be_edited(hook: Notifier, server: Server) -> None:
    """The reference says so, and the queue's name comes back."""
    reference = await hook.post("hook", hook.render(notification()))
    assert reference == ("hook", "")
    assert len(server.bodies) == 1
    assert "quiet" not in server.bodies[0]


async def test_the_end_is_told_too(hook: Notifier, server: Server) -> None:
    """An update is another post."""
    over = notification(
        alert(status=AlertStatus.RESOLVED, resolved_at=AT),
        status=AlertStatus.RESOLVED,
        closed_at=AT,
        reason=Reason.ALL_RESOLVED,
        version=2,
    )
    reference = await hook.post("hook", hook.render(notification()))
    await hook.update(reference, hook.render(over))
    assert len(server.bodies) == 2


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (429, ChannelBusy),
        (500, ReceiverDown),
        (503, ReceiverDown),
        (400, MessageRefused),
        (302, MessageRefused),
        (401, CredentialsRefused),
        (404, CredentialsRefused),
        (0, OutcomeUnknown),
    ],
)
async def test_each_answer_decides_and_the_address_is_never_told(
    hook: Notifier, server: Server, status: int, expected: type[DeskError]
) -> None:
    """A webhook's address is a password; whoever reads the log needs the receiver's name."""
    server.answers.append((status, {"Retry-After": "7"} if status == 429 else {}))
    with pytest.raises(expected) as caught:
        await hook.post("hook", hook.render(notification()))
    assert "hook" in str(caught.value)
    assert SECRET not in str(caught.value)
    if isinstance(caught.value, ChannelBusy):
        assert caught.value.after == 7


async def test_nobody_there_is_a_receiver_that_is_down(http: aiohttp.ClientSession) -> None:
    """Nothing was sent."""
    async with serving() as gone:
        url = gone.url
    for one in (Webhook(url, http, name="hook"), SlackWebhook(url, http, name="hook")):
        with pytest.raises(ReceiverDown) as caught:
            await one.post("hook", one.render(notification()))
        assert SECRET not in str(caught.value)


async def test_what_a_receiver_cannot_do_does_nothing(hook: Notifier, server: Server) -> None:
    """No thread, no picture, no address, nothing to find."""
    reference = await hook.post("hook", hook.render(notification()))
    await hook.reply(reference, "line", key="k")
    assert not await hook.replied(reference, "k")
    assert await hook.link(reference) == await hook.upload(b"png", "chart") == ""
    assert await hook.find("hook", "INC1", 1) is None
    assert len(server.bodies) == 1


async def test_alertmanagers_form_is_complete(http: aiohttp.ClientSession, server: Server) -> None:
    """Version 4, as its documentation of `webhook_config` shows it."""
    hook = Webhook(server.url, http, name="hook", external_url="http://desk.example.com")
    over = alert("BookStale", {"venue": "okx", "symbol": "X"}, status=AlertStatus.RESOLVED, resolved_at=AT)
    await hook.post("hook", hook.render(notification(alert(runbook="docs/x.md"), over)))
    [body] = server.bodies
    assert body["version"] == "4"
    assert (body["status"], body["receiver"]) == ("firing", "default")
    assert body["groupKey"] == '{}:{alertname="BookStale"}'
    assert body["groupLabels"] == {"alertname": "BookStale"}
    assert body["commonLabels"] == {"alertname": "BookStale", "venue": "okx", "severity": "page"}
    assert body["externalURL"] == "http://desk.example.com"
    firing, resolved = body["alerts"]
    assert firing["labels"]["symbol"] == "BTC-USDT"
    assert firing["annotations"]["summary"] == "OKX BTC-USDT book is 12.4 s old"
    assert firing["annotations"]["runbook_url"] == "docs/x.md"
    assert (firing["startsAt"], firing["endsAt"]) == ("2026-01-01T11:57:00Z", ZERO)
    assert (resolved["status"], resolved["endsAt"]) == ("resolved", "2026-01-01T12:00:00Z")
    assert set(firing) == {"status", "labels", "annotations", "startsAt", "endsAt", "generatorURL", "fingerprint"}
    port: Notifier = hook
    assert port.sum_up(Storm("s", 1, Severity.PAGE, 9, {"A": 9}, AT, AT)) is None


async def test_a_slack_webhook_says_only_what_must_be_heard(http: aiohttp.ClientSession) -> None:
    """What would be an edit is left out; Slack's own limits hold."""
    async with slack_workspace(SystemClock()) as workspace:
        hook = SlackWebhook(workspace.webhook_url, http, name="hook")
        reference = await hook.post("hook", hook.render(notification()))
        await hook.update(reference, hook.render(notification(version=2, reason=Reason.SOME_RESOLVED)))
        await hook.update(reference, hook.render(notification(version=3, reason=Reason.NEW_ALERTS)))
        assert len(workspace.messages("alerts")) == 2
        with pytest.raises(MessageRefused, match="invalid_attachments"):
            await hook.post("hook", {"text": "x", "attachments": [{"color": "reddish"}]})
        workspace.faults.token_revoked = True
        with pytest.raises(CredentialsRefused, match="no_service"):
            await hook.post("hook", hook.render(notification()))
