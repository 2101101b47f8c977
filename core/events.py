"""What connectors say about a market: normalised, immutable, stamped with event and receipt time.

`ts` is the venue's event time and `received` our receipt time, both in ns. Prices and quantities of market data are
floats. A hole in a stream is an event too: `Gap`.
"""

from typing import TypeAlias

import msgspec

from core.types import Channel, GapKind, InstrumentKind, Nanos, Side, StreamState, Symbol, VenueName

Levels: TypeAlias = tuple[list[float], list[float]]
"""Prices and sizes of one side, best level first, both lists of equal length."""


class Trade(msgspec.Struct, frozen=True, gc=False, tag_field="event", tag="trade"):
    """One public trade. `side` is the aggressor's."""

    venue: VenueName
    symbol: Symbol
    ts: Nanos
    received: Nanos
    trade_id: str
    side: Side
    price: float
    qty: float


class Quote(msgspec.Struct, frozen=True, gc=False, tag_field="event", tag="quote"):
    """Best bid and ask with their sizes."""

    venue: VenueName
    symbol: Symbol
    ts: Nanos
    received: Nanos
    bid: float
    bid_size: float
    ask: float
    ask_size: float


class Book(msgspec.Struct, frozen=True, gc=False, tag_field="event", tag="book"):
    """The top levels of a LIVE book: sampled, or the first one after a resync."""

    venue: VenueName
    symbol: Symbol
    ts: Nanos
    received: Nanos
    seq: int
    bids: Levels
    asks: Levels


class Funding(msgspec.Struct, frozen=True, gc=False, tag_field="event", tag="funding"):
    """Funding rate, mark and index price, open interest of a derivative; None where the venue does not say."""

    venue: VenueName
    symbol: Symbol
    ts: Nanos
    received: Nanos
    rate: float | None = None
    mark: float | None = None
    index: float | None = None
    open_interest: float | None = None


class Instrument(msgspec.Struct, frozen=True, gc=False, tag_field="event", tag="instrument"):
    """What a venue trades, and its rules. `native` is the venue's own name; sizes are decimal text, exact."""

    venue: VenueName
    symbol: Symbol
    native: str
    ts: Nanos
    received: Nanos
    kind: InstrumentKind
    base: str
    quote: str
    status: str
    tick: str | None = None
    lot: str | None = None
    min_notional: str | None = None
    contract_size: str | None = None
    expiry: Nanos | None = None


class Gap(msgspec.Struct, frozen=True, gc=False, tag_field="event", tag="gap"):
    """A hole in a stream: nothing between `start` and `end` can be trusted. `missing` is None when unknown.

    Published once, when the stream is whole again, or at once with `end == start` when a hole has just begun and its
    end is open; the closing row has the same `start` and replaces the open one.
    """

    venue: VenueName
    channel: Channel
    symbol: Symbol
    connection: str
    start: Nanos
    end: Nanos
    kind: GapKind
    missing: int | None = None


class FeedStats(msgspec.Struct, frozen=True, gc=False, tag_field="event", tag="feed_stats"):
    """One stream over the last sampling period (a second): counts, ages and what went wrong."""

    venue: VenueName
    channel: Channel
    symbol: Symbol
    connection: str
    ts: Nanos
    messages: int
    age_ms: float | None
    lag_p50_ms: float | None
    lag_p99_ms: float | None
    gaps: int
    resyncs: int
    checksum_failures: int
    crossed_ms: float
    state: StreamState


class VenueHealth(msgspec.Struct, frozen=True, gc=False, tag_field="event", tag="venue_health"):
    """One venue (or one account at it) every few seconds. None where it does not apply."""

    venue: VenueName
    account: str
    ts: Nanos
    ws_state: str
    clock_offset_ms: float | None
    rest_latency_ms: float | None
    used_weight_pct: float | None
    reconnects: int
    listen_key_age_s: float | None = None


MarketEvent: TypeAlias = Trade | Quote | Book | Funding | Instrument | Gap | FeedStats | VenueHealth
