"""Numbers as a desk reads them: the filters of the templates. What is no number is shown as `unknown`."""

import math
from collections.abc import Callable, Mapping
from datetime import timedelta
from decimal import Decimal, InvalidOperation

UNKNOWN = "unknown"
MINUTE_S = 60
EXACT = 1e15
"""Whole numbers are exact as a float up to here."""
DIGITS = 12


def duration(value: object) -> str:
    """Seconds: `350 ms`, `12.5 s`, `3 m 20 s`, `2 d 4 h`."""
    seconds = _float(value)
    if seconds is None or abs(seconds) > EXACT:
        return UNKNOWN
    if abs(seconds) < 1:
        return f"{seconds * 1000:.0f} ms"
    if abs(seconds) < MINUTE_S:
        return f"{seconds:.1f}".rstrip("0").rstrip(".") + " s"
    try:
        span = timedelta(seconds=round(abs(seconds)))
    except OverflowError:
        return UNKNOWN
    hours, rest = divmod(span.seconds, 3600)
    parts = [(span.days, "d"), (hours, "h"), (rest // 60, "m"), (rest % 60, "s")]
    shown = [f"{count} {unit}" for count, unit in parts if count][:2]
    return ("-" if seconds < 0 else "") + " ".join(shown)


def ago(value: object) -> str:
    """An age in seconds: `12 s ago`."""
    shown = duration(value)
    return shown if shown == UNKNOWN else f"{shown} ago"


def number(value: object, digits: int = 4) -> str:
    """A number with thousands separators: `12,345`, `1,234.57`, `0.001235`."""
    found = _float(value)
    if found is None:
        return UNKNOWN
    if found == int(found) and abs(found) < EXACT:
        return f"{int(found):,}"
    return f"{found:,.{_digits(digits)}g}" if abs(found) < 1 else f"{found:,.{min(_digits(digits), 2)}f}"


def percent(value: object, digits: int = 1) -> str:
    """A fraction: 0.123 is `12.3 %`."""
    found = _float(value)
    return UNKNOWN if found is None else f"{found * 100:.{_digits(digits)}f} %"


def price(value: object) -> str:
    """A price, never with an exponent: `64,250.10`, `1.2345`, `0.00001234`. A decimal keeps every digit it has."""
    if isinstance(value, Decimal):
        return f"{_plain(value):,f}" if value.is_finite() else UNKNOWN
    found = _float(value)
    if found is None:
        return UNKNOWN
    size = abs(found)
    if size >= 1000:  # noqa: PLR2004  from here on cents are enough
        return f"{found:,.2f}"
    places = 4 if size >= 1 or not size else 5 - math.floor(math.log10(size))
    text = f"{found:.{min(places, 18)}f}"
    head, _, tail = text.rstrip("0").partition(".")
    return f"{head}.{tail:0<2}"


def bps(value: object) -> str:
    """Basis points: `12.3 bps`."""
    found = _float(value)
    return UNKNOWN if found is None else f"{found:,.1f} bps"


def notional(value: object, currency: str = "") -> str:
    """An amount of money, short: `950`, `12.5k`, `1.25M`, `3.1B`; with a currency, `1.25M USDT`."""
    found = _float(value)
    if found is None:
        return UNKNOWN
    size, unit = next(((one, unit) for one, unit in _UNITS if abs(found) >= one * 0.9995), (1.0, ""))
    shown = f"{found / size:,.2f}".rstrip("0").rstrip(".")
    return f"{shown}{unit} {currency}".rstrip()


_UNITS = ((1e9, "B"), (1e6, "M"), (1e3, "k"))


def _digits(digits: object) -> int:
    return max(0, min(digits, DIGITS)) if isinstance(digits, int) else DIGITS


def _plain(value: Decimal) -> Decimal:
    plain = value.normalize()
    return plain if int(plain.as_tuple().exponent) <= 0 else plain.quantize(Decimal(1))


def _float(value: object) -> float | None:
    try:
        found = float(str(value))
    except (ValueError, InvalidOperation):
        return None
    return found if math.isfinite(found) else None


FILTERS: Mapping[str, Callable[..., str]] = {
    "duration": duration,
    "ago": ago,
    "number": number,
    "percent": percent,
    "price": price,
    "bps": bps,
    "notional": notional,
}
