"""The alert side of the desk: rules on their schedule, groups on their timers, messages to their receivers."""

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Protocol

from alerts import config_broken, external, overview
from alerts.actions import Actions
from alerts.board import Board, Render
from alerts.changes import Changes, waiting_of
from alerts.charts import Charts
from alerts.clock_watch import ClockWatch
from alerts.engine import Engine
from alerts.evaluate import Health
from alerts.external import External
from alerts.notify.base import Notifier
from alerts.overview import IncidentSummary
from alerts.path import EVERY_S, PathWatch, built_in
from alerts.route import Routing
from alerts.save import Saver
from alerts.schedule import Schedule
from alerts.sender import Outcome, Sender
from alerts.settings import AlertSettings
from alerts.snapshot import AlertSummary, MessageList, MessageSummary, RuleSummary
from alerts.state import State, state_of
from alerts.store import MessageState, Store
from core.clock import Clock, to_datetime
from core.errors import DeskError
from core.heartbeat import Load, beat
from core.log import get_logger
from core.ports import RowReader, RowWriter
from core.tasks import start
from rules.model import Group, Rule, Ruleset

log = get_logger(__name__)

FLUSH_POLL_S = 0.1
PRUNE_S = 3600.0
OUTSIDE_S = 1.0
STALLED = timedelta(seconds=15)
"""A group that has not run for this long, and for three of its intervals, stands still."""
JUMP_SHOWN_S = 600.0
"""How long the page tells of a jump of the clock."""
AT_ONCE = 50
"""Messages that are made without letting anything else run."""
UNKNOWN = "unknown"
"""A rule's state before its first evaluation."""


class Beside(Protocol):
    """Something that runs with the service, such as Slack's buttons."""

    async def run(self) -> None:
        """Run until cancelled."""

    def problems(self) -> list[str]:
        """Return what is wrong with it, and what to do."""


class AlertService:
    """Run it with `run`; the other methods look at it. `notifiers`: by receiver, or one for all, or none."""

    def __init__(  # noqa: PLR0913, PLR0917  wiring hands in each adapter by its port
        self,
        rules: Ruleset,
        routing: Routing,
        store: Store,
        reader: RowReader,
        writer: RowWriter,
        notifiers: Mapping[str, Notifier] | Notifier | None,
        clock: Clock,
        settings: AlertSettings,
        instance: str,
        waiting: Callable[[], Load],
    ) -> None:
        self._ruleset = rules
        self._store = store
        self._writer = writer
        self._notifiers = notifiers
        self._clock = clock
        self._instance = instance
        self._waiting = waiting
        self._own = built_in(settings.path_late)
        self._beside: dict[str, Beside] = {}
        self._receivers_change: list[Callable[[Routing], None]] = []
        self._broken: dict[str, str] = {}
        self._watch = ClockWatch(clock)
        self._jump = ""
        self._jump_at = 0.0
        self._board = Board(self._known(rules), routing, self._renderer)
        self._messages = MessageList()
        self._sender = Sender(store, self.notifier, clock, self._reported)
        self._saver = Saver(store, writer, clock, self._stored)
        self.actions = Actions(self._board, self._saver.save, store.knows)
        self._charts = Charts(self._board, self.actions, self.groups, store, reader, self.notifier, clock)
        self.external = External(self._board, self._saver.save, clock)
        self._path = PathWatch(reader, settings.path_late)
        self._engine = Engine(self._board, reader, writer, self._path, clock, self._saver.save)
        self._engine.use(rules)
        self._schedule = Schedule(self.evaluate, clock)

    async def run(self) -> None:
        """Run until cancelled. What was stored is taken up first: nobody hears twice of what was confirmed."""
        await self.restore(to_datetime(self._clock.now()))
        self._schedule.use(self._ruleset)
        async with asyncio.TaskGroup() as group:
            start(group, "alerts heartbeat", beat("alerts", self._instance, self._writer, self._load, self._clock))
            start(group, "alerts rules", self._schedule.serve())
            start(group, "alerts data path", self._watch_path())
            start(group, "alerts groups", self._flush())
            start(group, "alerts from outside", self._serve_outside())
            start(group, "alerts sender", self._sender.run())
            start(group, "alerts store", self._saver.try_again())
            start(group, "alerts rows", self._saver.hand_on())
            start(group, "alerts pruning", self._prune())
            start(group, "alerts charts", self._charts.run())
            for name, one in self._beside.items():
                start(group, name, one.run())

    def run_beside(self, name: str, one: Beside) -> None:
        """Let something run with the service; its problems are shown with ours."""
        self._beside[name] = one

    def on_routing(self, take: Callable[[Routing], None]) -> None:
        """Let somebody take another routing before we do; if it raises, nothing changes."""
        self._receivers_change.append(take)

    async def restore(self, at: datetime) -> None:
        """Take up what the store holds."""
        saved = await self._store.load()
        self._messages.load(await self._store.messages(limit=200))
        for one in saved.waiting:
            self._sender.offer(one)
        await self._saver.save(self._board.restore(saved, at))

    async def evaluate(self, group: Group, slot: datetime) -> None:
        """Evaluate a group as of a slot; what that changes is stored and told."""
        await self.look_at_clock()
        await self._engine.run(group, slot)

    async def reload(self, rules: Ruleset) -> None:
        """Go on with other rules: state carries over by rule and labels, alerts of removed rules end."""
        self._ruleset = rules
        self._engine.use(rules)
        changes = self._board.change_rules(self._known(rules), to_datetime(self._clock.now()))
        self._schedule.use(rules)
        await self._saver.save(changes)
        log.info("rules.loaded", groups=len(rules.groups), rules=len(rules.names))

    async def use_routing(self, routing: Routing) -> None:
        """Go on with another routing: open incidents live on where the same receiver is told."""
        for take in self._receivers_change:
            take(routing)
        await self._saver.save(self._board.change_routing(routing, to_datetime(self._clock.now())))
        log.info("routing.loaded", receivers=len(routing.receivers))

    async def config_broken(self, broken: Mapping[str, str]) -> None:
        """Take what is wrong with files that were changed, by file: an alert tells of it until they are mended."""
        self._broken = dict(broken)
        at = to_datetime(self._clock.now())
        await self._engine.judge(config_broken.GROUP, config_broken.RULE, config_broken.findings(broken), at)

    async def look_at_clock(self) -> None:
        """If the wall clock has jumped, let delays and timers go on as if it had not, and say so."""
        jump = self._watch.look()
        if not jump:
            return
        at = to_datetime(self._clock.now())
        self._jump = f"The clock jumped by {jump.total_seconds():+.1f} s at {at:%H:%M:%S} UTC: check the time server"
        self._jump_at = self._clock.elapsed()
        log.warning("clock.jumped", seconds=jump.total_seconds())
        self._engine.clock_jumped()
        self._schedule.use(self._ruleset)
        await self._saver.save(self._board.clock_jumped(jump))

    def notifier(self, receiver: str) -> Notifier | None:
        """Return a receiver's API."""
        if isinstance(self._notifiers, Mapping):
            return self._notifiers.get(receiver)
        return self._notifiers

    def _known(self, rules: Ruleset) -> dict[str, Rule]:
        known = {group.identity(rule): rule for group in rules.groups for rule in group.rules}
        own = (self._own, (config_broken.GROUP, config_broken.RULE), (external.GROUP, external.SOURCE))
        return {**known, **{group.identity(rule): rule for group, rule in own}}

    def _renderer(self, receiver: str) -> Render:
        notifier = self.notifier(receiver)
        return notifier.render if notifier is not None else None

    def _load(self) -> Load:
        return self._waiting()._replace(queue_depth=self._sender.waiting())

    def _reported(self, outcome: Outcome) -> None:
        self._messages.report(outcome)
        if outcome.state is MessageState.SENT and outcome.version == 1:
            self._charts.want(outcome.incident)

    def _stored(self, changes: Changes) -> None:
        for message in changes.messages:
            self._messages.add(message)
            self._sender.offer(waiting_of(message))

    async def _watch_path(self) -> None:
        while True:
            at = to_datetime(self._clock.now())
            await self._path.look(at)
            at = to_datetime(self._clock.now())
            await self._engine.judge(*self._own, self._path.findings(at), at)
            await self._clock.sleep(EVERY_S)

    async def _flush(self) -> None:
        while True:
            await self.look_at_clock()
            await self.flush(to_datetime(self._clock.now()))
            await self._clock.sleep(FLUSH_POLL_S)

    async def _serve_outside(self) -> None:
        while True:
            await self.external.expire(to_datetime(self._clock.now()))
            await self._clock.sleep(OUTSIDE_S)

    async def flush(self, now: datetime) -> None:
        """Let every group speak whose time has come; in a storm a part at a time, so that rules run in between."""
        while self._board.next_due is not None and self._board.next_due <= now:
            changes = self._board.flush(now, most=AT_ONCE)
            if changes:
                await self._saver.save(changes)

    async def deliver(self, channel: str) -> float | None:
        """Send what is due in a channel; return the seconds to wait, None if nothing waits."""
        return await self._sender.turn(channel)

    async def hand_on(self) -> int:
        """Give stored rows to the writer; return how many."""
        return await self._saver.hand_on_some()

    async def _prune(self) -> None:
        while True:
            try:
                await self._store.prune(to_datetime(self._clock.now()))
            except DeskError as error:
                log.warning("store.not_pruned", error=str(error))
            await self._clock.sleep(PRUNE_S)

    def alerts(self) -> list[AlertSummary]:
        """Return what is pending or firing, the loudest and newest first."""
        return overview.alerts(self._board, to_datetime(self._clock.now()))

    def incidents(self) -> list[IncidentSummary]:
        """Return the open incidents, the loudest and newest first."""
        return overview.incidents(self._board)

    def groups(self) -> tuple[Group, ...]:
        """Return the groups of rules that run."""
        return tuple(self._ruleset.groups)

    def rules(self) -> list[RuleSummary]:
        """Return every rule, in the files' order, the built-in one last."""
        states: dict[str, set[State]] = {}
        for rule, one in self._board.instances():
            states.setdefault(rule, set()).add(state_of(one))
        every = [(group, rule) for group in self._ruleset.groups for rule in group.rules]
        every += [self._own, (config_broken.GROUP, config_broken.RULE)]
        return [self._rule(group, rule, states.get(group.identity(rule), set())) for group, rule in every]

    def _rule(self, group: Group, rule: Rule, states: set[State]) -> RuleSummary:
        state = next((one for one in (State.FIRING, State.PENDING) if one in states), State.INACTIVE)
        last = self._engine.last_runs.get(group.identity(rule))
        if last is None:
            return RuleSummary(group.name, rule.name, UNKNOWN, None, None, "")
        return RuleSummary(group.name, rule.name, state, last.at, last.duration_ms, last.error)

    def messages(self, limit: int = 50) -> list[MessageSummary]:
        """Return the newest messages, newest first."""
        return self._messages.newest(limit)

    def unwell(self) -> str:
        """Return why silence from us means nothing now: rules that stand still, late data; "" if all is well."""
        at = to_datetime(self._clock.now())
        late = [one.data["why"] for one in self._path.findings(at)]
        if late:
            return str(late[0])
        for group in self._ruleset.groups:
            runs = [self._engine.last_runs.get(group.identity(rule)) for rule in group.rules]
            last = max((one.at for one in runs if one is not None), default=None)
            if last is None or at - last > max(3 * group.every, STALLED):
                return f"group {group.name} has not run since {f'{last:%H:%M:%S} UTC' if last else 'the start'}"
        return ""

    def problems(self) -> list[str]:
        """Return what is wrong with alerting itself, each with what to do."""
        found = [self._saver.trouble] if self._saver.trouble else []
        found += [f"{file} is wrong, what was loaded before goes on: {why}" for file, why in self._broken.items()]
        if self._jump and self._clock.elapsed() - self._jump_at < JUMP_SHOWN_S:
            found.append(self._jump)
        found += self._engine.skips()
        if self._notifiers is None or (isinstance(self._notifiers, Mapping) and not self._notifiers):
            found.append("Nobody hears of an alert: no receiver is set up. Set slack.token")
        found += self._sender.problems()
        found += [text for one in self._beside.values() for text in one.problems()]
        for name, last in self._engine.last_runs.items():
            if last.health in (Health.ERROR, Health.LIMIT):
                found.append(f"Rule {name}: {last.error}")
        return found
