"""Slack through its Web API: the only importer of its SDK, and the door where its errors become ours."""

import asyncio
import re
from collections.abc import Mapping
from typing import Any

import aiohttp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from alerts.model import Notification
from alerts.notify.base import (
    ChannelBusy,
    ChannelGone,
    CredentialsRefused,
    Extras,
    MessageRefused,
    OutcomeUnknown,
    Payload,
    ReceiverDown,
    Reference,
    Storm,
)
from alerts.notify.slack_errors import RATE_PAUSE, verdict
from alerts.notify.slack_message import EVENT_TYPE, REPLY_LIMIT, dressed, message
from alerts.notify.slack_storm import storm_message
from alerts.notify.slack_text import escape
from core.clock import Clock, SystemClock
from core.errors import DeskError, Transient
from core.log import get_logger

log = get_logger(__name__)

API_URL = "https://slack.com/api/"
TIMEOUT = 10.0
"""Seconds that one call may take, connecting included."""

WANTED_SCOPES = ("chat:write", "chat:write.public", "channels:read", "channels:history", "files:write", "files:read")

LINE_TYPE = "deskwatch_line"
"""By this metadata we recognise a line of ours in a thread."""
LOOKS = 20
"""How often we ask, twice a second, whether Slack has taken a picture in."""

PAGE = 200
"""Messages or channels of one listing."""

_READS = frozenset(
    {
        "conversations.history",
        "conversations.info",
        "conversations.list",
        "conversations.replies",
        "chat.getPermalink",
        "files.info",
        "files.getUploadURLExternal",
    }
)
_ID = re.compile(r"[CDG][A-Z0-9]{8,}")
_POST_ONLY = frozenset({"unfurl_links", "unfurl_media"})

Answer = Mapping[str, Any]


class SlackNotifier:
    """Posts as one bot. The session is its owner's, who closes it; a proxy is only what is given here.

    `app_token` is for Socket Mode; with it messages have buttons.
    """

    def __init__(
        self,
        token: str,
        http: aiohttp.ClientSession,
        *,
        app_token: str = "",
        api_url: str = API_URL,
        proxy: str = "",
        time_out: float = TIMEOUT,
        clock: Clock | None = None,
    ) -> None:
        # Retries are the sender's business: the SDK's own handler repeats a post whose answer was lost.
        self._client = AsyncWebClient(token, base_url=api_url, session=http, retry_handlers=[])
        # The SDK takes a proxy from the environment, also for an address on this machine.
        self._client.proxy = proxy or None
        self._http = http
        self._app_token = app_token
        self._clock = clock or SystemClock()
        self._time_out = time_out
        self._ids: dict[str, str] = {}

    def render(self, notification: Notification) -> Payload:
        return message(notification, pressed=bool(self._app_token))

    def sum_up(self, storm: Storm) -> Payload:
        return storm_message(storm)

    def dress(self, payload: Payload, extras: Extras) -> Payload:
        return dressed(payload, extras)

    async def post(self, channel: str, payload: Payload) -> Reference:
        answer = await self._call("chat.postMessage", {"channel": channel, **payload})
        reference = _reference(answer)
        self._ids[channel] = reference.channel
        return reference

    async def update(self, reference: Reference, payload: Payload) -> Reference:
        changed = {key: value for key, value in payload.items() if key not in _POST_ONLY}
        answer = await self._call("chat.update", {"channel": reference.channel, "ts": reference.ts, **changed})
        return _reference(answer)

    async def reply(self, reference: Reference, text: str, *, key: str = "", broadcast: bool = False) -> None:
        arguments: Payload = {
            "channel": reference.channel,
            "thread_ts": reference.ts,
            "text": escape(text, REPLY_LIMIT),
            "unfurl_links": False,
        }
        if key:
            arguments["metadata"] = {"event_type": LINE_TYPE, "event_payload": {"key": key}}
        if broadcast:
            arguments["reply_broadcast"] = True
        await self._call("chat.postMessage", arguments)

    async def replied(self, reference: Reference, key: str) -> bool:
        arguments = {"channel": reference.channel, "ts": reference.ts, "limit": PAGE, "include_all_metadata": True}
        try:
            cursor = ""
            while True:
                answer = await self._call("conversations.replies", {**arguments, "cursor": cursor})
                metadata = [_object(one.get("metadata")) for one in _objects(answer.get("messages"))]
                told = [one.get("event_payload") for one in metadata if one.get("event_type") == LINE_TYPE]
                if any(_object(one).get("key") == key for one in told):
                    return True
                cursor = str(_object(answer.get("response_metadata")).get("next_cursor") or "")
                if not cursor:
                    return False
        except (CredentialsRefused, ChannelGone) as refusal:
            log.warning("slack.cannot_look", channel=reference.channel, line=key, why=str(refusal))
            return False

    async def link(self, reference: Reference) -> str:
        arguments = {"channel": reference.channel, "message_ts": reference.ts}
        answer = await self._call("chat.getPermalink", arguments)
        return str(answer.get("permalink") or "")

    async def upload(self, png: bytes, title: str) -> str:
        place = await self._call("files.getUploadURLExternal", {"filename": "chart.png", "length": len(png)})
        url, file = str(place.get("upload_url") or ""), str(place.get("file_id") or "")
        try:
            async with asyncio.timeout(self._time_out), self._http.post(url, data=png) as answer:
                if answer.status != 200:  # noqa: PLR2004  OK
                    raise ReceiverDown(f"upload: HTTP status {answer.status}", hint="Try again, or go without a chart")
        except (aiohttp.ClientError, TimeoutError, ValueError) as trouble:
            raise ReceiverDown(f"upload: {trouble!r}", hint="Try again, or go without a chart") from trouble
        await self._call("files.completeUploadExternal", {"files": [{"id": file, "title": title}]})
        for _ in range(LOOKS):
            # Slack takes a picture in by and by, and refuses a message that shows it before.
            found = _object((await self._call("files.info", {"file": file})).get("file"))
            if found.get("mimetype"):
                return file
            await self._clock.sleep(0.5)
        raise MessageRefused("upload: Slack has not taken the picture in", hint="The message goes without a chart")

    async def open_socket(self) -> str:
        """Return the address of a new Socket Mode connection; raises one of the port's errors."""
        answer = await self._call("apps.connections.open", {}, token=self._app_token)
        return str(answer.get("url") or "")

    async def whisper(self, channel: str, user: str, text: str) -> None:
        """Tell one person something that nobody else sees; raises one of the port's errors."""
        arguments = {"channel": channel, "user": user, "text": escape(text, REPLY_LIMIT)}
        await self._call("chat.postEphemeral", arguments)

    async def look_up(self, channel: str) -> str:
        """Return what is to be said of a channel: its name if all is well; raises one of the port's errors."""
        place = await self._id(channel)
        found = _object((await self._call("conversations.info", {"channel": place})).get("channel"))
        name = f"#{found.get('name', channel)}"
        if found.get("is_archived"):
            raise ChannelGone(f"{name} is archived", hint="Unarchive it, or name another in routing.yaml")
        if not found.get("is_member"):
            return f"{name}: the bot is not in it; it can post there only if it is public"
        return name

    async def find(self, channel: str, incident: str, version: int) -> Reference | None:
        try:
            place = await self._id(channel)
            arguments = {"channel": place, "limit": PAGE, "include_all_metadata": True}
            answer = await self._call("conversations.history", arguments)
        except (CredentialsRefused, ChannelGone) as refusal:
            # To read is an optional permission: without it the post is repeated, and may be double.
            log.warning("slack.cannot_look", channel=channel, incident=incident, why=str(refusal))
            return None
        for one in _objects(answer.get("messages")):
            metadata = _object(one.get("metadata"))
            told = _object(metadata.get("event_payload"))
            if metadata.get("event_type") == EVENT_TYPE and (told.get("incident"), told.get("version")) == (
                incident,
                version,
            ):
                return Reference(place, str(one.get("ts")))
        return None

    async def who_am_i(self) -> str:
        """Return whose token this is, and what it may not do, in a line; raises one of the port's errors."""
        answer = await self._call("auth.test", {})
        who = f"{answer.get('user', 'somebody')} in {answer.get('team', 'a workspace without a name')}"
        lacks = [scope for scope in WANTED_SCOPES if answer["scopes"] and scope not in answer["scopes"]]
        return f"{who}, without the scopes {', '.join(lacks)} (docs/slack.md)" if lacks else who

    async def _id(self, channel: str) -> str:
        """Return a channel's id; a name that no post has told us yet is looked up."""
        if channel in self._ids or _ID.fullmatch(channel):
            return self._ids.get(channel, channel)
        cursor = ""
        while True:
            arguments = {"limit": PAGE, "cursor": cursor, "exclude_archived": True}
            answer = await self._call("conversations.list", arguments)
            for one in _objects(answer.get("channels")):
                self._ids[str(one.get("name"))] = self._ids[f"#{one.get('name')}"] = str(one.get("id"))
            cursor = str(_object(answer.get("response_metadata")).get("next_cursor") or "")
            if channel in self._ids:
                return self._ids[channel]
            if not cursor:
                raise ChannelGone(channel, hint="Name a channel that exists, with its # or its id")

    async def _call(self, method: str, arguments: Payload, *, token: str = "") -> Answer:
        """Call a method; every way in which that can fail leaves here as one of the port's errors."""
        try:
            async with asyncio.timeout(self._time_out):
                if method in _READS:
                    response = await self._client.api_call(method, http_verb="GET", params=arguments)
                elif token:
                    headers = {"Authorization": f"Bearer {token}"}
                    response = await self._client.api_call(method, json=arguments, headers=headers)
                else:
                    response = await self._client.api_call(method, json=arguments)
        except SlackApiError as refusal:
            raise _refusal(method, refusal) from refusal
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as trouble:
            raise ReceiverDown(f"{method}: {trouble}", hint="Check the network, then status.slack.com") from trouble
        except (TimeoutError, aiohttp.ClientError) as trouble:
            # The request was on its way: Slack may have carried it out.
            why = str(trouble) or f"no answer within {self._time_out:g} s"
            raise OutcomeUnknown(f"{method}: {why}", hint="Look for the message before it is sent again") from trouble
        except (AttributeError, TypeError, ValueError, LookupError) as trouble:
            # The SDK trips over an answer that is no JSON object, or in no known encoding.
            raise _foreign(method) from trouble
        scopes = response.headers.get("x-oauth-scopes", "")
        data = response.data if isinstance(response.data, dict) else {}
        return {**data, "scopes": [scope.strip() for scope in scopes.split(",") if scope.strip()]}


def _object(value: object) -> Answer:
    return value if isinstance(value, dict) else {}


def _objects(value: object) -> list[Answer]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _reference(answer: Answer) -> Reference:
    if not (answer.get("channel") and answer.get("ts")):
        raise OutcomeUnknown("Slack said ok without a ts", hint="Look for the message before it is sent again")
    return Reference(str(answer["channel"]), str(answer["ts"]))


def _refusal(method: str, refusal: SlackApiError) -> DeskError:
    response = refusal.response
    status = int(getattr(response, "status_code", None) or getattr(response, "status", None) or 0)
    headers = getattr(response, "headers", None) or {}
    data = getattr(response, "data", None)
    body = data if isinstance(data, dict) else {}
    code = str(body.get("error") or "")
    if status == 429:  # noqa: PLR2004  Too Many Requests
        return ChannelBusy(f"{method}: {code or status}", hint=verdict("ratelimited").hint, after=_wait(headers))
    if not code and status == 200:  # noqa: PLR2004  OK, and yet not Slack's words: it may have been carried out
        return _foreign(method)
    if not code:
        hint = "Try again; status.slack.com tells of outages, and a proxy may stand before Slack"
        return ReceiverDown(f"{method}: HTTP status {status}", hint=hint)
    found = verdict(code)
    detail = f"{method}: {code}{_details(body)}"
    if issubclass(found.error, Transient):
        return found.error(detail, hint=found.hint, after=found.after)
    return found.error(detail, hint=found.hint)


def _foreign(method: str) -> OutcomeUnknown:
    """Return the error for an answer that something between us and Slack wrote."""
    hint = "Look for the message before it is sent again; ask what proxy stands before Slack"
    return OutcomeUnknown(f"{method}: an answer that is not Slack's", hint=hint)


def _wait(headers: Mapping[str, str]) -> float:
    """Return the seconds that Slack asks for, at least the pause that it would ask for."""
    named = {name.lower(): value for name, value in headers.items()}.get("retry-after", "")
    return max(float(named), RATE_PAUSE) if named.isascii() and named.isdigit() else RATE_PAUSE


def _details(body: Answer) -> str:
    """Return what Slack says beside the code: pointers of refused blocks, scopes."""
    messages = _object(body.get("response_metadata")).get("messages") or body.get("errors")
    parts = [str(one) for one in messages[:3]] if isinstance(messages, list) else []
    if body.get("needed"):
        parts.append(f"needed {body['needed']}, provided {body.get('provided', '')}")
    return f" ({'; '.join(parts)})" if parts else ""
