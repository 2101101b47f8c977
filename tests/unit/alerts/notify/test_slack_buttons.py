"""What a press of a button says. Source: operator-surface.md 1.1 and 1.7."""

from datetime import timedelta
from typing import Any

import pytest

from alerts.notify.slack_buttons import Press, Verb, presses


def payload(**action: Any) -> dict[str, Any]:
    """Return an interaction as Slack sends it for a button inside an attachment."""
    return {
        "type": "block_actions",
        "user": {"id": "U1", "username": "maria", "name": "maria"},
        "container": {"type": "message_attachment", "channel_id": "C1", "message_ts": "1.2"},
        "actions": [{"type": "button", "action_id": "dw_ack", "value": "INC1:7", "action_ts": "3.4", **action}],
    }


def test_a_press_says_who_did_what_to_which_version() -> None:
    """The key is the same when Slack tells of it again."""
    [press] = presses(payload())
    assert press == Press(Verb.ACK, "INC1", 7, "U1", "maria", "C1", "U1|dw_ack|3.4")


def test_a_choice_says_for_how_long() -> None:
    """A select has its value in the option."""
    action = {"action_id": "dw_silence", "selected_option": {"value": "INC1:7:4h"}, "value": None}
    [press] = presses(payload(**action))
    assert (press.verb, press.span) == (Verb.SILENCE, timedelta(hours=4))


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"type": "view_submission"},
        {"type": "block_actions"},
        payload(action_id="other_app"),
        payload(value="INC1"),
        payload(value="INC1:x"),
        payload(value=""),
        payload(action_id="dw_silence", value="INC1:7:9y"),
        {**payload(), "actions": ["x"]},
        {**payload(), "user": None, "actions": None},
    ],
)
def test_what_is_no_press_of_ours_is_left_out(given: dict[str, Any]) -> None:
    """Whatever an app of the same name sends, nothing is done."""
    assert presses(given) == []
