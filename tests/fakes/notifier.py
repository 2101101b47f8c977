"""A receiver in memory that keeps what it is told, and fails when a test says so."""

from collections import deque
from dataclasses import dataclass, field
from typing import NamedTuple

from alerts.model import Notification
from alerts.notify.base import ChannelGone, Extras, MessageGone, OutcomeUnknown, Payload, Reference, Storm
from core.errors import DeskError


class Reply(NamedTuple):
    """A line in a message's thread."""

    reference: Reference
    text: str
    broadcast: bool
    key: str = ""


@dataclass
class FakeNotifier:
    """Holds `messages` by reference and `replies`; `posts` and `updates` are every accepted call, in order.

    Each call first takes the next error of `fail`. `channels` are names with or without `#`.
    """

    channels: tuple[str, ...] = ("alerts",)
    sums_up: bool = True
    messages: dict[Reference, Payload] = field(default_factory=dict)
    posts: list[tuple[Reference, Payload]] = field(default_factory=list)
    updates: list[tuple[Reference, Payload]] = field(default_factory=list)
    replies: list[Reply] = field(default_factory=list)
    pictures: list[tuple[bytes, str]] = field(default_factory=list)
    _errors: deque[DeskError] = field(default_factory=deque)
    _count: int = 0

    def fail(self, *errors: DeskError) -> None:
        """Let each of the next calls raise one of these. `OutcomeUnknown` is raised after the call has its effect."""
        self._errors.extend(errors)

    def delete(self, reference: Reference) -> None:
        """Remove a message, as a person can."""
        del self.messages[reference]

    def render(self, notification: Notification) -> Payload:
        names = ", ".join(dict.fromkeys(alert.alertname for alert in notification.alerts))
        text = f"[{notification.status.upper()}] {names}"
        return {"text": text, "incident": notification.incident, "version": notification.version}

    async def post(self, channel: str, payload: Payload) -> Reference:
        lost = self._next_error()
        self._count += 1
        reference = Reference(self._id(channel), f"1767268800.{self._count:06d}")
        self.messages[reference] = payload
        self.posts.append((reference, payload))
        if lost:
            raise lost
        return reference

    async def update(self, reference: Reference, payload: Payload) -> Reference:
        lost = self._next_error()
        self._must_exist(reference)
        self.messages[reference] = payload
        self.updates.append((reference, payload))
        if lost:
            raise lost
        return reference

    def sum_up(self, storm: Storm) -> Payload | None:
        if not self.sums_up:
            return None
        told = ", ".join(f"{name} {count}" for name, count in storm.counts.items())
        return {"text": f"STORM {storm.total}: {told}", "incident": storm.incident, "version": storm.version}

    def dress(self, payload: Payload, extras: Extras) -> Payload:
        return {**payload, **{name: value for name, value in extras._asdict().items() if value}}

    async def reply(self, reference: Reference, text: str, *, key: str = "", broadcast: bool = False) -> None:
        lost = self._next_error()
        self._must_exist(reference)
        self.replies.append(Reply(reference, text, broadcast, key))
        if lost:
            raise lost

    async def replied(self, reference: Reference, key: str) -> bool:
        lost = self._next_error()
        if lost:
            raise lost
        return any(one.reference == reference and one.key == key for one in self.replies)

    async def link(self, reference: Reference) -> str:
        lost = self._next_error()
        self._must_exist(reference)
        if lost:
            raise lost
        return f"https://slack.example.com/{reference.channel}/{reference.ts}"

    async def upload(self, png: bytes, title: str) -> str:
        lost = self._next_error()
        if lost:
            raise lost
        self.pictures.append((png, title))
        return f"F{len(self.pictures)}"

    async def find(self, channel: str, incident: str, version: int) -> Reference | None:
        lost = self._next_error()
        if lost:
            raise lost
        place = self._id(channel)
        for reference, payload in reversed(self.messages.items()):
            if reference.channel == place and (payload["incident"], payload["version"]) == (incident, version):
                return reference
        return None

    def _next_error(self) -> OutcomeUnknown | None:
        if not self._errors:
            return None
        error = self._errors.popleft()
        if isinstance(error, OutcomeUnknown):
            return error
        raise error

    def _id(self, channel: str) -> str:
        ids = {f"C{name.lstrip('#').upper()}": name.lstrip("#") for name in self.channels}
        for place, name in ids.items():
            if channel.lstrip("#") in {place, name}:
                return place
        raise ChannelGone(channel, hint="Name a channel that exists")

    def _must_exist(self, reference: Reference) -> None:
        if reference not in self.messages:
            raise MessageGone(f"{reference.channel} {reference.ts}", hint="Post it afresh")
