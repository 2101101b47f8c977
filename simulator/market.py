"""A seeded market: pure, moved on by `step`, always the same for the same seed.

Prices are whole ticks and sizes whole lots, so a book can be compared exactly. Venues share one `Mid` per pair and
therefore agree; each adds a small premium of its own.
"""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from math import ceil, exp, floor, sqrt
from random import Random
from typing import NamedTuple

from core.types import Side, Symbol

DEPTH = 50
"""Levels a side."""
VOLATILITY = 9e-5
"""Standard deviation of the mid's change over a second: about 50 % a year."""
PULL = 1e-4
"""How strongly the mid is drawn back to where it began, per second: a demo of a week stays in sight."""
ARBITRAGE_S = 20.0
"""Within this time, arbitrage takes most of a venue's own premium away."""
CROSSED_BY = 3
"""Ticks by which a crossed book's bid is above its ask."""

START_PRICES = {"BTC": 60_000.0, "ETH": 3_000.0, "SOL": 150.0, "XRP": 0.6, "BNB": 550.0, "DOGE": 0.12}
OTHER_PRICE = 25.0


@dataclass(frozen=True, slots=True)
class Listing:
    """One instrument at one venue. A tick is 10^-price_places of the quote, a lot 10^-size_places of a unit."""

    symbol: Symbol
    native: str
    base: str
    quote: str
    perpetual: bool
    price_places: int
    size_places: int
    contract_size: Decimal = Decimal(1)
    """How much of the base one unit of size is: contracts at OKX, else 1."""
    spread_bps: float = 1.5
    trades_per_second: float = 2.0
    unit_notional: float = 4_000.0
    """The value of an average level, in the quote."""

    @property
    def tick(self) -> Decimal:
        """The smallest step of a price."""
        return Decimal(1).scaleb(-self.price_places)

    @property
    def lot(self) -> Decimal:
        """The smallest step of a size."""
        return Decimal(1).scaleb(-self.size_places)

    def price(self, ticks: int) -> Decimal:
        """Return ticks as a price, exact."""
        return Decimal(ticks).scaleb(-self.price_places)

    def size(self, lots: int) -> Decimal:
        """Return lots as a size, exact."""
        return Decimal(lots).scaleb(-self.size_places)


def price_places(price: float) -> int:
    """Return how many decimals a price of this magnitude is quoted with: six figures in all, five at the most."""
    return min(5, 5 - _magnitude(price))


def size_places(price: float) -> int:
    """Return how many decimals a size has at this price, so that a lot is worth about half a unit of the quote."""
    return max(0, 1 + _magnitude(price))


def _magnitude(price: float) -> int:
    return len(str(int(price))) - 1 if price >= 1 else -1


def start_price(base: str) -> float:
    """Return where the mid of an asset begins."""
    return START_PRICES.get(base, OTHER_PRICE)


def funding_rate(market: "Market") -> float:
    """Return the rate of eight hours: the usual interest, and what the venue's price is above the shared one."""
    premium = market.mid / market.index - 1.0
    return max(-0.0075, min(0.0075, 1e-4 + premium))


class Mid:
    """The price that all venues share, of one pair: a random walk that is drawn back to its start."""

    def __init__(self, symbol: Symbol, start: float, seed: int) -> None:
        self.price = start
        self._start = start
        self._rng = Random(f"{seed} {symbol}")

    def step(self, seconds: float) -> float:
        """Let time pass and return the price."""
        back = PULL * seconds * (self._start / self.price - 1.0)
        self.price *= exp(VOLATILITY * sqrt(seconds) * self._rng.gauss(0.0, 1.0) + back)
        return self.price

    def jump(self, percent: float) -> None:
        """Move the price at once, at every venue."""
        self.price *= 1.0 + percent / 100.0
        self._start *= 1.0 + percent / 100.0


class Level(NamedTuple):
    """A price in ticks and a size in lots; in a change, size 0 removes the price."""

    ticks: int
    lots: int


class Print(NamedTuple):
    """One public trade. `side` is the aggressor's."""

    trade_id: int
    ticks: int
    lots: int
    side: Side


class Change(NamedTuple):
    """What one step did: ids `first` to `last` follow `previous`; absolute sizes by price; trades."""

    previous: int
    first: int
    last: int
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]
    trades: tuple[Print, ...]
    best_moved: bool


@dataclass(frozen=True, slots=True)
class Push:
    """What is done to a market while a fault lasts."""

    widen: float = 1.0
    cross: bool = False


CALM = Push()


class _Ladder:
    """One side of the book. Keys are ticks for asks and negated ticks for bids: the best is the smallest on both."""

    def __init__(self, sign: int) -> None:
        self.sign = sign
        self.keys: list[int] = []
        self.lots: dict[int, int] = {}

    def put(self, key: int, lots: int, changes: dict[int, int]) -> None:
        if key not in self.lots:
            self.keys.insert(bisect_left(self.keys, key), key)
        self.lots[key] = changes[key] = lots

    def drop(self, index: int, changes: dict[int, int]) -> None:
        key = self.keys.pop(index)
        del self.lots[key]
        changes[key] = 0

    def levels(self, count: int) -> tuple[Level, ...]:
        return tuple(Level(self.sign * key, self.lots[key]) for key in self.keys[:count])

    def told(self, changes: dict[int, int]) -> tuple[Level, ...]:
        return tuple(Level(self.sign * key, changes[key]) for key in sorted(changes))


@dataclass(slots=True)
class _Premium:
    """How far a venue is from the shared mid, as a fraction: a little noise, and what is left of a jump."""

    noise: float = 0.0
    jump: float = 0.0

    def step(self, seconds: float, draw: float) -> float:
        self.noise += -0.2 * seconds * self.noise + 2e-5 * sqrt(seconds) * draw
        self.jump *= exp(-seconds / ARBITRAGE_S)
        return 1.0 + self.noise + self.jump


@dataclass(slots=True)
class Market:
    """One instrument at one venue. `dense` ids count every changed level, as Binance spot does; others leave holes."""

    listing: Listing
    seed: str
    mid: float
    dense: bool = True
    index: float = field(init=False)
    """The price that all venues share."""
    last: int = field(init=False)
    trade_id: int = field(init=False)
    _rng: Random = field(init=False)
    _bids: _Ladder = field(init=False)
    _asks: _Ladder = field(init=False)
    _premium: _Premium = field(init=False)

    def __post_init__(self) -> None:
        """Seed, and fill the book."""
        self._rng = Random(f"{self.seed} {self.listing.native}")
        self.last = self._rng.randrange(10**9, 10**10)
        self.trade_id = self._rng.randrange(10**6, 10**8)
        self._bids, self._asks, self._premium = _Ladder(-1), _Ladder(1), _Premium()
        _ = self.step(self.mid, 0.0)

    # --- what it shows -----------------------------------------------------------------------------------------------

    def bids(self, count: int = DEPTH) -> tuple[Level, ...]:
        """Return the best bids, best first."""
        return self._bids.levels(count)

    def asks(self, count: int = DEPTH) -> tuple[Level, ...]:
        """Return the best asks, best first."""
        return self._asks.levels(count)

    @property
    def best_bid(self) -> Decimal:
        """The highest price that somebody bids."""
        return self.listing.price(-self._bids.keys[0])

    @property
    def best_ask(self) -> Decimal:
        """The lowest price that somebody asks."""
        return self.listing.price(self._asks.keys[0])

    # --- what moves it -----------------------------------------------------------------------------------------------

    def jump(self, percent: float) -> None:
        """Move this venue's price alone; arbitrage brings it back within a minute."""
        self._premium.jump = (1.0 + self._premium.jump) * (1.0 + percent / 100.0) - 1.0

    def trade(self, side: Side, lots: int) -> Print:
        """Return a trade at the best price, with the next id; `side` is the aggressor's."""
        ladder = self._asks if side is Side.BUY else self._bids
        self.trade_id += 1
        return Print(self.trade_id, ladder.sign * ladder.keys[0], lots, side)

    def step(self, mid: float, seconds: float, push: Push = CALM) -> Change:
        """Let time pass: the book follows the mid, some sizes change, somebody trades."""
        self.index = mid
        self.mid = mid * self._premium.step(seconds, self._rng.gauss(0.0, 1.0))
        before = (self._top(self._bids), self._top(self._asks))
        trades = tuple(self._trades(seconds))
        bids: dict[int, int] = {}
        asks: dict[int, int] = {}
        best_bid, best_ask = self._targets(push)
        self._follow(self._bids, -best_bid, bids)
        self._follow(self._asks, best_ask, asks)
        moved = before != (self._top(self._bids), self._top(self._asks))
        previous = self.last
        first = previous + 1 + (0 if self.dense else self._rng.randrange(1500))
        self.last = first + len(bids) + len(asks) - 1 + (0 if self.dense else self._rng.randrange(1500))
        return Change(previous, first, self.last, self._bids.told(bids), self._asks.told(asks), trades, moved)

    @staticmethod
    def _top(ladder: _Ladder) -> tuple[int, int] | None:
        return (ladder.keys[0], ladder.lots[ladder.keys[0]]) if ladder.keys else None

    def _targets(self, push: Push) -> tuple[int, int]:
        """Return best bid and ask in ticks."""
        places, half = self.listing.price_places, self.listing.spread_bps * push.widen / 2e4
        bid = max(1, floor(self.mid * (1.0 - half) * 10.0**places))
        ask = max(bid + 1, ceil(self.mid * (1.0 + half) * 10.0**places))
        return (ask + CROSSED_BY if push.cross else bid), ask

    def _follow(self, ladder: _Ladder, best: int, changes: dict[int, int]) -> None:
        """Move a side's best price to `best`, keep DEPTH levels behind it, and change some sizes."""
        keys = ladder.keys
        while keys and keys[0] < best:
            ladder.drop(0, changes)
        if not keys or keys[0] > best:
            for key in self._between(best, keys[0] if keys else best + 1):
                ladder.put(key, self._lots(), changes)
        while len(keys) > DEPTH:
            ladder.drop(-1, changes)
        while len(keys) < DEPTH:
            ladder.put(keys[-1] + self._rng.randrange(1, self._spacing()), self._lots(), changes)
        for _ in range(self._rng.randrange(1, 4)):
            ladder.put(self._rng.choice(keys), self._lots(), changes)

    def _between(self, best: int, old: int) -> Sequence[int]:
        """Return the keys from `best` towards the old best, at most a whole side."""
        keys: list[int] = []
        key = best
        while key < old and len(keys) < DEPTH:
            keys.append(key)
            key += self._rng.randrange(1, self._spacing())
        return keys

    def _spacing(self) -> int:
        return max(2, round(self.mid * 10.0**self.listing.price_places * 4e-5))

    def _lots(self) -> int:
        unit = self.listing.unit_notional / (self.mid * float(self.listing.contract_size))
        return 1 + int(self._rng.expovariate(1.0) * unit * 10.0**self.listing.size_places)

    def _trades(self, seconds: float) -> Iterator[Print]:
        if self._rng.random() < self.listing.trades_per_second * seconds:
            side = Side.BUY if self._rng.random() < 0.5 else Side.SELL  # noqa: PLR2004  a coin
            yield self.trade(side, 1 + self._lots() // 10)
