"""Buttons from the workspace through Socket Mode to the alert service and back, over real sockets."""

from pathlib import Path

import pytest

from alerts.model import Severity
from alerts.notify.slack_message import COLOURS, GREEN, GREY, YELLOW
from alerts.notify.slack_socket import NOT_ALLOWED
from tests.integration.slack.desk import CHANNEL, SlackDesk, slack_desk, until


def colour(desk: SlackDesk, at: int = 0) -> str:
    """Return the bar's colour of a message."""
    return str(desk.messages()[at].attachments[0]["color"])


async def fire(desk: SlackDesk) -> str:
    """Let the rule breach, and return the `ts` of its message."""
    count = len(desk.messages())
    desk.breaching.add("BookStale")
    await until(lambda: len(desk.messages()) > count)
    return desk.messages()[-1].ts


async def test_an_incident_is_one_message_through_its_life(tmp_path: Path) -> None:
    """Fires, is acknowledged, silenced, heard again, over; the thread has the time line; then it fires anew."""
    async with slack_desk(tmp_path) as desk:
        ts = await fire(desk)
        assert colour(desk) == COLOURS[Severity.PAGE]
        assert await desk.workspace.press(CHANNEL, ts, "dw_ack")
        await until(lambda: colour(desk) == YELLOW)
        assert await desk.workspace.press(CHANNEL, ts, "dw_silence", "1h")
        await until(lambda: colour(desk) == GREY)
        assert await desk.workspace.press(CHANNEL, ts, "dw_unsilence")
        await until(lambda: colour(desk) == YELLOW)
        desk.breaching.clear()
        await until(lambda: colour(desk) == GREEN)
        await until(lambda: any("Resolved after" in line for line in desk.lines()))
        told = [line.split(" until")[0].split(" after")[0] for line in desk.lines()]
        assert told == [
            "Acknowledged by trader",
            "Silenced by trader",
            "No longer silenced, and it still fires",
            "Resolved",
        ]
        await fire(desk)
        assert "fired before: <http" in str(desk.messages()[-1].attachments)
        assert not any(one.get("type") == "actions" and len(one["elements"]) > 1 for one in blocks(desk))  # type: ignore[arg-type]  # Slack's blocks are any JSON


def blocks(desk: SlackDesk) -> list[dict[str, object]]:
    """Return the first message's blocks."""
    found = desk.messages()[0].attachments[0]["blocks"]
    assert isinstance(found, list)
    return found


async def test_a_press_of_what_is_over_is_answered_to_its_author_alone(tmp_path: Path) -> None:
    """An old page still shows the button; nothing is opened again."""
    async with slack_desk(tmp_path) as desk:
        ts = await fire(desk)
        old = desk.messages()[0].attachments
        desk.breaching.clear()
        await until(lambda: colour(desk) == GREEN)
        desk.messages()[0].attachments = old
        assert await desk.workspace.press(CHANNEL, ts, "dw_ack", user="U1", name="maria")
        await until(lambda: bool(desk.workspace.whispers()))
        [(user, text)] = desk.workspace.whispers()
        assert (user, "over" in text) == ("U1", True)


async def test_only_those_who_may_act_do(tmp_path: Path) -> None:
    """The others are told so, and nothing changes."""
    async with slack_desk(tmp_path, actors=("U7",)) as desk:
        ts = await fire(desk)
        assert await desk.workspace.press(CHANNEL, ts, "dw_ack", user="U1", name="maria")
        await until(lambda: desk.workspace.whispers() == [("U1", NOT_ALLOWED)])
        assert colour(desk) == COLOURS[Severity.PAGE]
        assert await desk.workspace.press(CHANNEL, ts, "dw_ack", user="U7", name="jonas")
        await until(lambda: colour(desk) == YELLOW)


@pytest.mark.parametrize("reason", ["refresh_requested", "warning"])
async def test_a_connection_that_slack_takes_away_is_opened_again(tmp_path: Path, reason: str) -> None:
    """And a press works as before."""
    async with slack_desk(tmp_path) as desk:
        ts = await fire(desk)
        before = [one for one in desk.workspace.calls if one[0] == "apps.connections.open"]
        await desk.workspace.sockets.disconnect(reason)
        await until(lambda: sum(one[0] == "apps.connections.open" for one in desk.workspace.calls) > len(before))
        await until(lambda: desk.socket.connected and len(desk.workspace.sockets) > 0)
        assert await desk.workspace.press(CHANNEL, ts, "dw_ack")
        await until(lambda: colour(desk) == YELLOW)


async def test_a_connection_that_is_open_and_dead_is_noticed(tmp_path: Path) -> None:
    """No answer to a ping for too long: the page says that buttons do nothing, until a new one is there."""
    async with slack_desk(tmp_path, silent_s=0.4) as desk:
        desk.workspace.sockets.frozen = True
        await until(lambda: any("buttons do nothing" in one for one in desk.service.problems()))
        desk.workspace.sockets.frozen = False
        await until(lambda: desk.socket.connected and not desk.socket.problems())


async def test_switched_off_socket_mode_is_a_problem_that_says_what_to_do(tmp_path: Path) -> None:
    """Alerts go on."""
    async with slack_desk(tmp_path) as desk:
        await desk.workspace.sockets.disconnect("link_disabled")
        await until(lambda: any("Switch Socket Mode on" in one for one in desk.service.problems()))
        await fire(desk)
