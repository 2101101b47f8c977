"""For each rule of the catalogue: rows that make it breach, and rows much like them that do not."""

from collections.abc import Mapping
from decimal import Decimal

from tests.integration.rules.entries import (
    ACC,
    Case,
    S,
    balance,
    beat,
    discrepancy,
    evaluation,
    feed,
    instrument,
    mark,
    order,
    position,
    quote,
    rates,
    venue,
)

BAD = {"venue": "bad"}
BAD_BOOK = {**BAD, **S}
BAD_ACCOUNT = {**BAD, "account": "main"}
BEAT = {"service": "bad", "instance": "i"}

MARKET: Mapping[str, Case] = {
    "BookStale": Case(
        [
            feed("bad", 2),
            feed("bad", 1, "silent", age_ms=4200.0),
            feed("good", 2, "broken"),
            feed("good", 1),
            feed("good refused", 1, "refused"),
            feed("good trades", 1, "silent", channel="trades"),
        ],
        [BAD_BOOK],
        4.2,
    ),
    "FeedSilent": Case(
        [
            feed("bad", 1, "silent", channel="quotes", age_ms=9000.0),
            feed("good", 1, channel="quotes"),
            feed("good new", 1, "connecting", channel="trades"),
        ],
        [{**BAD_BOOK, "channel": "quotes"}],
        9,
    ),
    "StreamRefused": Case(
        [feed("bad", 1, "refused"), feed("bad", 1, "refused", symbol="X-USDT"), feed("good", 1)],
        [{**BAD, "channel": "books"}],
        2,
    ),
    "StreamWithoutData": Case(
        [
            feed("bad", 90, "syncing", messages=0),
            feed("bad", 1, "syncing", messages=0),
            feed("good", 90),
            feed("good", 1, messages=0),
            feed("good trades", 1, messages=0, channel="trades"),
        ],
        [{**BAD, "channel": "books"}],
        1,
    ),
    "BookGaps": Case(
        [feed("bad", 250, gaps=2), feed("bad", 1, gaps=1), feed("good", 301, gaps=2), feed("good", 1, gaps=1)],
        [BAD_BOOK],
        3,
    ),
    "ChecksumFailures": Case(
        [feed("bad", 9, checksum_failures=1), feed("bad", 1, checksum_failures=1), feed("good", 1)],
        [BAD_BOOK],
        2,
    ),
    "CrossedBook": Case(
        [feed("bad", n, crossed_ms=1000.0) for n in range(3)]
        + [feed("good", 12, crossed_ms=1000.0), feed("good", 1, crossed_ms=1000.0)],
        [BAD_BOOK],
        3,
    ),
    "FeedLag": Case(
        [
            feed("bad", 2, lag_p99_ms=1500.0),
            feed("bad", 1, lag_p99_ms=None),
            feed("good", 2, lag_p99_ms=40.0),
        ],
        [{**BAD, "channel": "books"}],
        1500,
    ),
    "WideSpread": Case(
        [quote("bad", 1, 99.0, 101.0), quote("good", 11, 99.0, 101.0), quote("good", 1, 99.99, 100.01)],
        [BAD_BOOK],
        200,
    ),
    "CrossVenueDivergence": Case(
        [
            quote("a", 2, 100.0, 100.2, symbol="bad"),
            quote("b", 1, 101.0, 101.2, symbol="bad"),
            quote("a", 2, 100.0, 100.2, symbol="good"),
            quote("b", 1, 100.1, 100.2, symbol="good"),
            quote("a", 1, 100.0, 100.2, symbol="good alone"),
        ],
        [{"symbol": "bad"}],
    ),
    "MessageRateCollapse": Case(
        rates("bad", 1000, 100)
        + rates("good", 1000, 210)
        + rates("good quiet", 299, 0)
        + rates("good account", 1000, 0, "account")
        + rates("good new", 1000, 0)[5:],
        [{**BAD, "channel": "trades"}],
        0.1,
    ),
    "MarkDivergence": Case(
        [
            mark("bad", 9, 101.0),
            quote("bad", 1, 99.9, 100.1),
            mark("good", 9, 100.2),
            quote("good", 1, 99.9, 100.1),
            mark("good no book", 1, 101.0),
            mark("good no mark", 1, None),
            quote("good no mark", 1, 99.9, 100.1),
            mark("good old", 11, 101.0),
            quote("good old", 1, 99.9, 100.1),
        ],
        [BAD_BOOK],
        1 / 101 * 10_000,
    ),
    "TickSizeChanged": Case(
        [
            instrument("bad", 29 * 86_400, "0.1"),
            instrument("bad", 3599, "0.01"),
            instrument("good old", 7200, "0.1"),
            instrument("good old", 3600, "0.01"),
            instrument("good", 7200, "0.1"),
            instrument("good", 1, "0.10", "BREAK"),
            instrument("good new", 1, "0.1"),
            instrument("good and back", 7200, "0.1"),
            instrument("good and back", 60, "0.01"),
            instrument("good and back", 1, "0.1"),
        ],
        [BAD_BOOK],
    ),
    "TradingStatusChanged": Case(
        [
            instrument("bad", 7200, "0.1"),
            instrument("bad", 60, "0.1", "BREAK"),
            instrument("good", 7200, "0.1", "BREAK"),
            instrument("good", 60, "0.01", "BREAK"),
        ],
        [BAD_BOOK],
    ),
}

VENUES: Mapping[str, Case] = {
    "VenueDisconnected": Case(
        [
            venue("bad", 2),
            venue("bad", 1, "connecting"),
            venue("good", 2, "connecting"),
            venue("good", 1),
            venue("good account", 1, "connecting", account="main"),
        ],
        [BAD],
    ),
    "PrivateStreamDown": Case(
        [
            venue("bad", 1, "connecting", account="main"),
            venue("bad", 1),
            venue("good", 1, account="main"),
            venue("good market", 1, "connecting"),
        ],
        [BAD_ACCOUNT],
    ),
    "ReconnectStorm": Case(
        [venue("bad", n, reconnects=20 - n) for n in range(7)]
        + [venue("good restart", 9, reconnects=500), venue("good restart", 1, reconnects=0)]
        + [venue("good", 301, reconnects=0), venue("good", 9, reconnects=8), venue("good", 1, reconnects=9)],
        [BAD],
        6,
    ),
    "ClockSkew": Case(
        [
            venue("bad", 2, clock_offset_ms=-400.0),
            venue("bad", 1),
            venue("good", 2, clock_offset_ms=40.0),
            venue("good unknown", 1),
        ],
        [BAD],
        400,
    ),
    "RestWeightHigh": Case(
        [venue("bad", 2, used_weight_pct=81.0), venue("bad", 1, used_weight_pct=9.0), venue("good", 1)], [BAD], 81
    ),
    "RestSlow": Case(
        [venue("bad", 1, rest_latency_ms=3000.0), venue("good", 1, rest_latency_ms=90.0)],
        [BAD],
        3000,
    ),
}

ORDERS: Mapping[str, Case] = {
    "FillMissedByStream": Case(
        [
            discrepancy("bad", 500, "fill_missed_by_stream", "t1"),
            discrepancy("bad", 1, "fill_missed_by_stream", "t2"),
            discrepancy("good", 601, "fill_missed_by_stream", "t3"),
        ],
        [BAD_ACCOUNT],
        2,
    ),
    "FillUnknownToVenue": Case(
        [
            discrepancy("bad", 31, "fill_unknown_to_venue", "t1"),
            discrepancy("bad", 1, "fill_unknown_to_venue", "t1"),
            discrepancy("good", 31, "fill_unknown_to_venue", "t1"),
            discrepancy("good", 1, "fill_unknown_to_venue", "t2"),
        ],
        [BAD_ACCOUNT],
        1,
    ),
    "FillConflict": Case(
        [
            discrepancy("bad", 31, "fill_conflict", "t1"),
            discrepancy("bad", 1, "fill_conflict", "t1"),
            discrepancy("good", 1, "fill_missed_by_stream", "t1"),
        ],
        [{**BAD_BOOK, "account": "main"}],
        1,
    ),
    "OrderAnomaly": Case(
        [order("bad", 1, "overfill", "filled"), order("good", 1, "trade", "filled")],
        [{**BAD_BOOK, "account": "main", "event": "overfill"}],
        1,
    ),
    "LateFill": Case(
        [order("bad", 1, "late_fill", "canceled"), order("good", 1, "trade", "filled")],
        [{**BAD_BOOK, "account": "main"}],
        1,
    ),
    "OrderStuck": Case(
        [
            order("bad", 90, "new", "working"),
            order("bad", 30, "pending_cancel", "pending_cancel", seq=2),
            order("bad", 20, "pending_new", "pending_new", "2"),
            order("good", 90, "pending_cancel", "pending_cancel"),
            order("good", 5, "canceled", "canceled", seq=2),
            order("good young", 5, "pending_new", "pending_new"),
        ],
        [BAD_ACCOUNT],
        30,
    ),
    "OrderVanished": Case(
        [discrepancy("bad", 1, "order_ours_only", "1"), discrepancy("good", 121, "order_ours_only", "1")],
        [BAD_ACCOUNT],
        1,
    ),
    "RejectBurst": Case(
        [order("bad", n, "rejected", "rejected", str(n)) for n in range(6)]
        + [order("good", n * 20, "rejected", "rejected", str(n)) for n in range(6)],
        [BAD_ACCOUNT],
        6,
    ),
    "PositionLimit": Case(
        [
            position("bad", 9, 5e5),
            position("bad", 1, -1.5e6),
            position("good", 9, 2e6),
            position("good", 1, 1e5),
            position("good theirs", 1, 9e9, "rest"),
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
            balance("bad", 60, "ws", "1.5"),
            balance("bad", 10, "rest", "1.25"),
            balance("good", 60, "ws", "1.5"),
            balance("good", 10, "rest", "1.5"),
            balance("good racing", 11, "ws", "1.5"),
            balance("good racing", 10, "rest", "1.25"),
            balance("good later", 20, "rest", "1.5"),
            balance("good later", 10, "ws", "1.25"),
            balance("good unheard", 10, "rest", "1.5"),
        ],
        [{**BAD, "account": "main", "asset": "BTC"}],
        0.25,
    ),
}

DESK: Mapping[str, Case] = {
    "SpoolBacklog": Case(
        [beat("bad", 2, oldest_unsent_s=25.0), beat("bad", 1, oldest_unsent_s=4.0), beat("good", 1)], [BEAT], 25
    ),
    "RowsRejected": Case(
        [
            beat("bad", 9, rejects=3),
            beat("bad", 1, rejects=5),
            beat("good", 9, rejects=3),
            beat("good", 1, rejects=3),
            beat("good restart", 9, rejects=3),
            beat("good restart", 1),
        ],
        [BEAT],
        2,
    ),
    "LoopLag": Case([beat("bad", 1, loop_lag_ms=180.0), beat("good", 1)], [BEAT], 180),
    "RuleErrors": Case(
        [evaluation("bad", n, "error") for n in range(3)]
        + [evaluation("good", 1, "error"), evaluation("good", 2, "error"), evaluation("good", 3)],
        [{"rule_group": "bad", "rule": "R"}],
        3,
    ),
    "RuleLate": Case([evaluation("bad", 1, lateness=4000.0), evaluation("good", 1)], [{"rule_group": "bad"}], 4000),
    # The last one, because it looks back over 12 hours.
    "HeartbeatMissing": Case([beat("bad", 10.5), beat("good", 10)], [BEAT], 10.5),
}

CASES: Mapping[str, Case] = {**MARKET, **VENUES, **ORDERS, **DESK}
