"""Each kind of rule as the one text that runs."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from rules.compile import Query, compile_rule
from rules.lint import bind, place_of
from rules.model import Absent, Condition, Group, Kind, Rule, Sql, Stale, Threshold

MINUTE = timedelta(minutes=1)
ABOVE = Condition(above=1)
NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)

TEXTS: dict[str, tuple[Kind, str]] = {
    "sql, as it stands": (
        Sql("SELECT venue\nFROM quotes WHERE ts <= :now", MINUTE, None),
        "SELECT venue\nFROM quotes WHERE ts <= :now",
    ),
    "threshold by keys": (
        Threshold("quotes", "avg(ask - bid)", MINUTE, ("venue", "symbol"), "", ABOVE),
        (
            "SELECT venue, symbol, avg(ask - bid) AS value\n"
            "FROM quotes\n"
            "WHERE ts > :start AND ts <= :now\n"
            "GROUP BY venue, symbol"
        ),
    ),
    "threshold over all, with where": (
        Threshold("quotes", "count()", MINUTE, (), " venue = 'a' OR venue = 'b' ", ABOVE),
        ("SELECT count() AS value\nFROM quotes\nWHERE ts > :start AND ts <= :now\n  AND (venue = 'a' OR venue = 'b')"),
    ),
    "stale": (
        Stale("books", ("venue", "symbol"), MINUTE, 60 * MINUTE, "venue <> 'x'"),
        (
            "SELECT venue, symbol, datediff('T', ts, :now) / 1000.0 AS value\n"
            "FROM books\n"
            "WHERE ts > :start AND ts <= :now\n"
            "  AND (venue <> 'x')\n"
            "LATEST ON ts PARTITION BY venue, symbol"
        ),
    ),
    "absent, any row": (
        Absent("quotes", MINUTE, (), (), ""),
        "SELECT count() AS value\nFROM quotes\nWHERE ts > :start AND ts <= :now",
    ),
    "absent, expected keys": (
        Absent("quotes", MINUTE, ("venue",), ({"venue": "okx"},), ""),
        "SELECT venue, count() AS value\nFROM quotes\nWHERE ts > :start AND ts <= :now\nGROUP BY venue",
    ),
}


def _group(offset: timedelta = timedelta()) -> Group:
    return Group("g", Path("rules.yaml"), MINUTE, offset, {}, ())


def _query(kind: Kind, offset: timedelta = timedelta(), own: timedelta | None = None) -> Query:
    query = compile_rule(_group(offset), Rule("R", kind, "warn", "s", offset=own))
    assert query is not None
    return query


@pytest.mark.parametrize("name", TEXTS)
def test_a_kind_compiles_to_its_text(name: str) -> None:
    """Word for word: what `rules show` prints."""
    kind, text = TEXTS[name]
    assert _query(kind).sql == text


@pytest.mark.parametrize(
    ("kind", "span"),
    [
        (Sql("SELECT 1 FROM t WHERE ts <= :now", None, None), timedelta()),
        (Sql("SELECT 1 FROM t WHERE ts <= :now", MINUTE, None), MINUTE),
        (Stale("t", ("a",), MINUTE, 5 * MINUTE, ""), 5 * MINUTE),
        (Absent("t", 2 * MINUTE, (), (), ""), 2 * MINUTE),
    ],
)
def test_the_times_are_those_of_the_evaluation_less_the_offset(kind: Kind, span: timedelta) -> None:
    """:now is the slot less the group's offset, :start is :now less the window."""
    query = _query(kind, timedelta(seconds=3))
    as_of = NOW - timedelta(seconds=3)
    assert query.parameters(NOW) == {"now": as_of, "start": as_of - span}


def test_the_driver_gets_parameters_and_doubled_percent_signs() -> None:
    """What looks like a parameter inside a text or a comment is none."""
    sql = "SELECT ':now %', x::long, a % 2 FROM t -- :start\nWHERE ts > :start AND ts <= :now"
    assert bind(sql) == (
        "SELECT ':now %%', x::long, a %% 2 FROM t -- :start\nWHERE ts > %(start)s AND ts <= %(now)s"
    )  # fmt: skip


@pytest.mark.parametrize("word", ["SELECT", "(ts)", "AND", "foo", "bar"])
def test_a_place_in_what_was_sent_is_found_in_the_rule(word: str) -> None:
    """The driver's text has longer parameters and doubled percent signs: other letters than the author's."""
    sql = "SELECT (ts) FROM t WHERE ts > :start AND ts <= :now  AND a % 2 = foo AND x > dateadd('s', 1, :now) AND bar"
    bound = bind(sql)
    assert sql[place_of(sql, bound.index(word)) :].startswith(word)
