"""Every alert and every group as they are now. Pure of I/O: each step takes a time and returns what to store.

A step that opens a group, and the flush of a group, give the same `Changes` whenever they are replayed.
"""

import heapq
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TypeAlias

from alerts.changes import Changes, Message, Saved
from alerts.evaluate import Change, Evaluation, Memory
from alerts.group import AlertGroup, AlertKey, group_key, open_group
from alerts.model import Hold, Notification, Reason
from alerts.muting import Held, Muting
from alerts.news import causes, news, note, untold
from alerts.notice import speak
from alerts.notify.base import Payload
from alerts.notify.thread import facts
from alerts.rows import hold_row, notification_rows, transition_row
from alerts.state import Firing, Instance, ResolveReason, State, Transition, end_all, shifted
from alerts.tree import Route, Routing
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
        self._routes = {(route.path, route.receiver): route for route in routing.root.walk()}
        self._renderer = renderer
        self._memories: dict[str, Memory] = {}
        self._groups: dict[str, AlertGroup] = {}
        self._groups_of: dict[AlertKey, set[str]] = {}
        self._incidents: dict[str, str] = {}
        self._due: list[tuple[datetime, str]] = []
        self.muting = Muting(routing, self._sources)

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

    def _sources(self) -> Iterable[tuple[str, Mapping[str, str]]]:
        return ((one.fingerprint, one.labels) for _, one in self.instances() if one.firing)

    def groups(self) -> Iterable[AlertGroup]:
        """Return every group, those without an incident too."""
        return self._groups.values()

    def group_of(self, incident: str) -> AlertGroup | None:
        """Return the group of an open incident."""
        return self._groups.get(self._incidents.get(incident, ""))

    def restore(self, saved: Saved, at: datetime) -> Changes:
        """Take what was stored: alerts of rules that are no more end, alerts join the groups of a changed routing."""
        self._memories = dict(saved.memories)
        self.muting.silences = {one.id: one for one in saved.silences}
        for group in saved.groups:
            self._keep(group)
        changes = Changes()
        self._flush_due(at, changes)
        self._end_unknown(at, changes)
        self._join_all(at, changes)
        return changes

    def change_rules(self, rules: Mapping[str, Rule], at: datetime) -> Changes:
        """Take other rules: alerts of those that are no more end, by that reason."""
        self._rules = dict(rules)
        changes = Changes()
        self._end_unknown(at, changes)
        return changes

    def change_routing(self, routing: Routing, at: datetime) -> Changes:
        """Take another routing: incidents live on where the same receiver is told, new receivers hear what fires."""
        self._routing = routing
        self._routes = {(route.path, route.receiver): route for route in routing.root.walk()}
        self.muting.use(routing)
        changes = Changes()
        self._join_all(at, changes)
        return changes

    def clock_jumped(self, by: timedelta) -> Changes:
        """Go on after the clock has jumped: delays and timers count the time that passed."""
        changes = Changes()
        for rule, memory in list(self._memories.items()):
            moved = {key: shifted(one, by) for key, one in memory.instances.items()}
            self._memories[rule] = replace(memory, instances=moved)
            changes.memory(rule, memory, self._memories[rule])
        for group in list(self._groups.values()):
            self._keep(group.shifted(by), changes)
        return changes

    def _join_all(self, at: datetime, changes: Changes) -> None:
        firing: dict[str, list[AlertKey]] = {}
        for rule, one in list(self.instances()):
            if one.firing:
                self._join(AlertKey(rule, one.fingerprint), one, at, firing, changes)
        self._joined(firing, changes)

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
        self.muting.changed()
        for rule, one in found:
            if (one.before, one.after) != (State.RESOLVED, State.INACTIVE):  # that it is forgotten is no news
                changes.events.append(transition_row(one))
            key = AlertKey(rule, one.instance.fingerprint)
            if one.after is State.FIRING:
                self._join(key, one.instance, at, firing, changes)
                if one.reason == Change.LOUDER:
                    self._hurry(key, at, changes)
            elif one.after is State.RESOLVED:
                for name in self._groups_of.get(key, ()):
                    ended.setdefault(name, {})[key] = one.instance
        self._joined(firing, changes)
        for name, alerts in ended.items():
            self._ended(self._groups[name], alerts, at, changes)

    def _hurry(self, key: AlertKey, at: datetime, changes: Changes) -> None:
        """Let the groups of an alert that got louder look now: who was told of a warning must not sleep on a page."""
        for name in self._groups_of.get(key, ()):
            group = self._groups[name]
            if group.told is not None and group.next_flush > at:
                self._keep(replace(group, next_flush=at), changes)

    def _ended(self, group: AlertGroup, alerts: Mapping[AlertKey, Instance], at: datetime, changes: Changes) -> None:
        """Take what is over. Of what nobody was told, since it was held or closed by hand, nothing is said."""
        closed = {key for key, one in alerts.items() if group.has_closed(key, one)}
        unheard = {key for key, one in alerts.items() if key in group.held and not group.tells(key, one)} - closed
        told = {key: one for key, one in alerts.items() if key not in closed | unheard}
        self._keep(group.without(closed | unheard).with_ended(told), changes)
        for key in unheard:
            row = hold_row(alerts[key], group.receiver, group.incident, Hold.RESOLVED_BEFORE_FIRST, at)
            changes.events.append(row)
        if group.told is not None and group.next_flush > at:
            changes.events += [
                hold_row(one, group.receiver, group.incident, Hold.GROUP_INTERVAL, at) for one in told.values()
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
            if group.dormant and not self.alive(group):
                group = group.again(at, route.group_wait)
                self._keep(group, changes)
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
        members = before.members if before else frozenset()
        for key in group.members - members:
            self._groups_of.setdefault(key, set()).add(group.key)
        self._leave(group.key, members - group.members)
        if before is not None and before.incident != group.incident:
            self._incidents.pop(before.incident, None)
        if group.incident:
            self._incidents[group.incident] = group.key
        self._groups[group.key] = group
        if changes is not None:
            changes.groups[group.key] = group

    def _drop(self, group: AlertGroup, changes: Changes) -> None:
        known = self._groups.pop(group.key)
        self._incidents.pop(known.incident, None)
        changes.groups[group.key] = None
        self._leave(group.key, known.members)

    def _leave(self, name: str, keys: Iterable[AlertKey]) -> None:
        for key in keys:
            names = self._groups_of.get(key, set())
            names.discard(name)
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
        route = self._route(group)
        at = group.due(now, route.group_interval)
        after = self._look(group, route, at, changes)
        alive = self.alive(after)
        if after.told is None or after.told.firing:
            ended = not alive and after.told is None
        else:
            ended = not alive
            after = after.over(alive)
        if ended and not after.closed:
            self._drop(after, changes)
            return
        # A tick that says nothing is not stored: after a restart the grid gives the same next one.
        self._keep(after.after(at, route.group_interval), None if after == group else changes)

    def _look(self, group: AlertGroup, route: Route, at: datetime, changes: Changes) -> AlertGroup:
        """Return a group after it has said what there is to say at a moment, or noted why it does not."""
        alive = self.alive(group)
        held = self.muting.held(alive, route, at)
        reason, shown = news(group, alive, held, route, at)
        if reason in (Reason.SILENCED, Reason.UNSILENCED) and group.told is not None and group.told.at > at:
            return group  # since this moment of the grid somebody has begun or ended a silence, and that was told
        if reason is Reason.REPEAT_INTERVAL and group.ack is not None:
            held, reason = dict.fromkeys(alive, Held(Hold.ACKNOWLEDGED, group.ack.actor)), None
        noted = note(group, alive, held, at, changes)
        heard = self._renderer(group.receiver) is not None
        if reason is not None and heard:
            noted = replace(noted, silenced=shown, reminded=reason is Reason.SILENCE_ENDS_SOON)
            return self.say(noted, reason, at, changes)
        if group.told is None:
            changes.events += untold(group, alive if group.waits and not heard else {}, at)
            return replace(noted.over(alive), waits=group.waits)
        return noted

    def look(self, group: AlertGroup, at: datetime, changes: Changes) -> None:
        """Let an open incident say at once what a silence or its end changes."""
        if group.told is not None and self.alive(group):
            after = self._look(group, self._route(group), at, changes)
            if after.told is not None and not after.told.firing:
                after = after.over(self.alive(after))
            if after != group:
                self._keep(after, changes)

    def put(self, group: AlertGroup, changes: Changes) -> None:
        """Take a group that a person's action has changed."""
        self._keep(group, changes)

    def _route(self, group: AlertGroup) -> Route:
        return self._routes.get((group.route, group.receiver), self._routing.root)

    def alive(self, group: AlertGroup) -> dict[AlertKey, Instance]:
        """Return what fires in a group and was not closed by hand."""
        alerts = {
            key: self.memory(key.rule).instances.get(key.fingerprint)
            for key in sorted(group.members - group.ended.keys())
        }
        return {
            key: one
            for key, one in alerts.items()
            if one is not None and one.firing and not (group.closed and group.has_closed(key, one))
        }

    def say(self, group: AlertGroup, reason: Reason, at: datetime, changes: Changes, closed_by: str = "") -> AlertGroup:
        """Return a group after it has told its receiver of everything in it, if there is a receiver."""
        render = self._renderer(group.receiver)
        if render is None:
            return group
        firing = self._shown(group, reason, at)
        after, notification = speak(group, firing, reason, at, self._rules, closed_by)
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
                facts=facts(notification).as_json(),
            )
        )
        changes.events += notification_rows(notification, causes(group, after, reason))
        return after

    def _shown(self, group: AlertGroup, reason: Reason, at: datetime) -> dict[AlertKey, Instance]:
        """Return what a message shows as firing: what is not held, or if everything is, all of it."""
        alive = self.alive(group)
        held = self.muting.held(alive, self._route(group), at)
        if reason is Reason.ALL_RESOLVED:
            return {}
        return {key: one for key, one in alive.items() if key not in held} or alive
