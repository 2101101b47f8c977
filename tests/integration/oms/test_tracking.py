"""The OMS against an account that trades: whatever fails on the way, the tables end equal to the venue's ledger."""

import asyncio
from collections import Counter
from pathlib import Path

from core.tasks import start
from simulator.account_server import SimulatedAccount
from storage.address import Address
from tests.integration.oms.desk import Bustle, Desk, desk, nanos, open_account, until


async def settled(tracked: Desk) -> None:
    """Wait until fills and orders are those of the ledger; assert, so that a difference is shown."""

    async def equal() -> bool:
        known = await tracked.orders()
        truth = tracked.true_orders()
        return await tracked.fills() == tracked.truth() and all(known[key] == truth[key] for key in known)

    _ = await until(equal)
    assert await tracked.fills() == tracked.truth()
    truth = tracked.true_orders()
    known = await tracked.orders()
    wrong = {key: (known[key], truth[key]) for key in known if known[key] != truth[key]}
    assert wrong == {}
    unknown = [key for key in truth if key not in known]
    assert all(truth[key][1] == 0 and truth[key][0] not in {"working", "filled"} for key in unknown)


async def test_every_fill_is_there_once_through_every_failure(questdb: Address, tmp_path: Path) -> None:
    """Fills lost from the stream, sockets cut and refused, REST down, pages turned, the OMS started anew."""
    account = open_account(41)
    async with desk(tmp_path, questdb, "oms-failures", account) as tracked, asyncio.TaskGroup() as group:
        bustle = Bustle(account, 5)
        trading = start(group, "bustle", bustle.run())
        async with tracked.track(symbols=["BTC-USDT"]):  # the other is learned from the stream
            _ = await until(tracked.has_fills)  # the stream is up
            await asyncio.sleep(0.3)
            account.faults.drop_fills = True
            await traded(account, 5)
            account.faults.drop_fills = False
            _ = await until(tracked.has_missed)  # the next comparison tells
            account.venue.refuse(0.5)
            account.venue.rest_fails(503, 0.8)
            account.venue.disconnect(private=True)
            await asyncio.sleep(1.2)
        await asyncio.sleep(0.5)
        async with tracked.track(symbols=["BTC-USDT"]):
            await asyncio.sleep(0.7)
            bustle.on = False
            await settled(tracked)
        trading.cancel()
        await shows_what_went_wrong(tracked)


async def traded(account: SimulatedAccount, more: int) -> None:
    """Wait until the account has traded some more."""
    wanted = len(account.ledger.fills) + more

    async def enough() -> bool:
        return len(account.ledger.fills) >= wanted

    _ = await until(enough)


async def shows_what_went_wrong(tracked: Desk) -> None:
    """Assert that the late fills, the hole and the adoption are rows."""
    moments = Counter((one.symbol, one.ts) for one in tracked.account.ledger.fills)
    assert max(moments.values()) > 1
    sources = await tracked.rows("SELECT source, count() AS n FROM fills WHERE account = %(me)s")
    counts = {row["source"]: row["n"] for row in sources}
    assert set(counts) == {"ws", "rest"}
    missed = await tracked.rows(
        "SELECT key FROM reconciliations WHERE account = %(me)s AND kind = 'fill_missed_by_stream'"
    )
    late = {
        row["trade_id"]
        for row in await tracked.rows("SELECT trade_id, source FROM fills WHERE account = %(me)s AND source = 'rest'")
    }
    assert {row["key"] for row in missed} <= late
    assert missed
    gaps = await tracked.rows("SELECT ts, ended FROM gaps WHERE connection = %(me)s ORDER BY ts")
    assert gaps
    assert [row for row in gaps if nanos(row["ended"]) <= nanos(row["ts"])] == []
    kinds = await tracked.rows("SELECT DISTINCT kind FROM reconciliations WHERE account = %(me)s")
    assert {row["kind"] for row in kinds} == {"fill_missed_by_stream"}
    holdings = await tracked.rows(
        "SELECT asset, free, locked FROM balances WHERE account = %(me)s LATEST ON ts PARTITION BY asset"
    )
    ours = {row["asset"]: (row["free"], row["locked"]) for row in holdings}
    assert ours == {name: (one.free, one.locked) for name, one in tracked.account.exchange.balances.items()}
