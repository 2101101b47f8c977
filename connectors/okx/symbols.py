"""Instruments of OKX: /api/v5/public/instruments to ours."""

from collections.abc import Sequence

import msgspec

from connectors.base.numbers import exact, moment
from connectors.base.reading import UNREADABLE, each
from connectors.okx.market import VENUE
from connectors.okx.messages import InstrumentData, Instruments
from core.errors import BadMessage
from core.events import Instrument
from core.types import InstrumentKind, Nanos

_instruments = msgspec.json.Decoder(Instruments)
_row = msgspec.json.Decoder(InstrumentData)
_KINDS = {
    "SPOT": InstrumentKind.SPOT,
    "SWAP": InstrumentKind.PERPETUAL,
    "FUTURES": InstrumentKind.FUTURE,
    "OPTION": InstrumentKind.OPTION,
}


def parse_instruments(body: bytes, received: Nanos) -> Sequence[Instrument]:
    """Return every instrument of an answer; raises BadMessage."""
    try:
        answer = _instruments.decode(body)
        if answer.code != "0":
            raise BadMessage(f"instruments: {answer.code} {answer.msg}")
    except UNREADABLE as error:
        raise BadMessage(f"instruments: {error}") from error
    return list(each(answer.data, lambda row: _instrument(_row.decode(row), received)))


def _instrument(one: InstrumentData, received: Nanos) -> Instrument | None:
    if one.instType not in _KINDS:
        return None
    base, quote = (one.baseCcy, one.quoteCcy) if one.baseCcy else (one.uly or one.instId).split("-")[:2]
    return Instrument(
        VENUE,
        _symbol(one.instId),
        one.instId,
        received,
        received,
        _KINDS[one.instType],
        base,
        quote,
        one.state,
        tick=exact(one.tickSz),
        lot=exact(one.lotSz),
        contract_size=exact(one.ctVal),
        expiry=moment(one.expTime) if one.expTime else None,
    )


def _symbol(native: str) -> str:
    """Return ours: `BTC-USDT-SWAP` is BTC-USDT-PERP, `BTC-USD-220527` is BTC-USD-20220527."""
    parts = native.split("-")
    if parts[-1] == "SWAP":
        parts[-1] = "PERP"
    elif len(parts) > 2 and parts[2].isdigit():  # noqa: PLR2004  base, quote, expiry
        parts[2] = f"20{parts[2]}"
    return "-".join(parts)
