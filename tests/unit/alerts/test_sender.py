"""Messages on their way. Source: alert-semantics.md 2.11 and DESIGN.md section 8."""

import asyncio
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.model import Severity
from alerts.notify.base import (
    ChannelBusy,
    ChannelGone,
    CredentialsRefused,
    MessageRefused,
    OutcomeUnknown,
    Payload,
    ReceiverDown,
    Reference,
)
from alerts.queue import BETWEEN_S, SELDOM_S
from alerts.store import MessageState
from core.errors import DeskError
from tests.fakes.clock import FakeClock
from tests.fakes.notifier import FakeNotifier
from tests.unit.alerts.mail import Post, message


@pytest.fixture
async def post(tmp_path: Path, clock: FakeClock) -> AsyncIterator[Post]:
    """A sender with a store and a receiver that takes everything."""
    made = await Post.open(tmp_path, clock)
    yield made
    await made.store.close()


async def test_an_incident_is_posted_once_and_then_edited(post: Post) -> None:
    """One message an incident, through its life."""
    await post.queue(message("a"))
    await post.turns()
    await post.queue(message("a", 2, over=True))
    await post.turns()
    assert len(post.slack.posts) == len(post.slack.updates) == 1
    assert post.shown() == ["a 2 resolved"]
    assert await post.store.pending("a") is None


async def test_a_channel_takes_one_message_a_second(post: Post) -> None:
    """A storm arrives at the pace that Slack takes for long."""
    await post.queue(*(message(f"i{n}") for n in range(20)))
    began = post.clock.elapsed()
    await post.turns()
    assert len(post.slack.posts) == 20
    assert post.clock.elapsed() - began >= 19 * BETWEEN_S


async def test_the_most_severe_goes_first(post: Post) -> None:
    """Then what fires before what is over, then the older one."""
    await post.queue(
        message("info", severity=Severity.INFO),
        message("over", 2, severity=Severity.PAGE, over=True),
        message("late page", 2, severity=Severity.PAGE),
        message("warn"),
        message("page", severity=Severity.PAGE),
    )
    await post.turns()
    sent = [str(payload["incident"]) for _, payload in post.slack.posts]
    assert sent == ["page", "late page", "over", "warn", "info"]


async def test_what_is_over_before_it_was_sent_is_told_in_one_message(post: Post) -> None:
    """The desk must see that it happened, and need not see it fire first."""
    post.slack.fail(ReceiverDown("away"))
    await post.queue(message("a"))
    await post.turns(seconds=0.5)
    await post.queue(message("a", 2), message("a", 3, over=True))
    await post.turns()
    assert [payload["version"] for _, payload in post.slack.posts] == [3]
    assert post.shown() == ["a 3 resolved"]
    states = {one.version: one.state for one in await post.store.messages(10)}
    assert states == {1: MessageState.SUPERSEDED, 2: MessageState.SUPERSEDED, 3: MessageState.SENT}


async def test_a_busy_channel_gets_the_time_it_asks_for(post: Post) -> None:
    """Its own figure beats ours, and all of the channel waits."""
    post.slack.fail(ChannelBusy("ratelimited", after=30.0))
    await post.queue(message("a"), message("b"))
    began = post.clock.elapsed()
    await post.turns(seconds=29)
    assert post.slack.posts == []
    await post.turns()
    assert len(post.slack.posts) == 2
    assert post.clock.elapsed() - began >= 30


async def test_a_receiver_that_is_down_for_ten_minutes_loses_nothing(post: Post) -> None:
    """DESIGN section 10, loss: retried for ever, with a capped pause."""
    post.slack.fail(*[ReceiverDown("away")] * 60)
    await post.queue(message("a"), message("b"))
    await post.turns(seconds=1200)
    assert sorted(post.shown()) == ["a 1 firing", "b 1 firing"]
    assert post.sender.problems() == []


async def test_a_lost_answer_is_looked_up_before_it_is_sent_again(post: Post) -> None:
    """The message had arrived: it is found, and there is one."""
    post.slack.fail(OutcomeUnknown("no answer"))
    await post.queue(message("a"))
    await post.turns()
    assert len(post.slack.posts) == 1
    assert (await post.store.messages(1))[0].state is MessageState.SENT


async def test_a_lost_answer_of_an_old_version_is_edited_to_the_newest(post: Post) -> None:
    """The first version is found, and the second one replaces it."""
    post.slack.fail(OutcomeUnknown("no answer"))
    await post.queue(message("a"))
    await post.turns(seconds=0.5)
    await post.queue(message("a", 2, over=True))
    await post.turns()
    assert (len(post.slack.posts), len(post.slack.updates)) == (1, 1)
    assert post.shown() == ["a 2 resolved"]


class Killed(FakeNotifier):
    """A receiver that takes a post, whose sender then dies."""

    async def post(self, channel: str, payload: Payload) -> Reference:
        await super().post(channel, payload)
        raise asyncio.CancelledError


async def test_a_kill_between_the_post_and_its_confirmation_posts_nothing_twice(
    tmp_path: Path, clock: FakeClock
) -> None:
    """The attempt is stored before it is made, so the next start asks first."""
    slack = Killed()
    post = await Post.open(tmp_path, clock, slack)
    await post.queue(message("a"))
    with pytest.raises(asyncio.CancelledError):
        await post.turns()
    await post.restart()
    await post.turns()
    assert len(slack.posts) == 1
    assert await post.store.pending("a") is None
    await post.store.close()


async def test_a_message_that_a_person_deleted_is_posted_afresh(post: Post) -> None:
    """MessageGone: the incident gets another message."""
    await post.queue(message("a"))
    await post.turns()
    [reference] = post.slack.messages
    post.slack.delete(reference)
    await post.queue(message("a", 2))
    await post.turns()
    assert post.shown() == ["a 2 firing"]


async def test_a_refused_message_is_kept_and_shown_and_delays_no_other(post: Post) -> None:
    """A person must act; it is tried again seldom, and a newer version at once."""
    post.slack.fail(MessageRefused("invalid_blocks", hint="Send less"))
    await post.queue(message("a"), message("b"))
    await post.turns(seconds=60)
    assert post.shown() == ["b 1 firing"]
    assert post.sender.problems() == [
        "#alerts: The receiver refuses this message: invalid_blocks. Send less",
    ]
    assert {one.incident: one.state for one in await post.store.messages(9)}["a"] is MessageState.REFUSED
    await post.queue(message("a", 2))
    await post.turns(seconds=5)
    assert post.shown() == ["b 1 firing", "a 2 firing"]
    assert post.sender.problems() == []


@pytest.mark.parametrize("error", [ChannelGone("#alerts"), CredentialsRefused("invalid_auth")])
async def test_a_channel_that_refuses_us_is_asked_again_seldom(post: Post, error: DeskError) -> None:
    """Every message of it would be refused: one asks for all."""
    post.slack.fail(error)
    await post.queue(message("a"), message("b"))
    await post.turns(seconds=SELDOM_S - 5)
    assert post.slack.posts == []
    assert len(post.sender.problems()) == 1
    await post.turns(seconds=60)
    assert sorted(post.shown()) == ["a 1 firing", "b 1 firing"]
    assert post.sender.problems() == []


async def test_a_poisoned_message_does_not_stop_its_channel(post: Post) -> None:
    """A defect of a rendering or an API costs that message alone."""

    class Poisoned(FakeNotifier):
        async def post(self, channel: str, payload: Payload) -> Reference:
            if payload["incident"] == "a":
                raise ValueError(payload)
            return await super().post(channel, payload)

    post.notifier = post.slack = Poisoned()
    await post.queue(message("a", severity=Severity.PAGE), message("b"))
    await post.turns(seconds=30)
    assert post.shown() == ["b 1 firing"]
    assert post.sender.waiting() == 1


async def test_without_a_receiver_a_message_waits(post: Post) -> None:
    """A receiver that was taken out of the settings loses nothing."""
    post.notifier = None
    await post.queue(message("a"))
    await post.turns(seconds=30)
    assert "nothing is set up" in post.sender.problems()[0]
    post.notifier = post.slack
    await post.turns(seconds=60)
    assert post.shown() == ["a 1 firing"]


async def test_a_delivery_is_a_row(post: Post) -> None:
    """Who was told when, in `alert_events`."""
    await post.queue(message("a"))
    await post.turns()
    _, rows = await post.store.events()
    assert [(row.values["event"], row.values["reason"], row.values["incident"]) for row in rows] == [
        ("delivery", "sent", "a")
    ]


_FAULTS = st.sampled_from(
    [ChannelBusy("busy", after=3.0), ReceiverDown("away"), OutcomeUnknown("no answer"), MessageRefused("no")]
)
_ACTIONS = st.lists(
    st.one_of(
        st.tuples(st.just("queue"), st.sampled_from("abc")),
        st.tuples(st.just("fail"), st.lists(_FAULTS, max_size=4)),
        st.tuples(st.just("wait"), st.integers(0, 40)),
        st.tuples(st.just("restart"), st.none()),
    ),
    max_size=14,
)


@settings(max_examples=60, deadline=None)
@given(_ACTIONS)
def test_every_incidents_last_state_arrives_exactly_once(actions: list[tuple[str, object]]) -> None:
    """Property 6 of 4.5: whatever Slack does and whenever we die, one message an incident, with its newest text."""
    with tempfile.TemporaryDirectory() as folder, asyncio.Runner() as runner:
        runner.run(_act(Path(folder), actions))


async def _act(folder: Path, actions: list[tuple[str, object]]) -> None:
    post = await Post.open(folder, FakeClock())
    versions: dict[str, int] = {}
    for what, value in actions:
        match what, value:
            case "queue", str(incident):
                versions[incident] = versions.get(incident, 0) + 1
                await post.queue(message(incident, versions[incident], over=versions[incident] % 2 == 0))
            case "fail", list(errors):
                post.slack.fail(*errors)
            case "wait", int(seconds):
                await post.turns(seconds)
            case _:
                await post.restart()
    await post.restart()
    await post.turns(seconds=20_000)
    expected = {f"{name} {n} {'resolved' if n % 2 == 0 else 'firing'}" for name, n in versions.items()}
    assert set(post.shown()) == expected
    assert len(post.slack.posts) == len(versions)
    assert (await post.store.load()).waiting == []
    await post.store.close()
