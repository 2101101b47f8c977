"""What there is to say of a group at a moment, and what is noted instead. Pure."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from alerts.changes import Changes
from alerts.group import AlertGroup, AlertKey, decide
from alerts.model import ACTIONS, Hold, Reason, Silenced
from alerts.muting import Held, silence_of
from alerts.notice import members_of
from alerts.rows import hold_row
from alerts.silence import reminder_at
from alerts.state import Instance
from alerts.tree import Route
from core.rows import Row


def news(
    group: AlertGroup, alive: Mapping[AlertKey, Instance], held: Mapping[AlertKey, Held], route: Route, at: datetime
) -> tuple[Reason | None, Silenced | None]:
    """Return why a receiver must be told now, if it must, and the silence that its message shows then."""
    firing = {key: one for key, one in alive.items() if key not in held}
    if firing or not alive:
        reason = decide(group.told, members_of(firing), members_of(group.ended), at, route)
        if reason in (None, Reason.REPEAT_INTERVAL) and firing and group.silenced is not None:
            reason = Reason.UNSILENCED
        return reason, None
    if group.told is None:
        return None, None
    if not any(group.tells(key, one) for key, one in alive.items()):
        return Reason.ALL_RESOLVED, None  # what fires is held, and everything that was told is over
    silence = silence_of(held, at)
    if silence is None:
        return None, group.silenced
    shown, remind_at = silence.seen(at), reminder_at(silence)
    if shown != group.silenced:
        return Reason.SILENCED, shown
    soon = remind_at is not None and at >= remind_at and not group.reminded
    return (Reason.SILENCE_ENDS_SOON if soon else None), shown


def note(
    group: AlertGroup, alive: Mapping[AlertKey, Instance], held: Mapping[AlertKey, Held], at: datetime, changes: Changes
) -> AlertGroup:
    """Return a group that knows what is kept quiet in it; each change of that is a row."""
    why = {key: one.why for key, one in held.items()}
    for key, one in held.items():
        if group.held.get(key) is not one.why:
            changes.events.append(hold_row(alive[key], group.receiver, group.incident, one.why, at, one.by))
    return group if why == group.held else replace(group, held=why)


def causes(before: AlertGroup, after: AlertGroup, reason: Reason) -> set[str]:
    """Return the fingerprints of the alerts that a notification is about."""
    told = after.told
    if told is None or reason in ACTIONS:
        return set()
    firing, resolved = told.firing, told.resolved
    if before.told is not None and reason not in (Reason.REPEAT_INTERVAL, Reason.RESOLVED_BY_HAND):
        firing, resolved = firing - before.told.firing, resolved - before.told.resolved
    return {one.fingerprint for one in firing | resolved}


def untold(group: AlertGroup, firing: Mapping[AlertKey, Instance], at: datetime) -> list[Row]:
    """Return why nothing is said of a group's alerts at its first flush."""
    rows = [hold_row(one, group.receiver, "", Hold.RESOLVED_BEFORE_FIRST, at) for one in group.ended.values()]
    rows += [hold_row(one, group.receiver, "", Hold.NO_RECEIVER, at) for one in firing.values()]
    return rows
