"""What every receiver promises: the fake, and Slack's client against the simulated workspace."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Protocol

import aiohttp
import pytest

from alerts.model import Severity
from alerts.notify.base import (
    ChannelBusy,
    ChannelGone,
    CredentialsRefused,
    Extras,
    MessageGone,
    MessageRefused,
    Notifier,
    OutcomeUnknown,
    ReceiverDown,
    Reference,
    Storm,
)
from alerts.notify.slack import SlackNotifier
from core.clock import SystemClock
from simulator.slack.workspace import TOKEN, Fault, FaultKind, SlackWorkspace, slack_workspace
from tests.fakes.notifications import AT, alert, notification
from tests.fakes.notifier import FakeNotifier

CHANNEL = "#alerts"
PNG = b"\x89PNG\r\n\x1a\n" + bytes(64)


class Stage(Protocol):
    """A receiver with the other side at hand."""

    notifier: Notifier

    def text(self, reference: Reference) -> str:
        """Return what the message says."""

    def whole(self, reference: Reference) -> str:
        """Return everything that the message holds."""

    def count(self) -> int:
        """Return how many messages there are."""

    def replies(self, reference: Reference) -> list[str]:
        """Return the lines of the message's thread."""

    def delete(self, reference: Reference) -> None:
        """Delete the message."""

    def busy(self, seconds: int) -> None:
        """Let the next call wait."""

    def lose_answer(self) -> None:
        """Let the answer of the next call be lost."""

    def down(self) -> None:
        """Let the next call fail."""

    def refuse(self) -> None:
        """Let the next message be refused."""

    def revoke(self) -> None:
        """Take our credentials away."""


class InMemory:
    """The fake."""

    def __init__(self) -> None:
        self.fake = FakeNotifier()
        self.notifier: Notifier = self.fake

    def text(self, reference: Reference) -> str:
        return str(self.fake.messages[reference]["text"])

    def whole(self, reference: Reference) -> str:
        return str(self.fake.messages[reference])

    def count(self) -> int:
        return len(self.fake.messages)

    def replies(self, reference: Reference) -> list[str]:
        return [reply.text for reply in self.fake.replies if reply.reference == reference]

    def delete(self, reference: Reference) -> None:
        self.fake.delete(reference)

    def busy(self, seconds: int) -> None:
        self.fake.fail(ChannelBusy("ratelimited", after=float(seconds)))

    def lose_answer(self) -> None:
        self.fake.fail(OutcomeUnknown("cut"))

    def down(self) -> None:
        self.fake.fail(ReceiverDown("503"))

    def refuse(self) -> None:
        self.fake.fail(MessageRefused("invalid_blocks"))

    def revoke(self) -> None:
        self.fake.fail(CredentialsRefused("token_revoked"))


class OnSlack:
    """Slack's client against the simulated workspace."""

    def __init__(self, workspace: SlackWorkspace, notifier: Notifier) -> None:
        self.workspace = workspace
        self.notifier = notifier

    def text(self, reference: Reference) -> str:
        return next(one.text for one in self.workspace.messages(CHANNEL) if one.ts == reference.ts)

    def whole(self, reference: Reference) -> str:
        return str(next(one for one in self.workspace.messages(CHANNEL) if one.ts == reference.ts))

    def count(self) -> int:
        return len(self.workspace.messages(CHANNEL))

    def replies(self, reference: Reference) -> list[str]:
        return [one.text for one in self.workspace.replies(reference.channel, reference.ts)]

    def delete(self, reference: Reference) -> None:
        self.workspace.delete(reference.channel, reference.ts)

    def busy(self, seconds: int) -> None:
        self.workspace.faults.add(Fault(FaultKind.BUSY, seconds=seconds))

    def lose_answer(self) -> None:
        self.workspace.faults.add(Fault(FaultKind.LOSE_ANSWER))

    def down(self) -> None:
        self.workspace.faults.add(Fault(FaultKind.SERVER_ERROR))

    def refuse(self) -> None:
        self.workspace.faults.add(Fault(FaultKind.REFUSE, error="invalid_blocks"))

    def revoke(self) -> None:
        self.workspace.faults.token_revoked = True


@asynccontextmanager
async def in_memory() -> AsyncIterator[Stage]:
    """Give the fake."""
    yield InMemory()


@asynccontextmanager
async def on_slack() -> AsyncIterator[Stage]:
    """Give Slack's client and its workspace."""
    async with slack_workspace(SystemClock()) as workspace, aiohttp.ClientSession() as http:
        yield OnSlack(workspace, SlackNotifier(TOKEN, http, api_url=workspace.api_url))


@pytest.fixture(params=["fake", "slack"])
async def stage(request: pytest.FixtureRequest) -> AsyncIterator[Stage]:
    """Each receiver in turn."""
    opened: AbstractAsyncContextManager[Stage] = in_memory() if request.param == "fake" else on_slack()
    async with opened as one:
        yield one


async def post(stage: Stage) -> Reference:
    """Post a message."""
    return await stage.notifier.post(CHANNEL, stage.notifier.render(notification()))


async def test_a_post_returns_where_the_message_is(stage: Stage) -> None:
    """The reference is what edits and replies need, and the message says what the incident is."""
    reference = await post(stage)
    assert "BookStale" in stage.text(reference) or "book is 12.4 s old" in stage.text(reference)
    assert reference.ts


async def test_two_posts_are_two_messages(stage: Stage) -> None:
    """A reference belongs to one message alone."""
    assert await post(stage) != await post(stage)
    assert stage.count() == 2


async def test_an_update_replaces_the_message(stage: Stage) -> None:
    """One incident stays one message."""
    reference = await post(stage)
    other = stage.notifier.render(notification(alert("SpreadWide", summary="SpreadWide"), version=2))
    assert await stage.notifier.update(reference, other) == reference
    assert "SpreadWide" in stage.text(reference)
    assert stage.count() == 1


async def test_a_channel_is_known_by_its_id_too(stage: Stage) -> None:
    """What a reference names as channel can be posted to."""
    reference = await post(stage)
    again = await stage.notifier.post(reference.channel, stage.notifier.render(notification()))
    assert again.channel == reference.channel


async def test_an_update_of_a_deleted_message_says_that_it_is_gone(stage: Stage) -> None:
    """The sender then posts afresh."""
    reference = await post(stage)
    stage.delete(reference)
    with pytest.raises(MessageGone):
        await stage.notifier.update(reference, stage.notifier.render(notification(version=2)))


async def test_a_reply_lands_in_the_thread(stage: Stage) -> None:
    """The channel itself sees no new message."""
    reference = await post(stage)
    await stage.notifier.reply(reference, "still firing")
    assert stage.replies(reference) == ["still firing"]
    assert stage.count() == 1


async def test_a_reply_to_a_deleted_message_says_that_it_is_gone(stage: Stage) -> None:
    """A line without its incident would tell nobody anything."""
    reference = await post(stage)
    stage.delete(reference)
    with pytest.raises(MessageGone):
        await stage.notifier.reply(reference, "still firing")


async def test_a_line_is_known_by_its_key(stage: Stage) -> None:
    """A lost answer is no second line."""
    reference = await post(stage)
    assert not await stage.notifier.replied(reference, "INC1/7")
    stage.lose_answer()
    with pytest.raises(OutcomeUnknown):
        await stage.notifier.reply(reference, "still firing", key="INC1/7")
    assert await stage.notifier.replied(reference, "INC1/7")
    assert not await stage.notifier.replied(reference, "INC1/8")


async def test_a_message_has_an_address_for_people(stage: Stage) -> None:
    """What fires again leads to the last time; a message that is gone has none."""
    reference = await post(stage)
    assert (await stage.notifier.link(reference)).startswith("http")
    stage.delete(reference)
    with pytest.raises(MessageGone):
        await stage.notifier.link(reference)


async def test_a_picture_becomes_part_of_a_message(stage: Stage) -> None:
    """Uploaded once, shown by an edit."""
    reference = await post(stage)
    name = await stage.notifier.upload(PNG, "BookStale")
    payload = stage.notifier.render(notification(version=2))
    await stage.notifier.update(reference, stage.notifier.dress(payload, Extras(chart=name)))
    assert name in stage.whole(reference)


async def test_many_incidents_have_one_message(stage: Stage) -> None:
    """It names the rules and how many of each."""
    storm = Storm("storm-1", 1, Severity.PAGE, 214, {"BookStale": 180, "WideSpread": 34}, AT, AT)
    payload = stage.notifier.sum_up(storm)
    assert payload is not None
    text = stage.text(await stage.notifier.post(CHANNEL, payload))
    assert "BookStale 180, WideSpread 34" in text
    assert "214" in text


async def test_a_busy_channel_says_how_long_to_wait(stage: Stage) -> None:
    """The receiver's own figure is what the sender obeys, and nothing was stored."""
    stage.busy(7)
    with pytest.raises(ChannelBusy) as caught:
        await post(stage)
    assert caught.value.after == 7
    assert stage.count() == 0


async def test_a_lost_answer_is_an_unknown_outcome_and_the_message_can_be_found(stage: Stage) -> None:
    """Without the look a second post would double the message."""
    stage.lose_answer()
    with pytest.raises(OutcomeUnknown):
        await post(stage)
    found = await stage.notifier.find(CHANNEL, "INC1", 1)
    assert found is not None
    assert "book is 12.4 s old" in stage.text(found) or "BookStale" in stage.text(found)
    assert stage.count() == 1


async def test_what_was_never_posted_is_not_found(stage: Stage) -> None:
    """Another incident's message, or an older version of ours, is not it."""
    await post(stage)
    assert await stage.notifier.find(CHANNEL, "INC2", 1) is None
    assert await stage.notifier.find(CHANNEL, "INC1", 2) is None


async def test_an_unknown_channel_is_gone(stage: Stage) -> None:
    """A wrong name needs a person."""
    with pytest.raises(ChannelGone):
        await stage.notifier.post("#nowhere", stage.notifier.render(notification()))


async def test_refused_credentials_say_so(stage: Stage) -> None:
    """A revoked token needs a person."""
    stage.revoke()
    with pytest.raises(CredentialsRefused):
        await post(stage)


async def test_a_refused_message_says_so(stage: Stage) -> None:
    """The same message again would be refused again."""
    stage.refuse()
    with pytest.raises(MessageRefused):
        await post(stage)


async def test_a_receiver_that_fails_once_takes_the_next_post(stage: Stage) -> None:
    """Nothing was stored the first time, and the client has not tried again by itself."""
    stage.down()
    with pytest.raises(ReceiverDown):
        await post(stage)
    assert stage.count() == 0
    await post(stage)
    assert stage.count() == 1
