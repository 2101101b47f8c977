"""Slack's client against the simulated workspace: what the contract of all receivers does not ask."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest
from aiohttp import web

from alerts.notify.base import (
    ChannelBusy,
    ChannelGone,
    CredentialsRefused,
    MessageRefused,
    OutcomeUnknown,
    ReceiverDown,
    Reference,
)
from alerts.notify.slack import SlackNotifier
from core.clock import SystemClock
from core.errors import DeskError
from simulator.slack.workspace import TOKEN, Fault, FaultKind, SlackWorkspace, slack_workspace
from tests.fakes.notifications import notification


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    """A session for one test."""
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
async def workspace() -> AsyncIterator[SlackWorkspace]:
    """A workspace for one test."""
    async with slack_workspace(SystemClock(), burst=2) as one:
        yield one


@pytest.fixture
def slack(workspace: SlackWorkspace, http: aiohttp.ClientSession) -> SlackNotifier:
    """A client of that workspace."""
    return SlackNotifier(TOKEN, http, api_url=workspace.api_url, time_out=2.0)


async def post(slack: SlackNotifier, channel: str = "#alerts") -> Reference:
    """Post an incident."""
    return await slack.post(channel, slack.render(notification()))


async def test_a_full_channel_is_busy_by_slacks_own_limit(slack: SlackNotifier) -> None:
    """Nothing is scripted here: the third message of a burst of two waits."""
    await post(slack)
    await post(slack)
    with pytest.raises(ChannelBusy) as caught:
        await post(slack)
    assert caught.value.after == 1.0


async def test_a_post_is_sent_once_whatever_happens(slack: SlackNotifier, workspace: SlackWorkspace) -> None:
    """The SDK's own retry would double a message whose answer was lost."""
    workspace.faults.add(Fault(FaultKind.LOSE_ANSWER))
    with pytest.raises(OutcomeUnknown):
        await post(slack)
    assert workspace.calls == (("chat.postMessage", 0),)
    assert len(workspace.messages("alerts")) == 1


async def test_an_answer_that_is_late_leaves_the_outcome_unknown(
    workspace: SlackWorkspace, http: aiohttp.ClientSession
) -> None:
    """The message is there; only nobody said so in time."""
    slack = SlackNotifier(TOKEN, http, api_url=workspace.api_url, time_out=0.1)
    workspace.faults.add(Fault(FaultKind.SLOW, seconds=0.5))
    with pytest.raises(OutcomeUnknown, match=r"no answer within 0\.1 s"):
        await post(slack)
    assert len(workspace.messages("alerts")) == 1


async def test_nobody_there_is_a_receiver_that_is_down(http: aiohttp.ClientSession) -> None:
    """The request never left, so trying again is safe."""
    async with slack_workspace(SystemClock()) as gone:
        url = gone.api_url
    with pytest.raises(ReceiverDown):
        await post(SlackNotifier(TOKEN, http, api_url=url))


@pytest.mark.parametrize(
    ("error", "expected"),
    [("not_in_channel", ChannelGone), ("message_limit_exceeded", ChannelBusy), ("brand_new", MessageRefused)],
)
async def test_a_code_in_the_answer_decides_and_is_named(
    slack: SlackNotifier, workspace: SlackWorkspace, error: str, expected: type[DeskError]
) -> None:
    """Slack answers 200 with ok=false for these."""
    workspace.faults.add(Fault(FaultKind.REFUSE, error=error))
    with pytest.raises(expected, match=error) as caught:
        await post(slack)
    assert isinstance(caught.value, DeskError)
    assert caught.value.hint


async def test_a_refused_block_is_named_by_its_pointer(slack: SlackNotifier) -> None:
    """Whoever mends it need not search."""
    with pytest.raises(MessageRefused, match=r"json-pointer:/blocks/0/text/text"):
        await slack.post(
            "#alerts", {"text": "x", "blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": "x" * 3001}}]}
        )


async def test_a_missing_scope_names_what_is_needed(slack: SlackNotifier, workspace: SlackWorkspace) -> None:
    """The operator reads which scope to add."""
    workspace.grant("users:read")
    with pytest.raises(CredentialsRefused, match="needed chat:write"):
        await post(slack)


async def test_without_the_right_to_read_nothing_is_found(slack: SlackNotifier, workspace: SlackWorkspace) -> None:
    """Reading is optional, so alerts go on without it."""
    await post(slack)
    workspace.grant("chat:write")
    assert await slack.find("#alerts", "INC1", 1) is None


async def test_a_new_process_finds_the_message_of_the_old_one(
    slack: SlackNotifier, workspace: SlackWorkspace, http: aiohttp.ClientSession
) -> None:
    """It has never posted to the channel and looks its id up."""
    reference = await post(slack, "market-data")
    fresh = SlackNotifier(TOKEN, http, api_url=workspace.api_url)
    assert await fresh.find("market-data", "INC1", 1) == reference
    assert await fresh.find("#nowhere", "INC1", 1) is None


async def test_an_edit_shows_the_whole_new_message(slack: SlackNotifier, workspace: SlackWorkspace) -> None:
    """Metadata too, so that a lost edit can be recognised."""
    reference = await post(slack)
    await slack.update(reference, slack.render(notification(version=2)))
    [one] = workspace.messages("alerts")
    assert one.edited
    assert one.metadata == {"event_type": "deskwatch_incident", "event_payload": {"incident": "INC1", "version": 2}}
    assert str(one.attachments[0]["blocks"]).count("-2'") == 2


async def test_a_broadcast_reply_is_seen_in_the_channel_and_its_text_is_inert(
    slack: SlackNotifier, workspace: SlackWorkspace
) -> None:
    """It is how an edit that must wake somebody does so."""
    await slack.reply(await post(slack), "worse: <!channel>", broadcast=True)
    assert [one.text for one in workspace.messages("alerts")][1] == "worse: &lt;!channel&gt;"


async def test_the_token_says_whose_it_is_and_what_it_may_not_do(
    slack: SlackNotifier, workspace: SlackWorkspace
) -> None:
    """`doctor` shows it."""
    assert await slack.who_am_i() == "deskwatch in Simulated desk"
    workspace.grant("chat:write", "chat:write.public", "channels:read")
    assert "without the scopes channels:history" in await slack.who_am_i()


@asynccontextmanager
async def answering(text: str, status: int, content_type: str) -> AsyncIterator[str]:
    """Serve one answer to everything, as something between us and Slack does."""

    async def answer(_: web.Request) -> web.Response:
        return web.Response(text=text, status=status, content_type=content_type)

    app = web.Application()
    app.router.add_route("*", "/{anything:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/api/"
    finally:
        await runner.cleanup()


@pytest.mark.parametrize(
    ("text", "status", "content_type", "expected"),
    [
        ("<html>login", 200, "text/html", OutcomeUnknown),
        ("<html>bad gateway", 502, "text/html", ReceiverDown),
        ("proxy says no", 403, "text/plain", ReceiverDown),
        ("slow down", 429, "text/plain", ChannelBusy),
        ("hello", 200, "text/plain", OutcomeUnknown),
        ("{half", 200, "application/json", OutcomeUnknown),
        ("[1]", 200, "application/json", OutcomeUnknown),
        ('{"ok": true}', 200, "application/json", OutcomeUnknown),
        ('{"ok": false}', 200, "application/json", OutcomeUnknown),
        ('{"ok": false, "error": 7, "errors": 7}', 200, "application/json", MessageRefused),
    ],
)
async def test_an_answer_that_is_not_slacks_is_still_one_of_our_errors(
    http: aiohttp.ClientSession, text: str, status: int, content_type: str, expected: type[DeskError]
) -> None:
    """A captive portal or a proxy must not end the sender."""
    async with answering(text, status, content_type) as url:
        with pytest.raises(expected):
            await post(SlackNotifier(TOKEN, http, api_url=url))


async def test_many_posts_at_once_lose_nothing(slack: SlackNotifier, workspace: SlackWorkspace) -> None:
    """Each is either stored or refused as busy."""

    async def attempt() -> bool:
        try:
            await post(slack)
        except ChannelBusy:
            return False
        return True

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(attempt()) for _ in range(30)]
    assert sum(task.result() for task in tasks) == len(workspace.messages("alerts"))
