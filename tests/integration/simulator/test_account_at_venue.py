"""The account of simulated Binance trades with the venue's own markets, and the venue's faults reach it."""

import asyncio
from collections.abc import AsyncIterator
from random import Random

import aiohttp
import pytest
from pydantic import SecretStr

from connectors.base.account import AccountKeys
from connectors.registry import account_builder
from core.account import AccountEvent, Fill, StreamDown, StreamUp
from core.tasks import start
from simulator.account_server import SimulatedAccount
from simulator.server import SimulatedVenue
from simulator.world import simulating
from tests.integration.simulator.watching import QuickClock, until

SPEED = 4.0


@pytest.fixture
async def venue() -> AsyncIterator[SimulatedVenue]:
    """Binance with a busy bot."""
    async with simulating(QuickClock(SPEED), venues=("binance",), trades_per_second=8.0) as world:
        yield world.venues["binance"]


async def test_every_fill_of_the_stream_is_in_the_ledger_and_a_cut_is_told(venue: SimulatedVenue) -> None:
    """The real account connector follows; a private cut ends its stream, not the public one's business."""
    account = venue.account
    assert isinstance(account, SimulatedAccount)
    events: list[AccountEvent] = []
    keys = AccountKeys(SecretStr(account.key), SecretStr(account.secret), account.rest_url, account.ws_url)

    def of(kind: type[AccountEvent]) -> list[AccountEvent]:
        return [one for one in events if isinstance(one, kind)]

    async with aiohttp.ClientSession() as http, asyncio.TaskGroup() as group:
        connector = account_builder("binance")("demo", keys, http, venue.clock, Random(7))
        task = start(group, "account", connector.stream(events.append))
        await until(lambda: len(of(Fill)) >= 3)
        venue.faults.disconnect(private=True)
        await until(lambda: len(of(StreamDown)) == 1 and len(of(StreamUp)) == 2)
        told = len(of(Fill))
        await until(lambda: len(of(Fill)) > told)
        _ = task.cancel()
    seen = {int(one.trade_id): (one.price, one.qty) for one in events if isinstance(one, Fill)}
    booked = {one.trade_id: (one.price, one.qty) for one in account.ledger.fills}
    assert seen.items() <= booked.items()


async def test_public_faults_stand_before_the_private_rest_too(venue: SimulatedVenue) -> None:
    """One door: what fails for market data fails for the account."""
    venue.faults.rest_fails(503, 60.0, "/api/v3/account")
    async with aiohttp.ClientSession() as http, http.get(f"{venue.rest_url}/api/v3/account") as response:
        assert response.status == 503
