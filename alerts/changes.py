"""What has to be stored together: alerts that changed, groups, messages, and the rows that tell of it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum
from typing import Any

from alerts.evaluate import Memory
from alerts.group import AlertGroup, AlertKey
from alerts.model import AlertStatus, Reason, Severity
from alerts.notify.base import Payload
from alerts.silence import Silence
from alerts.state import Instance
from core.rows import Row


@dataclass(frozen=True, slots=True)
class Message:
    """A rendered notification on its way to a channel: the whole desired state of its incident."""

    incident: str
    version: int
    receiver: str
    channel: str
    status: AlertStatus
    severity: Severity
    reason: Reason
    text: str
    payload: Payload
    at: datetime
    facts: Mapping[str, Any] = field(default_factory=dict)
    """What the thread's next lines are told from (`notify.thread.Facts`)."""


@dataclass
class Changes:
    """Changes of one step, each as the state after it; None: it is gone."""

    instances: dict[AlertKey, Instance | None] = field(default_factory=dict)
    empty: dict[str, int | None] = field(default_factory=dict)
    groups: dict[str, AlertGroup | None] = field(default_factory=dict)
    silences: dict[str, Silence] = field(default_factory=dict)
    messages: list[Message] = field(default_factory=list)
    events: list[Row] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.instances or self.empty or self.groups or self.silences or self.messages or self.events)

    def add(self, later: "Changes") -> None:
        """Take the changes of a later step too."""
        self.instances.update(later.instances)
        self.empty.update(later.empty)
        self.groups.update(later.groups)
        self.silences.update(later.silences)
        self.messages += later.messages
        self.events += later.events

    def memory(self, rule: str, before: Memory, after: Memory) -> None:
        """Note what is different in a rule's memory."""
        if after.empty != before.empty:
            self.empty[rule] = after.empty
        if after.instances is before.instances:
            return
        for key, one in after.instances.items():
            was = before.instances.get(key)
            if was is not one and was != one:
                self.instances[AlertKey(rule, key)] = one
        for key in before.instances.keys() - after.instances.keys():
            self.instances[AlertKey(rule, key)] = None


class Part(IntEnum):
    """What of an incident waits, the most urgent first."""

    MESSAGE = 0
    LOUD_LINE = 1
    QUIET_LINE = 2


@dataclass(frozen=True, slots=True)
class Waiting:
    """A message or thread line that is not confirmed yet, without its text: what a queue keeps of it.

    `fresh`: its incident has no message yet.
    """

    incident: str
    version: int
    receiver: str
    channel: str
    status: AlertStatus
    severity: Severity
    at: datetime
    part: Part = Part.MESSAGE
    fresh: bool = False


def waiting_of(message: Message) -> Waiting:
    """Return what a queue keeps of a message."""
    return Waiting(
        message.incident,
        message.version,
        message.receiver,
        message.channel,
        message.status,
        message.severity,
        message.at,
        fresh=message.version == 1,
    )


@dataclass(frozen=True, slots=True)
class Saved:
    """What the store held when it was opened."""

    memories: Mapping[str, Memory]
    groups: Iterable[AlertGroup]
    waiting: Iterable[Waiting]
    silences: Iterable[Silence] = ()
