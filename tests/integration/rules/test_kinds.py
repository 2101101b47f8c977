"""Each kind on the real database: the edges of its windows, NULLs, missing sides, nothing to compare with."""

import asyncio
import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alerts.rows import recording_rows
from core.clock import SystemClock, to_datetime
from core.rows import Row, Value
from core.types import SECOND, Nanos
from rules.compile import compile_rule
from rules.findings import Finding, read, severity_of
from rules.load import load
from rules.model import Group, Record, Rule
from storage.address import Address
from storage.reader import Reader, reading
from storage.schema import column_types
from tests.integration.seed import seed

pytestmark = pytest.mark.database

NOW: Nanos = SystemClock().now() // (3600 * SECOND) * 3600 * SECOND - 4 * 24 * 3600 * SECOND
NANO = 1e-9
Entry = tuple[float, float | None]
"""Seconds before NOW, and the number."""


def bids(venue: str, symbol: str, *entries: Entry) -> Iterable[Row]:
    """Return quotes with these bids."""
    for before, bid in entries:
        yield Row("quotes", NOW - round(before * SECOND), {"venue": venue, "symbol": symbol, "bid": bid, "ask": 1e9})


def texts(symbol: str, *entries: tuple[float, str | None], **more: Value) -> Iterable[Row]:
    """Return instruments with these words."""
    for before, word in entries:
        values = {"venue": "kinds", "symbol": symbol, "status": word, **more}
        yield Row("instruments", NOW - round(before * SECOND), values)


def ticks(symbol: str, *entries: tuple[float, str]) -> Iterable[Row]:
    """Return instruments with these steps."""
    for before, tick in entries:
        values: Mapping[str, Value] = {"venue": "kinds", "symbol": symbol, "tick": Decimal(tick)}
        yield Row("instruments", NOW - round(before * SECOND), values)


SPIKES = (
    # Steps of 10 s: (0, 10] is the window, (10, 20] the first of three steps before it.
    *bids("spike", "double", (0, 8), (10, 4), (20, 4), (30, 4)),
    *bids("spike", "edges", (10 - NANO, 8), (10, 4), (20 - NANO, 4), (20, 4), (40 - NANO, 4), (40, 1000)),
    *bids("spike", "zeros", (5, 8), (15, 0), (25, 0), (35, 0)),
    *bids("spike", "nulls", (5, 8), (15, None), (25, None), (35, None)),
    *bids("spike", "new", (5, 8), (15, 4)),
    *bids("spike", "gone", (15, 4), (25, 4), (35, 4)),
    *bids("spike", "spread", (5, 9), (15, 4), (25, 5), (35, 6)),
    *bids("spike", "small", (5, 0.08), (15, 0.04), (25, 0.04), (35, 0.04)),
)
SPIKE = "table: quotes, over: 10s, baseline: 30s, by: [symbol], where: venue = 'spike', value: avg(bid), above: 1.5"
CHANGES = (
    *texts("changed", (100, "A"), (10 - NANO, "B")),
    *texts("at the edge", (100, "A"), (10, "B")),
    *texts("now", (100, "A"), (0, "B")),
    *texts("future", (100, "A"), (-1, "B")),
    *texts("back", (100, "A"), (5, "B"), (1, "A")),
    *texts("twice", (100, "A"), (5, "B"), (1, "C")),
    *texts("new", (5, "A")),
    *texts("new and changed", (5, "A"), (1, "B")),
    *texts("long ago", (120, "A"), (5, "B")),
    *texts("a word is missing", (100, "A"), (5, None)),
    *texts("and is back", (100, "A"), (50, None), (5, "B")),
)
STEPS = (
    *ticks("finer", (100, "0.10"), (1, "0.01")),
    *ticks("the same", (100, "0.10"), (1, "0.1")),
    *ticks("coarser", (100, "0.01"), (1, "0.1")),
)
SIDES = (
    *bids("left", "apart", (1, 101)),
    *bids("right", "apart", (1, 100)),
    *bids("left", "same", (1, 100)),
    *bids("right", "same", (1, 100)),
    *bids("left", "old", (1, 100)),
    *bids("right", "old", (10, 101)),
    *bids("left", "alone", (1, 100)),
    *bids("right", "other", (1, 100)),
    *bids("left", "nothing", (1, None)),
    *bids("right", "nothing", (1, 100)),
    *bids("left", "zeros", (1, 0)),
    *bids("right", "zeros", (1, 0)),
    *bids("left", "signs", (1, -75)),
    *bids("right", "signs", (1, 65)),
    *(Row("quotes", NOW - SECOND, {"venue": name, "bid": bid}) for name, bid in (("left", 7.0), ("right", 8.0))),
)
SIDE = "{{table: quotes, value: last(bid), where: venue = '{}'}}"
MISMATCH = f"left: {SIDE.format('left')}, right: {SIDE.format('right')}, over: 10s, by: [symbol], above: 0.5"


@pytest.fixture(scope="module")
def filled(questdb: Address, tmp_path_factory: pytest.TempPathFactory) -> Address:
    """The database with all rows of this file."""
    rows = [*SPIKES, *CHANGES, *STEPS, *SIDES]
    asyncio.run(seed(questdb, tmp_path_factory.mktemp("spool"), rows))
    return questdb


def rule_of(folder: Path, text: str) -> tuple[Group, Rule]:
    """Return the only rule of a file with this kind."""
    file = folder / "rules.yaml"
    head = "groups:\n  - name: g\n    every: 5s\n    rules:\n      - alert: A\n        summary: s\n        "
    file.write_text(head + text)
    (group,) = load([file], column_types()).groups
    return group, group.rules[0]


async def ask(reader: Reader, group: Group, rule: Rule, at: Nanos = NOW) -> dict[str, Finding]:
    """Return what a rule finds, by symbol."""
    query = compile_rule(group, rule)
    assert query is not None
    result = await reader.query(query.driver_sql, query.parameters(to_datetime(at)))
    return {one.labels.get("symbol", ""): one for one in read(rule, result.columns, result.rows)}


async def found(at: Address, folder: Path, text: str) -> tuple[Rule, dict[str, Finding]]:
    """Return the rule and what it finds."""
    async with reading(at, statement_timeout=timedelta(seconds=5), connections=1) as reader:
        group, rule = rule_of(folder, text)
        return rule, await ask(reader, group, rule)


def values(findings: Mapping[str, Finding]) -> dict[str, float | None]:
    """Return the numbers, rounded."""
    return {name: None if one.value is None else round(one.value, 6) for name, one in findings.items()}


# --- spike -----------------------------------------------------------------------------------------------------------


async def test_a_ratio_is_of_the_window_over_the_steps_before_it(filled: Address, tmp_path: Path) -> None:
    """One exactly at the edge is of the older step; older than the baseline is out; no verdict where there is none."""
    rule, findings = await found(filled, tmp_path, f"spike: {{{SPIKE}}}")
    assert values(findings) == {
        "double": 2, "edges": 2, "zeros": None, "nulls": None, "new": None, "gone": None, "spread": 1.8, "small": 2,
    }  # fmt: skip
    breaching = {name for name, one in findings.items() if severity_of(rule, one, firing=None)}
    assert breaching == {"double", "edges", "spread", "small"}
    assert findings["spread"].data == {"current": 9, "usual": 5, "spread": 1, "steps": 3}


@pytest.mark.parametrize(
    ("more", "name", "value"),
    [
        ("min_samples: 2", "edges", 2),
        ("compare: zscore", "spread", 4),
        ("compare: zscore", "double", None),
        ("compare: zscore, floor: 0.5", "double", 8),
        ("floor: 2", "zeros", 4),
        ("ignore_below: 1", "small", None),
        ("ignore_below: 1", "double", 2),
        ("empty: zero", "gone", 0),
        ("empty: zero", "new", 6),
        ("empty: zero, compare: zscore", "new", (8 - 4 / 3) / (16 / 3) ** 0.5),
        ("empty: zero", "zeros", None),
    ],
)
async def test_what_a_spike_takes_for_usual(
    filled: Address, tmp_path: Path, more: str, name: str, value: float | None
) -> None:
    """The guards against too little to compare with, and what a step without rows is."""
    _, findings = await found(filled, tmp_path, f"spike: {{{SPIKE}, {more}}}")
    assert findings[name].value == (None if value is None else pytest.approx(value))


@given(
    st.lists(st.tuples(st.integers(0, 40), st.integers(1, 9)), min_size=1, max_size=12, unique_by=lambda one: one[0])
)
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_spike_is_what_a_few_lines_of_python_say(
    questdb: Address, tmp_path: Path, entries: Sequence[tuple[int, int]]
) -> None:
    """Sums per step of 10 s, zeros where there is no row, whatever the rows are."""
    text = SPIKE.replace("avg(bid)", "sum(bid)").replace("'spike'", f"'{name_of(entries)}'") + ", empty: zero"
    steps = [sum(bid for before, bid in entries if 10 * n <= before < 10 * (n + 1)) for n in range(4)]
    usual = sum(steps[1:]) / 3

    async def compare() -> None:
        _, findings = await found(questdb, tmp_path, f"spike: {{{text}}}")
        one = findings.get("s")
        assert (None if one is None else one.value) == (pytest.approx(steps[0] / usual) if usual else None)

    asyncio.run(seed(questdb, tmp_path, bids(name_of(entries), "s", *((before, bid) for before, bid in entries))))
    asyncio.run(compare())


def name_of(entries: Sequence[tuple[int, int]]) -> str:
    """Return a venue of these rows' own."""
    return "h" + "-".join(f"{before}.{bid}" for before, bid in entries)


# --- change ----------------------------------------------------------------------------------------------------------


async def test_any_change_of_a_text_is_a_breach_while_the_window_has_it(filled: Address, tmp_path: Path) -> None:
    """The old value is that of before the window; texts are no labels."""
    section = "{table: instruments, value: status, over: 10s, look_back: 100s, by: [symbol], where: venue = 'kinds'}"
    rule, findings = await found(filled, tmp_path, f"change: {section}")
    assert {name: (one.data["old"], one.data["new"]) for name, one in findings.items()} == {
        "changed": ("A", "B"),
        "now": ("A", "B"),
        "twice": ("A", "C"),
        "new and changed": ("A", "B"),
        "and is back": ("A", "B"),
    }
    assert all(severity_of(rule, one, firing=None) and set(one.labels) == {"symbol"} for one in findings.values())


async def test_without_a_look_back_the_first_of_the_window_is_the_old_one(filled: Address, tmp_path: Path) -> None:
    """What was before is not looked for."""
    section = "{table: instruments, value: status, over: 10s, by: [symbol], where: venue = 'kinds'}"
    _, findings = await found(filled, tmp_path, f"change: {section}")
    assert set(findings) == {"back", "twice", "new and changed"}


async def test_a_change_of_a_number_is_its_value(filled: Address, tmp_path: Path) -> None:
    """New less old, exact for decimals, with hysteresis as for a threshold."""
    section = "table: instruments, value: tick, over: 10s, look_back: 100s, by: [symbol], where: venue = 'kinds'"
    rule, findings = await found(filled, tmp_path, f"change: {{{section}, above: 0.05, clear_below: 0.01}}")
    assert values(findings) == {"finer": -0.09, "the same": 0, "coarser": 0.09}
    assert {name for name, one in findings.items() if severity_of(rule, one, firing=None)} == {"coarser"}


# --- mismatch --------------------------------------------------------------------------------------------------------


async def test_a_mismatch_is_how_far_two_sources_are_apart(filled: Address, tmp_path: Path) -> None:
    """A key of one side alone, or without a value there, is a finding of its own; a NULL key is a key."""
    rule, findings = await found(filled, tmp_path, f"mismatch: {{{MISMATCH}}}")
    assert values(findings) == {
        "apart": 1, "same": 0, "zeros": 0, "signs": 140, "": 1,
        "old": None, "alone": None, "other": None, "nothing": None,
    }  # fmt: skip
    missing = {name: one.labels["missing"] for name, one in findings.items() if "missing" in one.labels}
    assert missing == {"old": "right", "alone": "right", "other": "left", "nothing": "left"}
    breaching = {name for name, one in findings.items() if severity_of(rule, one, firing=None)}
    assert breaching == {"apart", "signs", "", *missing}
    assert findings["apart"].data == {"left": 101, "right": 100}


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ("missing: ok", {"apart": 1, "same": 0, "zeros": 0, "signs": 140, "": 1}),
        (
            "missing: zero",
            {
                "apart": 1, "same": 0, "zeros": 0, "signs": 140, "": 1,
                "old": 100, "alone": 100, "other": 100, "nothing": 100,
            },
        ),
        ("missing: ok, ignore: 1", {"apart": 0, "same": 0, "zeros": 0, "signs": 140, "": 0}),
        (
            "missing: ok, compare: bps",
            {"apart": 99.009901, "same": 0, "zeros": 0, "signs": 18_666.666667, "": 1250},
        ),
        (
            "missing: ok, compare: bps, ignore: 1",
            {"apart": 0, "same": 0, "zeros": 0, "signs": 18_666.666667, "": 0},
        ),
    ],
)  # fmt: skip
async def test_what_counts_as_a_difference(
    filled: Address, tmp_path: Path, more: str, expected: Mapping[str, float]
) -> None:
    """Absolute or relative, from where on, and what a missing side is; two zeros do not differ."""
    _, findings = await found(filled, tmp_path, f"mismatch: {{{MISMATCH}, {more}}}")
    assert values(findings) == expected


async def test_a_mismatch_of_totals_has_no_key(filled: Address, tmp_path: Path) -> None:
    """Without `by` one number stands against the other."""
    text = MISMATCH.replace("last(bid)", "sum(bid)").replace(", by: [symbol]", "")
    _, findings = await found(filled, tmp_path, f"mismatch: {{{text}}}")
    assert values(findings) == {"": 473 - 333}


# --- every kind ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        f"spike: {{{SPIKE}}}",
        "change: {table: fills, value: price, over: 10s, look_back: 400d, by: [venue, account], above: 1}",
        "change: {table: orders, value: status, over: 60d, by: [order_id]}",
        (
            "mismatch: {left: {table: fills, value: sum(qty)}, right: {table: orders, value: max(filled)}, over: 1h,"
            " by: [venue, order_id], above: 0}"
        ),
        "spike: {table: orders, value: count(), over: 1m, baseline: 1h, empty: zero, floor: 1, above: 3}",
    ],
)
async def test_the_database_takes_every_type(filled: Address, tmp_path: Path, text: str) -> None:
    """Decimals, texts that are keys, windows longer than 24 days, no key at all: it runs, and not only in a plan."""
    _, findings = await found(filled, tmp_path, text)
    assert all(one.value is None or math.isfinite(one.value) for one in findings.values())


async def test_an_offset_of_a_rule_is_its_own(filled: Address, tmp_path: Path) -> None:
    """It looks so far back, whatever its group does."""
    group, rule = rule_of(tmp_path, f"offset: 10s\n        spike: {{{SPIKE}}}")
    async with reading(filled, statement_timeout=timedelta(seconds=5), connections=1) as reader:
        assert values(await ask(reader, group, rule, NOW + 10 * SECOND))["double"] == 2


# --- record ----------------------------------------------------------------------------------------------------------


async def test_what_is_recorded_twice_is_there_once(questdb: Address, tmp_path: Path) -> None:
    """A slot that is evaluated again after a restart, or in a repeated backtest, changes nothing."""
    rule = Rule("recorded twice", Record("", None), "info", "")
    group = Group("kinds", Path("r"), timedelta(seconds=5), timedelta(), {}, (rule,))
    findings = [Finding({"venue": "okx", "symbol": name}, value) for name, value in (("A", 1.0), ("B", 2.0))]
    rows = recording_rows(group, rule, to_datetime(NOW), findings)
    for folder in ("first", "second"):
        await seed(questdb, tmp_path / folder, rows)
    query = "SELECT ts, venue, symbol, value FROM recordings WHERE rule = 'recorded twice' ORDER BY symbol"
    async with reading(questdb, statement_timeout=timedelta(seconds=5), connections=1) as reader:
        result = await reader.query(query)
    assert result.rows == [(to_datetime(NOW), "okx", "A", 1.0), (to_datetime(NOW), "okx", "B", 2.0)]
