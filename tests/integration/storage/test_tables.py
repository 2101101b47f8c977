"""Every table on the real server is what the schema says, however often it is asked."""

from dataclasses import replace
from pathlib import Path

import pytest

from core.clock import SystemClock
from storage.address import Address
from storage.embedded import running
from storage.migrate import MIGRATIONS, Migration, MigrationFailed, SchemaNewer, migrate, pending
from storage.schema import TABLES, TS, Table
from storage.settings import DatabaseSettings
from tests.fakes.clock import FakeClock
from tests.integration.storage.visible import applied, ask

HOURS = {"HOUR": 1, "DAY": 24, "WEEK": 168, "YEAR": 8760}
"""The server tells 14 days as 2 weeks."""

pytestmark = pytest.mark.database


@pytest.mark.parametrize("table", TABLES.values(), ids=list(TABLES))
async def test_a_table_has_its_columns_keys_partition_and_ttl(table: Table, questdb: Address) -> None:
    """What the server keeps is what is declared: without DEDUP keys a retry would double rows."""
    columns = await ask(questdb, f"SELECT \"column\", type, upsertKey FROM table_columns('{table.name}')")  # noqa: S608  ours
    assert {str(name): str(kind) for name, kind, _ in columns} == {c.name: c.type.value for c in (TS, *table.columns)}
    assert {str(name) for name, _, key in columns if key} == {"ts", *table.keys}
    facts = "designatedTimestamp, partitionBy, walEnabled, dedup, ttlValue, ttlUnit"
    found = await ask(questdb, f"SELECT {facts} FROM tables() WHERE table_name = '{table.name}'")  # noqa: S608  ours
    value, unit = table.ttl.split() if table.ttl else ("0", "HOURS")
    ((stamp, partition, wal, dedup, kept, kept_unit),) = found
    assert (stamp, partition, wal, dedup) == ("ts", table.partition, True, True)
    assert int(str(kept)) * HOURS[str(kept_unit)] == int(value) * HOURS[unit.removesuffix("S")]


async def test_a_second_start_changes_nothing(questdb: Address, clock: FakeClock) -> None:
    """The steps are counted, not repeated."""
    assert await pending(questdb) == 0
    assert await migrate(questdb, clock) == 0


async def test_every_statement_may_be_run_again(questdb: Address) -> None:
    """A start that was killed between a statement and its mark runs it twice."""
    for step in MIGRATIONS:
        for statement in step.statements:
            await ask(questdb, statement)


async def test_a_newer_schema_is_refused(questdb: Address, clock: FakeClock) -> None:
    """An old program must not write into tables that it does not know."""
    with pytest.raises(SchemaNewer, match=r"this program knows 0\. Run the newer program"):
        await migrate(questdb, clock, steps=())


async def test_a_step_that_fails_is_named_and_is_not_counted(questdb: Address, clock: FakeClock) -> None:
    """The next start tries it again."""
    steps = (*MIGRATIONS, Migration("a bad one", ("CREATE NONSENSE",)))
    for _ in range(2):
        with pytest.raises(MigrationFailed, match=f"step {len(steps)}, a bad one"):
            await migrate(questdb, clock, steps)
    assert await pending(questdb) == 0


async def test_an_old_server_gets_the_columns_that_came_later(tmp_path: Path) -> None:
    """And keeps its rows; a new one has them already, and both end with the same tables."""
    clock = SystemClock()
    later = {(table, column) for step in MIGRATIONS for table, column in step.columns}
    assert later
    async with running(tmp_path, DatabaseSettings(), clock) as server:
        for name in {table for table, _ in later}:
            table = TABLES[name]
            old = tuple(column for column in table.columns if (name, column.name) not in later)
            await ask(server.address, replace(table, columns=old).ddl())
            await ask(server.address, f"INSERT INTO {name} (ts) VALUES (now())")  # noqa: S608  ours
        assert await migrate(server.address, clock) == len(MIGRATIONS)
        assert await migrate(server.address, clock) == 0
        for name in {table for table, _ in later}:
            columns = await ask(server.address, f"SELECT \"column\", type FROM table_columns('{name}')")  # noqa: S608  ours
            assert set(columns) == {(c.name, c.type.value) for c in (TS, *TABLES[name].columns)}
            await applied(server.address)
            assert await ask(server.address, f"SELECT count() FROM {name}") == [(1,)]  # noqa: S608  ours
