"""One slot of one group: ask, judge, store, tell. The schedule says when; a rule that fails costs only itself."""

from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

from alerts.board import Board
from alerts.changes import Changes
from alerts.evaluate import Answered, Evaluation, Failed, Health, Outcome, evaluate
from alerts.path import PathWatch
from alerts.rows import evaluation_row, recording_rows, skipped_row
from core.clock import Clock, to_nanos
from core.errors import DeskError
from core.log import get_logger
from core.ports import RowReader, RowWriter
from rules import findings
from rules.compile import Query, compile_rule
from rules.model import Alerts, Group, Record, Rule, Ruleset

log = get_logger(__name__)

MOST_ROWS = 20_000
"""More rows are an error: to judge a part of them would resolve the rest."""
MANY_SKIPPED = 10
"""Slots that a group misses at one time before the page tells of it."""
SKIPS_SHOWN_S = 600.0
MOST_SKIPPED = 100
"""Rows that tell of skipped slots at one time."""
LATE_MS = 1_000.0
OVERRUN = "the group's last evaluation was still running"
JUMPED = "the clock has jumped"


@dataclass(frozen=True, slots=True)
class LastRun:
    """How a rule's last evaluation went."""

    at: datetime
    duration_ms: float
    health: Health
    error: str


class Engine:
    """Evaluates groups on a board; `save` stores changes and hands on what they cause.

    `counts` has evaluations by outcome, and `late` and `skipped` ones.
    """

    def __init__(
        self,
        board: Board,
        reader: RowReader,
        writer: RowWriter,
        path: PathWatch,
        clock: Clock,
        save: Callable[[Changes], Awaitable[None]],
    ) -> None:
        self._board = board
        self._reader = reader
        self._writer = writer
        self._path = path
        self._clock = clock
        self._save = save
        self._queries: dict[str, Query | None] = {}
        """By rule; None: it asks the board."""
        self._running: set[str] = set()
        self._last_slot: dict[str, datetime] = {}
        self._jumped: set[str] = set()
        """Groups that have not run since the clock has jumped."""
        self._skips: dict[str, tuple[float, str]] = {}
        self.last_runs: dict[str, LastRun] = {}
        self.counts: Counter[str] = Counter()

    def use(self, rules: Ruleset) -> None:
        """Compile the rules that will run."""
        self._queries = {
            group.identity(rule): compile_rule(group, rule) for group in rules.groups for rule in group.rules
        }
        self.last_runs = {name: one for name, one in self.last_runs.items() if name in self._queries}

    def skips(self) -> list[str]:
        """Return which groups have missed many evaluations of late, and why."""
        now = self._clock.elapsed()
        return [text for at, text in self._skips.values() if now - at < SKIPS_SHOWN_S]

    def clock_jumped(self) -> None:
        """Note that slots are missing because the clock has jumped."""
        self._jumped = set(self._last_slot)

    async def run(self, group: Group, slot: datetime) -> None:
        """Evaluate a group's rules, in order, as of a slot; a group never overlaps itself."""
        last = self._last_slot.get(group.name)
        if group.name in self._running or slot == last:
            return
        self._running.add(group.name)
        try:
            self._last_slot[group.name] = slot
            self._count_skipped(group, last, slot)
            await self._rules(group, slot)
        finally:
            self._running.discard(group.name)

    async def _rules(self, group: Group, slot: datetime) -> None:
        unsaved = Changes()
        for rule in group.rules:
            if group.identity(rule) not in self._queries:
                continue  # it was removed meanwhile
            began, lateness = self._clock.elapsed(), (self._clock.now() - to_nanos(slot)) / 1e6
            outcome = await self._ask(group, rule, slot)
            evaluation = self._judge(group, rule, outcome, slot)
            if isinstance(rule.kind, Record) and isinstance(outcome, Answered):
                self._writer.write(recording_rows(group, rule, slot, outcome.findings))
            self._note(group, rule, slot, evaluation, (self._clock.elapsed() - began) * 1000, lateness)
            unsaved.add(self._board.settle([(group.identity(rule), evaluation)], slot))
            if unsaved.events:  # a transition does not wait for the rest of the group
                await self._save(unsaved)
                unsaved = Changes()
        if unsaved:
            await self._save(unsaved)

    async def judge(self, group: Group, rule: Rule, found: list[findings.Finding], at: datetime) -> None:
        """Take the findings of a rule that asks no query."""
        evaluation = self._judge(group, rule, Answered(found), at)
        self.last_runs[group.identity(rule)] = LastRun(at, 0.0, evaluation.health, evaluation.error)
        changes = self._board.settle([(group.identity(rule), evaluation)], at)
        if changes:
            await self._save(changes)

    async def _ask(self, group: Group, rule: Rule, slot: datetime) -> Outcome:
        query = self._queries[group.identity(rule)]
        try:
            if query is None:
                return Answered(self._fired(group, rule))
            result = await self._reader.query(query.driver_sql, query.parameters(slot), limit=MOST_ROWS + 1)
            if len(result.rows) > MOST_ROWS:
                return Failed(f"more than {MOST_ROWS} rows. Group by fewer columns, or select fewer series")
            return Answered(findings.read(rule, result.columns, result.rows))
        except DeskError as error:
            return Failed(str(error))
        except Exception as error:  # noqa: BLE001  the supervised boundary of a rule: it may cost nothing but itself
            return Failed(f"{error!r}. This is a defect: please report it")

    def _fired(self, group: Group, rule: Rule) -> list[findings.Finding]:
        """Count what fires now, by the rules before this one in this very slot too; its own alerts are not counted."""
        if not isinstance(rule.kind, Alerts):
            return []
        own = group.identity(rule)
        labels = (one.labels for name, one in self._board.instances() if one.firing and name != own)
        return findings.counted(rule.kind, labels)

    def _judge(self, group: Group, rule: Rule, outcome: Outcome, slot: datetime) -> Evaluation:
        memory = self._board.memory(group.identity(rule))
        late = self._path.late_for(rule, slot)
        try:
            return evaluate(group, rule, memory, outcome, slot, path_late=late)
        except Exception as error:  # noqa: BLE001  the supervised boundary of a rule: it may cost nothing but itself
            return Evaluation(memory, (), Health.ERROR, 0, f"{error!r}. This is a defect: please report it")

    def _note(
        self, group: Group, rule: Rule, slot: datetime, evaluation: Evaluation, duration_ms: float, lateness_ms: float
    ) -> None:
        identity = group.identity(rule)
        before = self.last_runs.get(identity)
        if evaluation.error and (before is None or before.error != evaluation.error):
            log.warning("rule.trouble", rule=identity, health=evaluation.health, error=evaluation.error)
        self.last_runs[identity] = LastRun(slot, duration_ms, evaluation.health, evaluation.error)
        self.counts[evaluation.health] += 1
        self.counts["late"] += lateness_ms > LATE_MS
        row = evaluation_row(
            group.name, rule.name, slot, evaluation, duration_ms=duration_ms, lateness_ms=max(0.0, lateness_ms)
        )
        self._writer.write([row])

    def _count_skipped(self, group: Group, last: datetime | None, slot: datetime) -> None:
        cause = JUMPED if group.name in self._jumped else OVERRUN
        self._jumped.discard(group.name)
        if last is None:
            return
        skipped = (slot - last) // group.every - 1
        if skipped > 0:
            self.counts["skipped"] += skipped
            if skipped >= MANY_SKIPPED:
                text = f"Group {group.name} missed {skipped} evaluations after {last:%H:%M:%S} UTC: {cause}"
                self._skips[group.name] = (self._clock.elapsed(), text)
            log.warning("group.skipped", group=group.name, slots=skipped, last=last.isoformat(), cause=cause)
            some = range(1, min(skipped, MOST_SKIPPED) + 1)
            self._writer.write(skipped_row(group.name, last + n * group.every, cause) for n in some)
