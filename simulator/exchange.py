"""One account at a simulated Binance spot venue: balances, orders, matching against the market, the ledger. Pure.

The account trades with the market model: `quote` tells its best prices and `printed` its trades. A taker order walks
the book (one fill a level, all of the same millisecond); a resting order fills in parts as the market trades at or
through its price. Time is an argument, chance has a seed.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from decimal import ROUND_DOWN, Decimal
from random import Random

from core.types import Nanos, Side
from simulator.account_model import (
    PLACES,
    ZERO,
    Executed,
    Fees,
    Holding,
    Holdings,
    Ledger,
    Moved,
    NewOrder,
    News,
    Top,
    TradingRules,
    VenueFill,
    VenueOrder,
    VenueRefuses,
    cut,
    whole_ms,
)

TYPES = frozenset({"LIMIT", "MARKET", "LIMIT_MAKER"})
TIMES_IN_FORCE = frozenset({"GTC", "IOC", "FOK"})
EXCHANGE_CANCELED = 1
UNFILLED_IOC = 2
INSUFFICIENT_LIQUIDITY = 3
"""Why an order expired, as numbers of ours: the venue's own are not published as a list."""


class Exchange:
    """The account. Every method that changes something tells the news to the listeners, in order."""

    def __init__(
        self,
        rules: Sequence[TradingRules],
        balances: Mapping[str, Decimal],
        rng: Random,
        *,
        fees: Fees | None = None,
        cancel_race: float = 0.0,
    ) -> None:
        """Open an account; `cancel_race` is the chance that a fill overtakes a cancel."""
        self.ledger = Ledger()
        self.rules = {one.symbol: one for one in rules}
        self.cancel_race = cancel_race
        self.updated: Nanos = 0
        self.fees = fees or Fees()
        self._balances = {asset: Holding(cut(amount)) for asset, amount in balances.items()}
        self._rng = rng
        self._tops: dict[str, Top] = {}
        self._order_id = rng.randrange(10**6, 10**7)
        self._execution_id = rng.randrange(10**8, 10**9)
        self._trade_ids = {one.symbol: rng.randrange(10**5, 10**6) for one in rules}
        self._listeners: list[Callable[[News], None]] = []

    # --- what others see ---------------------------------------------------------------------------------------------

    def listen(self, listener: Callable[[News], None]) -> Callable[[], None]:
        """Tell every change to a listener from now on; returns what ends it."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    @property
    def balances(self) -> Mapping[str, Holding]:
        """Every asset's balance."""
        return self._balances

    def top(self, symbol: str) -> Top | None:
        """Return the market's best prices as last told."""
        return self._tops.get(symbol)

    def new_client_id(self) -> str:
        """Return an id as the venue's own page makes them."""
        return f"web_{self._rng.getrandbits(80):020x}"

    # --- the market --------------------------------------------------------------------------------------------------

    def quote(self, symbol: str, top: Top, now: Nanos) -> None:
        """Take the market's best prices; a resting order that they cross fills, at its own price."""
        self._tops[symbol] = top
        size = {Side.BUY: top.ask_size, Side.SELL: top.bid_size}
        for order in self._resting(symbol):
            crossed = order.price >= top.ask if order.side is Side.BUY else order.price <= top.bid
            qty = min(order.left, size[order.side])
            if crossed and qty > 0:
                size[order.side] -= qty
                self._fill(order, order.price, qty, now, maker=True)

    def printed(self, symbol: str, price: Decimal, qty: Decimal, now: Nanos) -> None:
        """Take a public trade; our resting orders at or beyond its price get what it has, best price first."""
        left = qty
        for order in self._resting(symbol):
            reached = price <= order.price if order.side is Side.BUY else price >= order.price
            part = min(order.left, self._lots(symbol, left))
            if reached and part > 0:
                left -= part
                self._fill(order, order.price, part, now, maker=True)

    def _resting(self, symbol: str) -> list[VenueOrder]:
        best_first = {Side.BUY: -1, Side.SELL: 1}
        return sorted(self.ledger.open_orders(symbol), key=lambda o: (o.price * best_first[o.side], o.order_id))

    # --- requests ----------------------------------------------------------------------------------------------------

    def place(self, request: NewOrder, now: Nanos) -> VenueOrder:
        """Accept an order, and return it as it stands after its first matching.

        Raises:
            VenueRefuses: with the native code; nothing changed.
        """
        try:
            order = self._accept(request, whole_ms(now))
        except VenueRefuses as refusal:
            self.ledger.refusals.append((request, refusal.code, refusal.text))
            raise
        self._lock(order)
        self._keep(order)
        self._tell(order, "NEW", now)
        self._take(order, now)
        return self.ledger.orders[order.order_id]

    def cancel(
        self, symbol: str, now: Nanos, *, order_id: int | None = None, client_id: str = "", cancel_id: str = ""
    ) -> VenueOrder:
        """Cancel a working order; sometimes a fill is quicker.

        Raises:
            VenueRefuses: -2011, the order is not working (any more).
        """
        order = self.find(symbol, order_id, client_id)
        if order is not None and order.open and self._rng.random() < self.cancel_race:
            part = order.left if self._rng.random() < 0.5 else self._lots(symbol, order.left / 2) or order.left  # noqa: PLR2004  an even chance
            order = self._fill(order, order.price, part, now, maker=True)
        if order is None or not order.open:
            raise VenueRefuses(-2011, "Unknown order sent.")
        return self._end(order, "CANCELED", now, cancel_id=cancel_id or self.new_client_id())

    def expire(self, order_id: int, now: Nanos) -> VenueOrder:
        """End a working order by the venue's own decision."""
        return self._end(self.ledger.orders[order_id], "EXPIRED", now, expiry_reason=EXCHANGE_CANCELED)

    def find(self, symbol: str, order_id: int | None, client_id: str = "") -> VenueOrder | None:
        """Return an order by either id."""
        if order_id is None:
            return self.ledger.by_client_id(symbol, client_id)
        order = self.ledger.orders.get(order_id)
        return order if order is not None and order.symbol == symbol else None

    def move(self, asset: str, delta: Decimal, now: Nanos) -> None:
        """Deposit, or withdraw with a negative amount.

        Raises:
            VenueRefuses: there is not so much to withdraw.
        """
        if self._balances.get(asset, Holding()).free + delta < 0:
            raise VenueRefuses(-2010, "Account has insufficient balance for requested action.")
        self._add(asset, free=delta)
        self._say(Moved(whole_ms(now), asset, delta))
        self._tell_holdings((asset,), now)

    # --- acceptance --------------------------------------------------------------------------------------------------

    def _accept(self, request: NewOrder, now: Nanos) -> VenueOrder:
        rules = self.rules.get(request.symbol)
        if rules is None:
            raise VenueRefuses(-1121, "Invalid symbol.")
        if request.type not in TYPES:
            raise VenueRefuses(-1116, "Invalid orderType.")
        if request.time_in_force not in TIMES_IN_FORCE:
            raise VenueRefuses(-1115, "Invalid timeInForce.")
        qty, price = self._sizes(request, rules)
        known = self.ledger.by_client_id(request.symbol, request.client_id) if request.client_id else None
        if known is not None and known.open:
            raise VenueRefuses(-2010, "Duplicate order sent.")
        if request.type == "LIMIT_MAKER" and self._available(request.symbol, request.side, price):
            raise VenueRefuses(-2010, "Order would immediately match and take.")
        self._order_id += self._rng.randint(1, 9)
        order = VenueOrder(
            request.symbol,
            self._order_id,
            request.client_id or self.new_client_id(),
            request.side,
            request.type,
            "GTC" if request.type != "LIMIT" else request.time_in_force,
            price,
            qty,
            now,
            now,
            quote_qty=request.quote_qty or ZERO,
        )
        asset, amount = self._cost(order)
        if self._balances.get(asset, Holding()).free < amount:
            raise VenueRefuses(-2010, "Account has insufficient balance for requested action.")
        return order

    def _sizes(self, request: NewOrder, rules: TradingRules) -> tuple[Decimal, Decimal]:
        """Return quantity and price after the filters; a market order's price is zero."""
        market = request.type == "MARKET"
        price = ZERO if market else request.price
        if price is None:
            raise VenueRefuses(-1102, "Mandatory parameter 'price' was not sent, was empty/null, or malformed.")
        if not market and (price <= 0 or price % rules.tick):
            raise VenueRefuses(-1013, "Filter failure: PRICE_FILTER")
        reference = price or self._worst(request.symbol, request.side)
        qty = request.qty
        if qty is None and market and request.quote_qty is not None and reference:
            qty = self._lots(rules.symbol, request.quote_qty / reference)
        if qty is None:
            raise VenueRefuses(-1102, "Mandatory parameter 'quantity' was not sent, was empty/null, or malformed.")
        if qty <= 0 or qty % rules.lot:
            raise VenueRefuses(-1013, "Filter failure: LOT_SIZE")
        if qty * (reference or rules.min_notional) < rules.min_notional:
            raise VenueRefuses(-1013, "Filter failure: NOTIONAL")
        return qty, price

    def _cost(self, order: VenueOrder) -> tuple[str, Decimal]:
        """Return the asset that an order needs, and how much of it."""
        rules = self.rules[order.symbol]
        if order.side is Side.SELL:
            return rules.base, order.qty
        return rules.quote, cut(order.qty * (order.price or self._worst(order.symbol, order.side)))

    def _worst(self, symbol: str, side: Side) -> Decimal:
        """Return the price of the book's last level."""
        levels = self._levels(symbol, side)
        return levels[-1][0] if levels else ZERO

    # --- matching ----------------------------------------------------------------------------------------------------

    def _levels(self, symbol: str, side: Side) -> list[tuple[Decimal, Decimal]]:
        """Return what an order of this side could take: price and size, best first."""
        top, rules = self._tops.get(symbol), self.rules[symbol]
        if top is None:
            return []
        price, size, step = (
            (top.ask, top.ask_size, rules.tick) if side is Side.BUY else (top.bid, top.bid_size, -rules.tick)
        )
        levels = [(price + number * step, self._lots(symbol, size)) for number in range(rules.levels)]
        return [level for level in levels if level[0] > 0 and level[1] > 0]

    def _available(self, symbol: str, side: Side, limit: Decimal) -> list[tuple[Decimal, Decimal]]:
        """Return the levels within a limit; zero is no limit."""
        levels = self._levels(symbol, side)
        if not limit:
            return levels
        return [(p, s) for p, s in levels if (p <= limit if side is Side.BUY else p >= limit)]

    def _take(self, order: VenueOrder, now: Nanos) -> None:
        levels = self._available(order.symbol, order.side, order.price)
        kill = order.time_in_force == "FOK" and sum((size for _, size in levels), ZERO) < order.qty
        for price, size in () if kill else levels:
            if order.open:
                order = self._fill(order, price, min(order.left, size), now, maker=False)
        if order.open and order.type == "MARKET":
            _ = self._end(order, "EXPIRED", now, expiry_reason=INSUFFICIENT_LIQUIDITY)
        elif order.open and order.time_in_force in {"IOC", "FOK"}:
            _ = self._end(order, "EXPIRED", now, expiry_reason=UNFILLED_IOC)

    def _fill(self, order: VenueOrder, price: Decimal, qty: Decimal, now: Nanos, *, maker: bool) -> VenueOrder:
        ts = whole_ms(now)
        self._trade_ids[order.symbol] += self._rng.randint(1, 5)  # the market's own trades lie between ours
        assets, fee, fee_asset = self._settle(order, price, qty, maker=maker)
        filled = order.filled + qty
        changed = replace(
            order,
            filled=filled,
            quote_filled=order.quote_filled + price * qty,
            status="FILLED" if filled == order.qty else "PARTIALLY_FILLED",
            updated=ts,
        )
        trade_id = self._trade_ids[order.symbol]
        fill = VenueFill(
            order.symbol, trade_id, order.order_id, order.client_id, order.side, price, qty, fee, fee_asset, maker, ts
        )
        self.ledger.fills.append(fill)
        self._keep(changed)
        if not changed.open:
            self._release(changed)
        self._tell(changed, "TRADE", now, fill=fill)
        self._tell_holdings(assets, now)
        return changed

    def _end(
        self, order: VenueOrder, status: str, now: Nanos, *, cancel_id: str = "", expiry_reason: int | None = None
    ) -> VenueOrder:
        ended = replace(order, status=status, updated=whole_ms(now))
        self._keep(ended)
        self._release(ended)
        self._tell(ended, status, now, cancel_id=cancel_id, expiry_reason=expiry_reason)
        self._tell_holdings((self._cost(ended)[0],), now)
        return ended

    def _keep(self, order: VenueOrder) -> None:
        self.ledger.orders[order.order_id] = order
        self.updated = max(self.updated, order.updated)

    def _lots(self, symbol: str, qty: Decimal) -> Decimal:
        """Return a quantity cut to whole lots."""
        lot = self.rules[symbol].lot
        return (qty / lot).to_integral_value(ROUND_DOWN) * lot

    # --- balances ----------------------------------------------------------------------------------------------------

    def _add(self, asset: str, *, free: Decimal = ZERO, locked: Decimal = ZERO) -> None:
        known = self._balances.get(asset, Holding())
        self._balances[asset] = Holding(known.free + free, known.locked + locked)

    def _lock(self, order: VenueOrder) -> None:
        """Set aside what an order that may rest needs; a market order pays as it goes."""
        if order.type != "MARKET":
            asset, amount = self._cost(order)
            self._add(asset, free=-amount, locked=amount)

    def _release(self, order: VenueOrder) -> None:
        """Give back what an order that ended has left."""
        if order.type == "MARKET":
            return
        asset, amount = self._cost(order)
        per = order.price if order.side is Side.BUY else Decimal(1)
        rest = amount - cut(order.filled * per)
        self._add(asset, free=rest, locked=-rest)

    def _settle(
        self, order: VenueOrder, price: Decimal, qty: Decimal, *, maker: bool
    ) -> tuple[tuple[str, ...], Decimal, str]:
        """Move the assets of a fill; returns what changed, the fee and its asset."""
        rules = self.rules[order.symbol]
        cost = price * qty
        if order.side is Side.BUY:
            paid, amount, got, received = rules.quote, cost, rules.base, qty
            set_aside = cut((order.filled + qty) * order.price) - cut(order.filled * order.price)
        else:
            paid, amount, got, received = rules.base, qty, rules.quote, cost
            set_aside = qty
        if order.type == "MARKET":
            set_aside = ZERO
        self._add(paid, free=set_aside - amount, locked=-set_aside)
        self._add(got, free=received)
        fee, fee_asset = self._fee(got, received, cost, maker=maker)
        self._add(fee_asset, free=-fee)
        return tuple(dict.fromkeys((rules.base, rules.quote, fee_asset))), fee, fee_asset

    def _fee(self, got: str, received: Decimal, cost: Decimal, *, maker: bool) -> tuple[Decimal, str]:
        """Return the fee and its asset: what was received, or BNB while there is some."""
        rate = self.fees.maker if maker else self.fees.taker
        if self.fees.bnb_price is not None:
            fee = (cost * rate * self.fees.bnb_factor / self.fees.bnb_price).quantize(PLACES)
            if self._balances.get("BNB", Holding()).free >= fee:
                return fee, "BNB"
        return cut(received * rate), got

    # --- news --------------------------------------------------------------------------------------------------------

    def _tell(
        self,
        order: VenueOrder,
        change: str,
        now: Nanos,
        *,
        fill: VenueFill | None = None,
        cancel_id: str = "",
        expiry_reason: int | None = None,
    ) -> None:
        self._execution_id += self._rng.randint(1, 3)
        self._say(Executed(order, change, self._execution_id, whole_ms(now), fill, cancel_id, expiry_reason))
        if change == "NEW":
            self._tell_holdings((self._cost(order)[0],), now)

    def _tell_holdings(self, assets: Sequence[str], now: Nanos) -> None:
        self._say(Holdings(whole_ms(now), tuple((one, self._balances.get(one, Holding())) for one in assets)))

    def _say(self, news: News) -> None:
        for listener in list(self._listeners):
            listener(news)
