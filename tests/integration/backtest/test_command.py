"""`deskwatch rules backtest` as a person runs it, and the bounds behind its speed."""

import asyncio
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from core.clock import SystemClock, to_datetime
from core.rows import Row
from core.types import SECOND, Nanos
from deskwatch.backtest.bounds import Look, bound_of, look_of
from rules.load import load
from storage.address import Address
from tests.conftest import ROOT
from tests.integration.seed import configuration, seed

pytestmark = pytest.mark.database

START: Nanos = (SystemClock().now() // SECOND - 20_000) * SECOND
RULE = """
groups:
  - name: command
    every: 5s
    rules:
      - alert: CommandWide
        threshold:
          {table: quotes, value: avg(ask - bid), over: 10s, by: [symbol], where: venue = 'command', above: LIMIT}
        no_data: ok
        summary: "{{ symbol }} is {{ value | number }} wide"
"""


def rules(folder: Path, name: str, limit: str) -> Path:
    """Write rules of a limit."""
    inside = folder / name
    inside.mkdir()
    (inside / "rules.yaml").write_text(RULE.replace("LIMIT", limit))
    return inside


@pytest.fixture(scope="module")
def filled(questdb: Address, tmp_path_factory: pytest.TempPathFactory) -> Address:
    """Ten minutes of quotes: A is 3 wide for a minute, B is 2 wide for a minute."""
    rows = [
        Row(
            "quotes", START + second * SECOND, {"venue": "command", "symbol": symbol, "bid": 100.0, "ask": 100.0 + wide}
        )
        for second in range(600)
        for symbol, wide in (("A", 3.0 if 100 <= second < 160 else 0.5), ("B", 2.0 if 300 <= second < 360 else 0.5))
    ]
    asyncio.run(seed(questdb, tmp_path_factory.mktemp("spool"), rows))
    return questdb


def run(at: Address, folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Run the command over the ten minutes."""
    command = [sys.executable, "-m", "deskwatch", "rules", "backtest", *options, "-c", str(configuration(at, folder))]
    stretch = ["--from", to_datetime(START).isoformat(), "--to", to_datetime(START + 600 * SECOND).isoformat()]
    return subprocess.run([*command, *stretch], cwd=ROOT, capture_output=True, text=True, check=False)


def test_it_tells_messages_a_summary_and_what_other_rules_would_change(filled: Address, tmp_path: Path) -> None:
    """A narrower limit gains an incident; the picture is drawn; JSON has all of it."""
    picture = tmp_path / "incidents.png"
    strict, loose = rules(tmp_path, "strict", "1"), rules(tmp_path, "loose", "2.5")
    done = run(filled, tmp_path, str(loose), "--against", str(strict), "--plot", str(picture), "-o", "json")
    assert done.returncode == 0, done.stderr
    shown: dict[str, Any] = json.loads(done.stdout)
    [line] = shown["rules"]
    assert (line["rule"], line["incidents"], line["flaps"], line["messages"]) == ("CommandWide", 1, 0, 2)
    assert line["minutes_firing"] == pytest.approx(1.0, abs=0.2)
    assert [(one["alert"], one["from"], one["to"]) for one in shown["transitions"]] == [
        ("CommandWide", "inactive", "firing"),
        ("CommandWide", "firing", "resolved"),
    ]
    assert [one["status"] for one in shown["messages"]] == ["firing", "resolved"]
    assert "A is " in shown["messages"][0]["text"]
    assert [one["labels"]["symbol"] for one in shown["against"]["gained"]] == ["B"]
    assert shown["against"]["lost"] == []
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_wrong_usage_says_what_to_do(filled: Address, tmp_path: Path) -> None:
    """An unknown rule is exit code 2, with the nearest name."""
    done = run(filled, tmp_path, str(rules(tmp_path, "one", "1")), "--rule", "CommandWide2")
    assert done.returncode == 2
    assert "did you mean 'command/CommandWide'?" in done.stderr


def test_a_bound_never_calls_a_breach_quiet(tmp_path: Path) -> None:
    """At and near the limit it is suspicious; without rows, or well below, it is quiet."""
    [group] = load([rules(tmp_path, "one", "25")]).groups
    rule = group.rules[0]
    bound = bound_of(rule)
    assert bound is not None
    assert [bound.quiet(high, 0.0) for high in (None, 0.0, 24.9, 25.0 - 1e-6, 25.0, 99.0)] == [
        True,
        True,
        True,
        False,
        False,
        False,
    ]


@pytest.mark.parametrize(
    ("value", "known"),
    [
        ("avg(a - b)", True),
        ("abs(avg(a))", True),
        ("sum(a) / 1000.0", True),
        ("count()", True),
        ("last(a) - min(a)", True),
        ("max(a) - max(b)", False),
        ("stddev(a)", False),
        ("avg(a) * 2", False),
        ("abs(avg(a)) + avg(b)", False),
        ("max(a) / sum(b)", False),
    ],
)
def test_only_values_of_a_known_form_are_bounded(tmp_path: Path, value: str, known: bool) -> None:  # noqa: FBT001  a column of the table
    """What is not understood is evaluated."""
    folder = rules(tmp_path, "one", "25")
    file = folder / "rules.yaml"
    file.write_text(file.read_text().replace("value: avg(ask - bid)", f'value: "{value}"'))
    [group] = load([folder]).groups
    assert (bound_of(group.rules[0]) is not None) is known


def test_a_rule_that_alerts_on_errors_is_never_left_out(tmp_path: Path) -> None:
    """A failed evaluation is an event of its own there."""
    [group] = load([rules(tmp_path, "one", "25")]).groups
    rule = group.rules[0]
    assert look_of(rule) is Look.BREACHES
    assert look_of(replace(rule, on_error=type(rule.on_error).ALERT)) is Look.ALWAYS
