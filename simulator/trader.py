"""A bot that trades the simulated account in its own way: limit orders that rest, market orders, cancels. Seeded.

It talks straight to the exchange, as a trader's own tool or a foreign algorithm does: the OMS did not place its
orders and must adopt them.
"""

from collections.abc import Callable
from decimal import ROUND_DOWN, Decimal
from random import Random

from core.clock import Clock
from core.types import Nanos, Side
from simulator.account_model import NewOrder, Top, TradingRules, VenueRefuses
from simulator.exchange import Exchange

ORDER_VALUE = 400.0
"""The value of an average order, in the quote."""
MOST_OPEN = 8
"""More resting orders than this of one symbol are too many: the oldest goes."""


class Trader:
    """Does `rate` things a second on average, on the symbols that the exchange has prices of."""

    def __init__(self, exchange: Exchange, rng: Random, *, rate: float = 1.0) -> None:
        self.rate = rate
        self._exchange = exchange
        self._rng = rng
        self._number = 0

    async def run(self, clock: Clock, venue_now: Callable[[], Nanos]) -> None:
        """Trade for ever."""
        while True:
            await clock.sleep(self._rng.expovariate(max(self.rate, 1e-3)))
            self.act(venue_now())

    def act(self, now: Nanos) -> None:
        """Do one thing: place an order, or cancel one."""
        symbols = [symbol for symbol in self._exchange.rules if self._exchange.top(symbol) is not None]
        if not symbols:
            return
        symbol = self._rng.choice(symbols)
        resting = self._exchange.ledger.open_orders(symbol)
        if resting and (len(resting) >= MOST_OPEN or self._rng.random() < 0.2):  # noqa: PLR2004  its habits, like those below
            self._cancel(symbol, resting[0].order_id, now)
        else:
            self._place(symbol, now)

    def _cancel(self, symbol: str, order_id: int, now: Nanos) -> None:
        try:
            _ = self._exchange.cancel(symbol, now, order_id=order_id)
        except VenueRefuses as refusal:
            if refusal.code != -2011:  # noqa: PLR2004  the fill was quicker
                raise

    def _place(self, symbol: str, now: Nanos) -> None:
        top = self._exchange.top(symbol)
        if top is None:
            return
        rules = self._exchange.rules[symbol]
        request = self._order(rules, top, self._side(rules, top))
        try:
            _ = self._exchange.place(request, now)
        except VenueRefuses as refusal:
            if refusal.code not in {-1013, -2010}:  # too small, or out of money: it tries something else next time
                raise

    def _side(self, rules: TradingRules, top: Top) -> Side:
        """Return the side that leads back to an even split of base and quote."""
        balances = self._exchange.balances
        base = float(balances[rules.base].free) * float(top.bid) if rules.base in balances else 0.0
        quote = float(balances[rules.quote].free) if rules.quote in balances else 0.0
        return Side.SELL if self._rng.random() * (base + quote) < base else Side.BUY

    def _order(self, rules: TradingRules, top: Top, side: Side) -> NewOrder:
        self._number += 1
        client_id = f"bot-{self._number}-{self._rng.getrandbits(32):08x}"
        best = top.bid if side is Side.BUY else top.ask
        value = self._rng.expovariate(1.0) * ORDER_VALUE + 2.0 * float(rules.min_notional)
        qty = _whole(Decimal(value) / best, rules.lot)
        kind = self._rng.choices(("LIMIT", "MARKET", "LIMIT_MAKER", "IOC", "FOK"), (50, 25, 10, 10, 5))[0]
        if kind == "MARKET":
            return NewOrder(rules.symbol, side, kind, qty, client_id=client_id)
        if kind in {"IOC", "FOK"}:
            far = top.ask if side is Side.BUY else top.bid
            return NewOrder(rules.symbol, side, "LIMIT", qty, far, kind, client_id)
        away = Decimal(self._rng.randrange(4)) * rules.tick * (-1 if side is Side.BUY else 1)
        return NewOrder(rules.symbol, side, kind, qty, _whole(best + away, rules.tick), client_id=client_id)


def _whole(amount: Decimal, step: Decimal) -> Decimal:
    return (amount / step).to_integral_value(ROUND_DOWN) * step
