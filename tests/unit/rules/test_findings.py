"""Rows to findings, and which of them are breaches."""

import math
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.findings import MOST_LISTED, BadResult, Finding, breaches, counted, read, severity_of
from rules.matcher import read_matcher
from rules.model import (
    Absent,
    Alerts,
    Change,
    Condition,
    Distance,
    Level,
    Mismatch,
    Missing,
    Record,
    Rule,
    Side,
    Sql,
    Stale,
    Threshold,
)

SPAN = timedelta(seconds=10)
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def _sql(condition: Condition | None = None) -> Rule:
    return Rule("R", Sql("", None, condition), "warn", "s")


def _threshold(condition: Condition) -> Rule:
    return Rule("R", Threshold("t", "x", SPAN, (), "", condition), "warn", "s")


def test_texts_are_labels_value_is_the_number_the_rest_is_data() -> None:
    """Empty texts and NULLs are no labels, a boolean is one, times are dropped."""
    columns = ("venue", "value", "live", "account", "symbol", "price", "ts", "missing")
    row = ("okx", 3, True, "", None, Decimal("1.50"), NOON, None)
    (one,) = read(_sql(), columns, [row])
    assert one == Finding({"venue": "okx", "live": "true"}, 3.0, {"price": Decimal("1.50")})


@pytest.mark.parametrize("cell", [None, math.nan, math.inf, "text"])
def test_what_is_no_number_is_no_value(cell: object) -> None:
    """The series is there and has no number, so it cannot breach."""
    rule = _threshold(Condition(above=0))
    (one,) = read(rule, ("venue", "value"), [("okx", cell)])
    assert one.value is None
    assert not breaches(rule, one, firing=True)


def test_two_rows_of_one_series_are_refused() -> None:
    """One of them would hide the other."""
    with pytest.raises(BadResult, match="two rows with venue=okx"):
        _ = read(_sql(), ("venue", "value"), [("okx", 1), ("okx", 2)])


def test_a_condition_needs_a_value() -> None:
    """The query has to say what is compared."""
    with pytest.raises(BadResult, match="no column `value`"):
        _ = read(_sql(Condition(above=1)), ("venue",), [("okx",)])


def test_without_a_condition_every_row_is_a_breach() -> None:
    """The query itself says what is wrong."""
    (one,) = read(_sql(), ("venue",), [("okx",)])
    assert breaches(_sql(), one, firing=False)


@pytest.mark.parametrize(
    ("condition", "new", "going_on"),
    [
        (Condition(above=10), "11 12", "11 12"),
        (Condition(above=10, clear_below=8), "11 12", "8 9 10 11 12"),
        (Condition(below=9), "6 7 8", "6 7 8"),
        (Condition(below=8, clear_above=10), "6 7", "6 7 8 9 10"),
        (Condition(above=11, below=7), "6 12", "6 12"),
        (Condition(above=11, clear_below=10, below=7, clear_above=8), "6 12", "6 7 8 10 11 12"),
    ],
)
def test_hysteresis(condition: Condition, new: str, going_on: str) -> None:
    """Values 6 to 12: which start an alert, and which keep one that fires."""
    rule = _threshold(condition)

    def breaching(*, firing: bool) -> str:
        return " ".join(str(n) for n in range(6, 13) if breaches(rule, Finding({}, float(n)), firing=firing))

    assert (breaching(firing=False), breaching(firing=True)) == (new, going_on)


def test_stale_is_older_than() -> None:
    """An age equal to the limit is not too old."""
    rule = Rule("R", Stale("t", ("a",), SPAN, 60 * SPAN, ""), "warn", "s")
    assert [breaches(rule, Finding({}, age), firing=True) for age in (9.999, 10.0, 10.001)] == [False, False, True]


def test_absent_names_the_expected_keys_without_rows() -> None:
    """Keys that were not expected do not matter; the value is the window in seconds."""
    expect = ({"venue": "okx", "symbol": "A"}, {"venue": "okx", "symbol": "B"})
    rule = Rule("R", Absent("t", SPAN, ("venue", "symbol"), expect, ""), "warn", "s")
    found = read(rule, ("venue", "symbol", "value"), [("okx", "B", 3), ("okx", "C", 1)])
    assert found == [Finding({"venue": "okx", "symbol": "A"}, 10.0)]
    assert breaches(rule, found[0], firing=False)


@pytest.mark.parametrize(("count", "findings"), [(0, 1), (2, 0)])
def test_absent_without_keys_wants_any_row(count: int, findings: int) -> None:
    """An ungrouped count is always one row, which may say 0."""
    rule = Rule("R", Absent("t", SPAN, (), (), ""), "warn", "s")
    assert len(read(rule, ("value",), [(count,)])) == findings


def test_what_changed_is_data_though_it_is_a_text() -> None:
    """As a label it would make another alert with each change; the keys are labels all the same."""
    rule = Rule("R", Change("t", "status", SPAN, SPAN, ("venue",), "", None), "warn", "s")
    (one,) = read(rule, ("venue", "old", "new"), [("okx", "live", "halt")])
    assert one == Finding({"venue": "okx"}, None, {"old": "live", "new": "halt"})
    assert breaches(rule, one, firing=False)


def test_a_recording_needs_a_value_and_is_never_a_breach() -> None:
    """There would be nothing to keep."""
    rule = Rule("R", Record("", None), "info", "")
    with pytest.raises(BadResult, match="no column `value`"):
        _ = read(rule, ("venue",), [("okx",)])
    (one,) = read(rule, ("venue", "value"), [("okx", 1.0)])
    assert not breaches(rule, one, firing=True)


def test_a_missing_side_is_a_breach_without_a_number() -> None:
    """At the loudest severity, since nobody knows how far apart they are."""
    side, condition = Side("t", "x", ""), Condition(above=5)
    kind = Mismatch(side, side, SPAN, (), Distance.ABSOLUTE, 0, Missing.ALERT, condition)
    levels = (Level("warn", condition), Level("page", Condition(above=9)))
    rule = Rule("R", kind, "page", "s", levels=levels)
    assert severity_of(rule, Finding({"missing": "left"}, None), firing=None) == "page"
    assert severity_of(rule, Finding({}, None), firing="page") is None
    assert severity_of(rule, Finding({}, 6), firing=None) == "warn"


FIRING = (
    {"alertname": "BookStale", "venue": "okx", "symbol": "B"},
    {"alertname": "BookStale", "venue": "okx", "symbol": "A"},
    {"alertname": "BookStale", "venue": "bybit", "symbol": "A"},
    {"alertname": "BookStale", "symbol": "A"},
    {"alertname": "FeedSilent", "venue": "okx", "symbol": "A"},
)


def _alerts(*matchers: str, by: tuple[str, ...] = ("venue",)) -> Alerts:
    return Alerts(tuple(map(read_matcher, matchers)), by, Condition(above=1))


def test_alerts_are_counted_by_labels() -> None:
    """An alert without the label is one of its own group; the other labels are listed."""
    found = counted(_alerts('alertname = "BookStale"'), FIRING)
    assert [(one.labels, one.value, one.data["symbol"]) for one in found] == [
        ({}, 1, "A"),
        ({"venue": "bybit"}, 1, "A"),
        ({"venue": "okx"}, 2, "A, B"),
    ]
    rule = Rule("R", _alerts("a=b"), "warn", "s")
    assert [breaches(rule, one, firing=False) for one in found] == [False, False, True]


def test_matchers_are_all_to_match_and_match_whole_values() -> None:
    """`=~` does not search, `!=` matches what is not there."""
    assert counted(_alerts('alertname =~ "Book"', by=()), FIRING) == []
    (one,) = counted(_alerts('alertname =~ "Book.*|Feed.*"', 'venue != "okx"', by=()), FIRING)
    assert (one.labels, one.value) == ({}, 2)


def test_a_storm_does_not_make_a_text_of_a_thousand_names() -> None:
    """So many are named, the rest is counted."""
    (one,) = counted(_alerts("a=b", by=()), [{"a": "b", "symbol": f"{n:04}"} for n in range(1000)])
    assert str(one.data["symbol"]).endswith(f"0009 and {1000 - MOST_LISTED} more")


@given(st.permutations(FIRING))
def test_the_order_of_alerts_changes_nothing(firing: list[dict[str, str]]) -> None:
    """What fires is a set."""
    kind = _alerts('alertname =~ ".+"', by=("symbol",))
    assert counted(kind, firing) == counted(kind, FIRING)
