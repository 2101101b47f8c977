"""What each of Slack's errors comes to, decided once. docs/slack.md explains them to the operator."""

from typing import NamedTuple

from alerts.notify.base import ChannelBusy, ChannelGone, CredentialsRefused, MessageGone, MessageRefused, ReceiverDown
from core.errors import DeskError

WORKSPACE_PAUSE = 60.0
"""Seconds to stay away from a workspace that takes no more messages; Slack names no figure."""

RATE_PAUSE = 1.0
"""Seconds to wait where Slack gives no Retry-After; one message a second is what a channel takes."""


class Verdict(NamedTuple):
    """The error to raise, what to do about it, and how long to wait at least."""

    error: type[DeskError]
    hint: str
    after: float | None = None


_INSTALL = "Install the app again and put its bot token (xoxb-…) into the token file"
_SCOPE = "Add the scope that Slack names to the app's manifest and install it again"
_POLICY = "Ask an administrator of the workspace to let the app post there"
_AFRESH = "Post the message afresh"
_SHORTER = "Send a shorter message without charts; the pointer names the part that Slack refuses"

_VERDICTS = {
    Verdict(ChannelBusy, "Wait and try again; nothing is lost meanwhile", RATE_PAUSE): ("ratelimited", "rate_limited"),
    Verdict(ChannelBusy, "The whole workspace is at its limit: send one digest", WORKSPACE_PAUSE): (
        "message_limit_exceeded",
    ),
    Verdict(ReceiverDown, "Try again; status.slack.com tells of outages"): (
        "internal_error",
        "fatal_error",
        "service_unavailable",
        "request_timeout",
        "team_added_to_org",
    ),
    Verdict(CredentialsRefused, _INSTALL): (
        "invalid_auth",
        "not_authed",
        "token_revoked",
        "token_expired",
        "account_inactive",
        "not_allowed_token_type",
    ),
    Verdict(CredentialsRefused, _SCOPE): ("missing_scope", "no_permission"),
    Verdict(CredentialsRefused, _POLICY): (
        "access_denied",
        "ekm_access_denied",
        "org_login_required",
        "team_access_not_granted",
        "two_factor_setup_required",
    ),
    Verdict(ChannelGone, "Name a channel that exists, with its # or its id"): ("channel_not_found",),
    Verdict(ChannelGone, "Invite the bot: write `/invite @deskwatch` in the channel"): ("not_in_channel",),
    Verdict(ChannelGone, "Unarchive the channel, or name another in routing.yaml"): ("is_archived",),
    Verdict(ChannelGone, _POLICY): (
        "restricted_action",
        "restricted_action_read_only_channel",
        "restricted_action_thread_only_channel",
        "restricted_action_non_threadable_channel",
    ),
    Verdict(MessageGone, _AFRESH): (
        "message_not_found",
        "cant_update_message",
        "edit_window_closed",
        "thread_not_found",
        "cannot_reply_to_message",
        "restricted_action_thread_locked",
    ),
    Verdict(MessageRefused, _SHORTER): (
        "msg_too_long",
        "msg_blocks_too_long",
        "no_text",
        "invalid_blocks",
        "invalid_blocks_format",
        "invalid_attachments",
        "too_many_attachments",
        "metadata_too_large",
        "invalid_metadata_format",
        "invalid_metadata_schema",
    ),
}
_BY_CODE = {code: verdict for verdict, codes in _VERDICTS.items() for code in codes}

# A new code of Slack's is no reason to try for ever: somebody has to look at it.
_UNKNOWN = Verdict(MessageRefused, "Look the code up in Slack's page of the method")


def verdict(code: str) -> Verdict:
    """Return what an error code of Slack's comes to."""
    return _BY_CODE.get(code, _UNKNOWN)
