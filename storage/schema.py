"""Every table, once: this drives the DDL, the encoder, the docs page, the rule linter and the dashboard tests.

All tables are WAL tables with DEDUP keys, so that writing a row twice is harmless. `ts` is event time (ns) where the
venue gives it; `received` is our receipt time. `order_id` and `trade_id` are VARCHAR (they never repeat enough for a
symbol table); everything that is grouped by is SYMBOL. Prices and quantities of our own orders and fills are DECIMAL,
exact; market data is DOUBLE.
"""

from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from types import MappingProxyType


class Type(StrEnum):
    """A column type, as the server spells it."""

    SYMBOL = "SYMBOL"
    VARCHAR = "VARCHAR"
    DOUBLE = "DOUBLE"
    LONG = "LONG"
    BOOLEAN = "BOOLEAN"
    TIMESTAMP = "TIMESTAMP_NS"
    DECIMAL = "DECIMAL(38,18)"
    LEVELS = "DOUBLE[][]"


class Lane(StrEnum):
    """Which spool a table's rows wait in: CRITICAL is never dropped and never waits behind BULK."""

    CRITICAL = "critical"
    BULK = "bulk"


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its name, type, and what it means, with the unit."""

    name: str
    type: Type
    meaning: str


@dataclass(frozen=True)
class Table:
    """A table; `ts` is implied as the designated timestamp. `ttl` None keeps rows for ever."""

    name: str
    lane: Lane
    partition: str
    ttl: str | None
    keys: tuple[str, ...]
    columns: tuple[Column, ...]
    meaning: str

    @cached_property
    def symbols(self) -> tuple[str, ...]:
        """The SYMBOL columns: the wire protocol wants them first."""
        return tuple(c.name for c in self.columns if c.type is Type.SYMBOL)

    @cached_property
    def fields(self) -> MappingProxyType[str, Type]:
        """The other columns with their types."""
        return MappingProxyType({c.name: c.type for c in self.columns if c.type is not Type.SYMBOL})

    def ddl(self) -> str:
        """Return the CREATE TABLE statement."""
        columns = ",\n  ".join(f"{c.name} {c.type}" for c in (TS, *self.columns))
        ttl = f" TTL {self.ttl}" if self.ttl else ""
        keys = ", ".join(("ts", *self.keys))
        return (
            f"CREATE TABLE IF NOT EXISTS {self.name} (\n  {columns}\n) TIMESTAMP(ts) "
            f"PARTITION BY {self.partition}{ttl} WAL\nDEDUP UPSERT KEYS({keys})"
        )


def _symbol(name: str, meaning: str) -> Column:
    return Column(name, Type.SYMBOL, meaning)


def _text(name: str, meaning: str) -> Column:
    return Column(name, Type.VARCHAR, meaning)


def _double(name: str, meaning: str) -> Column:
    return Column(name, Type.DOUBLE, meaning)


def _long(name: str, meaning: str) -> Column:
    return Column(name, Type.LONG, meaning)


def _exact(name: str, meaning: str) -> Column:
    return Column(name, Type.DECIMAL, meaning)


TS = Column("ts", Type.TIMESTAMP, "event time, UTC, ns")
RECEIVED = Column("received", Type.TIMESTAMP, "when we received it, UTC, ns")
VENUE = _symbol("venue", "the venue's registry name, such as okx")
ACCOUNT = _symbol("account", "our name of the account")
SYMBOL = _symbol("symbol", "canonical symbol, such as BTC-USDT or BTC-USDT-PERP")
SIDE = _symbol("side", "buy or sell")
SOURCE = _symbol("source", "which path told us first: ws, rest, or ours")
CHANNEL = _symbol("channel", "trades, quotes, books, funding or account")
CONNECTION = _symbol("connection", "which of the venue's connections")

_TABLES = (
    Table(
        "fills",
        Lane.CRITICAL,
        "DAY",
        None,
        ("venue", "account", "symbol", "trade_id", "order_id"),
        (
            VENUE,
            ACCOUNT,
            SYMBOL,
            SIDE,
            _symbol("liquidity", "maker or taker; NULL when the venue does not say"),
            _symbol("fee_asset", "asset of the fee"),
            SOURCE,
            _text("order_id", "the venue's order id"),
            _text("client_order_id", "our order id"),
            _text("trade_id", "the venue's trade id"),
            _exact("price", "price, in the quote asset"),
            _exact("qty", "quantity, in the base asset or in contracts"),
            _exact("fee", "fee, positive when charged"),
            RECEIVED,
        ),
        "One row per execution of ours, whichever path saw it first.",
    ),
    Table(
        "orders",
        Lane.CRITICAL,
        "DAY",
        None,
        ("venue", "account", "client_order_id", "order_id", "seq"),
        (
            VENUE,
            ACCOUNT,
            SYMBOL,
            SIDE,
            _symbol("event", "what happened: new, trade, canceled, rejected, late_fill …"),
            _symbol("status", "the order's status after it"),
            _symbol("type", "limit, market, …"),
            _symbol("time_in_force", "gtc, ioc, fok, …"),
            SOURCE,
            _text("order_id", "the venue's order id"),
            _text("client_order_id", "our order id"),
            _exact("price", "limit price; NULL for market orders"),
            _exact("qty", "ordered quantity"),
            _exact("filled", "sum of the booked fills"),
            _exact("remaining", "what can still trade"),
            _exact("avg_price", "average price of the fills"),
            _text("reason", "the venue's reason, or ours"),
            _long("seq", "the order's event number, so that a repeated event is one row"),
            RECEIVED,
        ),
        "One row per event of an order.",
    ),
    Table(
        "positions",
        Lane.BULK,
        "DAY",
        "1 YEAR",
        ("venue", "account", "symbol", "source"),
        (
            VENUE,
            ACCOUNT,
            SYMBOL,
            SOURCE,
            _exact("qty", "signed quantity"),
            _exact("avg_price", "average entry price"),
            _exact("realised", "realised profit, quote asset, without fees"),
            _double("value", "quantity times average price, quote asset"),
        ),
        "Positions, the venue's view and ours.",
    ),
    Table(
        "balances",
        Lane.BULK,
        "DAY",
        "1 YEAR",
        ("venue", "account", "asset", "source"),
        (
            VENUE,
            ACCOUNT,
            _symbol("asset", "the asset, such as BTC"),
            SOURCE,
            _exact("free", "free quantity"),
            _exact("locked", "quantity locked in orders"),
            _exact("total", "free plus locked"),
        ),
        "Balances, the venue's view and ours.",
    ),
    Table(
        "reconciliations",
        Lane.CRITICAL,
        "DAY",
        "1 YEAR",
        ("venue", "account", "kind", "key"),
        (
            VENUE,
            ACCOUNT,
            SYMBOL,
            _symbol("kind", "fill_missed_by_stream, fill_unknown_to_venue, fill_conflict, order_venue_only, …"),
            _text("key", "what differs: a trade, order or symbol"),
            _text("ours", "our view"),
            _text("theirs", "the venue's view"),
            _double("age_s", "how long it has differed, seconds"),
            _long("attempt", "how often it was seen"),
        ),
        "One row per discrepancy found.",
    ),
    Table(
        "quotes",
        Lane.BULK,
        "HOUR",
        "14 DAYS",
        ("venue", "symbol"),
        (
            VENUE,
            SYMBOL,
            _double("bid", "best bid"),
            _double("bid_size", "its size"),
            _double("ask", "best ask"),
            _double("ask_size", "its size"),
            RECEIVED,
        ),
        "Best bid and ask, every change.",
    ),
    Table(
        "books",
        Lane.BULK,
        "HOUR",
        "7 DAYS",
        ("venue", "symbol"),
        (
            VENUE,
            SYMBOL,
            Column("bids", Type.LEVELS, "[prices, sizes], best first"),
            Column("asks", Type.LEVELS, "[prices, sizes], best first"),
            _long("seq", "the venue's update id"),
            RECEIVED,
        ),
        "Top levels of LIVE books, sampled, and after each resync.",
    ),
    Table(
        "trades",
        Lane.BULK,
        "HOUR",
        "14 DAYS",
        ("venue", "symbol", "trade_id"),
        (
            VENUE,
            SYMBOL,
            SIDE,
            _text("trade_id", "the venue's trade id"),
            _double("price", "price"),
            _double("qty", "quantity"),
            RECEIVED,
        ),
        "Public trades; side is the aggressor's.",
    ),
    Table(
        "instruments",
        Lane.BULK,
        "YEAR",
        None,
        ("venue", "symbol"),
        (
            VENUE,
            SYMBOL,
            _symbol("native", "the venue's own name"),
            _symbol("kind", "spot, perpetual, future or option"),
            _symbol("base", "base asset"),
            _symbol("quote", "quote asset"),
            _symbol("status", "the venue's word"),
            _exact("tick", "price step"),
            _exact("lot", "quantity step"),
            _exact("min_notional", "smallest order value, quote asset"),
            _exact("contract_size", "base or quote per contract"),
            Column("expiry", Type.TIMESTAMP, "expiry; NULL if there is none"),
        ),
        "What the venues list; a row whenever something changes.",
    ),
    Table(
        "funding",
        Lane.BULK,
        "DAY",
        "1 YEAR",
        ("venue", "symbol"),
        (
            VENUE,
            SYMBOL,
            _double("rate", "funding rate of the interval, as a fraction"),
            _double("mark", "mark price"),
            _double("index", "index price"),
            _double("open_interest", "open interest, contracts"),
            RECEIVED,
        ),
        "Funding, mark and index of derivatives.",
    ),
    Table(
        "feeds",
        Lane.BULK,
        "HOUR",
        "14 DAYS",
        ("venue", "channel", "symbol", "connection"),
        (
            VENUE,
            CHANNEL,
            SYMBOL,
            CONNECTION,
            _symbol("state", "connecting, syncing, live, broken, silent or refused"),
            _long("messages", "messages in the second"),
            _double("age_ms", "age of the last message, ms"),
            _double("lag_p50_ms", "receipt minus event time, median, ms"),
            _double("lag_p99_ms", "the same, 99th percentile, ms"),
            _long("gaps", "holes found in the second"),
            _long("resyncs", "book resyncs in the second"),
            _long("checksum_failures", "failed checksums in the second"),
            _double("crossed_ms", "time with bid >= ask in the second, ms"),
        ),
        "One row per stream and second.",
    ),
    Table(
        "gaps",
        Lane.CRITICAL,
        "DAY",
        "1 YEAR",
        ("venue", "channel", "symbol", "connection"),
        (
            VENUE,
            CHANNEL,
            SYMBOL,
            CONNECTION,
            _symbol("kind", "disconnect, sequence, checksum, stale or overflow"),
            Column("ended", Type.TIMESTAMP, "end of the hole; equal to ts while it is open"),
            _long("missing", "messages lost; NULL when unknown"),
        ),
        "One row per hole in a stream; ts is its start. A chart must not draw over it.",
    ),
    Table(
        "venues",
        Lane.BULK,
        "HOUR",
        "30 DAYS",
        ("venue", "account"),
        (
            VENUE,
            ACCOUNT,
            _symbol("ws_state", "connected, connecting, refused …"),
            _double("clock_offset_ms", "venue clock minus ours, ms"),
            _double("rest_latency_ms", "REST round trip, ms"),
            _double("used_weight_pct", "share of the REST budget used, percent"),
            _long("reconnects", "unplanned reconnects since the start"),
            _double("listen_key_age_s", "age of the listen key, s"),
        ),
        "Health of each venue, every few seconds.",
    ),
    Table(
        "heartbeats",
        Lane.BULK,
        "HOUR",
        "30 DAYS",
        ("service", "instance"),
        (
            _symbol("service", "collector, oms or alerts"),
            _symbol("instance", "host and shard"),
            _double("loop_lag_ms", "how late the event loop is, ms"),
            _double("rss", "resident memory, bytes"),
            _double("cpu", "CPU, percent of one core"),
            _long("queue_depth", "events waiting for the writer"),
            _long("spool_rows", "rows on disk, not yet in the database"),
            _double("oldest_unsent_s", "age of the oldest of them, s"),
            _long("rejects", "rows refused since the start"),
        ),
        "One row per service and second.",
    ),
    Table(
        "rule_evaluations",
        Lane.BULK,
        "HOUR",
        "30 DAYS",
        ("rule_group", "rule"),
        (
            _symbol("rule_group", "the group"),
            _symbol("rule", "the rule"),
            _symbol("outcome", "ok, no_data, error, limit, skipped"),
            _long("rows", "rows of the result"),
            _double("duration_ms", "query and decision, ms"),
            _double("lateness_ms", "start minus slot, ms"),
            _text("error", "what went wrong"),
        ),
        "One row per rule evaluation.",
    ),
    Table(
        "alert_events",
        Lane.CRITICAL,
        "DAY",
        None,
        ("fingerprint", "event"),
        (
            _symbol("alertname", "the rule's name"),
            _symbol("severity", "info, warn or page"),
            _symbol("event", "transition, notification, hold, …"),
            _symbol("from_state", "state before"),
            _symbol("to_state", "state after"),
            _symbol("receiver", "who was told"),
            _symbol("reason", "why"),
            _text("fingerprint", "identity of the alert: hash of its labels"),
            _text("labels", "its labels, JSON"),
            _text("incident", "the incident it belongs to"),
            _double("value", "the value at the time"),
        ),
        "Every transition and every notification of every alert.",
    ),
    Table(
        "canary",
        Lane.BULK,
        "HOUR",
        "1 DAYS",
        ("instance",),
        (_symbol("instance", "who wrote it"), _long("number", "counts up")),
        "A row written and read back each second: its age is the truth about the write path.",
    ),
)

TABLES: MappingProxyType[str, Table] = MappingProxyType({table.name: table for table in _TABLES})
"""Every table by name."""


def column_types() -> dict[str, dict[str, str]]:
    """Return table -> column -> type as the server spells it, `ts` included: what a linter needs."""
    return {
        name: {"ts": TS.type.value} | {column.name: column.type.value for column in table.columns}
        for name, table in TABLES.items()
    }
