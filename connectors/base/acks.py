"""Subscriptions that wait for the venue's word: each is acknowledged, refused, or asked for again.

A refused request of many streams is asked again in halves, so that one bad name costs itself and a few requests. A
request waits its turn behind the venue's limit of frames a second; its patience begins when it can have been sent.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from connectors.base.contract import Acknowledged, Command, Dialect, Send, Stream
from core.types import SECOND, Nanos

PATIENCE: Nanos = 10 * SECOND
ATTEMPTS = 3


@dataclass(slots=True)
class _Asked:
    streams: tuple[Stream, ...]
    deadline: Nanos
    attempt: int


class Refusal(NamedTuple):
    """A stream that we do not get. `answered` False: the venue said nothing, so a new connection may ask again."""

    stream: Stream
    reason: str
    answered: bool = True


class Acks:
    """The requests of one connection."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._number = 0
        self._asked: dict[int, _Asked] = {}
        self._refused: list[Refusal] = []
        self._sent_by: Nanos = 0
        self._turn = round(SECOND / dialect.frames_per_second)

    @property
    def waiting(self) -> bool:
        """Whether an answer is still owed."""
        return bool(self._asked)

    def subscribe(self, streams: Sequence[Stream], now: Nanos, attempt: int = 1) -> list[Command]:
        """Return the frames that subscribe, and expect their answers."""
        if not streams:
            return []
        frames = self._dialect.subscribe(streams, self._number + 1)
        self._sent_by = max(self._sent_by, now) + len(frames) * self._turn
        for _ in frames:
            self._number += 1
            self._asked[self._number] = _Asked(tuple(streams), self._sent_by + PATIENCE, attempt)
        return [Send(frame, streams) for frame in frames]

    def unsubscribe(self, streams: Sequence[Stream]) -> list[Command]:
        """Return the frames that unsubscribe; their answers do not matter."""
        frames = self._dialect.unsubscribe(streams, self._number + 1)
        self._number += len(frames)
        self._sent_by += len(frames) * self._turn
        return [Send(frame) for frame in frames]

    def answered(self, answer: Acknowledged, now: Nanos) -> list[Command]:
        """Take the venue's word; return what to ask instead."""
        if answer.stream is not None:
            return self._stream_answered(answer.stream, answer)
        request = answer.request
        if request is None and not answer.ok and len(self._asked) == 1:
            request = next(iter(self._asked))  # it does not say what it refuses, and this is all we asked
        asked = self._asked.pop(request, None) if request is not None else None
        if asked is None or answer.ok:
            return []
        if len(asked.streams) == 1:
            self._refused.append(Refusal(asked.streams[0], answer.reason))
            return []
        return self._halves(asked.streams, now)

    def _halves(self, streams: Sequence[Stream], now: Nanos) -> list[Command]:
        middle = len(streams) // 2
        return [*self.subscribe(streams[:middle], now), *self.subscribe(streams[middle:], now)]

    def _stream_answered(self, stream: Stream, answer: Acknowledged) -> list[Command]:
        for number, asked in list(self._asked.items()):
            if stream in asked.streams:
                asked.streams = tuple(one for one in asked.streams if one != stream)
                if not asked.streams:
                    del self._asked[number]
        if not answer.ok:
            self._refused.append(Refusal(stream, answer.reason))
        return []

    def overdue(self, now: Nanos) -> list[Command]:
        """Ask again for what was not answered in time; after some attempts it counts as refused."""
        commands: list[Command] = []
        for number, asked in list(self._asked.items()):
            if now < asked.deadline:
                continue
            del self._asked[number]
            if asked.attempt >= ATTEMPTS:
                silence = f"no answer to {ATTEMPTS} requests"
                self._refused += [Refusal(stream, silence, answered=False) for stream in asked.streams]
            else:
                commands += self.subscribe(asked.streams, now, asked.attempt + 1)
        return commands

    def restart(self) -> None:
        """Forget what the last connection owed."""
        self._asked.clear()
        self._sent_by = 0

    def refused(self) -> list[Refusal]:
        """Return, once, the streams that the venue refused, with its reason."""
        refused, self._refused = self._refused, []
        return refused
