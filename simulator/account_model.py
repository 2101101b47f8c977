"""What an account at a simulated Binance spot venue is made of: rules, orders, fills, balances, news. Pure values."""

from dataclasses import dataclass, field
from decimal import ROUND_DOWN, Decimal
from typing import TypeAlias

from core.errors import Permanent
from core.types import MILLISECOND, Nanos, Side

ZERO = Decimal(0)
PLACES = Decimal("0.00000001")
"""The venue keeps eight places of everything."""

OPEN = frozenset({"NEW", "PARTIALLY_FILLED"})


def cut(amount: Decimal) -> Decimal:
    """Return an amount with the venue's eight places, the rest dropped."""
    return amount.quantize(PLACES, rounding=ROUND_DOWN)


def whole_ms(moment: Nanos) -> Nanos:
    """Return a moment as the venue stamps it: a whole millisecond."""
    return moment - moment % MILLISECOND


class VenueRefuses(Permanent):
    """The venue refuses the request."""

    def __init__(self, code: int, text: str) -> None:
        """Carry the native error code and its text."""
        super().__init__(f"code {code}: {text}")
        self.code = code
        self.text = text


@dataclass(frozen=True, slots=True)
class TradingRules:
    """One symbol's filters, and how deep its simulated book is: `levels` prices on each side, a tick apart."""

    symbol: str
    base: str
    quote: str
    tick: Decimal = Decimal("0.01")
    lot: Decimal = Decimal("0.00001")
    min_notional: Decimal = Decimal(5)
    levels: int = 5


@dataclass(frozen=True, slots=True)
class Fees:
    """Rates, and the discount when the fee is taken in BNB; `bnb_price` is in the quote asset, None: never in BNB."""

    maker: Decimal = Decimal("0.001")
    taker: Decimal = Decimal("0.001")
    bnb_factor: Decimal = Decimal("0.75")
    bnb_price: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Top:
    """Best prices and sizes of one symbol."""

    bid: Decimal
    bid_size: Decimal
    ask: Decimal
    ask_size: Decimal


@dataclass(frozen=True, slots=True)
class NewOrder:
    """A request for an order. A market order has `qty`, or `quote_qty` to spend; `client_id` empty: the venue's."""

    symbol: str
    side: Side
    type: str
    qty: Decimal | None = None
    price: Decimal | None = None
    time_in_force: str = "GTC"
    client_id: str = ""
    quote_qty: Decimal | None = None


@dataclass(frozen=True, slots=True)
class VenueOrder:
    """An order as the venue knows it at one moment."""

    symbol: str
    order_id: int
    client_id: str
    side: Side
    type: str
    time_in_force: str
    price: Decimal
    qty: Decimal
    created: Nanos
    updated: Nanos
    status: str = "NEW"
    filled: Decimal = ZERO
    quote_filled: Decimal = ZERO
    quote_qty: Decimal = ZERO

    @property
    def open(self) -> bool:
        """Whether it can still trade."""
        return self.status in OPEN

    @property
    def left(self) -> Decimal:
        """What is not filled."""
        return self.qty - self.filled


@dataclass(frozen=True, slots=True)
class VenueFill:
    """One execution of the account's orders."""

    symbol: str
    trade_id: int
    order_id: int
    client_id: str
    side: Side
    price: Decimal
    qty: Decimal
    fee: Decimal
    fee_asset: str
    maker: bool
    ts: Nanos


@dataclass(frozen=True, slots=True)
class Holding:
    """One asset's balance."""

    free: Decimal = ZERO
    locked: Decimal = ZERO


@dataclass(frozen=True, slots=True)
class Executed:
    """News: an order changed. `change` is the wire's execution type; `fill` is set for TRADE alone."""

    order: VenueOrder
    change: str
    execution_id: int
    ts: Nanos
    fill: VenueFill | None = None
    cancel_id: str = ""
    expiry_reason: int | None = None


@dataclass(frozen=True, slots=True)
class Holdings:
    """News: the absolute balances of the assets that an event may have changed."""

    ts: Nanos
    assets: tuple[tuple[str, Holding], ...]


@dataclass(frozen=True, slots=True)
class Moved:
    """News: a deposit or withdrawal."""

    ts: Nanos
    asset: str
    delta: Decimal


News: TypeAlias = Executed | Holdings | Moved


@dataclass(slots=True)
class Ledger:
    """The truth: every order by id as it stands, every fill in the order of execution. Tests compare with it."""

    orders: dict[int, VenueOrder] = field(default_factory=dict)
    fills: list[VenueFill] = field(default_factory=list)
    refusals: list[tuple[NewOrder, int, str]] = field(default_factory=list)

    def open_orders(self, symbol: str | None = None) -> list[VenueOrder]:
        """Return the orders that can still trade, oldest first."""
        return [one for one in self.orders.values() if one.open and symbol in {None, one.symbol}]

    def by_client_id(self, symbol: str, client_id: str) -> VenueOrder | None:
        """Return the newest order of a client id: a client id may be used again once its order is done."""
        found = [o for o in self.orders.values() if o.symbol == symbol and o.client_id == client_id]
        return found[-1] if found else None
