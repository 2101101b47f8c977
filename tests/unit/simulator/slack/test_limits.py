"""The simulated workspace refuses what Slack refuses, with Slack's code and pointer."""

import pytest

from simulator.slack.limits import check_message
from simulator.slack.refusal import Refusal


def never(_file: str) -> bool:
    """No file is ready."""
    return False


def plain(text: str) -> dict[str, object]:
    """Return plain text."""
    return {"type": "plain_text", "text": text}


def actions(*elements: dict[str, object]) -> dict[str, object]:
    """Return a row of buttons."""
    return {"type": "actions", "elements": list(elements)}


BUTTON: dict[str, object] = {"type": "button", "action_id": "a", "text": plain("x"), "value": "1"}
CHOICE: dict[str, object] = {"type": "static_select", "action_id": "b", "options": [{"text": plain("x"), "value": "1"}]}


def section(text: str) -> dict[str, object]:
    """Return a section block."""
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}}


@pytest.mark.parametrize(
    ("blocks", "pointer"),
    [
        ([section("x" * 3001)], "must be less than 3001 characters [json-pointer:/blocks/0/text/text]"),
        ([section("😀" * 1501)], "must be less than 3001 characters [json-pointer:/blocks/0/text/text]"),
        ([section("")], "must be more than 0 characters [json-pointer:/blocks/0/text/text]"),
        ([section("x")] * 51, "no more than 50 items allowed [json-pointer:/blocks]"),
        ([{"type": "section", "fields": [section("x")["text"]] * 11}], "no more than 10 items allowed"),
        ([{"type": "section"}], "missing required field: text [json-pointer:/blocks/0]"),
        ([{"type": "header", "text": {"type": "mrkdwn", "text": "x"}}], "failed to match all allowed schemas"),
        ([{"type": "context", "elements": []}], "must be an array of at least 1 item"),
        ([{"type": "alert"}], "unsupported type: alert [json-pointer:/blocks/0/type]"),
        ([{**section("x"), "colour": "red"}], "invalid additional property: colour [json-pointer:/blocks/0]"),
        ([{**section("x"), "block_id": "a"}] * 2, "`block_id` must be unique [json-pointer:/blocks/1/block_id]"),
        ([actions(BUTTON, BUTTON)], "`action_id` must be unique"),
        ([actions({**BUTTON, "text": plain("x" * 76)})], "must be less than 76 characters"),
        ([actions({**BUTTON, "colour": "red"})], "invalid additional property: colour"),
        ([actions({**BUTTON, "confirm": {"title": plain("x" * 101), "text": plain("x")}})], "less than 101"),
        ([actions({**CHOICE, "options": []})], "must be an array of at least 1 item"),
        ([actions({**CHOICE, "options": [{"text": plain("x"), "value": "v" * 151}]})], "less than 151"),
        ([{"type": "image", "alt_text": "x", "slack_file": {"id": "F1"}}], "invalid slack file"),
    ],
)
def test_a_bad_block_is_refused_with_a_pointer_to_it(blocks: list[object], pointer: str) -> None:
    """The same block inside an attachment has another code and pointer."""
    with pytest.raises(Refusal) as caught:
        check_message("x", blocks, None, None, never)
    assert caught.value.code == "invalid_blocks"
    assert any(pointer in text for text in caught.value.messages)
    with pytest.raises(Refusal) as inside:
        check_message("x", None, [{"color": "#a30200", "blocks": blocks}], None, never)
    assert inside.value.code == "invalid_attachments"
    assert any("/attachments/0/blocks" in text for text in inside.value.messages)


@pytest.mark.parametrize(
    ("text", "attachments", "metadata", "code"),
    [
        ("", None, None, "no_text"),
        ("x" * 40_001, None, None, "msg_too_long"),
        ("x", [{}] * 101, None, "too_many_attachments"),
        ("x", [{"title": "t", "blocks": [section("x")]}], None, "invalid_attachments"),
        ("x", [{"color": "reddish", "blocks": [section("x")]}], None, "invalid_attachments"),
        ("x", [{"blocks": [section("x" * 2900)] * 5}], None, "msg_blocks_too_long"),
        ("x", "[", None, "invalid_attachments"),
        ("x", None, {"event_type": "a"}, "invalid_metadata_format"),
        ("x", None, {"event_type": "a", "event_payload": {"deep": {}}}, "invalid_metadata_format"),
    ],
)
def test_a_bad_message_is_refused_with_slacks_code(text: str, attachments: object, metadata: object, code: str) -> None:
    """A lenient workspace would prove nothing."""
    with pytest.raises(Refusal) as caught:
        check_message(text, None, attachments, metadata, never)
    assert caught.value.code == code
