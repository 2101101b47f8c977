"""Rule files that are wrong: each problem at its place, with what to do; and files that are right."""

from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from rules.load import load, load_sound
from rules.matcher import Matcher, Operator
from rules.model import (
    Absent,
    Alerts,
    Change,
    Compare,
    Condition,
    Distance,
    Empty,
    Level,
    Mismatch,
    Missing,
    NoData,
    OnError,
    Record,
    Side,
    Spike,
    Sql,
    Stale,
    Threshold,
)
from rules.problems import BadRules, Problem
from storage.schema import column_types
from tests.unit.rules.wrong_files import WRONG, query, spread

LOUD = spread("above: x, by: [nope]}\n        severity: loud\n")


def problems(folder: Path, text: str) -> list[Problem]:
    """Return what is wrong with a file, with the tables of the schema known."""
    file = folder / "rules.yaml"
    file.write_text(text, encoding="utf-8")
    return load_sound([file], column_types())[1]


@pytest.mark.parametrize("name", WRONG)
def test_a_problem_has_its_place_and_a_hint(tmp_path: Path, name: str) -> None:
    """Line, column, message and hint of every problem, and no problem more."""
    marked, expected = WRONG[name]
    found = problems(tmp_path, marked.replace("¦", ""))
    places = [
        (number, at - seen)
        for number, line in enumerate(marked.splitlines() or [""], 1)
        for seen, at in enumerate(i for i, letter in enumerate(line, 1) if letter == "¦")
    ]
    assert [(one.line, one.column) for one in found] == places
    for problem, (message, hint) in zip(found, expected, strict=True):
        assert message in problem.message
        assert hint in problem.hint


def test_all_problems_of_all_files_come_at_once(tmp_path: Path) -> None:
    """One run tells everything, in the order of the files and lines."""
    for name in ("b.yaml", "a.yml"):
        (tmp_path / name).write_text(LOUD, encoding="utf-8")
    with pytest.raises(BadRules) as caught:
        _ = load([tmp_path], column_types())
    places = [(one.file.name, one.line) for one in caught.value.problems]
    assert places == sorted(places)
    assert {name for name, _ in places} == {"a.yml", "b.yaml"}
    assert len(places) == 2 * 3 + 1  # and the group of the second file is in the first


def test_a_problem_is_shown_with_its_line_and_a_caret(tmp_path: Path) -> None:
    """As a compiler shows it."""
    shown = problems(tmp_path, spread("by: [venu], above: 1}\n"))[0].show().splitlines()
    assert shown[0].endswith("rules.yaml:7:68: unknown column 'venu'")
    assert shown[1][4 + 67 :].startswith("venu]")
    assert shown[2] == " " * (4 + 67) + "^"
    assert shown[3].strip() == "did you mean 'venue'?"


def test_a_group_of_another_file_is_named_with_its_place(tmp_path: Path) -> None:
    """State is kept under the group's name, so it must be its own."""
    for name in ("a.yaml", "b.yaml"):
        (tmp_path / name).write_text("groups:\n  - every: 5s\n    name: g\n    rules: []\n", encoding="utf-8")
    _, (problem,) = load_sound([tmp_path])
    assert (problem.file.name, problem.line, problem.column) == ("b.yaml", 3, 11)
    assert "is also in" in problem.message


@pytest.mark.parametrize("content", [b"\xff\xfe", None])
def test_a_file_that_cannot_be_read_is_a_problem(tmp_path: Path, content: bytes | None) -> None:
    """Not there, or no UTF-8."""
    file = tmp_path / "rules.yaml"
    if content is not None:
        file.write_bytes(content)
    assert [one.line for one in load_sound([file])[1]] == [1]


# --- what is right ---------------------------------------------------------------------------------------------------


def test_yaml_is_read_as_yaml_1_2(tmp_path: Path) -> None:
    """`no`, `on` and `12:30` are texts, and a quoted key is the key."""
    file = tmp_path / "rules.yaml"
    labels = "        labels: {country: no, switch: on, at: 12:30, 'quoted': \"yes\", version: 1.2.3}\n"
    file.write_text(spread("above: 1}\n") + labels, encoding="utf-8")
    (group,) = load([file]).groups
    assert dict(group.rules[0].labels) == {
        "country": "no", "switch": "on", "at": "12:30", "quoted": "yes", "version": "1.2.3",
    }  # fmt: skip


EVERY = """
groups:
  - name: g
    every: 1m30s
    offset: 2s
    labels: {team: a}
    rules:
      - alert: S
        sql: SELECT 1 FROM x WHERE ts > :start AND ts <= :now
        over: 5m
        above: 1
        clear_below: 0.5
        summary: " s "
      - alert: T
        threshold: {table: t, value: max(x), over: 1m, by: [a], where: b = 1, below: 2, clear_above: 3}
        for: 10s
        keep_firing_for: 20s
        no_data: keep
        on_error: alert
        limit: 5
        severity: page
        summary: "{{ a }}"
        description: more
        runbook: r.md
        dashboard: d
      - {alert: O, stale: {table: t, by: [a, b], older_than: 5s, forget_after: 1h}, summary: s}
      - {alert: N, absent: {table: t, over: 1m, expect: [{a: x, b: y}, {a: x, b: z}]}, summary: s}
      - {alert: U, threshold: {table: t, value: max(x), over: 1m, above: 1e3}, summary: s}
      - alert: P
        spike: {table: t, value: x, over: 1m, baseline: 5m, compare: zscore, min_samples: 4, floor: 1, above: 2}
        summary: s
      - {alert: C, change: {table: t, value: x, over: 1m, look_back: 2m, by: [a]}, offset: 3s, summary: s}
      - alert: M
        mismatch:
          left: {table: t, value: x}
          right: {table: u, value: y, where: z = 1}
          over: 1m
          by: [a]
          compare: bps
          ignore: 0.5
          missing: zero
          warn: {above: 2, clear_below: 1}
          page: {above: 3}
        summary: s
      - {alert: A, alerts: {match: ['alertname =~ "P|C"'], by: [a], at_least: 2, clear_below: 1}, summary: s}
      - {record: R, sql: SELECT 1 AS value FROM x WHERE ts > :start AND ts <= :now, over: 1m}
"""


def test_every_kind_and_field_is_read(tmp_path: Path) -> None:
    """One rule of each kind, with what can be said of it."""
    file = tmp_path / "rules.yaml"
    file.write_text(EVERY, encoding="utf-8")
    (group,) = load([file]).groups
    minute = timedelta(minutes=1)
    assert (group.name, group.every, group.offset, dict(group.labels)) == (
        "g", 1.5 * minute, timedelta(seconds=2), {"team": "a"},
    )  # fmt: skip
    own, threshold, stale, absent, plain, *_ = group.rules
    assert own.kind == Sql(
        "SELECT 1 FROM x WHERE ts > :start AND ts <= :now", 5 * minute, Condition(above=1, clear_below=0.5)
    )
    assert (own.summary, own.severity, own.no_data, own.on_error, own.limit) == (
        "s",
        "warn",
        NoData.OK,
        OnError.KEEP,
        0,
    )
    assert threshold.kind == Threshold("t", "max(x)", minute, ("a",), "b = 1", Condition(below=2, clear_above=3))
    assert (threshold.hold, threshold.keep_firing_for) == (timedelta(seconds=10), timedelta(seconds=20))
    assert (threshold.no_data, threshold.on_error, threshold.limit) == (NoData.KEEP, OnError.ALERT, 5)
    assert (threshold.description, threshold.runbook, threshold.dashboard) == ("more", "r.md", "d")
    assert stale.kind == Stale("t", ("a", "b"), timedelta(seconds=5), 60 * minute, "")
    assert absent.kind == Absent("t", minute, ("a", "b"), ({"a": "x", "b": "y"}, {"a": "x", "b": "z"}), "")
    assert plain.no_data is NoData.ALERT


def test_every_kind_that_compares_two_things_is_read(tmp_path: Path) -> None:
    """With every key; levels from quiet to loud, and the loudest is the rule's."""
    file = tmp_path / "rules.yaml"
    file.write_text(EVERY, encoding="utf-8")
    (group,) = load([file]).groups
    *_, spike, change, mismatch, alerts, record = group.rules
    minute, above = timedelta(minutes=1), Condition(above=2)
    assert spike.kind == Spike(
        "t", "x", minute, 5 * minute, (), "", Compare.ZSCORE, 4, 1.0, None, Empty.SKIP, above
    )  # fmt: skip
    assert change.kind == Change("t", "x", minute, 2 * minute, ("a",), "", None)
    assert (change.as_of(group), spike.as_of(group)) == (timedelta(seconds=3), timedelta(seconds=2))
    warn, page = Condition(above=2, clear_below=1), Condition(above=3)
    sides = Side("t", "x", ""), Side("u", "y", "z = 1")
    assert mismatch.kind == Mismatch(*sides, minute, ("a",), Distance.BPS, 0.5, Missing.ZERO, warn)
    assert (mismatch.severity, mismatch.levels) == ("page", (Level("warn", warn), Level("page", page)))
    matcher = Matcher("alertname", Operator.MATCHES, "P|C")
    assert alerts.kind == Alerts((matcher,), ("a",), Condition(above=1, clear_below=1))
    assert record.kind == Record("SELECT 1 AS value FROM x WHERE ts > :start AND ts <= :now", minute)


SOUND = (
    "SELECT venue, count() n FROM quotes WHERE ts > :start AND ts <= :now GROUP BY venue",
    (
        "WITH q AS (SELECT venue, last(bid) b FROM quotes WHERE ts > :start AND ts <= :now GROUP BY venue)"
        " SELECT venue, b AS value FROM q"
    ),
    (
        "SELECT f.venue, f.price::double * 2 AS value FROM fills f ASOF JOIN books b ON (venue, symbol) TOLERANCE 5s"
        " WHERE f.ts > :start AND f.ts <= :now AND b.bids[1,1] > 0"
    ),
    (
        "SELECT venue, cast(bid AS long) AS whole FROM quotes WHERE ts > :start AND ts <= :now"
        " LATEST ON ts PARTITION BY venue, symbol"
    ),
    (
        "SELECT venue, bps FROM (SELECT venue, avg(bid) bps FROM quotes WHERE ts > :start AND ts <= :now"
        " SAMPLE BY 10s FILL(PREV) ALIGN TO CALENDAR) WHERE bps BETWEEN 1 AND 2 ORDER BY bps DESC LIMIT 5"
    ),
    (
        "SELECT venue, avg(bid) OVER (PARTITION BY venue ORDER BY ts RANGE BETWEEN 5 minute PRECEDING AND CURRENT ROW)"
        " FROM quotes WHERE ts > :start AND ts <= :now"
    ),
    "SELECT name, writerTxn FROM wal_tables() w CROSS JOIN quotes WHERE ts > :start AND ts <= :now",
    (
        "SELECT venue, CASE WHEN bid IS NULL THEN 0 ELSE 1 END AS value FROM quotes -- isn't (\n"
        " WHERE ts > :start AND ts <= :now"
    ),
    'SELECT venue, "any name" FROM quotes WHERE ts > :start AND ts <= :now',
    "DECLARE @least := 5 SELECT venue FROM quotes WHERE ts > :start AND ts <= :now AND bid > @least",
)


@pytest.mark.parametrize("sql", SOUND)
def test_sound_sql_passes(tmp_path: Path, sql: str) -> None:
    """Aliases, CTEs, casts, joins, windows and comments of the dialect are no unknown columns."""
    text = "".join(f"          {line}\n" for line in sql.splitlines())
    assert problems(tmp_path, query(f"|\n{text}")) == []


def test_columns_beside_an_unknown_table_are_not_judged(tmp_path: Path) -> None:
    """Only the table is told: what it has is not known."""
    (problem,) = problems(
        tmp_path, query("SELECT own.x FROM quotes JOIN my_table own ON (venue) WHERE ts > :start AND own.ts <= :now\n")
    )
    assert problem.message == "unknown table 'my_table'"


PIECES = """groups: name: every: rules: alert: sql: threshold: {table: quotes} [venue] - 5s 'x' "{{ v }}" | > & * ! ? ,
: # % @ ` ~ null 1e999 stale: absent: by: over: expect: {} [] SELECT :now ( ) -- é 😀"""
WORDS = st.sampled_from([*PIECES.split(), "\n", "\n  ", "\n    ", "\n      "])


@given(text=st.one_of(st.text(), st.lists(WORDS, max_size=40).map(" ".join)))
@example(text="[" * 3000)
@example(text="&a [*a]")
@example(text="groups: &a\n  - *a\n")
@example(text="groups: [{name: !!binary x, every: ٣s, rules: []}]")
@settings(deadline=None, max_examples=300)
def test_whatever_the_text_the_answer_is_rules_or_problems(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    """No YAML, however odd, raises anything but BadRules, and every problem can be shown."""
    file = tmp_path_factory.getbasetemp() / "arbitrary.yaml"
    file.write_text(text, encoding="utf-8", errors="replace", newline="")
    try:
        _ = load([file], column_types())
    except BadRules as error:
        shown = [one.show() for one in error.problems if one.line >= 1 and one.column >= 1]
    else:
        shown = [""]
    assert shown
