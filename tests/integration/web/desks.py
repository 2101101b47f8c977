"""Desks to look at: quiet, in a storm, with a broken database, and before anything has come."""

from datetime import UTC, datetime, timedelta

from deskwatch.web.model import (
    AlertLine,
    DeskStatus,
    FeedCell,
    Light,
    MessageLine,
    RuleLine,
    ServiceLine,
    VenueLine,
)

NOW = datetime(2026, 11, 25, 14, 5, 9, tzinfo=UTC)
STARTED = NOW - timedelta(hours=26, minutes=5)
LONG = "BTC-USD-20261225-60000-C"


def nothing() -> DeskStatus:
    """Return the first second after the start."""
    return DeskStatus(at=NOW, started_at=NOW, version="0.1.0")


def quiet() -> DeskStatus:
    """Return an ordinary afternoon."""
    return DeskStatus(
        at=NOW,
        started_at=STARTED,
        version="0.1.0",
        canary_age_ms=420.0,
        feeds=_feeds(broken=()),
        venues=_venues("live"),
        services=_services(Light.OK, 1.0),
        messages=_messages(4),
        rules=_rules({}),
        links={"Slack": "http://127.0.0.1:8701", "Grafana": "http://127.0.0.1:3000/d/deskwatch-desk-overview"},
    )


def storm() -> DeskStatus:
    """Return a venue's bad hour: forty alerts, broken streams, failing rules, messages that wait."""
    return DeskStatus(
        at=NOW,
        started_at=STARTED,
        version="0.1.0",
        problems=("Slack asks us to wait: 429, 12 messages queued. The most severe go first",),
        canary_age_ms=1900.0,
        feeds=_feeds(broken=("okx",)),
        venues=_venues("connecting"),
        services=_services(Light.WARN, 7.0),
        alerts=tuple(_alert(number) for number in range(40)),
        messages=_messages(30),
        rules=_rules({"DivergenceBetweenVenues": "statement time-out after 2000 ms: a time bound on ts is missing"}),
        links={"Slack": "http://127.0.0.1:8701"},
    )


def broken() -> DeskStatus:
    """Return a desk whose database has gone: nothing is known, and the page says what to do."""
    return DeskStatus(
        at=NOW,
        started_at=STARTED,
        version="0.1.0",
        problems=(
            "The database does not answer: 127.0.0.1:8812 refused. It is started again by itself, rows wait on disk",
            "Table fills is suspended: no space left on device. Free space, then run ALTER TABLE fills RESUME WAL",
        ),
        canary_age_ms=93_000.0,
        alerts=(_alert(0),),
        messages=_messages(1),
        rules=_rules({"BookStale": "the database does not answer"}),
    )


def _feeds(broken: tuple[str, ...]) -> tuple[FeedCell, ...]:
    cells = []
    for venue in ("binance", "binance_futures", "okx"):
        for channel in ("books", "quotes", "trades"):
            for place, symbol in enumerate(("BTC-USDT", "ETH-USDT", "SOL-USDT", LONG)):
                if symbol == LONG and venue != "okx":
                    continue
                state, light, age = "live", Light.OK, 40.0 + 90 * place
                if venue in broken:
                    state, light, age = (("silent", Light.BAD, 93_000.0), ("syncing", Light.WARN, 1800.0))[place % 2]
                cells.append(FeedCell(venue, channel, symbol, state, age, 120 // (place + 1), 14.0 + place, light))
    return tuple(cells)


def _venues(state: str) -> tuple[VenueLine, ...]:
    return (
        VenueLine("binance", "", "live", -3.2, 41.0, 12.0, 0),
        VenueLine("binance", "binance-main", "live", -3.2, 44.0, 12.0, 1),
        VenueLine("binance_futures", "", "live", -2.9, 39.0, 4.0, 0),
        VenueLine("okx", "", state, None, None, None, 17),
    )


def _services(light: Light, age_s: float) -> tuple[ServiceLine, ...]:
    waiting = 0 if light is Light.OK else 18_204
    return (
        ServiceLine("alerts", "desk-1/all", 0.6, 1.1, 214.0, 6.0, 0, 0, 0, Light.OK),
        ServiceLine("collector", "desk-1/collector-okx", age_s, 38.0, 302.0, 71.0, 1204, waiting, 0, light),
        ServiceLine("oms", "desk-1/oms-binance-main", 0.4, 0.8, 120.0, 2.0, 0, 0, 2, Light.OK),
    )


def _alert(number: int) -> AlertLine:
    names = ("BookStale", "WideSpread", "LateFills", "FeedGapsTooMany", "ClockOffset")
    symbol = ("BTC-USDT", "ETH-USDT", "SOL-USDT", LONG)[number % 4]
    return AlertLine(
        alertname=names[number % 5],
        severity=("page", "warn", "info")[number % 3],
        state="pending" if number % 7 == 6 else "firing",
        labels={"venue": "okx", "symbol": symbol, "team": "connectivity"},
        value=93.0 + number,
        since=NOW - timedelta(seconds=20 + 37 * number),
        summary=f"okx {symbol} book silent for {93 + number} s",
    )


def _messages(count: int) -> tuple[MessageLine, ...]:
    return tuple(
        MessageLine(
            at=NOW - timedelta(seconds=15 * number),
            receiver="slack",
            channel="#desk-alerts",
            status=("firing", "resolved")[number % 2],
            text=f"BookStale: okx {LONG if number % 3 == 0 else 'BTC-USDT'} book silent for {15 + number} s",
            state=("queued" if count > 10 and number < 3 else "sent"),
        )
        for number in range(count)
    )


def _rules(errors: dict[str, str]) -> tuple[RuleLine, ...]:
    names = (
        "BookStale", "QuoteStale", "WideSpread", "CrossedBook", "DivergenceBetweenVenues", "FeedGapsTooMany", "LagHigh",
        "ClockOffset", "LateFills", "OrderRejects", "PositionLimit", "ServiceSilent", "SpoolGrows", "VenueReconnects",
    )  # fmt: skip
    return tuple(
        RuleLine(
            group="market-data" if place < 8 else "desk",
            rule=name,
            state="firing" if errors and place in (0, 2) and name not in errors else "inactive",
            last_evaluation=NOW - timedelta(seconds=2),
            duration_ms=3.0 + place,
            error=errors.get(name, ""),
        )
        for place, name in enumerate(names)
    )


DESKS = {"quiet": quiet, "storm": storm, "broken": broken, "nothing": nothing}
