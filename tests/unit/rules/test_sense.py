"""What a query cannot mean, at its very place; and what it may."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.load import load_sound
from rules.problems import Level, Problem
from rules.sense import sense
from storage.schema import column_types
from tests.unit.rules.sense_cases import ERRORS, FINE, WARNINGS, bounded

TABLES = column_types()
CASES = [(name, Level.ERROR, *case) for name, case in ERRORS.items()]
CASES += [(name, Level.WARNING, *case) for name, case in WARNINGS.items()]


@pytest.mark.parametrize(("name", "level", "marked", "message"), CASES)
def test_a_trap_is_found_at_its_place(name: str, level: Level, marked: str, message: str) -> None:
    """One finding, whose place, level and words are right."""
    marked = bounded(marked)
    (found,) = sense(marked.replace("¦", ""), TABLES)
    assert (found.offset, found.level, name) == (marked.index("¦"), level, name)
    assert message in found.message
    assert found.hint


@pytest.mark.parametrize("sql", FINE)
def test_what_is_meant_so_passes(sql: str) -> None:
    """Series may be chosen beside LATEST ON, and texts compared with texts."""
    assert list(sense(bounded(sql), TABLES)) == []


def test_without_tables_a_number_still_tells_a_threshold() -> None:
    """Types are unknown then, and 500 is a number all the same."""
    sql, _ = ERRORS["a threshold beside LATEST ON"]
    assert len(list(sense(bounded(sql).replace("¦", ""), None))) == 1


WORDS = "select from where and or not in between latest on ts partition by ( ) , > < = <> 'x' \" -- 5 venue bid quotes"


@given(st.one_of(st.text(), st.lists(st.sampled_from([*WORDS.split(), ":now", "union", "as"])).map(" ".join)))
def test_whatever_the_text_it_ends_and_names_a_place_in_it(sql: str) -> None:
    """No SQL, however odd, raises anything."""
    assert all(0 <= one.offset < len(sql) for one in sense(sql, TABLES))


# --- rules beside one another ----------------------------------------------------------------------------------------

HEAD = "groups:\n  - name: g\n    every: 10s\n    rules:\n"
SPREAD = "{table: quotes, value: avg(bid), over: 1m, by: [venue], above: %s}"


def warnings(folder: Path, text: str) -> list[Problem]:
    """Return what is found in a file."""
    file = folder / "rules.yaml"
    file.write_text(HEAD + text)
    return load_sound([file], TABLES)[1]


def rule(name: str, kind: str, more: str = "") -> str:
    """Return a rule."""
    return f"      - alert: {name}\n        summary: s\n        {kind}\n{more}"


STALE = rule("BookStale", "stale: {table: books, by: [venue], older_than: 5s, forget_after: 1h}")
DOWN = rule("Down", "alerts: {match: ['alertname = \"BookStale\"'], by: [venue]}")
HINTS = {
    "for is shorter than every": (rule("A", f"threshold: {SPREAD % 1}", "        for: 5s\n"), 8, "shorter", "10s"),
    "keeping is shorter than every": (
        rule("A", f"threshold: {SPREAD % 1}", "        keep_firing_for: 5s\n"),
        8,
        "shorter",
        "nothing is kept",
    ),
    "the window is shorter than every": (
        rule("A", "threshold: {table: quotes, value: avg(bid), over: 5s, above: 1}"),
        7,
        "the window is shorter",
        "never looked at",
    ),
    "the same question": (
        rule("A", f"threshold: {SPREAD % 1}") + rule("B", f"threshold: {SPREAD % 2}"),
        8,
        "asks the same as g/A",
        "warn:",
    ),
    "the same SQL in other words": (
        rule("A", "over: 1m\n        sql: SELECT venue FROM quotes WHERE ts > :start AND ts <= :now")
        + rule("B", "over: 1m\n        sql: SELECT venue  FROM quotes WHERE ts > :start AND ts <= :now"),
        9,
        "asks the same as g/A",
        "",
    ),
    "the same count": (
        STALE + DOWN + DOWN.replace("Down", "Out"),
        11,
        "asks the same as g/Down",
        "",
    ),
    "counted before it is known": (DOWN + STALE, 5, "it stands before BookStale", "move it"),
    "counts nothing": (DOWN.replace("BookStale", "BookStael") + STALE, 5, "no rule here", "did you mean 'BookStale'?"),
}


@pytest.mark.parametrize("name", HINTS)
def test_what_is_seldom_meant_is_a_warning(tmp_path: Path, name: str) -> None:
    """At the key that says it, and the rule runs all the same."""
    text, line, message, hint = HINTS[name]
    (found,) = warnings(tmp_path, text)
    assert (found.line, found.level) == (line, Level.WARNING)
    assert message in found.message
    assert hint in found.hint
    assert found.show().startswith(f"{found.file}:{line}:{found.column}: warning: ")


def test_what_is_meant_so_makes_no_noise(tmp_path: Path) -> None:
    """Sources before what counts them, a second window, a stale age shorter than `every`."""
    other = rule("B", f"threshold: {(SPREAD % 1).replace('1m', '5m')}")
    assert warnings(tmp_path, STALE + DOWN + rule("A", f"threshold: {SPREAD % 1}") + other) == []
