"""Thread lines, the way to the last incident, and storms, on the way to a receiver. Source: operator-surface.md 1."""

import asyncio
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.model import Reason, Severity
from alerts.notify.base import ChannelBusy, MessageRefused, OutcomeUnknown, ReceiverDown
from alerts.store import MessageState
from alerts.storm_sender import CROWD, EVERY_S, KEPT
from tests.fakes.clock import FakeClock
from tests.fakes.notifier import FakeNotifier
from tests.unit.alerts.mail import Post, message


@pytest.fixture
async def post(tmp_path: Path, clock: FakeClock) -> AsyncIterator[Post]:
    """A sender with a store and a receiver that takes everything."""
    made = await Post.open(tmp_path, clock)
    yield made
    await made.store.close()


def said(post: Post) -> list[str]:
    """Return the lines of all threads."""
    return [one.text for one in post.slack.replies]


async def test_a_line_follows_the_message_it_belongs_to(post: Post) -> None:
    """The edit first, then what it means."""
    await post.queue(message("a"))
    await post.turns()
    await post.queue(message("a", 2, over=True))
    await post.turns()
    assert said(post) == ["Resolved after 1m"]
    assert post.shown() == ["a 2 resolved"]


async def test_lines_of_versions_that_were_never_shown_are_said_all_the_same(post: Post) -> None:
    """The time line is complete, whatever the edits have coalesced."""
    await post.queue(message("a"))
    await post.queue(message("a", 2, severity=Severity.PAGE), message("a", 3, over=True, severity=Severity.PAGE))
    await post.turns()
    assert len(post.slack.posts) == 1
    assert said(post) == ["Worse: page, it was warn", "Resolved after 1m"]
    assert [one.broadcast for one in post.slack.replies] == [True, False]


async def test_a_quiet_line_delays_no_message(post: Post) -> None:
    """What notifies goes first, in every channel."""
    await post.queue(message("a"))
    await post.turns()
    await post.queue(message("a", 2, over=True))
    await post.turns(seconds=1.1)
    await post.queue(*(message(f"n{n}", 1) for n in range(5)))
    await post.turns(seconds=4.5)
    assert said(post) == []
    assert len(post.slack.posts) == 6
    await post.turns()
    assert said(post) == ["Resolved after 1m"]


@pytest.mark.parametrize("error", [OutcomeUnknown("cut"), ReceiverDown("503"), ChannelBusy("429", after=3.0)])
async def test_a_line_whose_answer_was_lost_is_looked_for_before_it_is_said_again(
    post: Post, error: OutcomeUnknown
) -> None:
    """It is there once, whether or not it had arrived, and also when we begin anew."""
    await post.queue(message("a"))
    await post.turns()
    await post.queue(message("a", 2, over=True))
    await post.turns(seconds=1.1)
    post.slack.fail(error)
    await post.turns(seconds=0.9)
    await post.restart()
    await post.turns()
    assert said(post) == ["Resolved after 1m"]


async def test_a_thread_whose_message_was_deleted_is_let_go(post: Post) -> None:
    """The next version is a message of its own."""
    await post.queue(message("a"))
    await post.turns()
    await post.queue(message("a", 2, severity=Severity.PAGE))
    await post.turns(seconds=1.1)
    post.slack.delete(next(iter(post.slack.messages)))
    await post.turns()
    assert said(post) == []
    await post.queue(message("a", 3, over=True))
    await post.turns()
    assert post.shown() == ["a 3 resolved"]


async def test_a_refused_line_stops_nothing(post: Post) -> None:
    """It is left out, and the next one is said."""
    await post.queue(message("a"))
    await post.turns()
    await post.queue(message("a", 2, severity=Severity.PAGE), message("a", 3, over=True, severity=Severity.PAGE))
    await post.turns(seconds=1.1)
    post.slack.fail(MessageRefused("no"))
    await post.turns()
    assert said(post) == ["Resolved after 1m"]


async def test_what_fires_again_is_a_new_message_that_knows_the_one_before(post: Post) -> None:
    """An edit would notify nobody; the link stays through its edits."""
    await post.queue(message("a", group="g", opened="2026-01-01T00:00:00+00:00"))
    await post.turns()
    [first] = post.slack.messages
    await post.queue(message("b", group="g", opened="2026-01-01T01:00:00+00:00"))
    await post.turns()
    await post.queue(message("b", 2, over=True, group="g", opened="2026-01-01T01:00:00+00:00"))
    await post.turns()
    assert post.slack.messages[first].get("previous") is None
    [_, second] = post.slack.messages.values()
    assert second["previous"] == f"https://slack.example.com/{first.channel}/{first.ts}"


async def test_without_a_link_it_fires_again_all_the_same(post: Post) -> None:
    """A receiver that cannot tell where the message was costs nobody the new one."""
    await post.queue(message("a", group="g", opened="2026-01-01T00:00:00+00:00"))
    await post.turns()
    post.slack.fail(ReceiverDown("503"))
    await post.queue(message("b", group="g", opened="2026-01-01T01:00:00+00:00"))
    await post.turns()
    assert post.shown() == ["a 1 firing", "b 1 firing"]


async def storm(post: Post, count: int = 200) -> None:
    """Let many incidents open at once, some of them louder."""
    loud = [message(f"p{n}", severity=Severity.PAGE, rule="Down") for n in range(3)]
    await post.queue(*(message(f"i{n:03}", rule="Stale" if n % 4 else "Wide") for n in range(count)), *loud)


async def test_a_crowd_is_told_in_one_message_and_the_most_urgent_in_their_own(post: Post) -> None:
    """One digest takes the place of the rest; every incident is in one or the other."""
    await storm(post)
    await post.turns()
    texts = post.shown()
    assert min(texts) == "STORM 198: Stale 149, Wide 49"
    assert len(texts) == KEPT + 1
    assert {"p0 1 firing", "p1 1 firing", "p2 1 firing"} <= set(texts)
    states = [one.state for one in await post.store.messages(500)]
    assert (states.count(MessageState.FOLDED), states.count(MessageState.SENT)) == (198, KEPT)


async def test_as_many_as_a_channel_bears_have_their_own(post: Post) -> None:
    """Below the mark nothing is folded."""
    await post.queue(*(message(f"i{n}") for n in range(CROWD)))
    await post.turns()
    assert len(post.shown()) == CROWD


async def test_a_digest_shrinks_as_its_incidents_end_without_a_message_of_their_own(post: Post) -> None:
    """Edited, and not oftener than every few seconds."""
    await storm(post)
    await post.turns()
    for n in range(150):
        await post.queue(message(f"i{n:03}", 2, over=True, rule="Stale" if n % 4 else "Wide"))
    began, edits = post.clock.elapsed(), len(post.slack.updates)
    await post.turns()
    digest = next(text for text in post.shown() if text.startswith("STORM"))
    gone = sum(f"i{n:03}" in text for n in range(150) for text in post.shown())
    assert digest == f"STORM 198: {', '.join(f'{name} {count}' for name, count in still(post))}"
    assert gone == 2  # those with a message of their own
    assert len(post.slack.updates) - edits <= 2 + 1 + (post.clock.elapsed() - began) / EVERY_S


def still(post: Post) -> list[tuple[str, int]]:
    """Return what fires still of the digest's incidents."""
    own = {str(one["incident"]) for one in post.slack.messages.values()}
    names = [f"i{n:03}" for n in range(150, 200) if f"i{n:03}" not in own]
    wide = sum(int(name[1:]) % 4 == 0 for name in names)
    return [("Stale", len(names) - wide), ("Wide", wide)]


async def test_an_incident_of_a_digest_that_gets_louder_or_lasts_has_its_own_message(post: Post) -> None:
    """A digest hides nothing for long."""
    await storm(post)
    await post.turns()
    await post.queue(message("i150", 2, severity=Severity.PAGE), message("i151", 2, reason=Reason.REPEAT_INTERVAL))
    await post.turns()
    assert {"i150 2 firing", "i151 2 firing"} <= set(post.shown())
    assert said(post) == []


async def test_a_receiver_without_digests_hears_of_each(post: Post) -> None:
    """A machine behind a webhook wants every one."""
    post.slack.sums_up = False
    await storm(post, 50)
    await post.turns()
    assert len(post.shown()) == 53


async def test_a_restart_in_a_storm_loses_nobody(post: Post) -> None:
    """The digest is stored with those that it takes over."""
    await storm(post)
    await post.sender.turn("#alerts")
    await post.restart()
    await post.turns()
    assert min(post.shown()) == "STORM 198: Stale 149, Wide 49"
    assert len(post.shown()) == KEPT + 1


_FAULTS = st.sampled_from([ChannelBusy("busy", after=3.0), ReceiverDown("away"), OutcomeUnknown("no answer")])
_ACTIONS = st.lists(
    st.one_of(
        st.tuples(st.just("worse"), st.sampled_from("abc")),
        st.tuples(st.just("over"), st.sampled_from("abc")),
        st.tuples(st.just("fail"), st.lists(_FAULTS, max_size=3)),
        st.tuples(st.just("wait"), st.integers(0, 20)),
        st.tuples(st.just("restart"), st.none()),
    ),
    max_size=12,
)


@settings(max_examples=40, deadline=None)
@given(_ACTIONS)
def test_every_line_arrives_exactly_once_and_in_order(actions: list[tuple[str, object]]) -> None:
    """As durable as the messages: whatever Slack does and whenever we die."""
    with tempfile.TemporaryDirectory() as folder, asyncio.Runner() as runner:
        runner.run(_act(Path(folder), actions))


async def _act(folder: Path, actions: list[tuple[str, object]]) -> None:
    post = await Post.open(folder, FakeClock(), FakeNotifier())
    versions, expected = dict.fromkeys("abc", 1), dict.fromkeys("abc", 0)
    state = dict.fromkeys("abc", Severity.INFO)
    over: set[str] = set()
    await post.queue(*(message(name, severity=Severity.INFO) for name in "abc"))
    for what, value in actions:
        match what, value:
            case "worse", str(name) if name not in over and state[name] is not Severity.PAGE:
                state[name] = Severity.WARN if state[name] is Severity.INFO else Severity.PAGE
                versions[name], expected[name] = versions[name] + 1, expected[name] + 1
                await post.queue(message(name, versions[name], severity=state[name]))
            case "over", str(name) if name not in over:
                over.add(name)
                versions[name], expected[name] = versions[name] + 1, expected[name] + 1
                await post.queue(message(name, versions[name], severity=state[name], over=True))
            case "fail", list(errors):
                post.slack.fail(*errors)
            case "wait", int(seconds):
                await post.turns(seconds)
            case "restart", None:
                await post.restart()
            case _:
                pass
    await post.restart()
    await post.turns(seconds=20_000)
    at = {reference: str(payload["incident"]) for reference, payload in post.slack.messages.items()}
    for name in "abc":
        keys = [one.key for one in post.slack.replies if at[one.reference] == name]
        assert len(keys) == len(set(keys)) == expected[name]
        assert keys == sorted(keys, key=lambda key: int(key.rpartition("/")[2]))
    await post.store.close()
