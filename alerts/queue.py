"""What waits for one channel, and what goes next: the most severe first, one message a second. Pure."""

from dataclasses import dataclass, field, replace

from alerts.changes import Waiting
from alerts.model import AlertStatus
from alerts.notice import RANK

BETWEEN_S = 1.0
"""Seconds between two messages of a channel: what Slack takes for long."""
BACK_OFF_S = (1.0, 2.0, 5.0, 10.0, 15.0)
SELDOM_S = 600.0
"""Seconds until something is tried again that only a person can mend."""


@dataclass(frozen=True, slots=True)
class _Entry:
    waiting: Waiting
    attempts: int = 0
    not_before: float = 0.0
    refused: bool = False


@dataclass
class ChannelQueue:
    """One entry an incident, the newest. Times are the clock's elapsed seconds."""

    channel: str
    _entries: dict[str, _Entry] = field(default_factory=dict)
    _free_at: float = 0.0

    def __len__(self) -> int:
        return len(self._entries)

    def put(self, waiting: Waiting) -> None:
        """Take a message; it takes the place of an older one of its incident. What was refused may be right now."""
        before = self._entries.get(waiting.incident)
        if before is None or before.refused:
            self._entries[waiting.incident] = _Entry(waiting)
        elif before.waiting.version < waiting.version:
            self._entries[waiting.incident] = replace(before, waiting=waiting)

    def next(self, elapsed: float) -> Waiting | float | None:
        """Return the message to send now, or the seconds until there may be one, or None when nothing waits."""
        if not self._entries:
            return None
        if elapsed < self._free_at:
            return self._free_at - elapsed
        ready = [one.waiting for one in self._entries.values() if one.not_before <= elapsed]
        if not ready:
            return min(one.not_before for one in self._entries.values()) - elapsed
        return min(ready, key=_urgency)

    def spend(self, elapsed: float) -> None:
        """Note that a message leaves."""
        self._free_at = max(self._free_at, elapsed + BETWEEN_S)

    def hold(self, until: float) -> None:
        """Let the whole channel wait."""
        self._free_at = max(self._free_at, until)

    def done(self, incident: str, version: int) -> None:
        """Note that a version has arrived; a newer one stays, with a clean slate."""
        entry = self._entries.get(incident)
        if entry is not None and entry.waiting.version <= version:
            del self._entries[incident]
        elif entry is not None:
            self._entries[incident] = _Entry(entry.waiting)

    def later(self, incident: str, elapsed: float) -> None:
        """Put a message off, longer each time."""
        entry = self._entries.get(incident)
        if entry is not None:
            pause = BACK_OFF_S[min(entry.attempts, len(BACK_OFF_S) - 1)]
            self._entries[incident] = replace(entry, attempts=entry.attempts + 1, not_before=elapsed + pause)

    def refuse(self, incident: str, version: int, elapsed: float) -> None:
        """Put a refused message off for long; a newer one goes at once."""
        entry = self._entries.get(incident)
        if entry is not None:
            seldom = _Entry(entry.waiting, not_before=elapsed + SELDOM_S, refused=True)
            self._entries[incident] = seldom if entry.waiting.version <= version else _Entry(entry.waiting)


def _urgency(waiting: Waiting) -> tuple[int, bool, object, str]:
    """Order: loud before quiet, what fires before what is over, old before new."""
    over = waiting.status is AlertStatus.RESOLVED
    return (-RANK[waiting.severity], over, waiting.at, waiting.incident)
