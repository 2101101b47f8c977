"""Pure: market events to rows."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from core.events import Book, FeedStats, Funding, Gap, Instrument, MarketEvent, Quote, Trade, VenueHealth
from core.rows import Row


def row_of(event: MarketEvent) -> Row:
    """Return the row that stores an event."""
    return _MAKERS[type(event)](event)


def _quote(event: Quote) -> Row:
    return Row(
        "quotes",
        event.ts,
        {
            "venue": event.venue,
            "symbol": event.symbol,
            "bid": event.bid,
            "bid_size": event.bid_size,
            "ask": event.ask,
            "ask_size": event.ask_size,
            "received": event.received,
        },
    )


def _trade(event: Trade) -> Row:
    return Row(
        "trades",
        event.ts,
        {
            "venue": event.venue,
            "symbol": event.symbol,
            "side": event.side.value,  # plain text passes the encoder without a detour
            "trade_id": event.trade_id,
            "price": event.price,
            "qty": event.qty,
            "received": event.received,
        },
    )


def _book(event: Book) -> Row:
    return Row(
        "books",
        event.ts,
        {
            "venue": event.venue,
            "symbol": event.symbol,
            "bids": event.bids,
            "asks": event.asks,
            "seq": event.seq,
            "received": event.received,
        },
    )


def _funding(event: Funding) -> Row:
    return Row(
        "funding",
        event.ts,
        {
            "venue": event.venue,
            "symbol": event.symbol,
            "rate": event.rate,
            "mark": event.mark,
            "index": event.index,
            "open_interest": event.open_interest,
            "received": event.received,
        },
    )


def _instrument(event: Instrument) -> Row:
    return Row(
        "instruments",
        event.ts,
        {
            "venue": event.venue,
            "symbol": event.symbol,
            "native": event.native,
            "kind": event.kind,
            "base": event.base,
            "quote": event.quote,
            "status": event.status,
            "tick": _exact(event.tick),
            "lot": _exact(event.lot),
            "min_notional": _exact(event.min_notional),
            "contract_size": _exact(event.contract_size),
            "expiry": event.expiry,
        },
    )


def _exact(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


def _gap(event: Gap) -> Row:
    return Row(
        "gaps",
        event.start,
        {
            "venue": event.venue,
            "channel": event.channel,
            "symbol": event.symbol,
            "connection": event.connection,
            "kind": event.kind,
            "ended": event.end,
            "missing": event.missing,
        },
    )


def _stats(event: FeedStats) -> Row:
    return Row(
        "feeds",
        event.ts,
        {
            "venue": event.venue,
            "channel": event.channel,
            "symbol": event.symbol,
            "connection": event.connection,
            "state": event.state,
            "messages": event.messages,
            "age_ms": event.age_ms,
            "lag_p50_ms": event.lag_p50_ms,
            "lag_p99_ms": event.lag_p99_ms,
            "gaps": event.gaps,
            "resyncs": event.resyncs,
            "checksum_failures": event.checksum_failures,
            "crossed_ms": event.crossed_ms,
        },
    )


def _health(event: VenueHealth) -> Row:
    return Row(
        "venues",
        event.ts,
        {
            "venue": event.venue,
            "account": event.account,
            "ws_state": event.ws_state,
            "clock_offset_ms": event.clock_offset_ms,
            "rest_latency_ms": event.rest_latency_ms,
            "used_weight_pct": event.used_weight_pct,
            "reconnects": event.reconnects,
            "listen_key_age_s": event.listen_key_age_s,
        },
    )


_MAKERS: dict[type, Callable[[Any], Row]] = {
    Quote: _quote,
    Trade: _trade,
    Book: _book,
    Funding: _funding,
    Instrument: _instrument,
    Gap: _gap,
    FeedStats: _stats,
    VenueHealth: _health,
}
