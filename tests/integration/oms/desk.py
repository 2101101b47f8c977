"""A desk of one account for tests: the real OMS, writer and database against a simulated account that trades."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random

import aiohttp
from pydantic import SecretStr

from connectors.base.account import AccountKeys
from connectors.binance.private import BinanceAccount
from core.clock import SystemClock, to_nanos
from core.tasks import start
from core.types import Nanos
from oms.account import AccountService
from oms.journal import Journal
from oms.settings import OmsSettings
from simulator.account_model import Fees, Top, TradingRules, VenueFill
from simulator.account_server import SimulatedAccount, serving
from simulator.exchange import Exchange
from simulator.faults import Faults
from simulator.trader import Trader
from storage.address import Address
from storage.reader import Reader, reading
from storage.settings import WriterSettings
from storage.writer import Writer, writing

HASTE = 10.0
SYMBOLS = {"BTCUSDT": "BTC-USDT", "ETHUSDT": "ETH-USDT"}
PRICES = {"BTCUSDT": 6_000_000, "ETHUSDT": 300_000}
STATUSES = {
    "NEW": "working",
    "PARTIALLY_FILLED": "partially_filled",
    "FILLED": "filled",
    "CANCELED": "canceled",
    "EXPIRED": "expired",
}
SETTINGS = OmsSettings(
    compare_every=timedelta(seconds=0.8), overlap=timedelta(seconds=1), settle=timedelta(seconds=0.3)
)


class HastyClock(SystemClock):
    """The real clock, for those who are told to wait: they wait a tenth."""

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds / HASTE)


CLOCK = HastyClock()


def open_account(seed: int, *, cancel_race: float = 0.2) -> SimulatedAccount:
    """Return an account with money of each kind, at a venue without faults."""
    rules = [TradingRules(name, name.removesuffix("USDT"), "USDT", lot=Decimal("0.0001"), levels=8) for name in SYMBOLS]
    purse = {"BTC": Decimal(2), "ETH": Decimal(30), "USDT": Decimal(200_000), "BNB": Decimal("0.01")}
    exchange = Exchange(rules, purse, Random(seed), fees=Fees(bnb_price=Decimal(550)), cancel_race=cancel_race)
    return SimulatedAccount(exchange, Faults(CLOCK, SYMBOLS.values()), CLOCK, f"key{seed}", f"secret{seed}")


class Bustle:
    """A market and a trader that act each few milliseconds while `on`."""

    def __init__(self, account: SimulatedAccount, seed: int) -> None:
        self.on = True
        self._account = account
        self._rng = Random(seed)
        self._trader = Trader(account.exchange, Random(seed + 1))
        self._prices = dict(PRICES)

    async def run(self) -> None:
        """Move on, for ever."""
        while True:
            await asyncio.sleep(0.02)
            if self.on:
                self.step()

    def step(self) -> None:
        """Move every market a little, and let the trader act."""
        now = self._account.venue.venue_now()
        for name in self._prices:
            self._prices[name] += self._rng.randint(-4, 4)
            ticks = self._prices[name]
            size = Decimal(self._rng.randint(5, 40)) / 10_000
            self._account.exchange.quote(name, Top(Decimal(ticks) / 100, size, Decimal(ticks + 3) / 100, size), now)
            self._account.exchange.printed(name, Decimal(ticks + self._rng.randint(-3, 3)) / 100, size, now)
        self._trader.act(now)


class Desk:
    """The OMS of one account; `track` runs a new service on the same journal for as long as its block."""

    def __init__(self, account: SimulatedAccount, name: str, journal: Journal, writer: Writer, reader: Reader) -> None:
        self.account = account
        self.name = name
        self._journal = journal
        self._writer = writer
        self._reader = reader

    @asynccontextmanager
    async def track(
        self, *, page: int = 25, settings: OmsSettings = SETTINGS, secret: str = "", symbols: Sequence[str] = ()
    ) -> AsyncIterator[AccountService]:
        """Run the OMS until the block ends."""
        keys = AccountKeys(
            SecretStr(self.account.key),
            SecretStr(secret or self.account.secret),
            self.account.rest_url,
            self.account.ws_url,
        )
        async with aiohttp.ClientSession() as http, asyncio.TaskGroup() as group:
            venue = BinanceAccount(self.name, keys, http, CLOCK, Random(1), page=page)
            service = AccountService(
                venue, symbols or tuple(SYMBOLS.values()), self._journal, self._writer, CLOCK, settings
            )
            task = start(group, "oms", service.run())
            try:
                yield service
            finally:
                task.cancel()

    async def rows(self, sql: str) -> list[Mapping[str, object]]:
        """Return the rows of a query; `:me` is this account."""
        result = await self._reader.query(sql, {"me": self.name}, limit=200_000)
        return [dict(zip(result.columns, row, strict=True)) for row in result.rows]

    async def fills(self) -> list[tuple[object, ...]]:
        """Return the `fills` table as comparable values."""
        rows = await self.rows("SELECT * FROM fills WHERE account = %(me)s ORDER BY ts")
        names = ("symbol", "order_id", "trade_id", "side", "price", "qty", "fee", "fee_asset", "liquidity")
        return sorted((nanos(row["ts"]), *(row[name] for name in names)) for row in rows)

    async def has_fills(self) -> bool:
        """Return whether the table has any fill."""
        return bool(await self.fills())

    async def has_missed(self) -> bool:
        """Return whether a fill was told to be missed by the stream."""
        missed = "SELECT key FROM reconciliations WHERE account = %(me)s AND kind = 'fill_missed_by_stream'"
        return bool(await self.rows(missed))

    def truth(self) -> list[tuple[object, ...]]:
        """Return the simulator's ledger as the same values."""
        return sorted(_true_row(one) for one in self.account.ledger.fills)

    async def orders(self) -> dict[str, tuple[object, object]]:
        """Return each order's newest status and filled quantity."""
        rows = await self.rows("SELECT * FROM orders WHERE account = %(me)s ORDER BY ts")
        return {str(row["order_id"]): (row["status"], row["filled"]) for row in rows}

    def true_orders(self) -> dict[str, tuple[object, object]]:
        """Return the simulator's orders as the same values."""
        return {str(one.order_id): (STATUSES[one.status], one.filled) for one in self.account.ledger.orders.values()}


def nanos(moment: object) -> Nanos:
    """Return a timestamp of the database in ns."""
    assert isinstance(moment, datetime)
    return to_nanos(moment)


def _true_row(one: VenueFill) -> tuple[object, ...]:
    liquidity = "maker" if one.maker else "taker"
    ids = (SYMBOLS[one.symbol], str(one.order_id), str(one.trade_id))
    return (one.ts, *ids, one.side.value, one.price, one.qty, one.fee, one.fee_asset, liquidity)


@asynccontextmanager
async def desk(folder: Path, at: Address, name: str, account: SimulatedAccount) -> AsyncIterator[Desk]:
    """Serve an account, and hold what its OMS needs, until the block ends."""
    async with (
        serving(account),
        writing(folder / "spool", at, WriterSettings(), SystemClock()) as writer,
        reading(at, statement_timeout=timedelta(seconds=10), connections=2) as reader,
    ):
        journal = await Journal.open(folder)
        try:
            yield Desk(account, name, journal, writer, reader)
        finally:
            await journal.close()


async def until(holds: Callable[[], Awaitable[bool]], seconds: float = 20.0) -> bool:
    """Wait until something holds; False if it does not within the time."""
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    while loop.time() < end:
        if await holds():
            return True
        await asyncio.sleep(0.1)
    return False
