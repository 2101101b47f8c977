"""Slots in time order, not on a schedule: rule tests and backtests run the engine and the board of the live desk."""

import heapq
import json
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

from alerts.board import Board
from alerts.changes import Changes
from alerts.evaluate import Health
from alerts.model import Labels, Notification
from alerts.notify.base import Payload
from alerts.notify.slack_message import message
from alerts.schedule import slot_at
from alerts.state import State
from core.clock import to_datetime
from core.rows import Row
from rules.model import Group


class Slot(NamedTuple):
    """A group that runs, and when."""

    at: datetime
    group: Group


class Step(NamedTuple):
    """One transition, as it is stored."""

    at: datetime
    fingerprint: str
    labels: Labels
    before: str
    after: str
    value: float | None
    reason: str

    @property
    def alert(self) -> str:
        """The rule's name."""
        return self.labels.get("alertname", "")

    @property
    def end(self) -> str:
        """The state after it for a reader: what is over is inactive."""
        return State.INACTIVE if self.after == State.RESOLVED else self.after


class Trouble(NamedTuple):
    """An evaluation that went wrong."""

    at: datetime
    rule: str
    error: str


@dataclass
class Record:
    """What happened, in order. It takes the place of the store, of the receivers and of the writer."""

    events: list[Row] = field(default_factory=list)
    sent: list[tuple[Notification, Payload]] = field(default_factory=list)
    troubles: list[Trouble] = field(default_factory=list)
    recordings: list[Row] = field(default_factory=list)

    def render(self, notification: Notification) -> Payload:
        """Render as for Slack, and keep it: the board renders what it sends and nothing else."""
        payload = message(notification)
        self.sent.append((notification, payload))
        return payload

    async def save(self, changes: Changes) -> None:
        """Take what a step changed."""
        self.events += changes.events

    def write(self, rows: Iterable[Row]) -> None:
        """Take values that rules record, and rows of evaluations; of these the ones that went wrong are kept."""
        for row in rows:
            if row.table == "recordings":
                self.recordings.append(row)
            if row.values.get("outcome") == Health.ERROR:
                rule = f"{row.values['rule_group']}/{row.values['rule']}"
                self.troubles.append(Trouble(to_datetime(row.ts), rule, str(row.values["error"])))

    async def flush(self) -> None:
        """Nothing waits here."""

    def steps(self) -> list[Step]:
        """Return every transition."""
        return steps_of(self.events)


def steps_of(rows: Iterable[Row]) -> list[Step]:
    """Return the transitions among rows of `alert_events`."""
    found = []
    for row in rows:
        values = row.values
        if values.get("event") != "transition":
            continue
        value = values.get("value")
        found.append(
            Step(
                to_datetime(row.ts),
                str(values["fingerprint"]),
                json.loads(str(values["labels"])),
                str(values["from_state"]),
                str(values["to_state"]),
                None if value is None else float(str(value)),
                str(values.get("reason") or ""),
            )
        )
    return found


def slots(groups: Sequence[Group], start: datetime, end: datetime) -> Iterator[Slot]:
    """Yield the slots of the live schedule with start <= slot <= end, in time order, a tie in the groups' order."""
    firsts = []
    for group in groups:
        last = slot_at(group, start)
        firsts.append(last if last == start else last + group.every)
    return merged(groups, firsts, end)


def merged(groups: Sequence[Group], firsts: Sequence[datetime], end: datetime) -> Iterator[Slot]:
    """Yield every group's slots from its first one up to the end, in time order, a tie in the groups' order."""
    series = [_every(group, first, end) for group, first in zip(groups, firsts, strict=True)]
    return heapq.merge(*series, key=lambda slot: slot.at)


def _every(group: Group, first: datetime, end: datetime) -> Iterator[Slot]:
    count = (end - first) // group.every
    return (Slot(first + n * group.every, group) for n in range(count + 1))


async def flush_before(board: Board, at: datetime, save: Callable[[Changes], Awaitable[None]]) -> None:
    """Let every group speak at its exact time, up to `at` and not at it: what happens at `at` is told at `at`."""
    while board.next_due is not None and board.next_due < at:
        await save(board.flush(board.next_due))


async def drive(
    board: Board,
    run: Callable[[Group, datetime], Awaitable[None]],
    when: Iterable[Slot],
    end: datetime,
    save: Callable[[Changes], Awaitable[None]],
) -> None:
    """Run the slots and the flushes between them, and the flushes up to the end."""
    for slot in when:
        await flush_before(board, slot.at, save)
        await run(slot.group, slot.at)
    await flush_before(board, end + timedelta(microseconds=1), save)
