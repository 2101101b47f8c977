"""What a person does about alerts: acknowledge, silence, resolve, and take it back. One door for page, CLI and Slack.

Each action is stored with the messages that it causes before it is answered, and is a row in `alert_events`.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from alerts.board import Board
from alerts.changes import Changes
from alerts.group import AlertGroup
from alerts.labels import Matcher, Operator
from alerts.model import Ack, Hold, Reason
from alerts.notice import members_of
from alerts.rows import action_row, hold_row
from alerts.silence import Silence, SilenceState, Window, new_silence
from core.rows import Row


class Done(StrEnum):
    """What became of an action."""

    DONE = "done"
    ALREADY = "already"
    """It was so before: nothing has changed."""
    RESOLVED = "resolved"
    """The incident is over; it is never opened again."""
    UNKNOWN = "unknown"
    """There is no such incident or silence."""


class Quiet(NamedTuple):
    """What came of a silence."""

    done: Done
    silence: Silence | None = None


class Actions:
    """`save` stores changes and hands on what they cause; `knows` says whether there ever was an incident."""

    def __init__(
        self, board: Board, save: Callable[[Changes], Awaitable[None]], knows: Callable[[str], Awaitable[bool]]
    ) -> None:
        self._board = board
        self._save = save
        self._knows = knows

    async def acknowledge(self, incident: str, actor: str, at: datetime) -> Done:
        """Note that somebody looks after an incident: no more reminders until it is over."""
        group = self._open(incident)
        if group is None:
            return await self._missing(incident)
        if group.ack is not None:
            return Done.ALREADY
        return await self._say(replace(group, ack=Ack(actor, at)), Reason.ACKNOWLEDGED, actor, at)

    async def unacknowledge(self, incident: str, actor: str, at: datetime) -> Done:
        """Take an acknowledgement back."""
        group = self._open(incident)
        if group is None:
            return await self._missing(incident)
        if group.ack is None:
            return Done.ALREADY
        return await self._say(replace(group, ack=None), Reason.UNACKNOWLEDGED, actor, at)

    async def show(self, incident: str, at: datetime) -> None:
        """Let an open incident's message be edited, since its chart is there."""
        group = self._board.group_of(incident)
        if group is not None:
            changes = Changes()
            self._board.put(self._board.say(group, Reason.CHART, at, changes), changes)
            await self._save(changes)

    async def resolve(self, incident: str, actor: str, at: datetime) -> Done:
        """Close an incident by hand. What still breaches stays closed until it has recovered once."""
        group = self._open(incident)
        if group is None:
            return await self._missing(incident)
        changes = Changes()
        alive = self._board.alive(group)
        said = self._board.say(replace(group, silenced=None), Reason.RESOLVED_BY_HAND, at, changes, closed_by=actor)
        closed = replace(said, closed=said.closed | members_of(alive))
        self._board.put(closed.over(), changes)
        changes.events.append(_row(group, Reason.RESOLVED_BY_HAND, actor, at))
        changes.events += [
            hold_row(one, group.receiver, group.incident, Hold.CLOSED, at, actor) for one in alive.values()
        ]
        await self._save(changes)
        return Done.DONE

    async def silence(self, incident: str, until: datetime, actor: str, comment: str, at: datetime) -> Quiet:
        """Silence what an incident is about: the labels that its alerts share.

        Raises:
            BadSilence: no author, no comment, or an end that is over.
        """
        group = self._open(incident)
        if group is None:
            return Quiet(await self._missing(incident))
        return await self.add_silence(self._matchers(group), Window(until), actor, comment, at, incident)

    async def add_silence(
        self, matchers: Sequence[Matcher], window: Window, actor: str, comment: str, at: datetime, incident: str = ""
    ) -> Quiet:
        """Silence every alert that all matchers fit; messages that are open say so at once.

        Raises:
            BadSilence: no author, no comment, an end that is over, or matchers that fit everything.
        """
        one = new_silence(matchers, window, actor, comment, at, incident)
        if one.id in self._board.muting.silences:
            return Quiet(Done.ALREADY, self._board.muting.silences[one.id])
        await self._hush(one, Reason.SILENCED, actor, at)
        return Quiet(Done.DONE, one)

    async def expire(self, silence: str, actor: str, at: datetime) -> Done:
        """End a silence now."""
        one = self._board.muting.silences.get(silence)
        if one is None:
            return Done.UNKNOWN
        if one.state(at) is SilenceState.EXPIRED:
            return Done.ALREADY
        await self._hush(one.expire(at), Reason.UNSILENCED, actor, at)
        return Done.DONE

    async def unsilence(self, incident: str, actor: str, at: datetime) -> Done:
        """End every silence that holds an incident's alerts, whoever made it."""
        group = self._open(incident)
        if group is None:
            return await self._missing(incident)
        alerts = self._board.alive(group).values()
        found = {one.id: one for alert in alerts for one in self._board.muting.silenced_by(alert.labels, at)}
        for one in found.values():
            await self._hush(one.expire(at), Reason.UNSILENCED, actor, at)
        return Done.DONE if found else Done.ALREADY

    def silences(self) -> list[Silence]:
        """Return every silence, those that are over for less than a month too; what ends last comes first."""
        return sorted(self._board.muting.silences.values(), key=lambda one: one.ends_at, reverse=True)

    async def _say(self, group: AlertGroup, reason: Reason, actor: str, at: datetime) -> Done:
        changes = Changes()
        self._board.put(self._board.say(group, reason, at, changes), changes)
        changes.events.append(_row(group, reason, actor, at))
        await self._save(changes)
        return Done.DONE

    async def _hush(self, silence: Silence, reason: Reason, actor: str, at: datetime) -> None:
        changes = Changes(silences={silence.id: silence})
        self._board.muting.silences[silence.id] = silence
        changes.events.append(action_row(silence.incident or silence.id, "", reason, f"{actor}: {silence.comment}", at))
        for group in list(self._board.groups()):
            self._board.look(group, at, changes)
        await self._save(changes)

    def _open(self, incident: str) -> AlertGroup | None:
        """Return the group of an incident in which something fires; one without will be told to be over."""
        group = self._board.group_of(incident)
        return group if group is not None and self._board.alive(group) else None

    async def _missing(self, incident: str) -> Done:
        return Done.RESOLVED if await self._knows(incident) else Done.UNKNOWN

    def _matchers(self, group: AlertGroup) -> list[Matcher]:
        """Return what fits the incident: the labels of its group, or without any those that its alerts share."""
        labels = dict(group.labels)
        alerts = [one.labels for one in self._board.alive(group).values()]
        if not labels and alerts:
            labels = {key: text for key, text in alerts[0].items() if all(one.get(key) == text for one in alerts)}
        return [Matcher(name, Operator.EQUAL, value) for name, value in sorted(labels.items())]


def _row(group: AlertGroup, reason: Reason, actor: str, at: datetime) -> Row:
    return action_row(group.incident, group.receiver, reason, actor, at)
