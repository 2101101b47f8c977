"""A minute of a desk at two venues, with a hole, a late fill, a refused order, an alert of yesterday: as rows."""

from collections.abc import Iterator
from decimal import Decimal

from core.rows import Row, Value
from core.types import SECOND, Nanos

VENUES = ("gfone", "gftwo")
SYMBOL = "GF-USDT"
HOLE = range(20, 40)
"""The seconds, counted back from now, in which nothing came."""


def rows(now: Nanos) -> Iterator[Row]:
    """Return the rows of the minute before `now`."""
    for age in range(60):
        if age not in HOLE:
            yield from _second(now - age * SECOND, age)
    yield from _events(now)
    skipped: dict[str, Value] = {"rule_group": "gf", "outcome": "skipped", "error": "still running"}
    yield Row("rule_evaluations", now - 3 * SECOND, skipped)
    yield from _alerts(now)


def _second(ts: Nanos, age: int) -> Iterator[Row]:
    for place, venue in enumerate(VENUES):
        at: dict[str, Value] = {"venue": venue, "symbol": SYMBOL}
        yield Row("quotes", ts, {**at, "bid": 100.0 + place, "ask": 100.2 + place, "bid_size": 1.0, "ask_size": 1.0})
        for channel in ("books", "trades"):
            feed: dict[str, Value] = {**at, "channel": channel, "connection": "0", "messages": 9, "age_ms": 40.0}
            yield Row("feeds", ts, {**feed, "state": "live", "lag_p50_ms": 3.0, "lag_p99_ms": 12.0 + place, "gaps": 0})
        yield Row("venues", ts, {"venue": venue, "ws_state": "connected", "clock_offset_ms": -3.5, "reconnects": 1})
    beat: dict[str, Value] = {"service": "collector", "instance": "gf", "loop_lag_ms": 1.0, "rss": 1e8, "cpu": 20.0}
    yield Row("heartbeats", ts, {**beat, "queue_depth": 0, "spool_rows": 3, "oldest_unsent_s": 0.2, "rejects": 0})
    yield Row("canary", ts, {"instance": "gf", "number": 60 - age})
    rule: dict[str, Value] = {"rule_group": "gf", "rule": "GfSlow", "rows": 1, "duration_ms": 9.0, "lateness_ms": 1.0}
    yield Row("rule_evaluations", ts, {**rule, "outcome": "ok" if age else "error", "error": None if age else "boom"})
    yield Row("positions", ts, {**_account(), "source": "ours", "qty": Decimal(-2), "value": -200.0})


def _account() -> dict[str, Value]:
    return {"venue": VENUES[0], "account": "gf-main", "symbol": SYMBOL}


def _events(now: Nanos) -> Iterator[Row]:
    money: dict[str, Value] = {"price": Decimal("100.1"), "qty": Decimal("0.5"), "fee": Decimal("0.01")}
    for number, (source, late) in enumerate((("ws", 0), ("rest", 12))):
        ids: dict[str, Value] = {"order_id": "gf1", "trade_id": str(number), "side": "buy", "fee_asset": "USDT"}
        ts = now - (12 + number) * SECOND
        yield Row("fills", ts, {**_account(), **ids, **money, "source": source, "received": ts + late * SECOND})
    refused: dict[str, Value] = {"event": "rejected", "status": "rejected", "reason": "insufficient balance", "seq": 1}
    yield Row("orders", now - 5 * SECOND, {**_account(), **refused, "side": "buy", "order_id": "gf2"})
    for ended, channel in ((now - 20 * SECOND, "books"), (now - 40 * SECOND, "trades")):
        hole: dict[str, Value] = {"venue": VENUES[0], "symbol": SYMBOL, "channel": channel, "connection": "0"}
        yield Row("gaps", now - 40 * SECOND, {**hole, "kind": "disconnect", "ended": ended})


def _alerts(now: Nanos) -> Iterator[Row]:
    steps = (
        ("GfOld", 20 * 3600, "firing"),
        ("GfOver", 50, "firing"),
        ("GfOver", 30, "inactive"),
        ("GfNow", 10, "firing"),
    )
    for name, age, state in steps:
        one: dict[str, Value] = {"alertname": name, "severity": "page", "event": "transition", "to_state": state}
        known: dict[str, Value] = {"fingerprint": name, "labels": '{"venue": "gfone"}', "value": 3.0}
        yield Row("alert_events", now - age * SECOND, {**one, **known, "from_state": "pending"})
