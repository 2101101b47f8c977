"""Numbers from the wire: finite, in range, or the message is bad.

The annotated types are checked while msgspec decodes; with a lax decoder they read `"1.5"` as well as `1.5`.
"""

import math
from decimal import Decimal, InvalidOperation
from typing import Annotated, TypeAlias

import msgspec

from core.errors import BadMessage
from core.types import MILLISECOND, Nanos

LATEST_MS = 4_102_444_800_000
"""2100-01-01. A larger stamp is a fault, and arithmetic with a number of 400 digits is a trap."""
LARGEST_ID = 2**63 - 1

Price: TypeAlias = Annotated[float, msgspec.Meta(ge=0.0, le=1e300)]
"""A price or a size; NaN and infinities do not pass."""
Millis: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=LATEST_MS)]
"""A moment in ms since the epoch; 0 where the venue gives none."""
Id: TypeAlias = Annotated[int, msgspec.Meta(ge=-1, le=LARGEST_ID)]
"""A sequence or trade id, as a LONG column holds it; -1 is a venue's "none"."""


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


def moment(text: str) -> Nanos:
    """Return the moment that a text of ms since the epoch names; raises BadMessage."""
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(LATEST_MS)) and int(text) <= LATEST_MS):
        raise BadMessage(f"{text[:40]!r} is not a time in ms")
    return int(text) * MILLISECOND


def exact(text: str | None) -> str | None:
    """Return a finite decimal as the venue wrote it, None where it says nothing; raises BadMessage."""
    if not text:
        return None
    try:
        finite = Decimal(text).is_finite()
    except InvalidOperation as error:
        raise BadMessage(f"{text[:40]!r} is not a decimal") from error
    if not finite:
        raise BadMessage(f"{text[:40]!r} is not a finite decimal")
    return text
