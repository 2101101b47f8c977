"""`deskwatch doctor`: is everything set up? One line a check, with what to do; nothing is changed."""

import asyncio
import shutil
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from pathlib import Path

import aiohttp
import psycopg

from alerts.notify.slack import SlackNotifier
from alerts.route import default_routing, load_routing
from connectors.base.clock_offset import ClockOffset
from connectors.base.rest import RestDoor
from connectors.registry import dialect
from core.clock import SystemClock
from core.errors import DeskError, UsageError
from deskwatch.database import locate
from deskwatch.rulebook import load_rules
from deskwatch.settings import Settings, load
from storage import jar
from storage.address import NoDatabase
from storage.embedded import dsn
from storage.migrate import pending
from storage.reader import reading

LIMIT_S = 10.0
CLOCK_WARN_MS = 100.0
FREE_WARN = 5e9


class Verdict(StrEnum):
    """What came of a check."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Check:
    """One check; `what` says what was found, and what to do."""

    check: str
    verdict: Verdict
    what: str

    def as_json(self) -> dict[str, object]:
        """Return JSON-able values."""
        return {"check": self.check, "verdict": self.verdict.value, "what": self.what}


def examine(config: Path | None) -> list[Check]:
    """Run every check; a wrong configuration is the first and last finding."""
    try:
        settings = load(config)
    except UsageError as error:
        return [Check("configuration", Verdict.FAIL, str(error))]
    return asyncio.run(_examine(settings))


async def _examine(settings: Settings) -> list[Check]:
    ok = Check("configuration", Verdict.OK, f"data in {settings.data.absolute()}")
    work: list[tuple[str, Callable[[], Awaitable[Check]]]] = [
        ("python", _python),
        ("rules", lambda: _rules(settings)),
        ("routing", lambda: _routing(settings)),
        ("disk", lambda: _disk(settings)),
        ("questdb jar", lambda: _jar(settings)),
        ("database", lambda: _database(settings)),
        ("slack", lambda: _slack(settings)),
    ]
    work += [(f"venue {name}", _venue_check(settings, name)) for name, one in settings.venues.items() if one.enabled]
    checks: list[Check] = []
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(_bounded(name, run)) for name, run in work]
    checks = [task.result() for task in tasks]
    return [ok, *checks]


async def _bounded(name: str, run: Callable[[], Awaitable[Check]]) -> Check:
    try:
        async with asyncio.timeout(LIMIT_S):
            return await run()
    except TimeoutError:
        return Check(name, Verdict.FAIL, f"no answer within {LIMIT_S:.0f} s")
    except DeskError as error:
        return Check(name, Verdict.FAIL, str(error))


async def _python() -> Check:
    version = ".".join(str(part) for part in sys.version_info[:3])
    return Check("python", Verdict.OK, version)


async def _rules(settings: Settings) -> Check:
    rules = await asyncio.to_thread(load_rules, settings)
    count = len(rules.names)
    if not count:
        return Check(
            "rules", Verdict.WARN, 'no rule is configured: nothing will ever be told. Set rules = ["catalogue"]'
        )
    return Check("rules", Verdict.OK, f"{count} rules in {len(rules.groups)} groups")


async def _routing(settings: Settings) -> Check:
    routing = (
        default_routing(settings.alerts)
        if settings.routing is None
        else await asyncio.to_thread(load_routing, settings.routing, settings.alerts)
    )
    receivers = ", ".join(f"{one.name} -> {one.channel}" for one in routing.receivers.values())
    return Check("routing", Verdict.OK, receivers)


async def _disk(settings: Settings) -> Check:
    folder = settings.data if settings.data.exists() else Path()
    free = shutil.disk_usage(folder).free
    text = f"{free / 1e9:.1f} GB free for {settings.data}"
    if free < FREE_WARN:
        return Check("disk", Verdict.WARN, f"{text}: free some, or shorten the tables' TTLs")
    return Check("disk", Verdict.OK, text)


async def _jar(settings: Settings) -> Check:
    if settings.database.host is not None:
        return Check("questdb jar", Verdict.OK, "not needed: database.host is set")
    found = await asyncio.to_thread(jar.locate, settings.database.jar or settings.questdb_jar)
    return Check("questdb jar", Verdict.OK, f"QuestDB {jar.VERSION}: {found}")


async def _database(settings: Settings) -> Check:
    try:
        at = locate(settings)
    except NoDatabase as error:
        return Check("database", Verdict.WARN, str(error))
    try:
        missing = await pending(at)
    except psycopg.OperationalError as error:
        return Check("database", Verdict.FAIL, f"{at!r}: {str(error).strip()}. Is the server running?")
    if missing:
        return Check("database", Verdict.WARN, f"{missing} schema steps pending: `deskwatch run` runs them")
    async with reading(at, statement_timeout=timedelta(seconds=2), connections=1) as reader:
        result = await reader.query("SELECT name, errorMessage FROM wal_tables() WHERE suspended = true")
    if result.rows:
        tables = ", ".join(str(row[0]) for row in result.rows)
        return Check("database", Verdict.FAIL, f"suspended: {tables}. Free disk space, then ALTER TABLE … RESUME WAL")
    if await _reader_writes(dsn(at, writer=False)):
        return Check("database", Verdict.FAIL, "the reader can write: enable the server's read-only user")
    return Check("database", Verdict.OK, f"{at!r}, schema current, the reader cannot write")


async def _reader_writes(address: str) -> bool:
    """Try a change that changes nothing: the server must refuse it before it looks at the table."""
    async with await psycopg.AsyncConnection.connect(address, autocommit=True) as connection:
        try:
            await connection.execute("ALTER TABLE canary RESUME WAL")
        except psycopg.Error:
            return False
        return True


async def _slack(settings: Settings) -> Check:
    if settings.slack.token is None:
        hint = "Set slack.token (DESKWATCH_SLACK__TOKEN_FILE); docs/slack.md has the steps"
        return Check("slack", Verdict.WARN, f"no token: nobody hears of an alert. {hint}")
    async with aiohttp.ClientSession() as http:
        notifier = SlackNotifier(settings.slack.token.get_secret_value(), http, api_url=settings.slack.api_url)
        return Check("slack", Verdict.OK, await notifier.who_am_i())


def _venue_check(settings: Settings, name: str) -> Callable[[], Awaitable[Check]]:
    async def check() -> Check:
        spoken, given, clock = dialect(name), settings.venues[name], SystemClock()
        async with aiohttp.ClientSession() as http:
            rest = RestDoor(name, given.rest_url or spoken.rest_url, http, clock, spoken.rest)

            async def ask() -> int:
                return spoken.parse_time(await rest.get(spoken.time_path))

            offset = ClockOffset(name, clock, ask)
            _ = await offset.measure(3)
        text = f"answers in {rest.latency_ms or 0:.0f} ms, its clock is {offset.ms or 0:+.0f} ms from ours"
        if abs(offset.ms or 0.0) > CLOCK_WARN_MS:
            return Check(f"venue {name}", Verdict.WARN, f"{text}: is this host's time synchronised?")
        if not given.symbols:
            return Check(f"venue {name}", Verdict.WARN, f"{text}; no symbols are configured: nothing is taken")
        return Check(f"venue {name}", Verdict.OK, text)

    return check
