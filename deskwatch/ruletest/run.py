"""`deskwatch rules test`: rows into a real QuestDB, the live engine on a clock of the test's own, and what it did."""

from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from alerts.board import Board
from alerts.drive import Record, Slot, drive, merged
from alerts.engine import Engine
from alerts.path import PathWatch
from alerts.route import Receiver, Route, Routing, load_routing
from alerts.settings import AlertSettings
from core.clock import Clock
from core.errors import UsageError
from core.ports import RowReader
from deskwatch.ruletest.compare import (
    Failure,
    compare_sent,
    compare_states,
    compare_transitions,
    compare_troubles,
)
from deskwatch.ruletest.rows import Bench, bench
from deskwatch.settings import Settings
from rules.case_load import load_cases
from rules.cases import Case, CaseFile
from rules.load import load
from rules.model import Group, Ruleset
from storage.address import Address
from storage.embedded import running
from storage.reader import reading
from storage.schema import column_types

RECEIVER = "default"
STATEMENT = timedelta(seconds=20)
"""The longest a query may take: a test is judged by what it says, not by how busy the machine is."""


class NoTest(UsageError):
    """There is no such test."""


class NoRule(UsageError):
    """A test names a rule that its files do not have."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """One test: passed if there is no failure. `seconds` is how long it took."""

    case: Case
    failures: tuple[Failure, ...]
    seconds: float

    @property
    def passed(self) -> bool:
        """Whether everything was as wanted."""
        return not self.failures


def read_files(paths: Sequence[Path], wanted: str) -> list[CaseFile]:
    """Return the test files, with the tests whose name contains `wanted`.

    Raises:
        BadRules: every problem of every file.
        NoTest: no file, or no test of that name.
    """
    files = load_cases(paths, column_types())
    chosen = [_chosen(file, wanted) for file in files]
    if not any(file.cases for file in chosen):
        names = ", ".join(repr(case.name) for file in files for case in file.cases)
        hint = f"There are: {names}" if names else "Name test files, or folders of them"
        raise NoTest(repr(wanted) if wanted else "no file", hint=hint)
    return [file for file in chosen if file.cases]


def _chosen(file: CaseFile, wanted: str) -> CaseFile:
    cases = tuple(case for case in file.cases if wanted.lower() in case.name.lower())
    return CaseFile(file.file, file.rules, file.routing, file.tables, cases)


@asynccontextmanager
async def own_server(settings: Settings, clock: Clock) -> AsyncIterator[Address]:
    """Run a server of its own in a folder that is removed; nothing of the desk's data is touched."""
    changes = {"host": None, "http_port": 0, "pg_port": 0, "jar": settings.database.jar or settings.questdb_jar}
    given = settings.database.model_copy(update=changes)
    with TemporaryDirectory(prefix="deskwatch-test-") as folder:
        async with running(Path(folder), given, clock) as server:
            yield server.address


async def run_files(
    files: Sequence[CaseFile], at: Address, clock: Clock, told: Callable[[Verdict], None]
) -> list[Verdict]:
    """Run every test on a server that is for tests alone; `told` hears of each as it ends.

    Raises:
        BadRules, BadRouting, NoRule: what the tests name is wrong.
        Transient: the server does not answer.
    """
    verdicts = []
    async with bench(at, clock) as tables, reading(at, statement_timeout=STATEMENT, connections=1) as reader:
        for file in files:
            known = {**column_types(), **{name: _columns(text) for name, text in file.tables.items()}}
            rules = load(file.rules, known)
            routing = at_once() if file.routing is None else load_routing(file.routing, AlertSettings())
            await tables.add_tables(file.tables)
            for case in file.cases:
                began = clock.elapsed()
                failures = await _run(case, _only(rules, case), routing, tables, reader, clock)
                verdicts.append(Verdict(case, tuple(failures), clock.elapsed() - began))
                told(verdicts[-1])
    return verdicts


def _columns(text: str) -> dict[str, str]:
    pairs = (part.split() for part in text.split(","))
    return {name: kind.upper() for name, kind in pairs}


def _only(rules: Ruleset, case: Case) -> tuple[Group, ...]:
    """Return the groups with the rules that a test wants."""
    names = {rule.name for group in rules.groups for rule in group.rules}
    unknown = [name for name in case.only if name not in names]
    if unknown:
        raise NoRule(f"{case.place}: {unknown[0]!r}", hint=f"There are: {', '.join(sorted(names))}")
    if not case.only:
        return rules.groups
    kept = [(group, tuple(rule for rule in group.rules if rule.name in case.only)) for group in rules.groups]
    return tuple(
        Group(group.name, group.file, group.every, group.offset, group.labels, some) for group, some in kept if some
    )


def at_once() -> Routing:
    """Return the routing of a test without a file: one receiver that hears of everything when it happens."""
    zero = timedelta()
    root = Route("", (), RECEIVER, ("alertname",), zero, zero, timedelta(hours=4), goes_on=False)
    return Routing(root, {RECEIVER: Receiver(RECEIVER, RECEIVER)})


async def _run(
    case: Case, groups: tuple[Group, ...], routing: Routing, tables: Bench, reader: RowReader, clock: Clock
) -> list[Failure]:
    """Run one test and return what is not as wanted."""
    await tables.fill(case.rows, case.start)
    record = Record()
    rules = {group.identity(rule): rule for group in groups for rule in group.rules}
    board = Board(rules, routing, lambda _receiver: record.render)
    path = PathWatch(reader, AlertSettings().path_late)
    engine = Engine(board, reader, record, path, clock, record.save)
    engine.use(Ruleset(groups))
    failures: list[Failure] = []

    async def run(group: Group, at: datetime) -> None:
        await engine.run(group, at)
        if record.recordings:
            await tables.add(record.recordings)
            record.recordings.clear()

    waiting = deque(merged(groups, [case.start + case.phase] * len(groups), case.start + case.until))
    for stop in sorted({*(one.at for one in case.states), case.until}):
        end = case.start + stop
        await drive(board, run, _taken(waiting, end), end, record.save)
        for want in case.states:
            if want.at == stop:
                failures += compare_states(want, (one for _, one in board.instances()))
    failures += compare_transitions(case, record.steps())
    failures += compare_sent(case, record.sent)
    failures += compare_troubles(case, record.troubles)
    return sorted(failures, key=lambda one: one.at)


def _taken(waiting: deque[Slot], end: datetime) -> Iterator[Slot]:
    while waiting and waiting[0].at <= end:
        yield waiting.popleft()


async def run_tests(
    paths: Sequence[Path], wanted: str, settings: Settings, clock: Clock, told: Callable[[Verdict, int], None]
) -> list[Verdict]:
    """Read test files and run them on a server of their own; `told` hears of each, and how many there are."""
    files = read_files(paths, wanted)
    count = sum(len(file.cases) for file in files)
    async with own_server(settings, clock) as at:
        return await run_files(files, at, clock, lambda verdict: told(verdict, count))
