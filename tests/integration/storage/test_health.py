"""Whether the database takes rows is seen by a row that makes the whole way, on a real server."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from core.clock import SystemClock
from core.tasks import start
from storage.embedded import EmbeddedServer, running
from storage.health import CANARY_LATE_MS, DatabaseHealth, HealthProbe
from storage.migrate import migrate
from storage.reader import reading
from storage.settings import DatabaseSettings, WriterSettings
from storage.writer import writing
from tests.integration.storage.door import NOWHERE, until
from tests.integration.storage.visible import ask

CLOCK = SystemClock()


class AheadClock(SystemClock):
    """The real clock; a test may move it on."""

    ahead = 0

    def now(self) -> int:
        return super().now() + self.ahead


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[EmbeddedServer]:
    """A server of its own that lets a table be suspended."""
    (tmp_path / "questdb" / "conf").mkdir(parents=True)
    (tmp_path / "questdb" / "conf" / "server.conf").write_text("dev.mode.enabled=true\n")
    async with running(tmp_path, DatabaseSettings(), CLOCK) as made:
        await migrate(made.address, CLOCK)
        yield made


async def test_health_follows_the_canary_through_trouble_and_back(server: EmbeddedServer, tmp_path: Path) -> None:
    """Young while all is well; a suspended table is named though the server says 204; and it recovers."""
    clock = AheadClock()
    async with (
        writing(tmp_path / "spool", server.address, WriterSettings(min_free_bytes=0), clock) as writer,
        reading(server.address, statement_timeout=timedelta(seconds=2), connections=2) as reader,
        asyncio.TaskGroup() as group,
    ):
        probe = HealthProbe(writer, reader, tmp_path, "here", clock)
        task = start(group, "watch", probe.watch())

        async def seen(text: str) -> DatabaseHealth:
            await until(lambda: any(text in problem for problem in probe.health().problems))
            return probe.health()

        await until(lambda: probe.health().canary_age_ms is not None)
        assert (probe.health().canary_age_ms or 0.0) < CANARY_LATE_MS
        assert [one for one in probe.health().problems if "GB free" not in one] == []

        await ask(server.address, "ALTER TABLE canary SUSPEND WAL")
        suspended = await seen("Table suspended: canary")
        assert [one.split(":")[0] for one in suspended.suspended] == ["canary"]
        clock.ahead = 10_000_000_000
        await seen("No row has become visible for")

        await ask(server.address, "ALTER TABLE canary RESUME WAL")
        await until(lambda: probe.health().suspended == ())
        await until(lambda: (probe.health().canary_age_ms or CANARY_LATE_MS) < CANARY_LATE_MS)
        assert writer.status().rejects == 0
        task.cancel()

    async with (
        writing(tmp_path / "spool", server.address, WriterSettings(min_free_bytes=0), CLOCK) as writer,
        reading(server.address, statement_timeout=timedelta(seconds=2), connections=2) as reader,
    ):
        again = HealthProbe(writer, reader, tmp_path, "here", CLOCK)
        await again.look()
        assert again.health().canary_age_ms is not None, "a restart sees the canary of the process before it"


async def test_a_database_that_never_answered_is_a_problem(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Not even one canary has come back: that must not look healthy."""
    caplog.set_level("CRITICAL", logger="psycopg.pool")
    clock = AheadClock()
    async with (
        writing(tmp_path, NOWHERE, WriterSettings(min_free_bytes=0), clock) as writer,
        reading(NOWHERE, statement_timeout=timedelta(seconds=1), connections=1) as reader,
        asyncio.TaskGroup() as group,
    ):
        probe = HealthProbe(writer, reader, tmp_path, "here", clock)
        task = start(group, "watch", probe.watch())
        await until(lambda: writer.status().bulk.trouble != "")
        clock.ahead = 10_000_000_000
        await until(lambda: len(probe.health().problems) >= 2)
        problems = probe.health().problems
        assert any("cannot be read" in one for one in problems)
        assert any("No row has become visible" in one and "The writer says" in one for one in problems)
        task.cancel()
