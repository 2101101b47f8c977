"""Pure: positions as a fold over fills, in Decimal."""

from dataclasses import dataclass, field, replace
from decimal import Decimal
from types import MappingProxyType

from core.account import Fill
from core.types import Side

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Position:
    """A position in one symbol: signed quantity, average entry price, realised profit (quote), fees by asset."""

    qty: Decimal = ZERO
    avg_price: Decimal = ZERO
    realised: Decimal = ZERO
    fees: MappingProxyType[str, Decimal] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def value(self) -> Decimal:
        """Quantity times entry price, quote asset."""
        return self.qty * self.avg_price


def add(position: Position, fill: Fill) -> Position:
    """Return the position after a fill: increasing averages the price, reducing realises profit."""
    signed = fill.qty if fill.side is Side.BUY else -fill.qty
    fees = position.fees
    if fill.fee is not None and fill.fee_asset:
        fees = MappingProxyType({**fees, fill.fee_asset: fees.get(fill.fee_asset, ZERO) + fill.fee})
    position = replace(position, fees=fees)
    total = position.qty + signed
    if position.qty * signed >= 0:
        cost = abs(position.qty) * position.avg_price + fill.qty * fill.price
        return replace(position, qty=total, avg_price=cost / abs(total) if total else ZERO)
    closed = min(abs(position.qty), fill.qty)
    direction = 1 if position.qty > 0 else -1
    realised = position.realised + closed * (fill.price - position.avg_price) * direction
    if position.qty * total < 0:
        return replace(position, qty=total, avg_price=fill.price, realised=realised)
    return replace(position, qty=total, avg_price=position.avg_price if total else ZERO, realised=realised)
