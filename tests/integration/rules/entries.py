"""What the cases of the catalogue are made of: rows of each table, so many seconds before the evaluation."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from core.rows import Row, Value
from core.types import SECOND, Nanos

Entry = tuple[str, float, Mapping[str, Value]]
"""Table, seconds before the evaluation, values."""
S = {"symbol": "BTC-USDT"}
ACC = {"account": "main", **S}


@dataclass(frozen=True)
class Case:
    """Entries of one rule; the breaching venues (or services, groups, symbols) are named `bad…`, the others `good…`."""

    entries: Sequence[Entry]
    breaching: Sequence[Mapping[str, str]]
    value: float | None = None

    def rows(self, at: Nanos) -> Iterable[Row]:
        """Return the rows for an evaluation at a moment."""
        return (Row(table, at - round(before * SECOND), dict(values)) for table, before, values in self.entries)


def feed(venue: str, before: float, state: str = "live", **more: Value) -> Entry:
    """Return a stream's second."""
    values: dict[str, Value] = {
        "channel": "books",
        "connection": "c1",
        "messages": 10,
        "age_ms": 80.0,
        "gaps": 0,
        "crossed_ms": 0.0,
    }
    return "feeds", before, {"venue": venue, "state": state, "checksum_failures": 0, **S, **values, **more}


def venue(name: str, before: float, state: str = "live", **more: Value) -> Entry:
    """Return a venue's health."""
    return "venues", before, {"venue": name, "account": "", "ws_state": state, "reconnects": 0, **more}


def quote(venue: str, before: float, bid: float, ask: float, **more: Value) -> Entry:
    """Return a best bid and ask."""
    return "quotes", before, {"venue": venue, "bid": bid, "ask": ask, **S, **more}


def mark(venue: str, before: float, mark: float | None) -> Entry:
    """Return a mark price."""
    return "funding", before, {"venue": venue, "mark": mark, "rate": 0.0001, **S}


def instrument(venue: str, before: float, tick: str, status: str = "TRADING", **more: Value) -> Entry:
    """Return what a venue lists."""
    return "instruments", before, {"venue": venue, "tick": Decimal(tick), "status": status, **S, **more}


def rates(venue: str, usual: int, now: int, channel: str = "trades") -> list[Entry]:
    """A row a minute: eight usual minutes, and the last one."""
    before = [feed(venue, 60 * n - 30, messages=usual, channel=channel) for n in range(2, 10)]
    return [*before, feed(venue, 30, messages=now, channel=channel)]


def discrepancy(venue: str, before: float, kind: str, key: str, **more: Value) -> Entry:
    """Return a discrepancy."""
    return "reconciliations", before, {"venue": venue, "kind": kind, "key": key, "age_s": 4.0, **ACC, **more}


def order(venue: str, before: float, event: str, status: str, order_id: str = "1", **more: Value) -> Entry:
    """Return an event of an order."""
    values: dict[str, Value] = {
        "event": event,
        "status": status,
        "order_id": order_id,
        "client_order_id": f"c{order_id}",
        "seq": 1,
    }
    return "orders", before, {"venue": venue, **ACC, **values, **more}


def position(venue: str, before: float, value: float, source: str = "ours") -> Entry:
    """Return a position."""
    return "positions", before, {"venue": venue, "source": source, "value": value, "qty": Decimal(1), **ACC}


def balance(venue: str, before: float, source: str, total: str) -> Entry:
    """Return a balance."""
    values: dict[str, Value] = {"account": "main", "asset": "BTC", "free": Decimal(total), "total": Decimal(total)}
    return "balances", before, {"venue": venue, "source": source, **values}


def beat(service: str, before: float, **more: Value) -> Entry:
    """Return a sign of life."""
    return "heartbeats", before, {"service": service, "instance": "i", "loop_lag_ms": 1.0, "rejects": 0, **more}


def evaluation(group: str, before: float, outcome: str = "ok", lateness: float = 3.0) -> Entry:
    """Return an evaluation of a rule."""
    values: dict[str, Value] = {"rule": "R", "outcome": outcome, "lateness_ms": lateness, "rows": 0}
    return "rule_evaluations", before, {"rule_group": group, **values}
