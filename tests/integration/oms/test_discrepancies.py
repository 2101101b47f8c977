"""What ours and the venue's books disagree on becomes rows; and one account that fails takes no other along."""

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

from core.types import Side
from simulator.account_model import NewOrder
from simulator.account_server import SimulatedAccount
from storage.address import Address
from tests.integration.oms.desk import Bustle, Desk, desk, open_account, until


async def told(tracked: Desk, kind: str) -> list[object]:
    """Wait for rows of a kind of discrepancy; returns their keys."""
    sql = f"SELECT DISTINCT key FROM reconciliations WHERE account = %(me)s AND kind = '{kind}'"  # noqa: S608  a literal

    async def some() -> bool:
        return bool(await tracked.rows(sql))

    assert await until(some)
    return [row["key"] for row in await tracked.rows(sql)]


async def traded(tracked: Desk, account: SimulatedAccount, seed: int) -> None:
    """Trade a little, with the stream up, and wait until the fills are there."""

    async def subscribed() -> bool:
        return account.subscriptions > 0

    async def equal() -> bool:
        return await tracked.fills() == tracked.truth()

    assert await until(subscribed)
    bustle = Bustle(account, seed)
    while len(account.ledger.fills) < 5:
        bustle.step()
    assert await until(equal)


async def test_a_fill_that_the_venue_does_not_know_is_told(questdb: Address, tmp_path: Path) -> None:
    """The stream told it, the history has it not."""
    account = open_account(70)
    async with desk(tmp_path, questdb, "oms-unknown-fill", account) as tracked, tracked.track():
        await traded(tracked, account, 70)
        bustle = Bustle(account, 71)
        while len(account.ledger.fills) < 8:
            bustle.step()
        gone = account.ledger.fills.pop()
        assert str(gone.trade_id) in await told(tracked, "fill_unknown_to_venue")


async def test_a_fill_that_the_history_tells_differently_is_a_conflict(questdb: Address, tmp_path: Path) -> None:
    """The first one stays booked."""
    account = open_account(72)
    async with desk(tmp_path, questdb, "oms-conflict", account) as tracked, tracked.track():
        await traded(tracked, account, 72)
        bustle = Bustle(account, 73)
        while len(account.ledger.fills) < 8:
            bustle.step()
        last = account.ledger.fills[-1]
        account.ledger.fills[-1] = replace(last, price=last.price + 1)
        assert await told(tracked, "fill_conflict") == [str(last.trade_id)]


async def test_an_order_that_the_venue_does_not_know_is_told_after_two_polls(questdb: Address, tmp_path: Path) -> None:
    """One answer could be a race; two in a row are a discrepancy."""
    account = open_account(74)
    async with desk(tmp_path, questdb, "oms-unknown-order", account) as tracked, tracked.track():
        await traded(tracked, account, 74)
        bid = NewOrder("BTCUSDT", Side.BUY, "LIMIT", Decimal("0.01"), Decimal(50_000))
        order = account.exchange.place(bid, account.venue.venue_now())

        async def adopted() -> bool:
            return str(order.order_id) in await tracked.orders()

        assert await until(adopted)
        del account.ledger.orders[order.order_id]
        assert await told(tracked, "order_ours_only") == [str(order.order_id)]
