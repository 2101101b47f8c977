"""`rules test` on a real QuestDB: the catalogue's tests, the public compliance cases, and what must fail."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from textwrap import indent
from typing import Any
from xml.etree import ElementTree as ET

import pytest
import yaml

from core.clock import SystemClock
from deskwatch.ruletest.run import Verdict, read_files, run_files
from rules.catalogue import folder
from rules.load import load
from rules.model import Record
from storage.address import Address
from storage.embedded import running
from storage.settings import DatabaseSettings
from tests.conftest import ROOT, unavailable

pytestmark = pytest.mark.database

HERE = Path(__file__).parent
CATALOGUE = folder().parent / "catalogue_tests"
REFERENCE = ROOT.parent / "shared" / "reference" / "alert-cases.yaml"
RULES = """
groups:
  - name: g
    every: 30s
    rules:
      - alert: Simple
        sql: |
          SELECT series, value FROM samples
          WHERE ts > :start AND ts <= :now
          LATEST ON ts PARTITION BY series
        over: 5m
        above: 10
        for: 6m
        summary: "Simple {{ series }} is {{ value | number }}"
"""
CASE = """
rules: [rules.yaml]
tables: {samples: "ts TIMESTAMP, series SYMBOL, value DOUBLE"}
tests:
  - name: pending, firing, resolved
    until: 25m
    phase: 7s
    rows:
      - {table: samples, every: 15s, set: {series: a}, values: {value: "3 5 0x2 9 0x3 11 0x60 9 0x20"}}
"""
TRANSITIONS = """
- {at: 2m7s, alert: Simple, labels: {series: a}, to: pending, value: 11}
- {at: 8m7s, alert: Simple, labels: {series: a}, to: firing}
- {at: 17m37s, alert: Simple, labels: {series: a}, to: inactive}
"""
STATES = """
- {at: 5m30s, alert: Simple, expect: [{labels: {series: a}, state: pending, value: 11, summary: Simple a is 11}]}
- {at: 20m, alert: Simple, expect: []}
"""
SENT = """
- {at: 8m7s, receiver: default, status: firing, alerts: 1, text: "Simple.*11"}
- {at: 17m37s, receiver: default, status: resolved}
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Address]:
    """A server for rule tests alone: they empty its tables."""
    with asyncio.Runner() as runner:
        one = running(tmp_path_factory.mktemp("ruletest"), DatabaseSettings(), SystemClock())
        yield runner.run(one.__aenter__()).address
        runner.run(one.__aexit__(None, None, None))


async def verdicts(at: Address, *paths: Path) -> Sequence[Verdict]:
    """Run every test of some files."""
    return await run_files(read_files(paths, ""), at, SystemClock(), lambda _: None)


def written(folder: Path, **expected: str) -> Path:
    """Write the rules and a test with what is expected of it."""
    (folder / "rules.yaml").write_text(RULES)
    parts = [f"    {name}:\n{indent(text.strip(), '      ')}\n" for name, text in expected.items()]
    file = folder / "test.yaml"
    file.write_text(CASE + "".join(parts))
    return file


async def differences(at: Address, folder: Path, **expected: str) -> list[tuple[str, str]]:
    """Return what the test finds different: expected, got."""
    [verdict] = await verdicts(at, written(folder, **expected))
    return [(one.expected, one.got) for one in verdict.failures]


@pytest.mark.parametrize("file", sorted(CATALOGUE.glob("*.yaml")), ids=lambda file: file.stem)
async def test_the_catalogue_does_what_it_says(server: Address, file: Path) -> None:
    """Each rule fires on its trouble, at its time, and on nothing else."""
    found = await verdicts(server, file)
    assert [(one.case.name, one.failures) for one in found if not one.passed] == []


def test_every_rule_of_the_catalogue_has_a_test() -> None:
    """A rule without a test is unproved; one that only records makes no alert."""
    rules = {
        rule.name for group in load([folder()]).groups for rule in group.rules if not isinstance(rule.kind, Record)
    }
    assert rules == {name for file in read_files([CATALOGUE], "") for case in file.cases for name in case.only}


async def test_what_is_recorded_is_read(server: Address) -> None:
    """A recorded value is in the database before the next rule asks."""
    [verdict] = await verdicts(server, HERE / "recording.yaml")
    assert verdict.failures == ()


async def test_what_is_as_wanted_passes(server: Address, tmp_path: Path) -> None:
    """The example of the design: transitions, states and messages, each complete."""
    assert await differences(server, tmp_path, transitions=TRANSITIONS, states=STATES, sent=SENT) == []


async def test_one_missing_fails(server: Address, tmp_path: Path) -> None:
    """What is wanted and does not happen is a failure."""
    more = TRANSITIONS + "- {at: 20m7s, alert: Simple, to: pending}\n"
    assert await differences(server, tmp_path, transitions=more) == [("Simple → pending", "nothing")]


async def test_one_too_many_fails(server: Address, tmp_path: Path) -> None:
    """What happens and is not wanted is a failure, of transitions, states and messages alike."""
    fewer = "\n".join(TRANSITIONS.strip().splitlines()[:2])
    [(expected, got)] = await differences(server, tmp_path, transitions=fewer)
    assert (expected, got) == ("nothing", "Simple{series=a} firing → inactive (recovered), value 9")
    [(expected, got)] = await differences(server, tmp_path, states="- {at: 9m, alert: Simple, expect: []}")
    assert (expected, got.split(",")[0]) == ("nothing", "Simple{series=a} firing")
    [(expected, got)] = await differences(server, tmp_path, sent=SENT.strip().splitlines()[0])
    assert (expected, got.split(",")[0]) == ("nothing", "to default")


async def test_a_wrong_time_or_value_shows_both(server: Address, tmp_path: Path) -> None:
    """The reader sees what was wanted beside what came."""
    wrong = TRANSITIONS.replace("2m7s", "2m37s").replace("value: 11", "value: 12")
    [(expected, got)] = await differences(server, tmp_path, transitions=wrong)
    assert (expected, got) == (
        "Simple{series=a} → pending, value 12",
        "Simple{series=a} inactive → pending, value 11, at 2m7s",
    )


async def test_a_query_that_fails_fails_the_test(server: Address, tmp_path: Path) -> None:
    """A rule that cannot be evaluated is not quiet."""
    file = written(tmp_path, transitions="[]")
    (tmp_path / "rules.yaml").write_text(
        RULES.replace("SELECT series, value", "SELECT series, nonsense(value) AS value")
    )
    [verdict] = await verdicts(server, file)
    assert verdict.failures[0].expected == "g/Simple can be evaluated"
    assert "nonsense" in verdict.failures[0].got


def compliance(folder: Path, name: str, case: dict[str, Any]) -> Path:
    """Write a case of the public suite as rules and a test: every state at phase 7, and nothing else."""
    rules = [
        {
            "alert": rule["alert"],
            "sql": rule["sql"],
            **({"for": rule["for"]} if rule["for"] != "0s" else {}),
            "labels": rule["labels"],
            "summary": "value={{ value }}",
        }
        for rule in case["rules"]
    ]
    group = {"name": name, "every": case["interval"], "rules": rules}
    rows = [
        {
            "table": "alert_generator_test_suite",
            "every": "15s",
            "set": {"rulegroup": name, "alertname": rule["alert"]},
            "values": {"value": " ".join(one["notation"])},
        }
        for one in case["series"]
        if "for" not in one["labels"]
        for rule in case["rules"]
    ]
    phase = case["expected"]["phase_7"]
    test = {
        "name": name,
        "until": f"{phase['end']}s",
        "phase": "7s",
        "rows": rows,
        "transitions": [transition(name, line) for line in phase["states"]],
    }
    table = {"alert_generator_test_suite": "ts TIMESTAMP, rulegroup SYMBOL, alertname SYMBOL, value DOUBLE"}
    (folder / "rules.yaml").write_text(yaml.safe_dump({"groups": [group]}))
    file = folder / "test.yaml"
    file.write_text(yaml.safe_dump({"rules": ["rules.yaml"], "tables": table, "tests": [test]}))
    return file


def transition(name: str, line: str) -> dict[str, object]:
    """Read `t=127 SimpleAlert{} inactive->pending value=11 activeAt=127`."""
    at, rule, states, *rest = line.split()
    values = dict(one.split("=") for one in rest)
    wanted: dict[str, object] = {
        "at": f"{at.removeprefix('t=')}s",
        "alert": f"{name}_{rule.removesuffix('{}')}",
        "to": states.partition("->")[2],
    }
    return wanted | ({"value": int(values["value"])} if "value" in values else {})


@pytest.mark.parametrize("name", ["PendingAndFiringAndResolved", "ZeroFor_SmallFor"])
async def test_the_public_compliance_cases(server: Address, tmp_path: Path, name: str) -> None:
    """Source: alert-cases.yaml, two cases of prometheus/compliance at evaluation phase 7."""
    if not REFERENCE.is_file():
        unavailable("the reference cases are not at ../shared/reference beside the repository")
    cases = yaml.safe_load(REFERENCE.read_text())["cases"]
    [verdict] = await verdicts(server, compliance(tmp_path, name, cases[name]))
    assert verdict.failures == ()
    assert verdict.case.transitions is not None
    assert len(verdict.case.transitions) == len(cases[name]["expected"]["phase_7"]["states"])


def test_the_command_prints_json_and_writes_junit(tmp_path: Path) -> None:
    """One passes, one fails: exit code 1, the failure in both forms; a name that is none is wrong usage."""
    file = written(tmp_path, transitions="[]", sent=SENT)
    file.write_text(
        file.read_text() + CASE.partition("tests:\n")[2].replace("pending,", "again,") + "    sent: " + SENT_ONE
    )
    command = [sys.executable, "-m", "deskwatch", "rules", "test", str(file)]
    done = subprocess.run(
        [*command, "-o", "json", "--junit", str(tmp_path / "out.xml")],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    shown = json.loads(done.stdout)
    assert (done.returncode, shown["passed"], shown["failed"]) == (1, 1, 1)
    first, second = shown["tests"]
    assert (first["name"], first["passed"], second["passed"]) == ("pending, firing, resolved", False, True)
    assert first["failures"][0] == {
        "at": "2m7s",
        "expected": "nothing",
        "got": "Simple{series=a} inactive → pending, value 11",
    }
    suite = ET.parse(tmp_path / "out.xml").getroot()[0]  # noqa: S314  our own file
    assert (suite.get("tests"), suite.get("failures")) == ("2", "1")
    none = subprocess.run([*command, "-k", "nothing"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert none.returncode == 2
    assert "pending, firing, resolved" in none.stderr


SENT_ONE = "[{at: 8m7s, receiver: default, status: firing}, {at: 17m37s, receiver: default, status: resolved}]\n"
