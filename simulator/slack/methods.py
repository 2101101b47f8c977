"""The methods of the Web API, each from its arguments to its answer."""

from collections.abc import Callable, Mapping

from core.clock import Clock
from simulator.slack.arguments import Arguments
from simulator.slack.files import Files
from simulator.slack.limits import check_message
from simulator.slack.rate import Limits
from simulator.slack.refusal import Refusal
from simulator.slack.sockets import APP_ID, Sockets
from simulator.slack.store import BOT_ID, USER_ID, Channel, Content, Json, Message, Store

TEAM_ID = "T0DESK"
BOT_NAME = "deskwatch"

SCOPES = {
    "chat.postMessage": "chat:write",
    "chat.update": "chat:write",
    "chat.delete": "chat:write",
    "chat.postEphemeral": "chat:write",
    "files.getUploadURLExternal": "files:write",
    "files.completeUploadExternal": "files:write",
    "files.info": "files:read",
    "conversations.list": "channels:read",
    "conversations.info": "channels:read",
    "conversations.history": "channels:history",
    "conversations.replies": "channels:history",
    "bots.info": "users:read",
}
ALL_SCOPES = frozenset({*SCOPES.values(), "chat:write.public"})


class Methods:
    """Answers calls of one workspace."""

    def __init__(self, store: Store, files: Files, sockets: Sockets, clock: Clock, *, burst: int, team: str) -> None:
        self.page_url = ""
        self._store = store
        self._files = files
        self._sockets = sockets
        self.limits = self._limits = Limits(clock, burst)
        self._team = team
        self._table: Mapping[str, Callable[[Arguments], Json]] = {
            "api.test": lambda _: {},
            "apps.connections.open": lambda _: {"url": self._sockets.address()},
            "auth.test": self._auth_test,
            "bots.info": self._bots_info,
            "chat.postMessage": self._post,
            "chat.update": self._update,
            "chat.delete": self._delete,
            "chat.postEphemeral": self._whisper,
            "chat.getPermalink": self._permalink,
            "conversations.list": self._list,
            "conversations.info": self._info,
            "conversations.history": self._history,
            "conversations.replies": self._replies,
            "files.getUploadURLExternal": files.place,
            "files.completeUploadExternal": files.complete,
            "files.info": files.info,
        }

    def answer(self, method: str, arguments: Arguments) -> Json:
        """Carry a call out and return the body of its answer.

        Raises:
            Refusal: as the real workspace refuses it.
        """
        call = self._table.get(method)
        if call is None:
            raise Refusal("unknown_method", req_method=method)
        return {"ok": True, **call(arguments)}

    def _auth_test(self, _: Arguments) -> Json:
        return {
            "url": self.page_url,
            "team": self._team,
            "user": BOT_NAME,
            "team_id": TEAM_ID,
            "user_id": USER_ID,
            "bot_id": BOT_ID,
        }

    def _bots_info(self, arguments: Arguments) -> Json:
        if arguments.text("bot", BOT_ID) != BOT_ID:
            raise Refusal("bot_not_found")
        return {"bot": {"id": BOT_ID, "deleted": False, "name": BOT_NAME, "app_id": APP_ID, "user_id": USER_ID}}

    def _post(self, arguments: Arguments) -> Json:
        channel = self._open(arguments)
        content = arguments.content()
        check_message(content.text or "", content.blocks, content.attachments, content.metadata, self._files.ready)
        self._limits.post(channel.id)
        broadcast = arguments.flag("reply_broadcast")
        message = self._store.post(channel, content, arguments.text("thread_ts"), broadcast=broadcast)
        return {"channel": channel.id, "ts": message.ts, "message": shape(message)}

    def _update(self, arguments: Arguments) -> Json:
        # Unlike a post, an edit knows a channel only by its id.
        channel = self._open(arguments, by_name=False)
        content = arguments.content()
        self._store.get(channel, arguments.need("ts"))
        if content == Content(None, None, None, None):
            raise Refusal("no_text")
        check_message(content.text or "-", content.blocks, content.attachments, content.metadata, self._files.ready)
        self._limits.update()
        message = self._store.edit(channel, arguments.need("ts"), content)
        return {"channel": channel.id, "ts": message.ts, "text": message.text, "message": shape(message)}

    def _whisper(self, arguments: Arguments) -> Json:
        channel = self._open(arguments)
        user, text = arguments.need("user"), arguments.text("text")
        check_message(text, None, None, None, self._files.ready)
        self._limits.post(channel.id)
        return {"message_ts": self._store.whisper(channel, user, text).ts}

    def _delete(self, arguments: Arguments) -> Json:
        channel = self._open(arguments, by_name=False)
        self._limits.update()
        self._store.delete(channel, arguments.need("ts"))
        return {"channel": channel.id, "ts": arguments.need("ts")}

    def _permalink(self, arguments: Arguments) -> Json:
        channel = self._store.channel(arguments.need("channel"), by_name=False)
        message = self._store.get(channel, arguments.need("message_ts"))
        link = f"{self.page_url}archives/{channel.id}/p{message.ts.replace('.', '')}"
        return {"channel": channel.id, "permalink": link}

    def _list(self, arguments: Arguments) -> Json:
        self._limits.read()
        channels = [
            one for one in self._store.channels.values() if not (arguments.flag("exclude_archived") and one.archived)
        ]
        start, limit = arguments.number("cursor", 0) if arguments.text("cursor") else 0, arguments.number("limit", 100)
        following = str(start + limit) if start + limit < len(channels) else ""
        page = [_channel(one) for one in channels[start : start + limit]]
        return {"channels": page, "response_metadata": {"next_cursor": following}}

    def _info(self, arguments: Arguments) -> Json:
        self._limits.read()
        return {"channel": _channel(self._store.channel(arguments.need("channel"), by_name=False))}

    def _history(self, arguments: Arguments) -> Json:
        channel = self._readable(arguments)
        oldest, latest = arguments.text("oldest", "0"), arguments.text("latest", "9")
        found = [one for one in self._store.shown(channel) if oldest < one.ts < latest][::-1]
        return self._page(arguments, found)

    def _replies(self, arguments: Arguments) -> Json:
        channel = self._readable(arguments)
        ts = arguments.need("ts")
        if ts not in channel.messages:
            raise Refusal("thread_not_found")
        return self._page(arguments, [channel.messages[ts], *self._store.replies(channel, ts)])

    def _page(self, arguments: Arguments, found: list[Message]) -> Json:
        limit = arguments.number("limit", 100)
        metadata = arguments.flag("include_all_metadata")
        messages = [shape(one, metadata=metadata) for one in found[:limit]]
        for one in messages:
            count = sum(reply.thread_ts == one["ts"] for reply in found)
            if count:
                one["reply_count"] = count
        return {"messages": messages, "has_more": len(found) > limit, "response_metadata": {"next_cursor": ""}}

    def _open(self, arguments: Arguments, *, by_name: bool = True) -> Channel:
        channel = self._store.channel(arguments.need("channel"), by_name=by_name)
        if channel.archived:
            raise Refusal("is_archived")
        if not channel.member:
            raise Refusal("not_in_channel")
        return channel

    def _readable(self, arguments: Arguments) -> Channel:
        self._limits.read()
        channel = self._store.channel(arguments.need("channel"), by_name=False)
        if not channel.member:
            raise Refusal("not_in_channel")
        return channel


def _channel(channel: Channel) -> Json:
    return {
        "id": channel.id,
        "name": channel.name,
        "is_channel": True,
        "is_archived": channel.archived,
        "is_member": channel.member,
    }


def shape(message: Message, *, metadata: bool = False) -> Json:
    """Return a message as the Web API shows it."""
    body: Json = {
        "type": "message",
        "user": USER_ID,
        "bot_id": BOT_ID,
        "app_id": APP_ID,
        "team": TEAM_ID,
        "ts": message.ts,
        "text": message.text,
    }
    if message.blocks:
        body["blocks"] = message.blocks
    if message.attachments:
        body["attachments"] = [{"id": at, **one} for at, one in enumerate(message.attachments, 1)]
    if message.thread_ts:
        body["thread_ts"] = message.thread_ts
    if message.broadcast:
        body["subtype"] = "thread_broadcast"
    if message.edited:
        body["edited"] = {"user": BOT_ID, "ts": message.edited}
    if metadata and message.metadata is not None:
        body["metadata"] = message.metadata
    return body
