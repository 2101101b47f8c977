"""What a venue says about one account: order reports, fills, balances. Quantities are Decimal, end to end."""

from decimal import Decimal
from enum import StrEnum
from typing import TypeAlias

import msgspec

from core.types import Liquidity, Nanos, Side, Source, Symbol, VenueName


class OrderChange(StrEnum):
    """Why the venue reports on an order (FIX ExecType, in words)."""

    PENDING_NEW = "pending_new"
    NEW = "new"
    TRADE = "trade"
    PENDING_CANCEL = "pending_cancel"
    CANCELED = "canceled"
    CANCEL_REJECTED = "cancel_rejected"
    PENDING_REPLACE = "pending_replace"
    REPLACED = "replaced"
    REJECTED = "rejected"
    EXPIRED = "expired"
    STATUS = "status"


class OrderStatus(StrEnum):
    """The canonical status of an order; derived from its quantities and its life, never assigned from a message."""

    PENDING_NEW = "pending_new"
    WORKING = "working"
    PARTIALLY_FILLED = "partially_filled"
    FILLED = "filled"
    PENDING_CANCEL = "pending_cancel"
    CANCELED = "canceled"
    EXPIRED = "expired"
    REJECTED = "rejected"
    UNKNOWN = "unknown"


class OrderReport(msgspec.Struct, frozen=True, gc=False, tag_field="event", tag="order"):
    """One statement of the venue about one order. `filled` is the cumulative quantity that the venue claims."""

    venue: VenueName
    account: str
    symbol: Symbol
    ts: Nanos
    received: Nanos
    order_id: str
    client_order_id: str
    change: OrderChange
    status: OrderStatus
    side: Side
    type: str
    time_in_force: str
    price: Decimal | None
    qty: Decimal
    filled: Decimal
    avg_price: Decimal | None = None
    reason: str = ""
    seq: int = 0
    source: Source = Source.WS


class Fill(msgspec.Struct, frozen=True, gc=False, tag_field="event", tag="fill"):
    """One execution of ours. Its key is (venue, account, symbol, trade_id, order_id); `fee` is positive when charged.

    `ts` is cut to the coarsest precision that the stream and the history both give, so that both make the same row.
    """

    venue: VenueName
    account: str
    symbol: Symbol
    ts: Nanos
    received: Nanos
    order_id: str
    client_order_id: str
    trade_id: str
    side: Side
    liquidity: Liquidity | None
    price: Decimal
    qty: Decimal
    fee: Decimal | None
    fee_asset: str
    source: Source

    @property
    def key(self) -> tuple[str, str, str, str, str]:
        """What makes this fill this fill."""
        return (self.venue, self.account, self.symbol, self.trade_id, self.order_id)


class Balance(msgspec.Struct, frozen=True, gc=False, tag_field="event", tag="balance"):
    """The absolute balance of one asset, as the venue sees it."""

    venue: VenueName
    account: str
    asset: str
    ts: Nanos
    received: Nanos
    free: Decimal
    locked: Decimal


class StreamUp(msgspec.Struct, frozen=True, gc=False, tag_field="event", tag="stream_up"):
    """The private stream is subscribed: everything from `ts` on arrives; what lies before must be fetched."""

    venue: VenueName
    account: str
    ts: Nanos


class StreamDown(msgspec.Struct, frozen=True, gc=False, tag_field="event", tag="stream_down"):
    """The private stream is lost since `ts`: fills may be missed until the next StreamUp and its backfill."""

    venue: VenueName
    account: str
    ts: Nanos
    reason: str


AccountEvent: TypeAlias = OrderReport | Fill | Balance | StreamUp | StreamDown
