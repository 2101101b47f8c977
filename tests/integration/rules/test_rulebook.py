"""`deskwatch rules` as a person runs it, and what the running database adds to it."""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import psycopg
import pytest

from deskwatch.rulebook import check_on_server, check_rules
from deskwatch.settings import load
from storage.address import Address
from storage.embedded import dsn
from tests.integration.seed import configuration

pytestmark = pytest.mark.database

HEAD = "groups:\n  - name: g\n    every: 5s\n    rules:\n"
GOOD = """
      - alert: Good
        threshold: {table: quotes, value: avg(bid), over: 1m, by: [venue], above: 1}
        summary: "{{ venue }}"
"""

OWN_TABLE = """CREATE TABLE IF NOT EXISTS own_signals (ts TIMESTAMP_NS, venue SYMBOL, bid DOUBLE)
TIMESTAMP(ts) PARTITION BY DAY WAL"""

# What only the server knows; ¦ stands before the place that it complains of.
REFUSED = {
    "in a block": (
        """
      - alert: Bad
        sql: |
          SELECT venue, sum(ask) AS value
          FROM quotes
          WHERE ts > :start AND ts <= :now AND venue = 'é' AND ¦nofunction(bid) > 3
          GROUP BY venue
        over: 1m
        summary: s
""",
        "nofunction",
    ),
    "in a folded text": (
        """
      - alert: Bad
        sql: >-
          SELECT venue, sum(ask) AS value FROM quotes
          WHERE ts > :start AND ts <= :now
            AND ¦nofunction(bid) > 3
        over: 1m
        summary: s
""",
        "nofunction",
    ),
    "in a value": (
        """
      - alert: Bad
        threshold: {table: quotes, value: "sum(ask) - nofunction(¦bid)", over: 1m, by: [venue], above: 1}
        summary: s
""",
        "must appear in GROUP BY",
    ),
    "in the right side of a mismatch": (
        """
      - alert: Bad
        mismatch:
          left: {table: quotes, value: max(bid)}
          right: {table: quotes, value: max(¦nofunction(bid))}
          over: 1m
          by: [venue]
          above: 1
        summary: s
""",
        "nofunction",
    ),
    "in a recording": (
        """
      - record: bad
        sql: SELECT venue, ¦nofunction(bid) AS value FROM quotes WHERE ts > :start AND ts <= :now
        over: 1m
""",
        "nofunction",
    ),
    "in a where": (
        """
      - alert: Bad
        stale: {table: books, by: [venue], older_than: 5s, forget_after: 1h, where: "venue <> ¦nofunction('x')"}
        summary: s
""",
        "nofunction",
    ),
}


def write(folder: Path, text: str) -> Path:
    """Write a rule file and return it."""
    file = folder / "mine.yaml"
    file.write_text(text, encoding="utf-8")
    return file


def deskwatch(config: Path | None, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run the program and return what it said."""
    environment = {} if config is None else {"DESKWATCH_CONFIG": str(config)}
    command: Sequence[str | Path] = [sys.executable, "-m", "deskwatch", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment, timeout=50)


def test_without_a_problem_the_code_is_0(tmp_path: Path) -> None:
    """JSON goes to stdout alone, the message to stderr."""
    (tmp_path / "rules.yaml").write_text(HEAD + GOOD)
    done = deskwatch(None, "rules", "check", tmp_path, "-o", "json")
    assert (done.returncode, json.loads(done.stdout)) == (0, {"problems": [], "ok": True})
    shown = deskwatch(None, "rules", "check", tmp_path)
    assert (shown.returncode, shown.stdout, shown.stderr) == (0, "", "rules are fine\n")


def test_a_problem_makes_it_1(tmp_path: Path) -> None:
    """As JSON, with file, line, column, message and hint."""
    file = tmp_path / "rules.yaml"
    file.write_text(HEAD + GOOD.replace("venue]", "venu]"))
    done = deskwatch(None, "rules", "check", file, "-o", "json")
    assert done.returncode == 1
    problem = {
        "level": "error",
        "file": str(file),
        "line": 7,
        "column": 68,
        "message": "unknown column 'venu'",
        "hint": "did you mean 'venue'?",
    }
    assert problem in json.loads(done.stdout)["problems"]


def test_a_folder_without_rules_is_a_problem(tmp_path: Path) -> None:
    """Nothing would be watched, and nobody would know."""
    done = deskwatch(None, "rules", "check", tmp_path)
    assert done.returncode == 1
    assert "there is no *.yaml in this folder" in done.stdout


def test_show_prints_the_sql_under_a_comment(tmp_path: Path) -> None:
    """When it runs, what is bound, what is a breach; then the text itself."""
    (tmp_path / "rules.yaml").write_text(HEAD + GOOD)
    done = deskwatch(None, "rules", "show", "g/Good", tmp_path)
    assert done.returncode == 0
    lines = done.stdout.splitlines()
    comments = [line for line in lines if line.startswith("-- ")]
    assert any("every 5s" in line for line in comments)
    assert any(":start is :now less 1m" in line for line in comments)
    assert any("a row is a breach when value is above 1" in line for line in comments)
    assert lines[len(comments) :] == [
        "SELECT venue, avg(bid) AS value",
        "FROM quotes",
        "WHERE ts > :start AND ts <= :now",
        "GROUP BY venue",
    ]


COUNTING = """
      - alert: Many
        alerts: {match: ['alertname = "Good"'], by: [venue], warn: {at_least: 2}, page: {at_least: 5, clear_below: 4}}
        summary: "{{ venue }}"
"""


def test_show_of_a_rule_over_alerts_says_what_it_counts(tmp_path: Path) -> None:
    """There is no SQL: comments alone."""
    (tmp_path / "rules.yaml").write_text(HEAD + GOOD + COUNTING)
    done = deskwatch(None, "rules", "show", "Many", tmp_path)
    lines = done.stdout.splitlines()
    assert done.returncode == 0
    assert all(line.startswith("-- ") for line in lines)
    assert '-- value is the number of firing alerts with alertname = "Good"' in lines
    assert "-- warn: a breach when value is 2 or more" in lines
    assert "-- page: a breach when value is 5 or more (once firing, until it is below 4)" in lines


def test_a_warning_makes_it_1_only_if_you_say_so(tmp_path: Path) -> None:
    """A rule with a warning runs; who wants none of them says --strict."""
    file = tmp_path / "rules.yaml"
    file.write_text(HEAD + GOOD.replace("over: 1m", "over: 1s"))
    done = deskwatch(None, "rules", "check", file, "-o", "json")
    assert (done.returncode, json.loads(done.stdout)["ok"]) == (0, True)
    assert [one["level"] for one in json.loads(done.stdout)["problems"]] == ["warning"]
    strict = deskwatch(None, "rules", "check", "--strict", file)
    assert (strict.returncode, strict.stderr) == (1, "1 warning found\n")
    assert f"{file}:7:59: warning: the window is shorter" in strict.stdout


@pytest.mark.parametrize(("name", "hint"), [("Goood", "Did you mean 'Good'?"), ("x", "There are: g/Good")])
def test_show_of_an_unknown_rule_is_wrong_usage(tmp_path: Path, name: str, hint: str) -> None:
    """With the nearest name."""
    (tmp_path / "rules.yaml").write_text(HEAD + GOOD)
    done = deskwatch(None, "rules", "show", name, tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert hint in done.stderr


def test_schema_is_json_and_nothing_else() -> None:
    """It can be piped into a file."""
    done = deskwatch(None, "rules", "schema")
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["title"] == "deskwatch rules"


# --- with the database -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", REFUSED)
async def test_what_the_server_refuses_is_shown_where_it_was_written(
    questdb: Address, tmp_path: Path, name: str
) -> None:
    """The server's place in what was sent becomes line and column in the file; the good rule beside it is fine."""
    text, message = REFUSED[name]
    marked = HEAD + GOOD + text
    line = next(number for number, line in enumerate(marked.splitlines(), 1) if "¦" in line)
    column = marked.splitlines()[line - 1].index("¦") + 1
    file = write(tmp_path, marked.replace("¦", ""))
    assert check_rules([file], explain=False) == []
    (problem,) = await check_on_server([file], load(configuration(questdb, tmp_path)))
    assert (problem.line, problem.column) == (line, column)
    assert message in problem.message


async def test_a_wrong_column_is_told_once(questdb: Address, tmp_path: Path) -> None:
    """The linter found it already, so the server's word for the same line is left out."""
    file = write(tmp_path, HEAD + GOOD.replace("avg(bid)", "avg(bidd)"))
    (problem,) = await check_on_server([file], load(configuration(questdb, tmp_path)))
    assert (problem.line, problem.message) == (7, "unknown column 'bidd'")


async def test_a_table_of_your_own_is_known_by_the_server(questdb: Address, tmp_path: Path) -> None:
    """The linter alone knows our tables; with the database, its own are the truth."""
    async with await psycopg.AsyncConnection.connect(dsn(questdb), autocommit=True) as connection:
        _ = await connection.execute(OWN_TABLE)
    file = write(tmp_path, HEAD + GOOD.replace("quotes", "own_signals"))
    assert "unknown table" in check_rules([file], explain=False)[0].message
    assert await check_on_server([file], load(configuration(questdb, tmp_path))) == []


def test_db_through_the_command(questdb: Address, tmp_path: Path) -> None:
    """The whole way: settings, address, exit code."""
    file = write(tmp_path, HEAD + GOOD + REFUSED["in a value"][0].replace("¦", ""))
    done = deskwatch(configuration(questdb, tmp_path), "rules", "check", "--db", file)
    assert done.returncode == 1
    assert "must appear in GROUP BY" in done.stdout
    assert done.stderr == "1 error found\n"


def test_without_a_database_db_is_wrong_usage(tmp_path: Path) -> None:
    """With what to do about it."""
    (tmp_path / "rules.yaml").write_text(HEAD + GOOD)
    config = tmp_path / "deskwatch.toml"
    config.write_text(f'data = "{tmp_path}"\n')
    done = deskwatch(config, "rules", "check", "--db", tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert "deskwatch run" in done.stderr
