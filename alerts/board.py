"""Every alert and every group as they are now. Pure of I/O: each step takes a time and returns what to store.

A step that opens a group, and the flush of a group, give the same `Changes` whenever they are replayed.
"""

import heapq
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TypeAlias

from alerts.changes import Changes, Message, Saved
from alerts.evaluate import Evaluation, Memory
from alerts.group import AlertGroup, AlertKey, decide, group_key, open_group
from alerts.model import Hold, Notification, Reason
from alerts.notice import members_of, speak
from alerts.notify.base import Payload
from alerts.route import Route, Routing
from alerts.rows import hold_row, notification_rows, transition_row
from alerts.state import Firing, Instance, ResolveReason, State, Transition, end_all
from core.rows import Row
from rules.model import Rule

Render: TypeAlias = Callable[[Notification], Payload] | None
"""How a receiver's message is made; None: nothing is set up for it."""
Found: TypeAlias = tuple[str, Transition]

MOMENT = timedelta(microseconds=1)


class Board:
    """`rules` maps identities (group/rule) to rules; `renderer` gives a receiver's way to render."""

    def __init__(self, rules: Mapping[str, Rule], routing: Routing, renderer: Callable[[str], Render]) -> None:
        self._rules = dict(rules)
        self._routing = routing
        self._routes = {(route.path, route.receiver): route for route in _walk(routing.root)}
        self._renderer = renderer
        self._memories: dict[str, Memory] = {}
        self._groups: dict[str, AlertGroup] = {}
        self._groups_of: dict[AlertKey, set[str]] = {}
        self._due: list[tuple[datetime, str]] = []

    @property
    def next_due(self) -> datetime | None:
        """When a group looks at its alerts next."""
        return self._due[0][0] if self._due else None

    def memory(self, rule: str) -> Memory:
        """Return what a rule remembers."""
        return self._memories.get(rule) or Memory()

    def instances(self) -> Iterable[tuple[str, Instance]]:
        """Yield every alert with its rule's identity."""
        for rule, memory in self._memories.items():
            for one in memory.instances.values():
                yield rule, one

    def restore(self, saved: Saved, at: datetime) -> Changes:
        """Take what was stored: alerts of rules that are no more end, alerts join the groups of a changed routing."""
        self._memories = dict(saved.memories)
        for group in saved.groups:
            self._keep(group)
        changes = Changes()
        self._flush_due(at, changes)
        self._end_unknown(at, changes)
        firing: dict[str, list[AlertKey]] = {}
        for rule, one in list(self.instances()):
            if one.firing:
                self._join(AlertKey(rule, one.fingerprint), one, at, firing, changes)
        self._joined(firing, changes)
        return changes

    def change_rules(self, rules: Mapping[str, Rule], at: datetime) -> Changes:
        """Take other rules: alerts of those that are no more end, by that reason."""
        self._rules = dict(rules)
        changes = Changes()
        self._end_unknown(at, changes)
        return changes

    def _end_unknown(self, at: datetime, changes: Changes) -> None:
        for rule in [name for name in self._memories if name not in self._rules]:
            memory = self._memories.pop(rule)
            step = end_all(memory.instances, at, ResolveReason.RULE_DELETED)
            changes.empty[rule] = None
            changes.instances.update({AlertKey(rule, key): None for key in memory.instances})
            self._feed([(rule, one) for one in step.transitions], at, changes)

    def settle(self, evaluations: Sequence[tuple[str, Evaluation]], at: datetime) -> Changes:
        """Take the evaluations of one slot; groups without a wait speak at once."""
        changes = Changes()
        found: list[Found] = []
        if any(one.transitions for _, one in evaluations):
            # A tick before this slot must not tell of what happens at it.
            self._flush_due(at - MOMENT, changes)
        for rule, evaluation in evaluations:
            if rule not in self._rules:
                continue  # it was removed while it was evaluated
            before = self.memory(rule)
            if evaluation.memory is not before:
                self._memories[rule] = evaluation.memory
                changes.memory(rule, before, evaluation.memory)
            found += [(rule, one) for one in evaluation.transitions]
        if found:
            self._feed(found, at, changes)
            self._flush_due(at, changes)
        return changes

    def _feed(self, found: Sequence[Found], at: datetime, changes: Changes) -> None:
        """Bring transitions to the groups that they concern."""
        firing: dict[str, list[AlertKey]] = {}
        ended: dict[str, dict[AlertKey, Instance]] = {}
        for rule, one in found:
            if (one.before, one.after) != (State.RESOLVED, State.INACTIVE):  # that it is forgotten is no news
                changes.events.append(transition_row(one))
            key = AlertKey(rule, one.instance.fingerprint)
            if one.after is State.FIRING:
                self._join(key, one.instance, at, firing, changes)
            elif one.after is State.RESOLVED:
                for name in self._groups_of.get(key, ()):
                    ended.setdefault(name, {})[key] = one.instance
        self._joined(firing, changes)
        for name, alerts in ended.items():
            group = self._groups[name]
            self._keep(group.with_ended(alerts), changes)
            if group.told is not None and group.next_flush > at:
                changes.events += [
                    hold_row(one, group.receiver, group.incident, Hold.GROUP_INTERVAL, at) for one in alerts.values()
                ]

    def _join(
        self, key: AlertKey, one: Instance, at: datetime, firing: dict[str, list[AlertKey]], changes: Changes
    ) -> None:
        """Name the groups that a firing alert joins; open those that are not there."""
        fired_at = one.phase.fired_at if isinstance(one.phase, Firing) else at
        routes = {group_key(route, one.labels): route for route in self._routing.root.match(one.labels)}
        for name, route in routes.items():
            if name not in self._groups:
                known = self._adopted(key, route, routes.keys(), changes)
                group = open_group(route, one.labels, at, fired_at)
                self._keep(group if known is None else replace(known, key=name, route=route.path), changes)
            group = self._groups[name]
            if key in group.members and key not in group.ended:
                continue
            firing.setdefault(name, []).append(key)
            if group.next_flush > at:
                hold = Hold.GROUP_WAIT if group.told is None else Hold.GROUP_INTERVAL
                changes.events.append(hold_row(one, group.receiver, group.incident, hold, at))

    def _adopted(self, key: AlertKey, route: Route, names: Collection[str], changes: Changes) -> AlertGroup | None:
        """Return the alert's group of another routing that tells the same people: its message lives on."""
        for old in self._groups_of.get(key, ()):
            group = self._groups[old]
            if old not in names and group.receiver == route.receiver:
                self._drop(group, changes)
                return group
        return None

    def _joined(self, firing: Mapping[str, list[AlertKey]], changes: Changes) -> None:
        for name, keys in firing.items():
            self._keep(self._groups[name].with_firing(keys), changes)

    def _keep(self, group: AlertGroup, changes: Changes | None = None) -> None:
        before = self._groups.get(group.key)
        if before is None or before.next_flush != group.next_flush:
            heapq.heappush(self._due, (group.next_flush, group.key))
        for key in group.members - (before.members if before else frozenset()):
            self._groups_of.setdefault(key, set()).add(group.key)
        self._groups[group.key] = group
        if changes is not None:
            changes.groups[group.key] = group

    def _drop(self, group: AlertGroup, changes: Changes) -> None:
        del self._groups[group.key]
        changes.groups[group.key] = None
        for key in group.members:
            names = self._groups_of.get(key, set())
            names.discard(group.key)
            if not names:
                self._groups_of.pop(key, None)

    def flush(self, now: datetime, *, most: int | None = None) -> Changes:
        """Let every group speak whose time has come, or the first of them; what they say does not depend on that."""
        changes = Changes()
        self._flush_due(now, changes, most)
        return changes

    def _flush_due(self, now: datetime, changes: Changes, most: int | None = None) -> None:
        while self._due and self._due[0][0] <= now and (most is None or len(changes.messages) < most):
            due, name = heapq.heappop(self._due)
            group = self._groups.get(name)
            if group is not None and group.next_flush == due:
                self._flush_one(group, now, changes)

    def _flush_one(self, group: AlertGroup, now: datetime, changes: Changes) -> None:
        route = self._routes.get((group.route, group.receiver), self._routing.root)
        at = group.due(now, route.group_interval)
        firing = self._firing(group)
        reason = decide(group.told, members_of(firing), members_of(group.ended), at, route)
        render = self._renderer(group.receiver)
        after = group
        if reason is not None and render is not None:
            after = self._say(group, firing, reason, at, render, changes)
        elif group.told is None:
            changes.events += _untold(group, firing if group.waits else {}, at)
            after = replace(group, members=frozenset(firing), ended={})
        if not firing and (render is not None or group.told is None):
            self._drop(group, changes)
            return
        # A tick that says nothing is not stored: after a restart the grid gives the same next one.
        self._keep(after.after(at, route.group_interval), None if after == group else changes)

    def _firing(self, group: AlertGroup) -> dict[AlertKey, Instance]:
        alerts = {
            key: self.memory(key.rule).instances.get(key.fingerprint)
            for key in sorted(group.members - group.ended.keys())
        }
        return {key: one for key, one in alerts.items() if one is not None and one.firing}

    def _say(
        self,
        group: AlertGroup,
        firing: Mapping[AlertKey, Instance],
        reason: Reason,
        at: datetime,
        render: Callable[[Notification], Payload],
        changes: Changes,
    ) -> AlertGroup:
        after, notification = speak(group, firing, reason, at, self._rules)
        payload = render(notification)
        receiver = self._routing.receivers.get(group.receiver)
        changes.messages.append(
            Message(
                incident=notification.incident,
                version=notification.version,
                receiver=group.receiver,
                channel=receiver.channel if receiver else "",
                status=notification.status,
                severity=notification.severity,
                reason=reason,
                text=str(payload.get("text", "")),
                payload=payload,
                at=at,
            )
        )
        news = members_of(firing), members_of(group.ended)
        if group.told is not None and reason is not Reason.REPEAT_INTERVAL:
            news = news[0] - group.told.firing, news[1] - group.told.resolved
        changes.events += notification_rows(notification, (one.fingerprint for one in news[0] | news[1]))
        return after


def _untold(group: AlertGroup, firing: Mapping[AlertKey, Instance], at: datetime) -> list[Row]:
    """Return why nothing is said of a group's alerts at its first flush."""
    rows = [hold_row(one, group.receiver, "", Hold.RESOLVED_BEFORE_FIRST, at) for one in group.ended.values()]
    rows += [hold_row(one, group.receiver, "", Hold.NO_RECEIVER, at) for one in firing.values()]
    return rows


def _walk(route: Route) -> Iterable[Route]:
    yield route
    for child in route.children:
        yield from _walk(child)
