"""The market model: seeded, whole, and never crossed by itself."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.types import Side
from simulator.market import DEPTH, Change, Level, Listing, Market, Mid, Push, price_places, size_places, start_price

PRICES = st.sampled_from([60_000.0, 3_000.0, 150.0, 25.0, 0.6, 0.12])
SEEDS = st.integers(0, 2**32)
JUMPS = st.lists(st.sampled_from([0.0, 0.0, 0.0, 0.5, -0.5, 4.0, -4.0, 30.0, -30.0]), min_size=5, max_size=60)


def listed(price: float, spread_bps: float = 1.5, trades_per_second: float = 2.0) -> Listing:
    """Return a listing with the decimals that fit the price."""
    return Listing(
        symbol="BTC-USDT",
        native="BTCUSDT",
        base="BTC",
        quote="USDT",
        perpetual=False,
        price_places=price_places(price),
        size_places=size_places(price),
        spread_bps=spread_bps,
        trades_per_second=trades_per_second,
    )


def run(market: Market, mid: Mid, jumps: list[float]) -> list[Change]:
    """Step a market of its own mid, with a jump before each step where there is one."""
    changes = []
    for percent in jumps:
        if percent:
            market.jump(percent)
        changes.append(market.step(mid.step(0.1), 0.1))
    return changes


@settings(deadline=None, max_examples=40)
@given(seed=SEEDS, price=PRICES, jumps=JUMPS)
def test_equal_seeds_make_equal_markets(seed: int, price: float, jumps: list[float]) -> None:
    """A demo and a test can be repeated to the last lot."""
    one, other = (run(Market(listed(price), f"{seed}", price), Mid("BTC-USDT", price, seed), jumps) for _ in range(2))
    assert one == other


@settings(deadline=None, max_examples=40)
@given(seed=SEEDS, price=PRICES, jumps=JUMPS, dense=st.booleans())
def test_changes_replayed_give_the_book(seed: int, price: float, jumps: list[float], *, dense: bool) -> None:
    """The image and every change after it are the book: nothing moves without being told, and ids link."""
    market, mid = Market(listed(price), f"{seed}", price, dense=dense), Mid("BTC-USDT", price, seed)
    bids, asks, last = dict(market.bids()), dict(market.asks()), market.last
    for change in run(market, mid, jumps):
        assert change.previous == last
        assert last < change.first <= change.last
        assert not dense or change.first == last + 1
        last = change.last
        for side, told in ((bids, change.bids), (asks, change.asks)):
            for ticks, lots in told:
                side[ticks] = lots
                if not lots:
                    del side[ticks]
    assert sorted(bids.items(), reverse=True) == list(market.bids())
    assert sorted(asks.items()) == list(market.asks())


@settings(deadline=None, max_examples=40)
@given(seed=SEEDS, price=PRICES, jumps=JUMPS)
def test_a_book_is_deep_ordered_and_never_crossed(seed: int, price: float, jumps: list[float]) -> None:
    """Whatever the price does, fifty levels a side, all above zero, and the bid below the ask."""
    market, mid = Market(listed(price), f"{seed}", price), Mid("BTC-USDT", price, seed)
    for percent in jumps:
        market.jump(percent)
        _ = market.step(mid.step(0.1), 0.1)
        bids, asks = market.bids(), market.asks()
        assert len(bids) == len(asks) == DEPTH
        assert all(ticks > 0 and lots > 0 for ticks, lots in (*bids, *asks))
        assert market.best_bid < market.best_ask


def test_a_crossed_book_heals_when_the_push_ends() -> None:
    """The bid goes above the ask for as long as it is asked for."""
    market = Market(listed(60_000.0), "7", 60_000.0)
    _ = market.step(60_000.0, 0.1, Push(cross=True))
    assert market.best_bid > market.best_ask
    _ = market.step(60_000.0, 0.1)
    assert market.best_bid < market.best_ask


def test_a_wider_spread_is_as_many_times_wider() -> None:
    """The spread is the listing's, times the factor, to a tick."""
    market = Market(listed(60_000.0, spread_bps=2.0), "7", 60_000.0)
    _ = market.step(60_000.0, 0.0, Push(widen=20.0))
    assert float(market.best_ask - market.best_bid) == pytest.approx(60_000.0 * 40 / 1e4, abs=1.0)


def test_a_jump_is_taken_back_by_arbitrage() -> None:
    """One venue's price does not stay away from the others'."""
    market = Market(listed(60_000.0), "7", 60_000.0)
    market.jump(5.0)
    _ = market.step(60_000.0, 0.1)
    assert float(market.best_bid) == pytest.approx(63_000.0, rel=0.01)
    for _ in range(1000):
        _ = market.step(60_000.0, 0.1)
    assert float(market.best_bid) == pytest.approx(60_000.0, rel=0.01)


def test_a_trade_is_at_the_best_price_of_the_other_side() -> None:
    """A buyer takes the best ask; ids count up."""
    market = Market(listed(60_000.0), "7", 60_000.0)
    bought, sold = market.trade(Side.BUY, 3), market.trade(Side.SELL, 4)
    assert (bought.ticks, sold.ticks) == (market.asks(1)[0].ticks, market.bids(1)[0].ticks)
    assert sold.trade_id == bought.trade_id + 1


def test_trades_come_at_the_listings_rate() -> None:
    """Two a second on average."""
    market = Market(listed(60_000.0, trades_per_second=2.0), "7", 60_000.0)
    count = sum(len(market.step(60_000.0, 0.1).trades) for _ in range(10_000))
    assert count == pytest.approx(2_000, rel=0.1)


def test_ticks_and_lots_are_exact_decimals() -> None:
    """What the account books is what the book says."""
    listing = listed(60_000.0)
    level = Level(600_123, 7)
    assert (str(listing.price(level.ticks)), str(listing.size(level.lots))) == ("60012.3", "0.00007")
    assert (str(listing.tick), str(listing.lot)) == ("0.1", "0.00001")


def test_the_mid_is_drawn_back_to_where_it_began() -> None:
    """A demo that runs for a week still shows the price that it began with, more or less."""
    mid = Mid("BTC-USDT", start_price("BTC"), 7)
    for _ in range(7 * 86_400):
        _ = mid.step(1.0)
        assert 0.9 < mid.price / start_price("BTC") < 1.1
