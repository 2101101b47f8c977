"""Recorded traffic over real sockets to the real program: the tables hold what the venues said, whatever is killed."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from core.clock import to_nanos
from core.errors import DeskError
from storage import address
from storage.address import NoDatabase
from storage.reader import Reader, reading
from tests.end_to_end import reference
from tests.end_to_end.capture_venue import CaptureVenue, serving_capture
from tests.end_to_end.processes import Program, launch

pytestmark = [pytest.mark.captures, pytest.mark.timeout(180)]

CAPTURES = {"binance": "BINANCE", "binance_futures": "BINANCE_FUTURES", "okx": "OKX"}
SYMBOLS = {
    "binance": {"NKNUSDT": "NKN-USDT", "BLZETH": "BLZ-ETH", "LRCBTC": "LRC-BTC", "RUNEEUR": "RUNE-EUR"},
    "binance_futures": {f"{one}USDT": f"{one}-USDT-PERP" for one in ("SUSHI", "AKRO", "KEEP", "CTK")},
    "okx": {"BTC-USD-220527": "BTC-USD-20220527", "UNI-USD-SWAP": "UNI-USD-PERP", "BTC-USDT": "BTC-USDT"},
}
OUTAGE_S = 10.0


@dataclass
class Setting:
    """A data folder, its configuration, and the venues that play."""

    folder: Path
    venues: dict[str, CaptureVenue]

    @property
    def config(self) -> Path:
        """The configuration file."""
        return self.folder / "deskwatch.toml"

    def write(self) -> None:
        """Write a configuration that takes everything from the playing venues."""
        lines = [f'data = "{self.folder / "data"}"', "rules = []", "[log]", 'level = "warning"']
        for name, venue in self.venues.items():
            symbols = ", ".join(f'"{symbol}"' for symbol in SYMBOLS[name].values())
            lines += [
                f"[venues.{name}]",
                f"symbols = [{symbols}]",
                f'ws_url = "ws://{venue.url}"',
                f'rest_url = "http://{venue.url}"',
            ]
        self.config.write_text("\n".join(lines))

    async def start(self, service: str) -> Program:
        """Start one service as a process of its own."""
        return await launch(self.folder / f"{service}.log", "run", service, "-c", str(self.config))

    async def finished(self) -> None:
        """Return when every venue has played its recording to the end, and the books' last samples are due."""
        for venue in self.venues.values():
            await asyncio.wait_for(venue.finished.wait(), 60)
        await asyncio.sleep(2.5)


@asynccontextmanager
async def playing(folder: Path, captures: Path) -> AsyncIterator[Setting]:
    """Serve the three recordings."""
    async with AsyncExitStack() as stack:
        venues = {
            name: await stack.enter_async_context(serving_capture(name, captures / prefix))
            for name, prefix in CAPTURES.items()
        }
        setting = Setting(folder, venues)
        setting.write()
        yield setting


@asynccontextmanager
async def reader_of(setting: Setting) -> AsyncIterator[Reader]:
    """Read what the running database has."""
    at = address.find(setting.folder / "data" / "questdb-address.json")
    async with reading(at, statement_timeout=timedelta(seconds=5), connections=1) as reader:
        yield reader


async def until(true: Callable[[], Any], what: str, seconds: float = 60.0) -> None:
    """Wait until an awaitable condition holds; an away database counts as not yet."""
    for _ in range(round(seconds * 10)):
        try:
            if await true():
                return
        except (DeskError, NoDatabase):
            pass  # not yet
        await asyncio.sleep(0.1)
    pytest.fail(f"not within {seconds:.0f} s: {what}")


async def rows(setting: Setting, sql: str) -> list[tuple[Any, ...]]:
    """Return every row of a query."""
    async with reader_of(setting) as reader:
        return list((await reader.query(sql, limit=1_000_000)).rows)


async def wrong_trades(setting: Setting) -> list[Any]:
    """Return what the table lacks, has too much, or has twice, compared with the recordings."""
    stored = await rows(setting, "SELECT venue, symbol, trade_id, side, price, qty, ts FROM trades")
    found = [(row[0], *row[1:6], round(to_nanos(row[6]) / 1e6)) for row in stored]
    wanted = {
        (name, SYMBOLS[name][one.native], *one[1:])
        for name, venue in setting.venues.items()
        for one in reference.trades(venue)
    }
    return [*(wanted - set(found)), *(set(found) - wanted), *(one for one in set(found) if found.count(one) > 1)]


async def trades_settle(setting: Setting) -> None:
    """Wait until the trades are right; else show how they are wrong."""

    async def right() -> bool:
        return not await wrong_trades(setting)

    try:
        await until(right, "every trade is stored once", 20)
    except pytest.fail.Exception:
        logs = "".join(file.read_text()[-1500:] for file in setting.folder.glob("*.log"))
        pytest.fail(f"wrong trades: {(await wrong_trades(setting))[:10]}\n{logs}")


async def check_books(setting: Setting) -> None:
    """Compare every stored book with the recording's own after the update of that time, and the last with the end."""
    stored = await rows(setting, "SELECT venue, symbol, ts, bids, asks FROM books")
    for name, venue in setting.venues.items():
        books = {(SYMBOLS[name][native], ts): top for (native, ts), top in reference.books(venue).items()}
        mine = {(row[1], round(to_nanos(row[2]) / 1e6)): row for row in stored if row[0] == name}
        snapshots = {key for key in mine if key not in books}  # the image of a REST answer has a time of its own
        assert {symbol for symbol, _ in mine} == set(SYMBOLS[name].values())
        for key in mine.keys() - snapshots:
            assert (_levels(mine[key][3]), _levels(mine[key][4])) == books[key], (name, key)
        for symbol in SYMBOLS[name].values():
            last = max((ts for one, ts in books if one == symbol), default=None)
            assert last is None or (symbol, last) in mine, (name, symbol, "the last book")


def _levels(side: Any) -> tuple[tuple[float, float], ...]:
    return tuple(zip(side[0], side[1], strict=True))


async def check_quotes(setting: Setting) -> None:
    """Compare the quotes of the venues that stamp them with the recordings."""
    stored = await rows(setting, "SELECT venue, symbol, ts, bid, bid_size, ask, ask_size FROM quotes")
    for name in ("binance_futures", "okx"):
        mine = {(row[1], round(to_nanos(row[2]) / 1e6)): row[3:] for row in stored if row[0] == name}
        wanted = {
            (SYMBOLS[name][key[0]], key[1]): value for key, value in reference.quotes(setting.venues[name]).items()
        }
        assert mine == wanted, name


async def end(*programs: Program) -> None:
    """Stop the programs, the database last; each must stop cleanly."""
    for one in programs:
        assert await one.stop() == 0, one.log.read_text()[-3000:]


async def test_the_tables_hold_what_the_venues_said(tmp_path: Path, captures: Path) -> None:
    """Every trade once, every stamped quote, and books equal to an independent reading of the frames."""
    async with playing(tmp_path, captures) as setting:
        database, collector = await setting.start("database"), await setting.start("collector")
        try:
            await setting.finished()
            await trades_settle(setting)
            await check_quotes(setting)
            await check_books(setting)
            gaps = await rows(setting, "SELECT venue, channel, symbol, kind FROM gaps")
            assert [row for row in gaps if row[3] == "sequence"] == []
        finally:
            await end(collector, database)


async def test_a_database_killed_for_ten_seconds_costs_no_row(tmp_path: Path, captures: Path) -> None:
    """What the venues say while the server is dead waits on disk, and is stored once when it is back."""
    async with playing(tmp_path, captures) as setting:
        database, collector = await setting.start("database"), await setting.start("collector")
        try:
            await until(lambda: rows(setting, "SELECT * FROM trades LIMIT 1"), "the first trades are stored")
            servers = database.children()
            await database.kill()
            for server in servers:
                if server.is_running():
                    server.kill()
            await asyncio.sleep(OUTAGE_S)
            assert not any(server.is_running() and server.status() != "zombie" for server in servers)
            database = await setting.start("database")
            await setting.finished()
            await trades_settle(setting)
            await check_quotes(setting)
            await check_books(setting)
        finally:
            await end(collector, database)


async def test_a_killed_collector_comes_back_and_doubles_nothing(tmp_path: Path, captures: Path) -> None:
    """After kill -9 the venues are asked anew; what is told twice is stored once."""
    async with playing(tmp_path, captures) as setting:
        database, collector = await setting.start("database"), await setting.start("collector")
        try:
            await until(lambda: rows(setting, "SELECT * FROM trades LIMIT 1"), "the first trades are stored")
            await asyncio.sleep(4)
            await collector.kill()
            opened = {name: venue.opened for name, venue in setting.venues.items()}
            for venue in setting.venues.values():
                venue.finished.clear()
            collector = await setting.start("collector")
            await setting.finished()
            assert all(venue.opened > opened[name] for name, venue in setting.venues.items())
            await trades_settle(setting)
            await check_books(setting)
        finally:
            await end(collector, database)
