"""The compliance cases as SQL on the real database. Source: alert-semantics.md 4.1, alert-cases.yaml."""

from collections.abc import Iterator
from datetime import datetime

import psycopg
import pytest

from alerts.board import Board
from alerts.changes import Changes
from alerts.engine import Engine
from alerts.path import PathWatch
from core.clock import SystemClock
from rules.model import Group, Rule, Ruleset, Sql
from storage.address import Address
from storage.embedded import dsn
from storage.reader import reading
from tests.fakes.writer import FakeRowWriter
from tests.unit.alerts.test_compliance import FIRST, SECOND, STEP, Case
from tests.unit.alerts.timeline import at, group_of, route, routing, span

pytestmark = pytest.mark.database

TABLE = "alert_case_samples"


def plain(name: str, case: str, threshold: float, hold: float) -> Rule:
    """Return a rule in the plain form: rows are breaches, and the threshold stands outside of LATEST ON."""
    text = f"""
SELECT * FROM (
  SELECT ts, rulegroup, alertname, value FROM {TABLE}
  WHERE rulegroup = '{case}' AND alertname = '{name}' AND ts > dateadd('m', -5, :now) AND ts <= :now
  LATEST ON ts PARTITION BY rulegroup, alertname
) WHERE value > {threshold}"""  # noqa: S608  made of this file's own names
    labels = {"foo": "bar", "rulegroup": case}
    return Rule(name, Sql(text, None, None), "warn", "value={{ value }}", span(hold), labels=labels)


def samples(name: str, case: Case) -> Iterator[tuple[datetime, str, str, float | None]]:
    """Yield the rows of a case, once for each of its rules."""
    for rule in case.rules:
        for now in range(0, case.end + 1, STEP):
            yield at(now), name, rule, case.value(now)


async def load(address: Address) -> None:
    """Make the table and fill it."""
    async with await psycopg.AsyncConnection.connect(
        dsn(address), autocommit=True, prepare_threshold=None
    ) as connection:
        columns = "ts TIMESTAMP, rulegroup SYMBOL, alertname SYMBOL, value DOUBLE"
        await connection.execute(f"CREATE TABLE {TABLE} ({columns}) TIMESTAMP(ts) PARTITION BY DAY BYPASS WAL".encode())
        for name, case in (("First", FIRST), ("Second", SECOND)):
            for ts, group, rule, value in samples(name, case):
                row = f"('{ts:%Y-%m-%dT%H:%M:%S}', '{group}', '{rule}', {value})"
                await connection.execute(f"INSERT INTO {TABLE} VALUES {row}".encode())  # noqa: S608  its own values


async def replay(address: Address, group: Group, end: int) -> list[tuple[int, str, str, object]]:
    """Evaluate at 7, 37, 67 …; return (time, rule, state, value) of each transition."""
    seen: list[tuple[int, str, str, object]] = []

    async def save(changes: Changes) -> None:
        for row in changes.events:
            if row.values["event"] == "transition":
                values = row.values
                seen.append((now, str(values["alertname"]), str(values["to_state"]), values["value"]))

    async with reading(address, statement_timeout=span(5)) as reader:
        rules = {group.identity(one): one for one in group.rules}
        board = Board(rules, routing(route()), lambda _: None)
        engine = Engine(board, reader, FakeRowWriter(), PathWatch(reader, span(5)), SystemClock(), save)
        engine.use(Ruleset((group,)))
        for now in range(7, end + 1, 30):
            await engine.run(group, at(now))
    return seen


async def test_the_cases_states_on_the_real_database(questdb: Address) -> None:
    """Every transition at phase 7, and nothing else; a sample at `:now` counts, one of 5 minutes ago does not."""
    await load(questdb)
    first = group_of(plain("Simple", "First", 10, 360), name="First", every=30)
    assert [one[:3] for one in await replay(questdb, first, FIRST.end)] == [
        (127, "Simple", "pending"),
        (487, "Simple", "firing"),
        (1057, "Simple", "resolved"),
        (1357, "Simple", "pending"),
        (1717, "Simple", "firing"),
        (2017, "Simple", "resolved"),
    ]
    rules = (plain("ZeroFor", "Second", 10, 0), plain("SmallFor", "Second", 13, 15))
    second = group_of(*rules, name="Second", every=30)
    assert await replay(questdb, second, SECOND.end) == [
        (127, "ZeroFor", "firing", 15),
        (127, "SmallFor", "pending", 15),
        (157, "SmallFor", "firing", 15),
        (337, "ZeroFor", "resolved", 15),
        (337, "SmallFor", "resolved", 15),
        (1417, "ZeroFor", "firing", 11),
        (1597, "ZeroFor", "resolved", 11),
    ]
