"""The journal: what the OMS knows after a restart, on a real SQLite file."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from core.account import OrderChange
from oms.journal import Journal
from oms.model import KeptOrder
from tests.unit.oms.events import at, fill, report

ME = ("binance", "main")


@pytest.fixture
async def journal(tmp_path: Path) -> AsyncIterator[Journal]:
    """A new journal."""
    opened = await Journal.open(tmp_path)
    yield opened
    await opened.close()


async def test_a_fill_is_new_once_whichever_path_tells_it(journal: Journal) -> None:
    """The second time it is known, and both paths are marked."""
    first, second = fill("a", 1, "1"), fill("b", 1, "2")
    assert await journal.note([first, second, first], from_history=False, now=at(2)) == [first, second]
    assert await journal.only_on_one_path(*ME, at(0), at(9), missing_in_history=True) == [first, second]
    assert await journal.note([second], from_history=True, now=at(3)) == []
    assert await journal.only_on_one_path(*ME, at(0), at(9), missing_in_history=True) == [first]
    assert await journal.only_on_one_path(*ME, at(0), at(9), missing_in_history=False) == []


async def test_what_is_kept_survives_the_file_being_closed(tmp_path: Path) -> None:
    """Fills oldest first, orders, how far the history was read, the open hole."""
    journal = await Journal.open(tmp_path)
    _ = await journal.note([fill("b", 2, "1"), fill("a", 1, "1")], from_history=True, now=at(3))
    kept = KeptOrder(report(OrderChange.NEW, 1), done=False, newest=at(1) + 5)
    await journal.keep_orders([kept], at(0))
    await journal.mark_read(*ME, "BTC-USDT", at(3))
    await journal.mark_hole(*ME, at(2))
    await journal.close()
    again = await Journal.open(tmp_path)
    assert [one.trade_id for one in await again.since(*ME, at(0))] == ["a", "b"]
    assert await again.orders(*ME) == [kept]
    assert await again.read_upto(*ME, "BTC-USDT") == at(3)
    assert await again.read_upto(*ME, "ETH-USDT") is None
    assert await again.hole(*ME) == at(2)
    await again.close()


async def test_a_healed_hole_leaves_the_last_comparison(journal: Journal) -> None:
    """While the service is away nobody hears the stream: the next start has a hole since then."""
    assert await journal.hole(*ME) is None
    await journal.mark_hole(*ME, at(2))
    await journal.mark_hole(*ME, None)
    assert await journal.hole(*ME) is None
    await journal.mark_read(*ME, "BTC-USDT", at(7))
    assert await journal.hole(*ME) == at(7)


async def test_orders_that_were_done_long_ago_go(journal: Journal) -> None:
    """A working one stays, however old."""
    await journal.keep_orders([KeptOrder(report(OrderChange.CANCELED, 1), done=True, newest=at(1))], at(0))
    assert len(await journal.orders(*ME)) == 1
    await journal.keep_orders([KeptOrder(report(OrderChange.CANCELED, 1), done=True, newest=at(1))], at(2))
    assert await journal.orders(*ME) == []
    await journal.keep_orders([KeptOrder(report(OrderChange.NEW, 1), done=False, newest=at(1))], at(2))
    assert len(await journal.orders(*ME)) == 1
