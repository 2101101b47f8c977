"""Numbers from the wire: finite, not negative, or the message is bad."""

import math

from core.errors import BadMessage


def price(text: str) -> float:
    """Return a finite number >= 0.

    Raises:
        BadMessage: anything else, NaN and infinities included.
    """
    try:
        number = float(text)
    except ValueError as error:
        raise BadMessage(f"{text[:40]!r} is not a number") from error
    if not 0.0 <= number < math.inf:
        raise BadMessage(f"{text[:40]!r} is not a price or a size")
    return number


def signed(text: str) -> float | None:
    """Return a finite number, None for the empty text that means "no value"; raises like `price`."""
    if not text:
        return None
    return -price(text[1:]) if text.startswith("-") else price(text)
