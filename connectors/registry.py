"""Every native venue by name: the only file that knows them all."""

import difflib
from collections.abc import Callable
from random import Random
from types import MappingProxyType

import aiohttp

from connectors.base.account import AccountKeys
from connectors.base.contract import Dialect
from connectors.binance import connector as binance
from connectors.binance.private import BinanceAccount
from connectors.binance_futures import connector as binance_futures
from connectors.okx import connector as okx
from core.clock import Clock
from core.errors import UsageError
from core.ports import AccountVenue
from core.types import VenueName

AccountBuilder = Callable[[str, AccountKeys, aiohttp.ClientSession, Clock, Random], AccountVenue]
"""(account's name, keys, HTTP session, clock, jitter) -> the account."""

DIALECTS: MappingProxyType[VenueName, Dialect] = MappingProxyType(
    {one.venue: one for one in (binance.DIALECT, binance_futures.DIALECT, okx.DIALECT)}
)


ACCOUNTS: MappingProxyType[VenueName, AccountBuilder] = MappingProxyType({binance.VENUE: BinanceAccount})


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


def account_builder(venue: str) -> AccountBuilder:
    """Return what opens an account at a venue.

    Raises:
        UnknownVenue: there is no such venue, or no account connector for it.
    """
    name = venue.lower()
    if name not in ACCOUNTS:
        hint = f"Accounts can be watched at: {', '.join(ACCOUNTS)}"
        raise UnknownVenue(f"accounts at {venue}", hint=hint)
    return ACCOUNTS[name]
