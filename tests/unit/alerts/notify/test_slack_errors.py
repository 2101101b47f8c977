"""Slack's error codes and what they come to."""

import pytest

from alerts.notify.base import ChannelBusy, ChannelGone, CredentialsRefused, MessageGone, MessageRefused, ReceiverDown
from alerts.notify.slack_errors import verdict


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("ratelimited", ChannelBusy),
        ("message_limit_exceeded", ChannelBusy),
        ("internal_error", ReceiverDown),
        ("fatal_error", ReceiverDown),
        ("service_unavailable", ReceiverDown),
        ("invalid_auth", CredentialsRefused),
        ("not_authed", CredentialsRefused),
        ("token_revoked", CredentialsRefused),
        ("account_inactive", CredentialsRefused),
        ("missing_scope", CredentialsRefused),
        ("channel_not_found", ChannelGone),
        ("not_in_channel", ChannelGone),
        ("is_archived", ChannelGone),
        ("message_not_found", MessageGone),
        ("cant_update_message", MessageGone),
        ("edit_window_closed", MessageGone),
        ("thread_not_found", MessageGone),
        ("msg_too_long", MessageRefused),
        ("msg_blocks_too_long", MessageRefused),
        ("invalid_blocks", MessageRefused),
        ("invalid_attachments", MessageRefused),
        ("no_text", MessageRefused),
        ("a_code_of_next_year", MessageRefused),
    ],
)
def test_an_error_code_decides_what_the_sender_does(code: str, error: type[Exception]) -> None:
    """Each says what to do, too."""
    found = verdict(code)
    assert found.error is error
    assert found.hint


def test_a_full_workspace_is_left_alone_for_longer_than_a_busy_channel() -> None:
    """It is not one channel's queue that helps there."""
    assert (verdict("message_limit_exceeded").after or 0) > (verdict("ratelimited").after or 0) > 0
