"""What can be wrong between an account and us: keys, clocks, silence, bad frames. Each is told; none costs a fill."""

from datetime import timedelta
from decimal import Decimal
from pathlib import Path

from core.types import SECOND, Nanos, Side
from oms.settings import OmsSettings
from simulator.account_model import NewOrder, Top
from simulator.account_server import SimulatedAccount
from storage.address import Address
from tests.integration.oms.desk import Bustle, Desk, desk, open_account, until


async def fills_equal(tracked: Desk) -> None:
    """Wait until the `fills` table is the ledger; assert, so that a difference is shown."""

    async def equal() -> bool:
        return await tracked.fills() == tracked.truth()

    _ = await until(equal)
    assert await tracked.fills() == tracked.truth()


async def connected(account: SimulatedAccount) -> bool:
    """Wait until somebody is subscribed."""

    async def any_there() -> bool:
        return account.subscriptions > 0

    return await until(any_there)


def trade(account: SimulatedAccount, seed: int, steps: int = 10) -> None:
    """Let the account trade at once, without waiting."""
    bustle = Bustle(account, seed)
    while len(account.ledger.fills) < steps:
        bustle.step()


async def test_a_wrong_secret_writes_nothing_and_is_told(questdb: Address, tmp_path: Path) -> None:
    """Refused on both paths; the service goes on and says that the stream is not live."""
    account = open_account(50)
    trade(account, 50)
    async with desk(tmp_path, questdb, "oms-wrong-secret", account) as tracked:
        async with tracked.track(secret="somebody-elses"):

            async def told() -> bool:
                rows = await tracked.rows("SELECT ws_state FROM venues WHERE account = %(me)s")
                return len(rows) >= 2

            assert await until(told)
        states = await tracked.rows("SELECT DISTINCT ws_state FROM venues WHERE account = %(me)s")
        assert [row["ws_state"] for row in states] == ["connecting"]
        assert account.subscriptions == 0
        assert ("GET", "/api/v3/openOrders") in account.requests
        assert await tracked.fills() == []


async def test_a_key_that_expires_and_returns_costs_no_fill(questdb: Address, tmp_path: Path) -> None:
    """The open stream ends with the key; once the key is good again the history fills the hole."""
    account = open_account(51)
    async with desk(tmp_path, questdb, "oms-expired", account) as tracked, tracked.track():
        assert await connected(account)
        trade(account, 51)
        account.expire_key()

        async def gone() -> bool:
            return account.connections == 0

        assert await until(gone)
        trade(account, 52, 30)
        account.faults.key_expired = False
        assert await connected(account)
        trade(account, 53, 50)
        await fills_equal(tracked)


async def test_a_venue_whose_clock_is_off_is_understood(questdb: Address, tmp_path: Path) -> None:
    """Three seconds ahead, then three behind: requests carry the venue's time, and no fill is out of sight."""
    account = open_account(54)
    account.venue.skew(3000)
    settings = OmsSettings(
        compare_every=timedelta(seconds=0.8), overlap=timedelta(seconds=30), settle=timedelta(seconds=0.3)
    )
    async with desk(tmp_path, questdb, "oms-skew", account) as tracked, tracked.track(settings=settings):
        assert await connected(account)
        account.faults.drop_fills = True
        trade(account, 54)
        account.venue.skew(-3000)
        account.faults.drop_fills = False
        account.cut()
        trade(account, 55, 30)
        await fills_equal(tracked)
    assert min(one.ts for one in account.ledger.fills) < max(one.ts for one in account.ledger.fills) - 5 * SECOND


async def test_a_subscription_that_the_venue_forgot_is_noticed(questdb: Address, tmp_path: Path) -> None:
    """The socket lives and says nothing: the probe finds it, and what was missed is read."""
    account = open_account(56)
    async with desk(tmp_path, questdb, "oms-forgotten", account) as tracked, tracked.track():
        assert await connected(account)
        account.faults.forget_subscriptions = True
        trade(account, 56)
        assert account.subscriptions == 0
        account.faults.forget_subscriptions = False
        assert await connected(account)
        trade(account, 57, 30)
        await fills_equal(tracked)


async def test_a_stream_that_the_venue_ends_is_taken_up_again(questdb: Address, tmp_path: Path) -> None:
    """`eventStreamTerminated` comes on a socket that lives on."""
    account = open_account(58)
    async with desk(tmp_path, questdb, "oms-ended", account) as tracked, tracked.track():
        assert await connected(account)
        account.end_streams()
        trade(account, 58)
        assert await connected(account)
        await fills_equal(tracked)


async def test_bad_frames_cost_only_themselves(questdb: Address, tmp_path: Path) -> None:
    """Damaged, doubled and swapped frames: the stream stays, the history has what a frame lost."""
    account = open_account(59)
    async with desk(tmp_path, questdb, "oms-bad-frames", account) as tracked, tracked.track():
        assert await connected(account)
        account.venue.corrupt("account", count=10)
        trade(account, 59)
        account.venue.duplicate("account", count=20)
        trade(account, 60, 25)
        account.venue.reorder("account", count=20)
        trade(account, 61, 40)
        await fills_equal(tracked)
        assert account.connections == 1


async def test_a_fill_of_a_day_ago_is_found_at_the_first_start(questdb: Address, tmp_path: Path) -> None:
    """A start of the history alone reaches one day at this venue: it is read day by day."""
    account = open_account(62)
    name, size = "BTCUSDT", Decimal("0.001")
    now = account.venue.venue_now() - 60 * 3600 * SECOND
    account.exchange.quote(name, Top(Decimal(60_000), size, Decimal(60_001), size), now)
    trade_at(account, now)
    settings = OmsSettings(first_look_back=timedelta(days=4))
    async with desk(tmp_path, questdb, "oms-days", account) as tracked, tracked.track(settings=settings):
        await fills_equal(tracked)
    assert len(account.ledger.fills) == 2


def trade_at(account: SimulatedAccount, now: Nanos) -> None:
    """Buy two levels of the book in the past."""
    _ = account.exchange.place(NewOrder("BTCUSDT", Side.BUY, "MARKET", Decimal("0.002")), now)
