"""For each rule of the catalogue: rows that make it breach, and rows much like them that do not."""

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


def _feed(venue: str, before: float, state: str = "live", **more: Value) -> Entry:
    values: dict[str, Value] = {
        "channel": "books",
        "connection": "c1",
        "messages": 10,
        "age_ms": 80.0,
        "gaps": 0,
        "crossed_ms": 0.0,
    }
    return "feeds", before, {"venue": venue, "state": state, "checksum_failures": 0, **S, **values, **more}


def _venue(name: str, before: float, state: str = "live", **more: Value) -> Entry:
    return "venues", before, {"venue": name, "account": "", "ws_state": state, "reconnects": 0, **more}


def _quote(venue: str, before: float, bid: float, ask: float, **more: Value) -> Entry:
    return "quotes", before, {"venue": venue, "bid": bid, "ask": ask, **S, **more}


def _mark(venue: str, before: float, mark: float | None) -> Entry:
    return "funding", before, {"venue": venue, "mark": mark, "rate": 0.0001, **S}


def _instrument(venue: str, before: float, tick: str, status: str = "TRADING", **more: Value) -> Entry:
    return "instruments", before, {"venue": venue, "tick": Decimal(tick), "status": status, **S, **more}


def _rates(venue: str, usual: int, now: int, channel: str = "trades") -> list[Entry]:
    """A row a minute: eight usual minutes, and the last one."""
    before = [_feed(venue, 60 * n - 30, messages=usual, channel=channel) for n in range(2, 10)]
    return [*before, _feed(venue, 30, messages=now, channel=channel)]


def _discrepancy(venue: str, before: float, kind: str, key: str, **more: Value) -> Entry:
    return "reconciliations", before, {"venue": venue, "kind": kind, "key": key, "age_s": 4.0, **ACC, **more}


def _order(venue: str, before: float, event: str, status: str, order_id: str = "1", **more: Value) -> Entry:
    values: dict[str, Value] = {
        "event": event,
        "status": status,
        "order_id": order_id,
        "client_order_id": f"c{order_id}",
        "seq": 1,
    }
    return "orders", before, {"venue": venue, **ACC, **values, **more}


def _position(venue: str, before: float, value: float, source: str = "ours") -> Entry:
    return "positions", before, {"venue": venue, "source": source, "value": value, "qty": Decimal(1), **ACC}


def _balance(venue: str, before: float, source: str, total: str) -> Entry:
    values: dict[str, Value] = {"account": "main", "asset": "BTC", "free": Decimal(total), "total": Decimal(total)}
    return "balances", before, {"venue": venue, "source": source, **values}


def _beat(service: str, before: float, **more: Value) -> Entry:
    return "heartbeats", before, {"service": service, "instance": "i", "loop_lag_ms": 1.0, "rejects": 0, **more}


def _evaluation(group: str, before: float, outcome: str = "ok", lateness: float = 3.0) -> Entry:
    values: dict[str, Value] = {"rule": "R", "outcome": outcome, "lateness_ms": lateness, "rows": 0}
    return "rule_evaluations", before, {"rule_group": group, **values}


BAD = {"venue": "bad"}
BAD_BOOK = {**BAD, **S}
BAD_ACCOUNT = {**BAD, "account": "main"}
BEAT = {"service": "bad", "instance": "i"}

MARKET: Mapping[str, Case] = {
    "BookStale": Case(
        [
            _feed("bad", 2),
            _feed("bad", 1, "silent", age_ms=4200.0),
            _feed("good", 2, "broken"),
            _feed("good", 1),
            _feed("good refused", 1, "refused"),
            _feed("good trades", 1, "silent", channel="trades"),
        ],
        [BAD_BOOK],
        4.2,
    ),
    "FeedSilent": Case(
        [
            _feed("bad", 1, "silent", channel="quotes", age_ms=9000.0),
            _feed("good", 1, channel="quotes"),
            _feed("good new", 1, "connecting", channel="trades"),
        ],
        [{**BAD_BOOK, "channel": "quotes"}],
        9,
    ),
    "StreamRefused": Case(
        [_feed("bad", 1, "refused"), _feed("bad", 1, "refused", symbol="X-USDT"), _feed("good", 1)],
        [{**BAD, "channel": "books"}],
        2,
    ),
    "StreamWithoutData": Case(
        [
            _feed("bad", 90, "syncing", messages=0),
            _feed("bad", 1, "syncing", messages=0),
            _feed("good", 90),
            _feed("good", 1, messages=0),
            _feed("good trades", 1, messages=0, channel="trades"),
        ],
        [{**BAD, "channel": "books"}],
        1,
    ),
    "BookGaps": Case(
        [_feed("bad", 250, gaps=2), _feed("bad", 1, gaps=1), _feed("good", 301, gaps=2), _feed("good", 1, gaps=1)],
        [BAD_BOOK],
        3,
    ),
    "ChecksumFailures": Case(
        [_feed("bad", 9, checksum_failures=1), _feed("bad", 1, checksum_failures=1), _feed("good", 1)],
        [BAD_BOOK],
        2,
    ),
    "CrossedBook": Case(
        [_feed("bad", n, crossed_ms=1000.0) for n in range(3)]
        + [_feed("good", 12, crossed_ms=1000.0), _feed("good", 1, crossed_ms=1000.0)],
        [BAD_BOOK],
        3,
    ),
    "FeedLag": Case(
        [
            _feed("bad", 2, lag_p99_ms=1500.0),
            _feed("bad", 1, lag_p99_ms=None),
            _feed("good", 2, lag_p99_ms=40.0),
        ],
        [{**BAD, "channel": "books"}],
        1500,
    ),
    "WideSpread": Case(
        [_quote("bad", 1, 99.0, 101.0), _quote("good", 11, 99.0, 101.0), _quote("good", 1, 99.99, 100.01)],
        [BAD_BOOK],
        200,
    ),
    "CrossVenueDivergence": Case(
        [
            _quote("a", 2, 100.0, 100.2, symbol="bad"),
            _quote("b", 1, 101.0, 101.2, symbol="bad"),
            _quote("a", 2, 100.0, 100.2, symbol="good"),
            _quote("b", 1, 100.1, 100.2, symbol="good"),
            _quote("a", 1, 100.0, 100.2, symbol="good alone"),
        ],
        [{"symbol": "bad"}],
    ),
    "MessageRateCollapse": Case(
        _rates("bad", 1000, 100)
        + _rates("good", 1000, 210)
        + _rates("good quiet", 299, 0)
        + _rates("good account", 1000, 0, "account")
        + _rates("good new", 1000, 0)[5:],
        [{**BAD, "channel": "trades"}],
        0.1,
    ),
    "MarkDivergence": Case(
        [
            _mark("bad", 9, 101.0),
            _quote("bad", 1, 99.9, 100.1),
            _mark("good", 9, 100.2),
            _quote("good", 1, 99.9, 100.1),
            _mark("good no book", 1, 101.0),
            _mark("good no mark", 1, None),
            _quote("good no mark", 1, 99.9, 100.1),
            _mark("good old", 11, 101.0),
            _quote("good old", 1, 99.9, 100.1),
        ],
        [BAD_BOOK],
        1 / 101 * 10_000,
    ),
    "TickSizeChanged": Case(
        [
            _instrument("bad", 29 * 86_400, "0.1"),
            _instrument("bad", 3599, "0.01"),
            _instrument("good old", 7200, "0.1"),
            _instrument("good old", 3600, "0.01"),
            _instrument("good", 7200, "0.1"),
            _instrument("good", 1, "0.10", "BREAK"),
            _instrument("good new", 1, "0.1"),
            _instrument("good and back", 7200, "0.1"),
            _instrument("good and back", 60, "0.01"),
            _instrument("good and back", 1, "0.1"),
        ],
        [BAD_BOOK],
    ),
    "TradingStatusChanged": Case(
        [
            _instrument("bad", 7200, "0.1"),
            _instrument("bad", 60, "0.1", "BREAK"),
            _instrument("good", 7200, "0.1", "BREAK"),
            _instrument("good", 60, "0.01", "BREAK"),
        ],
        [BAD_BOOK],
    ),
}

VENUES: Mapping[str, Case] = {
    "VenueDisconnected": Case(
        [
            _venue("bad", 2),
            _venue("bad", 1, "connecting"),
            _venue("good", 2, "connecting"),
            _venue("good", 1),
            _venue("good account", 1, "connecting", account="main"),
        ],
        [BAD],
    ),
    "PrivateStreamDown": Case(
        [
            _venue("bad", 1, "connecting", account="main"),
            _venue("bad", 1),
            _venue("good", 1, account="main"),
            _venue("good market", 1, "connecting"),
        ],
        [BAD_ACCOUNT],
    ),
    "ReconnectStorm": Case(
        [_venue("bad", n, reconnects=20 - n) for n in range(7)]
        + [_venue("good restart", 9, reconnects=500), _venue("good restart", 1, reconnects=0)]
        + [_venue("good", 301, reconnects=0), _venue("good", 9, reconnects=8), _venue("good", 1, reconnects=9)],
        [BAD],
        6,
    ),
    "ClockSkew": Case(
        [
            _venue("bad", 2, clock_offset_ms=-400.0),
            _venue("bad", 1),
            _venue("good", 2, clock_offset_ms=40.0),
            _venue("good unknown", 1),
        ],
        [BAD],
        400,
    ),
    "RestWeightHigh": Case(
        [_venue("bad", 2, used_weight_pct=81.0), _venue("bad", 1, used_weight_pct=9.0), _venue("good", 1)], [BAD], 81
    ),
    "RestSlow": Case(
        [_venue("bad", 1, rest_latency_ms=3000.0), _venue("good", 1, rest_latency_ms=90.0)],
        [BAD],
        3000,
    ),
}

ORDERS: Mapping[str, Case] = {
    "FillMissedByStream": Case(
        [
            _discrepancy("bad", 500, "fill_missed_by_stream", "t1"),
            _discrepancy("bad", 1, "fill_missed_by_stream", "t2"),
            _discrepancy("good", 601, "fill_missed_by_stream", "t3"),
        ],
        [BAD_ACCOUNT],
        2,
    ),
    "FillUnknownToVenue": Case(
        [
            _discrepancy("bad", 31, "fill_unknown_to_venue", "t1"),
            _discrepancy("bad", 1, "fill_unknown_to_venue", "t1"),
            _discrepancy("good", 31, "fill_unknown_to_venue", "t1"),
            _discrepancy("good", 1, "fill_unknown_to_venue", "t2"),
        ],
        [BAD_ACCOUNT],
        1,
    ),
    "FillConflict": Case(
        [
            _discrepancy("bad", 31, "fill_conflict", "t1"),
            _discrepancy("bad", 1, "fill_conflict", "t1"),
            _discrepancy("good", 1, "fill_missed_by_stream", "t1"),
        ],
        [{**BAD_BOOK, "account": "main"}],
        1,
    ),
    "OrderAnomaly": Case(
        [_order("bad", 1, "overfill", "filled"), _order("good", 1, "trade", "filled")],
        [{**BAD_BOOK, "account": "main", "event": "overfill"}],
        1,
    ),
    "LateFill": Case(
        [_order("bad", 1, "late_fill", "canceled"), _order("good", 1, "trade", "filled")],
        [{**BAD_BOOK, "account": "main"}],
        1,
    ),
    "OrderStuck": Case(
        [
            _order("bad", 90, "new", "working"),
            _order("bad", 30, "pending_cancel", "pending_cancel", seq=2),
            _order("bad", 20, "pending_new", "pending_new", "2"),
            _order("good", 90, "pending_cancel", "pending_cancel"),
            _order("good", 5, "canceled", "canceled", seq=2),
            _order("good young", 5, "pending_new", "pending_new"),
        ],
        [BAD_ACCOUNT],
        30,
    ),
    "OrderVanished": Case(
        [_discrepancy("bad", 1, "order_ours_only", "1"), _discrepancy("good", 121, "order_ours_only", "1")],
        [BAD_ACCOUNT],
        1,
    ),
    "RejectBurst": Case(
        [_order("bad", n, "rejected", "rejected", str(n)) for n in range(6)]
        + [_order("good", n * 20, "rejected", "rejected", str(n)) for n in range(6)],
        [BAD_ACCOUNT],
        6,
    ),
    "PositionLimit": Case(
        [
            _position("bad", 9, 5e5),
            _position("bad", 1, -1.5e6),
            _position("good", 9, 2e6),
            _position("good", 1, 1e5),
            _position("good theirs", 1, 9e9, "rest"),
        ],
        [{**BAD_BOOK, "account": "main"}],
        1.5e6,
    ),
    "PositionDrift": Case(
        [
            ("positions", 500, {"venue": "bad", "source": "ours", "qty": Decimal(75), **ACC}),
            ("positions", 5, {"venue": "bad", "source": "rest", "qty": Decimal(-65), **ACC}),
            ("positions", 500, {"venue": "good", "source": "ours", "qty": Decimal("0.3"), **ACC}),
            ("positions", 5, {"venue": "good", "source": "ws", "qty": Decimal("0.300000000000000001"), **ACC}),
            ("positions", 5, {"venue": "good ours alone", "source": "ours", "qty": Decimal(1), **ACC}),
        ],
        [{**BAD_BOOK, "account": "main"}],
        140,
    ),
    "BalanceDrift": Case(
        [
            _balance("bad", 60, "ws", "1.5"),
            _balance("bad", 10, "rest", "1.25"),
            _balance("good", 60, "ws", "1.5"),
            _balance("good", 10, "rest", "1.5"),
            _balance("good racing", 11, "ws", "1.5"),
            _balance("good racing", 10, "rest", "1.25"),
            _balance("good later", 20, "rest", "1.5"),
            _balance("good later", 10, "ws", "1.25"),
            _balance("good unheard", 10, "rest", "1.5"),
        ],
        [{**BAD, "account": "main", "asset": "BTC"}],
        0.25,
    ),
}

DESK: Mapping[str, Case] = {
    "SpoolBacklog": Case(
        [_beat("bad", 2, oldest_unsent_s=25.0), _beat("bad", 1, oldest_unsent_s=4.0), _beat("good", 1)], [BEAT], 25
    ),
    "RowsRejected": Case(
        [
            _beat("bad", 9, rejects=3),
            _beat("bad", 1, rejects=5),
            _beat("good", 9, rejects=3),
            _beat("good", 1, rejects=3),
            _beat("good restart", 9, rejects=3),
            _beat("good restart", 1),
        ],
        [BEAT],
        2,
    ),
    "LoopLag": Case([_beat("bad", 1, loop_lag_ms=180.0), _beat("good", 1)], [BEAT], 180),
    "RuleErrors": Case(
        [_evaluation("bad", n, "error") for n in range(3)]
        + [_evaluation("good", 1, "error"), _evaluation("good", 2, "error"), _evaluation("good", 3)],
        [{"rule_group": "bad", "rule": "R"}],
        3,
    ),
    "RuleLate": Case([_evaluation("bad", 1, lateness=4000.0), _evaluation("good", 1)], [{"rule_group": "bad"}], 4000),
    # The last one, because it looks back over 12 hours.
    "HeartbeatMissing": Case([_beat("bad", 10.5), _beat("good", 10)], [BEAT], 10.5),
}

CASES: Mapping[str, Case] = {**MARKET, **VENUES, **ORDERS, **DESK}
