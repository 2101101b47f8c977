"""Instruments of both Binance venues: exchangeInfo to ours."""

from collections.abc import Sequence
from datetime import UTC, datetime

import msgspec

from connectors.base.numbers import exact
from connectors.base.reading import UNREADABLE, each
from connectors.binance_common.messages import ExchangeInfo, Filter, SymbolInfo
from core.errors import BadMessage
from core.events import Instrument
from core.types import MILLISECOND, InstrumentKind, Nanos, VenueName

_info = msgspec.json.Decoder(ExchangeInfo)
_row = msgspec.json.Decoder(SymbolInfo)


def parse_instruments(body: bytes, received: Nanos, *, venue: VenueName) -> Sequence[Instrument]:
    """Return every instrument of an exchangeInfo answer; raises BadMessage."""
    try:
        rows = _info.decode(body).symbols
    except UNREADABLE as error:
        raise BadMessage(f"exchangeInfo: {error}") from error
    return list(each(rows, lambda row: _instrument(_row.decode(row), received, venue)))


def _instrument(one: SymbolInfo, received: Nanos, venue: VenueName) -> Instrument:
    rules = {rule.filterType: rule for rule in one.filters}
    nothing = Filter("")
    notional = rules.get("NOTIONAL") or rules.get("MIN_NOTIONAL") or nothing
    kind, suffix, expiry = _kind(one)
    return Instrument(
        venue,
        f"{one.baseAsset}-{one.quoteAsset}{suffix}",
        one.symbol,
        received,
        received,
        kind,
        one.baseAsset,
        one.quoteAsset,
        one.status,
        tick=exact(rules.get("PRICE_FILTER", nothing).tickSize),
        lot=exact(rules.get("LOT_SIZE", nothing).stepSize),
        min_notional=exact(notional.minNotional or notional.notional),
        contract_size="1" if one.contractType else None,
        expiry=expiry,
    )


def _kind(one: SymbolInfo) -> tuple[InstrumentKind, str, Nanos | None]:
    if not one.contractType and not one.deliveryDate:
        return InstrumentKind.SPOT, "", None
    if "PERPETUAL" in one.contractType or "_" not in one.symbol:
        return InstrumentKind.PERPETUAL, "-PERP", None
    day = datetime.fromtimestamp(one.deliveryDate / 1000, tz=UTC)
    return InstrumentKind.FUTURE, f"-{day:%Y%m%d}", one.deliveryDate * MILLISECOND
