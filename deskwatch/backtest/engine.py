"""`deskwatch rules backtest`: the live engine over stored history, at the very slots of the live schedule.

Evaluations that provably change nothing are left out; the others run through the engine, its state machine and the
groups, on the results that the live engine would have had.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from alerts.board import Board
from alerts.drive import Record, drive, slots
from alerts.engine import Engine
from alerts.evaluate import Memory
from alerts.path import PathWatch
from alerts.route import Routing
from alerts.settings import AlertSettings
from alerts.state import RETENTION, Resolved
from core.clock import Clock
from core.errors import Transient
from core.ports import RowReader
from core.tasks import start_once
from deskwatch.backtest.bounds import BATCH, Bound, Look, bound_of, look_of
from deskwatch.backtest.reader import Asked, History
from rules.compile import Query, compile_rule
from rules.model import Group, NoData, Rule, Ruleset

CHUNK = timedelta(minutes=40)
CONNECTIONS = 3
RARELY = timedelta(days=36_500)
"""A slot that is left out is no missed one: to the engine the group runs when it runs."""


class HistoryAway(Transient):
    """The database did not answer, so the backtest ends without a result."""


@dataclass(frozen=True, slots=True)
class Watched:
    """A rule with what is known of its query."""

    group: Group
    rule: Rule
    query: Query | None
    look: Look
    bound: Bound | None

    @property
    def identity(self) -> str:
        """What its state is kept under."""
        return self.group.identity(self.rule)

    @property
    def asked(self) -> Asked | None:
        """Its query, if it asks one."""
        return None if self.query is None else Asked(self.rule, self.query, self.group.every)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a backtest found; evaluations are those that the live engine would have run."""

    record: Record
    start: datetime
    end: datetime
    evaluations: int
    queries: int
    seconds: float


class Backtest:
    """One run over a stretch of history: state is empty at its start."""

    def __init__(self, rules: Ruleset, routing: Routing, reader: RowReader, clock: Clock) -> None:
        self._groups = rules.groups
        self._watched = [_watch(group, rule) for group in rules.groups for rule in group.rules]
        self._of_group = {group.name: [one for one in self._watched if one.group is group] for group in rules.groups}
        asked = [one.asked for one in self._watched]
        self._history = History(reader, [one for one in asked if one is not None], CONNECTIONS)
        self._clock = clock
        self.record = Record()
        known = {one.identity: one.rule for one in self._watched}
        self._board = Board(known, routing, lambda _receiver: self.record.render)
        path = PathWatch(self._history, AlertSettings().path_late)
        self._engine = Engine(self._board, self._history, self.record, path, clock, self.record.save)
        self._engine.use(rules)
        self._smaller: dict[tuple[str, tuple[str, ...]], Group] = {}

    async def run(self, start: datetime, end: datetime, told: Callable[[str, float], None]) -> Outcome:
        """Evaluate every slot from start to end, both included.

        Raises:
            HistoryAway: the database does not answer.
        """
        began, at, count = self._clock.elapsed(), start, 0
        while at <= end:
            upto = min(at + CHUNK, end)
            wanted = await self._suspects(at, upto)
            chunk = list(slots(self._groups, at, upto))
            count += sum(len(slot.group.rules) for slot in chunk)
            await drive(self._board, self._run_needed(wanted), chunk, upto, self.record.save)
            if self._history.failed is not None:
                hint = "Start it again when the database answers; a shorter stretch takes less of it"
                raise HistoryAway(str(self._history.failed), hint=hint) from self._history.failed
            told(f"{upto:%Y-%m-%d %H:%M}", (upto - start) / (end - start) if end > start else 1.0)
            at = upto + timedelta(microseconds=1)
        seconds = self._clock.elapsed() - began
        return Outcome(self.record, start, end, count, self._history.queries, seconds)

    # --- which evaluations matter ------------------------------------------------------------------------------------

    async def _suspects(self, start: datetime, end: datetime) -> dict[str, set[datetime]]:
        """Return, by rule, the slots at which a result may change something."""
        found: dict[str, set[datetime]] = {}

        async def look(one: Watched) -> None:
            moments = [slot.at for slot in slots([one.group], start, end)]
            found[one.identity] = await self._suspicious(one, moments)

        async with asyncio.TaskGroup() as group:
            for one in self._watched:
                if one.look in (Look.ROWS, Look.BREACHES, Look.COUNTS):
                    start_once(group, f"backtest {one.identity}", look(one))
        return found

    async def _suspicious(self, one: Watched, moments: Sequence[datetime]) -> set[datetime]:
        if not moments or one.asked is None:
            return set()
        if len(moments) <= BATCH and one.bound is None:
            return await self._history.scan(one.asked, one.look, moments)
        if one.bound is not None and await self._history.quiet(one.bound, one.asked.query, moments):
            return set()
        if len(moments) <= BATCH:
            return await self._history.scan(one.asked, one.look, moments)
        found: set[datetime] = set()

        async def add(part: Sequence[datetime]) -> None:
            found.update(await self._suspicious(one, part))

        async with asyncio.TaskGroup() as group:
            for part in _parts(moments, len(moments) // 2 if one.bound is not None else BATCH):
                start_once(group, f"backtest {one.identity}", add(part))
        return found

    def _run_needed(self, wanted: dict[str, set[datetime]]) -> Callable[[Group, datetime], Awaitable[None]]:
        async def run(group: Group, at: datetime) -> None:
            own = self._of_group[group.name]
            needed = [one for one in own if self._matters(one, wanted, at)]
            if needed or any(one.firing for _, one in self._board.instances()):
                needed = [one for one in own if one.look is Look.FIRING or one in needed]
            if needed:
                await self._engine.run(self._small(group, needed), at)

        return run

    def _matters(self, one: Watched, wanted: dict[str, set[datetime]], at: datetime) -> bool:
        if one.look is Look.NEVER:
            return False
        if one.look is Look.ALWAYS or at in wanted.get(one.identity, ()):
            return True
        return _changes(self._board.memory(one.identity), at, counts=one.rule.no_data is not NoData.OK)

    def _small(self, group: Group, needed: Sequence[Watched]) -> Group:
        """Return the group with these rules alone, in their order."""
        key = (group.name, tuple(one.rule.name for one in needed))
        if key not in self._smaller:
            self._smaller[key] = replace(group, every=RARELY, rules=tuple(one.rule for one in needed))
        return self._smaller[key]


def _watch(group: Group, rule: Rule) -> Watched:
    look = look_of(rule)
    return Watched(group, rule, compile_rule(group, rule), look, bound_of(rule) if look is Look.BREACHES else None)


def _changes(memory: Memory, at: datetime, *, counts: bool) -> bool:
    """Whether an evaluation without a breach changes what a rule remembers."""
    if counts and memory.empty:
        return True
    for one in memory.instances.values():
        if not isinstance(one.phase, Resolved) or at - one.phase.resolved_at > RETENTION:
            return True
    return False


def _parts(moments: Sequence[datetime], size: int) -> Iterator[Sequence[datetime]]:
    for start in range(0, len(moments), size):
        yield moments[start : start + size]
