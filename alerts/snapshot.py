"""What the status page shows of the alert side, as plain values."""

from dataclasses import dataclass
from datetime import datetime

from alerts.changes import Message
from alerts.sender import Outcome
from alerts.store import Logged, MessageState

KEPT = 500


@dataclass(frozen=True, slots=True)
class AlertSummary:
    """One alert that is pending or firing."""

    alertname: str
    severity: str
    state: str
    labels: dict[str, str]
    value: float | None
    since: datetime
    summary: str
    rule: str = ""
    fingerprint: str = ""
    description: str = ""
    silenced_by: tuple[str, ...] = ()
    inhibited_by: str = ""
    """The fingerprint of the alert that holds it."""


@dataclass(frozen=True, slots=True)
class RuleSummary:
    """One rule: its worst alert's state, when it last ran, how long that took and what was wrong."""

    group: str
    rule: str
    state: str
    last_evaluation: datetime | None
    duration_ms: float | None
    error: str


@dataclass(frozen=True, slots=True)
class MessageSummary:
    """One message; `state` is waiting, sent, refused or superseded, `error` what keeps it."""

    at: datetime
    receiver: str
    channel: str
    status: str
    text: str
    state: str
    error: str


class MessageList:
    """The newest messages and what became of them, in memory."""

    def __init__(self) -> None:
        self._messages: dict[tuple[str, int], MessageSummary] = {}

    def load(self, logged: list[Logged]) -> None:
        """Take what is stored, newest first."""
        for one in reversed(logged):
            self._messages[one.incident, one.version] = MessageSummary(
                one.at, one.receiver, one.channel, one.status, one.text, one.state, one.error
            )

    def add(self, message: Message) -> None:
        """Take a message that is stored; older ones of its incident that still wait will not be sent."""
        for version in range(message.version - 1, 0, -1):
            before = self._messages.get((message.incident, version))
            if before is None or before.state not in (MessageState.WAITING, MessageState.REFUSED):
                break
            self._mark(message.incident, version, MessageState.SUPERSEDED, "")
        self._messages[message.incident, message.version] = MessageSummary(
            message.at,
            message.receiver,
            message.channel,
            message.status,
            message.text,
            MessageState.WAITING,
            "",
        )
        while len(self._messages) > KEPT:
            del self._messages[next(iter(self._messages))]

    def report(self, outcome: Outcome) -> None:
        """Take what became of a message."""
        self._mark(outcome.incident, outcome.version, outcome.state, outcome.error)

    def _mark(self, incident: str, version: int, state: MessageState, error: str) -> None:
        one = self._messages.get((incident, version))
        if one is not None:
            self._messages[incident, version] = MessageSummary(
                one.at, one.receiver, one.channel, one.status, one.text, state, error
            )

    def newest(self, limit: int) -> list[MessageSummary]:
        """Return the newest messages, newest first."""
        return list(self._messages.values())[: -limit - 1 : -1]
