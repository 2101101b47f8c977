"""Channels and their messages, and everybody who watches them change."""

import asyncio
import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from core.clock import Clock
from simulator.slack.refusal import Refusal

BOT_ID = "B0DESKWATCH"
USER_ID = "U0DESKWATCH"
WATCHER_BACKLOG = 1000

Json = dict[str, object]


@dataclass(slots=True)
class Message:
    """One message. `thread_ts` is its parent's, empty for a message of the channel itself."""

    channel: str
    ts: str
    text: str
    blocks: list[Json]
    attachments: list[Json]
    metadata: Json | None
    thread_ts: str = ""
    broadcast: bool = False
    edited: str = ""
    edits: list[str] = field(default_factory=list)
    """The texts that edits have replaced, oldest first."""


@dataclass(slots=True)
class Channel:
    """One channel; `messages` are in order of `ts`, replies included."""

    id: str
    name: str
    member: bool = True
    archived: bool = False
    messages: dict[str, Message] = field(default_factory=dict)


class Change(NamedTuple):
    """What a watcher sees: a message is new, edited or deleted."""

    kind: str
    message: Message


class Content(NamedTuple):
    """What a call gives; None was left out, and an edit then keeps what is there."""

    text: str | None
    blocks: list[Json] | None
    attachments: list[Json] | None
    metadata: Json | None


class Store:
    """Every channel of the workspace."""

    def __init__(self, clock: Clock, names: tuple[str, ...]) -> None:
        plain = [name.removeprefix("#") for name in names]
        self.channels: Mapping[str, Channel] = {_id(name): Channel(_id(name), name) for name in plain}
        self._names = {channel.name: channel for channel in self.channels.values()}
        self._clock = clock
        self._last_ts = 0
        self._watchers: set[asyncio.Queue[Change | None]] = set()
        self.whispers: list[tuple[str, Message]] = []
        """What one person alone was told: who, and what."""

    def channel(self, text: str, *, by_name: bool = True) -> Channel:
        """Return a channel by its id, or by its name with or without #."""
        found = self.channels.get(text) or (self._names.get(text.removeprefix("#")) if by_name else None)
        if found is None:
            raise Refusal("channel_not_found")
        return found

    def post(self, channel: Channel, content: Content, thread_ts: str, *, broadcast: bool) -> Message:
        """Store a new message."""
        parent = channel.messages.get(thread_ts) if thread_ts else None
        if thread_ts and parent is None:
            raise Refusal("thread_not_found")
        message = Message(
            channel.id,
            self.next_ts(),
            content.text or "",
            content.blocks or [],
            content.attachments or [],
            content.metadata,
            thread_ts=(parent.thread_ts or parent.ts) if parent else "",
            broadcast=broadcast,
        )
        channel.messages[message.ts] = message
        self._tell("new", message)
        return message

    def edit(self, channel: Channel, ts: str, content: Content) -> Message:
        """Change a message; what the content leaves out stays."""
        message = self.get(channel, ts)
        message.edits.append(message.text)
        if content.text is not None:
            message.text = content.text
        if content.blocks is not None:
            message.blocks = content.blocks
        if content.attachments is not None:
            message.attachments = content.attachments
        if content.metadata is not None:
            message.metadata = content.metadata
        message.edited = self.next_ts()
        self._tell("edited", message)
        return message

    def delete(self, channel: Channel, ts: str) -> None:
        """Remove a message with its thread."""
        message = self.get(channel, ts)
        gone = [one for one in channel.messages.values() if ts in {one.ts, one.thread_ts}]
        for one in gone:
            del channel.messages[one.ts]
        self._tell("deleted", message)

    def whisper(self, channel: Channel, user: str, text: str) -> Message:
        """Show a text to one person; nobody else sees it, and it is gone when the page is loaded again."""
        message = Message(channel.id, self.next_ts(), text, [], [], None)
        self.whispers.append((user, message))
        self._tell("whisper", message)
        return message

    def whispered(self) -> set[tuple[str, str]]:
        """Return who was told something alone, with the `ts` of it."""
        return {(user, one.ts) for user, one in self.whispers}

    def get(self, channel: Channel, ts: str) -> Message:
        """Return a message."""
        if ts not in channel.messages:
            raise Refusal("message_not_found")
        return channel.messages[ts]

    def shown(self, channel: Channel) -> list[Message]:
        """Return the messages of the channel itself, oldest first."""
        return [one for one in channel.messages.values() if not one.thread_ts or one.broadcast]

    def replies(self, channel: Channel, ts: str) -> list[Message]:
        """Return the replies of a message, oldest first."""
        return [one for one in channel.messages.values() if one.thread_ts == ts]

    @contextmanager
    def watch(self) -> Iterator[asyncio.Queue[Change | None]]:
        """Give a queue of every change from here on; None is the end: of the workspace, or of a slow reader."""
        queue: asyncio.Queue[Change | None] = asyncio.Queue()
        self._watchers.add(queue)
        try:
            yield queue
        finally:
            self._watchers.discard(queue)

    def close(self) -> None:
        """End every watcher."""
        for queue in self._watchers:
            queue.put_nowait(None)

    def next_ts(self) -> str:
        """Return a time stamp that no other event has."""
        self._last_ts = max(self._last_ts + 1, self._clock.now() // 1000)
        seconds, micros = divmod(self._last_ts, 1_000_000)
        return f"{seconds}.{micros:06d}"

    def _tell(self, kind: str, message: Message) -> None:
        change = Change(kind, replace(message))
        for queue in list(self._watchers):
            if queue.qsize() < WATCHER_BACKLOG:
                queue.put_nowait(change)
            else:
                self._watchers.discard(queue)
                queue.put_nowait(None)


def _id(name: str) -> str:
    return "C0" + hashlib.sha256(name.encode()).hexdigest()[:9].upper()
