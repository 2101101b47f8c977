"""The notation of series, and rule test files with everything wrong at its place. Source: DESIGN.md section 7."""

from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.case_load import load_cases, load_file
from rules.problems import BadRules
from rules.series import BadSeries, read_series

TABLES = {"quotes": {"ts": "TIMESTAMP_NS", "venue": "SYMBOL", "bid": "DOUBLE", "live": "BOOLEAN", "bids": "DOUBLE[][]"}}
GOOD = """\
rules: [market.yaml]
routing: routing.yaml
tables:
  samples: ts TIMESTAMP, series SYMBOL, value DOUBLE
tests:
  - name: first
    start: 2026-02-01T00:00:00+01:00
    until: 5m
    phase: 7s
    only: [Wide]
    rows:
      - {table: samples, every: 15s, from: 1m, set: {series: a}, values: {value: "3 5 0x2 _ 9"}}
      - {table: quotes, times: 3, set: {venue: okx, bid: 1.5, live: true}}
    transitions:
      - {at: 2m7s, alert: Wide, labels: {series: a}, to: pending, value: 11}
    states:
      - {at: 1m, alert: Wide, expect: []}
    sent:
      - {at: 2m, receiver: default, status: firing, alerts: 1, text: "Wide.*"}
"""


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("3", [3]),
        ("3 5 0x2 9", [3, 5, 5, 5, 9]),
        ("1 0.1x3", [1, "1.1", "1.2", "1.3"]),
        ("5 -2x2 0x1", [5, 3, 1, 1]),
        ("5 x2", [5, 5, 5]),
        ("5 _ _x2 1x1", [5, None, None, None, 6]),
        ("_x3 7", [None, None, None, 7]),
        ("4 0x0 1", [4, 1]),
        ("-1.5e3 .5", [-1500, "0.5"]),
    ],
)
def test_the_notation_of_numbers(text: str, values: list[object]) -> None:
    """AxB is B more values, each A more than the one before: B rows, not B + 1."""
    assert read_series(text, numbers=True) == tuple(None if one is None else Decimal(str(one)) for one in values)


def test_the_notation_of_texts() -> None:
    """A text is repeated by xB; nothing can be added to it."""
    assert read_series("live x2 _ silent", numbers=False) == ("live", "live", "live", None, "silent")
    with pytest.raises(BadSeries, match="adds to a text"):
        read_series("live 1x2", numbers=False)


@pytest.mark.parametrize(
    ("text", "offset", "message"),
    [
        ("1x3", 0, "no value before"),
        ("_ x3", 2, "no value before"),
        ("3 five", 2, "no number"),
        ("3 0x200000", 2, "more than"),
        ("  ", 0, "no value at all"),
    ],
)
def test_a_wrong_series_says_where(text: str, offset: int, message: str) -> None:
    """The place is the token's."""
    with pytest.raises(BadSeries, match=message) as caught:
        read_series(text, numbers=True)
    assert caught.value.offset == offset


@given(st.lists(st.tuples(st.integers(-9, 9), st.integers(0, 9)), max_size=9), st.integers(-9, 9))
def test_every_step_is_as_long_as_it_says(steps: list[tuple[int, int]], first: int) -> None:
    """The number of values is one and the sum of the steps; the last is the first and every step taken."""
    text = " ".join([str(first), *(f"{step}x{count}" for step, count in steps)])
    found = read_series(text, numbers=True)
    assert len(found) == 1 + sum(count for _, count in steps)
    assert found[-1] == first + sum(step * count for step, count in steps)


def written(folder: Path, text: str) -> Path:
    """Write a test file."""
    file = folder / "test.yaml"
    file.write_text(text)
    return file


def test_a_file_becomes_cases(tmp_path: Path) -> None:
    """Every key, with its default where it has one."""
    [file] = load_cases([written(tmp_path, GOOD)], TABLES)
    assert (file.rules, file.routing) == ((tmp_path / "market.yaml",), tmp_path / "routing.yaml")
    [case] = file.cases
    assert (case.start.isoformat(), case.until, case.phase) == (
        "2026-01-31T23:00:00+00:00",
        timedelta(minutes=5),
        timedelta(seconds=7),
    )
    first, second = case.rows
    assert [at.total_seconds() for at, _ in first.rows()] == [60, 75, 90, 105, 135]
    assert first.rows()[0][1] == {"series": "a", "value": Decimal(3)}
    assert [(at.total_seconds(), cells["bid"], cells["live"]) for at, cells in second.rows()] == [
        (number, Decimal("1.5"), True) for number in range(3)
    ]
    assert case.transitions is not None
    assert (case.transitions[0].place.line, case.transitions[0].labels) == (15, {"series": "a"})
    assert case.states[0].alerts == ()
    assert case.sent is not None
    assert case.sent[0].alerts == 1


def test_rows_with_several_columns_end_with_the_longest(tmp_path: Path) -> None:
    """A column without a value at a time is NULL there; a time without any value has no row."""
    text = GOOD.replace('{value: "3 5 0x2 _ 9"}', '{value: "1 _ 2 _ 3", series: "a b _ _"}').replace(
        "set: {series: a}, ", ""
    )
    [file] = load_cases([written(tmp_path, text)], TABLES)
    assert [cells for _, cells in file.cases[0].rows[0].rows()] == [
        {"value": Decimal(1), "series": "a"},
        {"series": "b"},
        {"value": Decimal(2)},
        {"value": Decimal(3)},
    ]


@pytest.mark.parametrize(
    ("old", "new", "place", "message"),
    [
        ("phase: 7s", "fase: 7s", "9:5", "unknown key 'fase'"),
        ("phase: 7s", "phase: 7", "9:12", "phase must be a duration"),
        ("2026-02-01T00:00:00+01:00", "2026-02-01", "7:12", "start must be a time in UTC"),
        ("table: quotes", "table: quots", "13:17", "unknown table 'quots'"),
        ("bid: 1.5", "bit: 1.5", "13:53", "no column 'bit'"),
        ("bid: 1.5", "bid: high", "13:58", "bid must be a number"),
        ("live: true", "live: 1", "13:69", "live must be true or false"),
        ("live: true", "bids: 1", "13:69", "a test cannot set it"),
        ("3 5 0x2 _ 9", "3 5 0y2 _ 9", "12:88", "'0y2' is no number"),
        ("to: pending", "to: pendin", "15:59", "to must be one of"),
        ("at: 2m7s", "at: 6m", "15:3", "after the test's end"),
        ('"Wide.*"', '"Wide.*("', "19:76", "no regular expression"),
        ("value DOUBLE\n", "value REAL\n", "4:12", "unknown type REAL"),
        ("samples: ts TIMESTAMP,", "samples: at TIMESTAMP,", "4:12", "the first column must be `ts TIMESTAMP`"),
        ("  samples:", "  quotes:", "4:3", "every database has a table 'quotes'"),
    ],
)
def test_a_mistake_is_shown_at_its_place(tmp_path: Path, old: str, new: str, place: str, message: str) -> None:
    """Line and column are those of the word that is wrong."""
    assert old in GOOD
    _, problems = load_file(written(tmp_path, GOOD.replace(old, new, 1)), TABLES)
    found = {f"{one.line}:{one.column}": one.message for one in problems}
    assert message in found.get(place, f"nothing there, but {found}")


def test_a_test_without_expectations_is_a_mistake(tmp_path: Path) -> None:
    """It would pass whatever happens."""
    text = GOOD[: GOOD.index("    transitions:")]
    with pytest.raises(BadRules, match="the test expects nothing"):
        load_cases([written(tmp_path, text)], TABLES)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    """No traceback for a wrong path."""
    with pytest.raises(BadRules, match="cannot be read"):
        load_cases([tmp_path / "none.yaml"], TABLES)
