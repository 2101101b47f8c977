"""Every rule of the catalogue, run as the engine runs it, on the real database."""

import asyncio
import re
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from core.clock import SystemClock, to_datetime
from core.rows import Row, Value
from core.types import SECOND, Nanos
from deskwatch.rulebook import explain_rules, tables_of
from rules.catalogue import folder
from rules.compile import compile_rule
from rules.findings import Finding, breaches, read, severity_of
from rules.load import load
from rules.model import Record, Rule
from rules.template import render
from storage.address import Address
from storage.reader import reading
from storage.schema import column_types
from tests.integration.rules.cases import CASES
from tests.integration.seed import seed

pytestmark = pytest.mark.database

RULES = load([folder()])


def rule_of(name: str) -> Rule:
    """Return a rule of the catalogue."""
    found = RULES.find(name)
    assert found is not None
    return found[1]


ROOT = Path(__file__).parents[3]
RUNBOOKS = {str(file.relative_to(ROOT)): file.read_text() for file in (ROOT / "docs" / "runbooks").glob("*.md")}
HOUR: Nanos = 3600 * SECOND
START: Nanos = (SystemClock().now() // HOUR - 6 * 24) * HOUR
"""Six days ago: within every TTL, and away from what other tests write."""
MOMENTS = {name: START + 2 * index * HOUR for index, name in enumerate(CASES)}
"""Each rule has its own time, so that no other rule's rows are in its window."""
MOMENTS["HeartbeatMissing"] += 12 * HOUR  # that rule looks back so far
for _far, _name in enumerate(("TickSizeChanged", "TradingStatusChanged")):
    MOMENTS[_name] = START - (2 + _far) * 40 * 24 * HOUR  # and these for a month, in a table without a TTL
ALERTING = [name for name in RULES.names if not isinstance(rule_of(name).kind, Record)]
QUIET: Nanos = START - 2 * HOUR
SPREADS: Nanos = START - 3 * HOUR


def _spread(bps: float, before: float) -> Row:
    half = bps / 2e4
    values: dict[str, Value] = {
        "venue": "hysteresis",
        "symbol": f"{bps:g}",
        "bid": 100 * (1 - half),
        "ask": 100 * (1 + half),
    }
    return Row("quotes", SPREADS - round(before * SECOND), values)


def _rows() -> Iterable[Row]:
    for name, case in CASES.items():
        yield from case.rows(MOMENTS[name])
    yield Row("quotes", QUIET, {"venue": "edge", "symbol": "X", "bid": 1.0, "ask": 1.0})
    yield from (_spread(bps, 1) for bps in (10, 20, 30))


@pytest.fixture(scope="module")
def filled(questdb: Address, tmp_path_factory: pytest.TempPathFactory) -> Address:
    """The database with the rows of every case."""
    asyncio.run(seed(questdb, tmp_path_factory.mktemp("spool"), _rows()))
    return questdb


async def findings(at: Address, name: str, now: datetime) -> tuple[Rule, Sequence[Finding]]:
    """Return what a rule of the catalogue finds at a moment."""
    found = RULES.find(name)
    assert found is not None
    query = compile_rule(*found)
    assert query is not None
    async with reading(at, statement_timeout=timedelta(seconds=5), connections=1) as reader:
        result = await reader.query(query.driver_sql, query.parameters(now))
    return found[1], read(found[1], result.columns, result.rows)


def test_every_rule_has_its_case() -> None:
    """A rule of the catalogue without a case would be unproved; the three have tests of their own."""
    assert {name.partition("/")[2] for name in RULES.names} == {*CASES, "NoQuotes", "VenueDown", "spread_bps"}


@pytest.mark.parametrize("name", CASES)
async def test_a_rule_breaches_on_what_it_is_for_and_on_nothing_else(filled: Address, name: str) -> None:
    """Rows that are wrong are findings with labels and value; rows that are nearly wrong are not."""
    case = CASES[name]
    rule, found = await findings(filled, name, to_datetime(MOMENTS[name]))
    breaching = [one for one in found if breaches(rule, one, firing=False)]
    ours = [one for one in breaching if "bad" in one.labels.values() or any("good" in v for v in one.labels.values())]
    assert [dict(one.labels) for one in ours] == list(case.breaching)
    if case.value is not None:
        assert ours[0].value == pytest.approx(case.value)


@pytest.mark.parametrize("name", CASES)
async def test_a_rule_s_texts_have_every_name_they_use(filled: Address, name: str) -> None:
    """No alert of the catalogue shows a template error, and none shows a number as unknown."""
    rule, found = await findings(filled, name, to_datetime(MOMENTS[name]))
    bad = next(one for one in found if dict(one.labels) in CASES[name].breaching)
    labels = {**bad.labels, "severity": rule.severity, "alertname": rule.name}
    shown = render(f"{rule.summary}\n{rule.description}", labels, bad.value, bad.data)
    assert "template error" not in shown
    assert "unknown" not in shown


@pytest.mark.parametrize(("seconds", "breach"), [(-0.001, True), (0, False), (29.999, False), (30, True)])
async def test_a_window_has_its_end_and_not_its_start(filled: Address, seconds: float, breach: bool) -> None:  # noqa: FBT001  a column of the table
    """A row exactly at :now is visible, one exactly at :start is not."""
    _, found = await findings(filled, "NoQuotes", to_datetime(QUIET + round(seconds * SECOND)))
    assert bool(found) is breach


@pytest.mark.parametrize(
    ("seconds", "value", "breach"), [(10, 10, False), (10.001, 10.001, True), (43_199, 43_199, True)]
)
async def test_stale_begins_beyond_its_limit(filled: Address, seconds: float, value: float, breach: bool) -> None:  # noqa: FBT001  a column of the table
    """An age equal to older_than is not too old."""
    last = MOMENTS["HeartbeatMissing"] - 10 * SECOND
    rule, found = await findings(filled, "HeartbeatMissing", to_datetime(last + round(seconds * SECOND)))
    good = next(one for one in found if one.labels["service"] == "good")
    assert good.value == pytest.approx(value)
    assert breaches(rule, good, firing=False) is breach


async def test_stale_forgets_a_key_at_the_far_edge(filled: Address) -> None:
    """A key whose last row is forget_after old is no longer expected."""
    last = MOMENTS["HeartbeatMissing"] - 10 * SECOND
    _, found = await findings(filled, "HeartbeatMissing", to_datetime(last + 12 * HOUR))
    assert "good" not in {one.labels["service"] for one in found}


async def test_hysteresis_keeps_what_fires_and_starts_nothing(filled: Address) -> None:
    """Between clear_below and above only an alert that fires already goes on."""
    rule, found = await findings(filled, "WideSpread", to_datetime(SPREADS))
    new = {one.labels["symbol"] for one in found if breaches(rule, one, firing=False)}
    going_on = {one.labels["symbol"] for one in found if breaches(rule, one, firing=True)}
    assert (new, going_on) == ({"30"}, {"20", "30"})


@pytest.mark.parametrize(("before", "now"), [(0.25, "warn"), (0.1, "warn"), (0.04, "page")])
def test_a_collapse_gets_louder(before: float, now: str) -> None:
    """One rule, two severities: the value says which."""
    rule = rule_of("MessageRateCollapse")
    assert severity_of(rule, Finding({}, before), firing="warn") == now
    assert severity_of(rule, Finding({}, 0.25), firing=None) is None


async def test_what_a_spread_was_is_recorded(filled: Address) -> None:
    """For each venue and symbol with both sides; the time is the evaluation's."""
    _, found = await findings(filled, "spread_bps", to_datetime(SPREADS))
    ours = {one.labels["symbol"]: one.value for one in found if one.labels["venue"] == "hysteresis"}
    assert ours == {"10": pytest.approx(10), "20": pytest.approx(20), "30": pytest.approx(30)}


async def test_the_database_accepts_every_rule(questdb: Address) -> None:
    """`rules check --db` finds nothing to say about the catalogue."""
    async with reading(questdb, statement_timeout=timedelta(seconds=5), connections=1) as reader:
        assert await explain_rules(RULES, reader, to_datetime(START)) == []


async def test_the_database_s_own_list_of_columns_serves_the_linter(questdb: Address) -> None:
    """With `--db` the running database's tables are the truth: every table and column of the schema is among them."""
    async with reading(questdb, statement_timeout=timedelta(seconds=5), connections=1) as reader:
        tables = await tables_of(reader)
    assert {name: set(columns) for name, columns in column_types().items()} == {
        name: set(columns) for name, columns in tables.items() if name in column_types()
    }
    _ = load([folder()], tables)


def test_the_catalogue_is_sound_by_the_schema() -> None:
    """Every table and column that the catalogue names is in storage's schema."""
    _ = load([folder()], column_types())


@pytest.mark.parametrize("name", ALERTING)
def test_every_rule_says_what_to_do(name: str) -> None:
    """Summary, description, a severity, and a runbook that is there."""
    rule = rule_of(name)
    assert rule.summary
    assert rule.description
    assert (ROOT / rule.runbook).is_file()


@pytest.mark.parametrize("file", sorted(RUNBOOKS))
async def test_a_runbook_s_query_runs(questdb: Address, file: str) -> None:
    """Who is paged can paste the query of the runbook as it stands."""
    queries = re.findall(r"```sql\n(.*?)```", RUNBOOKS[file], re.DOTALL)
    assert len(queries) == 1
    async with reading(questdb, statement_timeout=timedelta(seconds=5), connections=1) as reader:
        _ = await reader.query(queries[0])


def test_every_runbook_belongs_to_a_rule() -> None:
    """A runbook of a rule that is gone would mislead."""
    named = {rule_of(name).runbook for name in ALERTING}
    assert set(RUNBOOKS) == named
