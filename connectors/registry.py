"""Every native venue by name: the only file that knows them all."""

import difflib
from types import MappingProxyType

from connectors.base.contract import Dialect
from connectors.binance import connector as binance
from connectors.binance_futures import connector as binance_futures
from connectors.okx import connector as okx
from core.errors import UsageError
from core.types import VenueName

DIALECTS: MappingProxyType[VenueName, Dialect] = MappingProxyType(
    {one.venue: one for one in (binance.DIALECT, binance_futures.DIALECT, okx.DIALECT)}
)


class UnknownVenue(UsageError):
    """There is no such venue."""


def dialect(venue: str) -> Dialect:
    """Return a venue's dialect, by its name in any case.

    Raises:
        UnknownVenue: with the nearest name.
    """
    name = venue.lower()
    if name not in DIALECTS:
        near = difflib.get_close_matches(name, DIALECTS, n=1)
        hint = f"Did you mean {near[0]}?" if near else f"Known: {', '.join(DIALECTS)}"
        raise UnknownVenue(venue, hint=hint)
    return DIALECTS[name]
