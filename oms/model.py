"""An order as we know it. Three facets that change for different reasons; the status is derived, never assigned.

Quantities change by fills alone, the life by acknowledgements and terminal reports, `pending` by requests and answers.
Precedence of the derived status as in FIX 4.4 (OrdStatus): a pending request wins, then filled, then the end.
"""

from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple, TypeAlias

from core.account import Fill, OrderChange, OrderReport, OrderStatus
from core.types import Nanos, Side

ZERO = Decimal(0)


class EndReason(StrEnum):
    """Why an order can trade no more."""

    CANCELED = "canceled"
    EXPIRED = "expired"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class Sent:
    """Asked for, not yet acknowledged."""


@dataclass(frozen=True, slots=True)
class Working:
    """On the venue's book."""

    since: Nanos


@dataclass(frozen=True, slots=True)
class Ended:
    """It can trade no more, by the venue's word; fills that were under way may still come."""

    at: Nanos
    reason: EndReason


Life: TypeAlias = Sent | Working | Ended


class Pending(StrEnum):
    """A request of ours that the venue has not answered."""

    NONE = "none"
    CANCEL = "cancel"
    REPLACE = "replace"


Mark: TypeAlias = tuple[OrderChange, Nanos, int]
"""What tells one report of an order from another: change, time, the venue's number."""

_ENDED = {
    EndReason.CANCELED: OrderStatus.CANCELED,
    EndReason.EXPIRED: OrderStatus.EXPIRED,
    EndReason.REJECTED: OrderStatus.REJECTED,
}


@dataclass(frozen=True, slots=True)
class Order:
    """One order. `fills` is by trade id; `claimed` is the highest cumulative quantity that the venue has claimed."""

    venue: str
    account: str
    symbol: str
    order_id: str
    client_order_id: str
    side: Side
    type: str
    time_in_force: str
    price: Decimal | None
    qty: Decimal | None
    external: bool
    life: Life = Sent()
    pending: Pending = Pending.NONE
    fills: MappingProxyType[str, Fill] = field(default_factory=lambda: MappingProxyType({}))
    claimed: Decimal = ZERO
    seen: frozenset[Mark] = frozenset()
    terms: tuple[Nanos, int] | None = None
    """Time and number of the report that told quantity and price: a newer one tells them anew."""

    @property
    def filled(self) -> Decimal:
        """The sum of the booked fills."""
        return sum((fill.qty for fill in self.fills.values()), ZERO)

    @property
    def remaining(self) -> Decimal:
        """What can still trade."""
        if self.qty is None or isinstance(self.life, Ended):
            return ZERO
        return max(ZERO, self.qty - self.filled)

    @property
    def overfill(self) -> Decimal:
        """What was filled beyond the order's quantity."""
        return ZERO if self.qty is None else max(ZERO, self.filled - self.qty)

    @property
    def avg_price(self) -> Decimal | None:
        """The average price of the fills."""
        filled = self.filled
        if not filled:
            return None
        return sum((fill.qty * fill.price for fill in self.fills.values()), ZERO) / filled

    @property
    def status(self) -> OrderStatus:
        """The status that follows from the facets."""
        if self.pending is Pending.CANCEL:
            return OrderStatus.PENDING_CANCEL
        if self.qty is not None and self.filled >= self.qty:
            return OrderStatus.FILLED
        match self.life:
            case Ended(_, reason):
                return _ENDED[reason]
            case Sent() if not self.fills:
                return OrderStatus.PENDING_NEW
            case _:
                return OrderStatus.PARTIALLY_FILLED if self.fills else OrderStatus.WORKING

    @property
    def done(self) -> bool:
        """Whether nothing more is expected but late fills."""
        return isinstance(self.life, Ended) or (self.qty is not None and self.filled >= self.qty)


class FactKind(StrEnum):
    """What an event turned out to be; every one is a row or a metric, none an exception."""

    EXTERNAL_ORDER = "external_order"
    ACKNOWLEDGED = "acknowledged"
    BOOKED = "booked"
    IMPLICIT_ACK = "implicit_ack"
    LATE_FILL = "late_fill"
    DUPLICATE_FILL = "duplicate_fill"
    FILL_CONFLICT = "fill_conflict"
    OVERFILL = "overfill"
    FILLS_MISSING = "fills_missing"
    STALE_UPDATE = "stale_update"
    INVALID_TRANSITION = "invalid_transition"
    CANCEL_REJECTED = "cancel_rejected"
    ENDED = "ended"
    REPEATED = "repeated"


@dataclass(frozen=True, slots=True)
class Fact:
    """One consequence of an event."""

    kind: FactKind
    detail: str = ""


class KeptOrder(NamedTuple):
    """What must survive of an order: the report that tells how it stands, whether it is done, its newest row's time."""

    report: OrderReport
    done: bool
    newest: Nanos
