"""kill -9 of either side at any moment: every row that was durable is in the database, once."""

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from random import Random

import pytest

from core.clock import SystemClock
from storage.address import Address
from storage.embedded import running
from storage.migrate import migrate
from storage.reader import DatabaseAway, reading
from storage.settings import DatabaseSettings, WriterSettings
from storage.writer import writing
from tests.integration.storage.door import OK, Reply, scripted, until
from tests.integration.storage.feeder import rows
from tests.integration.storage.visible import count

ROOT = Path(__file__).parents[3]
CLOCK = SystemClock()


async def feed_and_kill(folder: Path, at: Address, start: int, ts: int, after: float) -> int:
    """Run the feeder for a moment, kill it, and return the number up to which it said that all is durable."""
    arguments = [str(folder), json.dumps(asdict(at)), "killed", str(start), str(ts)]
    command = [sys.executable, "-m", "tests.integration.storage.feeder", *arguments]
    feeder = await asyncio.create_subprocess_exec(*command, cwd=ROOT, stdout=subprocess.PIPE)
    assert feeder.stdout is not None
    said = await feeder.stdout.readuntil(b"durable ")
    await asyncio.sleep(after)
    os.kill(feeder.pid, signal.SIGKILL)
    said += await feeder.stdout.read()
    await feeder.wait()
    return int(re.findall(rb"durable (\d+)\n", said)[-1])


@pytest.mark.database
async def test_a_killed_writer_loses_no_durable_row_and_doubles_none(questdb: Address, tmp_path: Path) -> None:
    """Killed six times between any two steps; what it left on disk goes out at the next start."""
    rng, number, ts = Random(7), 0, CLOCK.now()
    for _ in range(6):
        number = await feed_and_kill(tmp_path, questdb, number, ts, rng.random() / 3)
    async with writing(tmp_path, questdb, WriterSettings(), CLOCK) as writer:
        await until(lambda: writer.status().spool_rows == 0)
        assert writer.status().rejects == 0
    for table in ("fills", "trades"):
        stored, different = await count(questdb, table, "killed")
        assert stored == different, f"{table}: doubled"
        wanted = {f"killed-{n}" for n in range(number)}
        assert wanted <= await _ids(questdb, table), f"{table}: lost"


async def test_a_writer_that_is_killed_while_the_database_refuses_loses_nothing(tmp_path: Path) -> None:
    """Nothing is forgotten before it is acknowledged: what was durable is sent by the next one, each row once."""
    async with scripted() as door:
        door.answer = lambda _body: Reply(503)
        number = await feed_and_kill(tmp_path, door.address, 0, CLOCK.now(), 0.3)
        assert door.accepted == []
        door.answer = lambda _body: OK
        async with writing(tmp_path, door.address, WriterSettings(), CLOCK) as writer:
            await until(lambda: writer.status().spool_rows == 0)
    for table in (b"fills", b"trades"):
        found = [int(one.split(b"killed-")[1].split(b'"')[0]) for one in door.lines if one.startswith(table)]
        assert found[:number] == list(range(number))
        assert len(found) == len(set(found))


async def _ids(at: Address, table: str) -> set[object]:
    async with reading(at, statement_timeout=timedelta(seconds=20), connections=1) as reader:
        text = f"SELECT trade_id FROM {table} WHERE venue = 'killed'"  # noqa: S608  a literal of this test
        return {row[0] for row in (await reader.query(text, limit=10_000_000)).rows}


async def test_a_killed_server_is_restarted_and_has_every_row_once(tmp_path: Path) -> None:
    """Under load; rows wait on disk meanwhile, reads say that it is away, and nobody has to do anything."""
    async with running(tmp_path, DatabaseSettings(), CLOCK) as server, asyncio.TaskGroup() as group:
        supervisor = group.create_task(server.supervise())
        await migrate(server.address, CLOCK)
        number, ts = 0, CLOCK.now()
        async with (
            writing(tmp_path / "spool", server.address, WriterSettings(), CLOCK) as writer,
            reading(server.address, statement_timeout=timedelta(seconds=1), connections=1) as reader,
        ):
            began = CLOCK.elapsed()
            while server.restarts == 0 or CLOCK.elapsed() - began < 3:
                for _ in range(20):
                    writer.write(rows("server", ts, number))
                    number += 1
                await writer.flush()
                if number == 1000:
                    os.kill(server.pid or 0, signal.SIGKILL)
                    await until(lambda: writer.status().critical.trouble != "")
                    with pytest.raises(DatabaseAway):
                        await reader.query("SELECT 1")
                await asyncio.sleep(0.005)
            await until(lambda: writer.status().spool_rows == 0)
        assert await count(server.address, "fills", "server") == (number, number)
        assert await count(server.address, "trades", "server") == (number, number)
        supervisor.cancel()
