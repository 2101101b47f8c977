"""The faults that a venue can be told to have: a closed set of values.

They are the bodies of `POST /control/faults` too: {"fault": "drop", "channel": "books", "symbol": "BTC-USDT"}.
"""

from typing import Annotated, TypeAlias

import msgspec

from core.types import Channel, Symbol

Seconds: TypeAlias = Annotated[float, msgspec.Meta(gt=0)]
Count: TypeAlias = Annotated[int, msgspec.Meta(ge=1)]
Status: TypeAlias = Annotated[int, msgspec.Meta(ge=400, le=599)]


class AnyFault(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="fault"):
    """Any fault."""


class Stall(AnyFault, frozen=True, tag="stall"):
    """One stream goes silent, its socket lives on; without `seconds` until it is cleared. No symbol: all of them."""

    channel: Channel
    symbol: Symbol | None = None
    seconds: Seconds | None = None


class Drop(AnyFault, frozen=True, tag="drop"):
    """The next frames of a stream are lost: a real gap in its sequence."""

    channel: Channel
    symbol: Symbol | None = None
    count: Count = 1


class Duplicate(AnyFault, frozen=True, tag="duplicate"):
    """The next frames of a stream come twice."""

    channel: Channel
    symbol: Symbol | None = None
    count: Count = 1


class Corrupt(AnyFault, frozen=True, tag="corrupt"):
    """The next frames of a stream are damaged: a digit where the venue has a checksum, else cut off."""

    channel: Channel
    symbol: Symbol | None = None
    count: Count = 1


class Reorder(AnyFault, frozen=True, tag="reorder"):
    """The next frames of a stream each come after the one that follows them."""

    channel: Channel
    symbol: Symbol | None = None
    count: Count = 1


class Disconnect(AnyFault, frozen=True, tag="disconnect"):
    """Every public, or every private, socket is cut without a word."""

    private: bool = False


class HalfOpen(AnyFault, frozen=True, tag="half_open"):
    """Sockets stay open, and nothing flows, not even the answer to a ping."""

    seconds: Seconds


class Delay(AnyFault, frozen=True, tag="delay"):
    """For a while, frames arrive this much later, with their old event time."""

    seconds: Seconds
    for_seconds: Seconds


class Refuse(AnyFault, frozen=True, tag="refuse"):
    """New sockets are refused with HTTP 503."""

    seconds: Seconds


class RestFails(AnyFault, frozen=True, tag="rest_fails"):
    """REST answers with this status, where the path begins so."""

    status: Status
    seconds: Seconds
    path_prefix: str = ""


class RateLimit(AnyFault, frozen=True, tag="rate_limit"):
    """REST says 429 with Retry-After, and 418 to who goes on."""

    seconds: Seconds


class Skew(AnyFault, frozen=True, tag="skew"):
    """The venue's clock is ahead by so much, or behind if negative."""

    milliseconds: float


class Widen(AnyFault, frozen=True, tag="widen"):
    """The spread is so many times wider."""

    symbol: Symbol
    factor: Annotated[float, msgspec.Meta(ge=1)]
    seconds: Seconds


class Cross(AnyFault, frozen=True, tag="cross"):
    """The best bid is above the best ask."""

    symbol: Symbol
    seconds: Seconds


class Jump(AnyFault, frozen=True, tag="jump"):
    """The price at this venue jumps; arbitrage brings it back within a minute."""

    symbol: Symbol
    percent: Annotated[float, msgspec.Meta(gt=-90, lt=1000)]


Fault: TypeAlias = (
    Stall
    | Drop
    | Duplicate
    | Corrupt
    | Reorder
    | Disconnect
    | HalfOpen
    | Delay
    | Refuse
    | RestFails
    | RateLimit
    | Skew
    | Widen
    | Cross
    | Jump
)
