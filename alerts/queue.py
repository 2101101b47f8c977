"""What waits for one channel, and what goes next: the most severe first, one message a second. Pure."""

from dataclasses import dataclass, field, replace

from alerts.changes import Part, Waiting
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


_Key = tuple[str, bool]


@dataclass
class ChannelQueue:
    """One entry for an incident's newest message and one for its thread. Times are the clock's elapsed seconds."""

    channel: str
    _entries: dict[_Key, _Entry] = field(default_factory=dict)
    _free_at: float = 0.0

    def __len__(self) -> int:
        return len(self._entries)

    def put(self, waiting: Waiting) -> None:
        """Take a message; it takes the place of an older one of its incident. What was refused may be right now."""
        key = _key(waiting)
        before = self._entries.get(key)
        if before is None or before.refused:
            self._entries[key] = _Entry(waiting)
        elif before.waiting.version < waiting.version:
            # Nobody has seen the older one.
            self._entries[key] = replace(before, waiting=replace(waiting, fresh=waiting.fresh or before.waiting.fresh))

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

    def crowd(self, most: int, kept: int) -> list[Waiting]:
        """Return the incidents without a message that one digest should stand for: none while at most `most` wait.

        The `kept` most urgent of them are never among these.
        """
        fresh = [one.waiting for one in self._entries.values() if one.waiting.fresh and not one.refused]
        return sorted(fresh, key=_urgency)[kept:] if len(fresh) > most else []

    def spend(self, elapsed: float) -> None:
        """Note that a message leaves."""
        self._free_at = max(self._free_at, elapsed + BETWEEN_S)

    def hold(self, until: float) -> None:
        """Let the whole channel wait."""
        self._free_at = max(self._free_at, until)

    def done(self, waiting: Waiting, version: int) -> None:
        """Note that a version has arrived; a newer one stays, with a clean slate."""
        key = _key(waiting)
        entry = self._entries.get(key)
        if entry is not None and entry.waiting.version <= version:
            del self._entries[key]
        elif entry is not None:
            self._entries[key] = _Entry(replace(entry.waiting, fresh=False))

    def wait(self, waiting: Waiting, until: float) -> None:
        """Let a message wait until a time."""
        entry = self._entries.get(_key(waiting))
        if entry is not None:
            self._entries[_key(waiting)] = replace(entry, not_before=max(entry.not_before, until))

    def later(self, waiting: Waiting, elapsed: float) -> None:
        """Put a message off, longer each time."""
        entry = self._entries.get(_key(waiting))
        if entry is not None:
            pause = BACK_OFF_S[min(entry.attempts, len(BACK_OFF_S) - 1)]
            put_off = replace(entry, attempts=entry.attempts + 1, not_before=elapsed + pause)
            self._entries[_key(waiting)] = put_off

    def refuse(self, waiting: Waiting, version: int, elapsed: float) -> None:
        """Put a refused message off for long; a newer one goes at once."""
        entry = self._entries.get(_key(waiting))
        if entry is not None:
            seldom = _Entry(entry.waiting, not_before=elapsed + SELDOM_S, refused=True)
            self._entries[_key(waiting)] = seldom if entry.waiting.version <= version else _Entry(entry.waiting)


def _key(waiting: Waiting) -> _Key:
    return waiting.incident, waiting.part is Part.MESSAGE


def _urgency(waiting: Waiting) -> tuple[bool, int, Part, bool, object, str]:
    """Order: what notifies before what does not, loud before quiet, what fires before what is over, old before new."""
    over = waiting.status is AlertStatus.RESOLVED
    quiet = waiting.part is Part.QUIET_LINE
    return (quiet, -RANK[waiting.severity], waiting.part, over, waiting.at, waiting.incident)
