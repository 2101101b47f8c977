"""What the status page shows, gathered: feeds, venues and services from the database, alerts from the alert service.

The database is the bus: the page shows every shard on every host, not only what runs in this process.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from alerts.service import AlertService
from core.clock import Clock, to_datetime
from core.errors import DeskError
from core.ports import Result, RowReader
from core.types import Nanos, StreamState
from deskwatch.web.lines import alert_lines
from deskwatch.web.model import DeskStatus, FeedCell, Light, ServiceLine, VenueLine
from storage.health import DatabaseHealth, HealthProbe

VERSION = "0.1.0"
FRESH_S = 1.0
"""A gathering serves everybody who asks within this time."""
BEAT_LATE_S, BEAT_LOST_S = 5.0, 15.0

FEEDS = """
SELECT venue, channel, symbol, connection, state, age_ms, messages, lag_p99_ms, ts FROM feeds
WHERE ts > dateadd('s', -30, %(now)s) LATEST ON ts PARTITION BY venue, channel, symbol, connection
"""
VENUES = """
SELECT venue, account, ws_state, clock_offset_ms, rest_latency_ms, used_weight_pct, reconnects FROM venues
WHERE ts > dateadd('s', -60, %(now)s) LATEST ON ts PARTITION BY venue, account
"""
SERVICES = """
SELECT service, instance, loop_lag_ms, rss, cpu, queue_depth, spool_rows, rejects, ts FROM heartbeats
WHERE ts > dateadd('m', -10, %(now)s) LATEST ON ts PARTITION BY service, instance
"""


class Gatherer:
    """Makes a `DeskStatus`; at most one gathering a second, however many pages are open."""

    def __init__(
        self,
        reader: RowReader,
        health: HealthProbe,
        alerts: AlertService | None,
        clock: Clock,
        links: Mapping[str, str],
    ) -> None:
        self._reader = reader
        self._health = health
        self._alerts = alerts
        self._clock = clock
        self._links = dict(links)
        self._started = to_datetime(clock.now())
        self._last: DeskStatus | None = None
        self._last_at = -FRESH_S

    @property
    def last(self) -> DeskStatus | None:
        """The last gathering, if there was one."""
        return self._last

    async def gather(self) -> DeskStatus:
        """Return the desk's status, not older than a second."""
        if self._last is None or self._clock.elapsed() - self._last_at >= FRESH_S:
            self._last_at = self._clock.elapsed()
            self._last = await self._fresh()
        return self._last

    async def _fresh(self) -> DeskStatus:
        now = self._clock.now()
        health = self._health.health()
        try:
            feeds = [_feed(row, now) for row in await self._rows(FEEDS, now)]
            venues = [_venue(row) for row in await self._rows(VENUES, now)]
            services = [_service(row, now) for row in await self._rows(SERVICES, now)]
        except DeskError as error:
            return self._status(now, health, (str(error),), [], [], [])
        return self._status(now, health, (), feeds, venues, services)

    async def _rows(self, sql: str, now: Nanos) -> Sequence[Mapping[str, Any]]:
        result: Result = await self._reader.query(sql, {"now": to_datetime(now)}, limit=5000)
        return [dict(zip(result.columns, row, strict=True)) for row in result.rows]

    def _status(
        self,
        now: Nanos,
        health: DatabaseHealth,
        trouble: Sequence[str],
        feeds: list[FeedCell],
        venues: list[VenueLine],
        services: list[ServiceLine],
    ) -> DeskStatus:
        alerts = self._alerts
        problems = [*health.problems, *(one for one in trouble if one not in " ".join(health.problems))]
        return DeskStatus(
            at=to_datetime(now),
            started_at=self._started,
            version=VERSION,
            problems=(*problems, *(alerts.problems() if alerts else ())),
            canary_age_ms=health.canary_age_ms,
            feeds=tuple(sorted(feeds, key=lambda one: (one.venue, one.channel, one.symbol))),
            venues=tuple(sorted(venues, key=lambda one: (one.venue, one.account))),
            services=tuple(sorted(services, key=lambda one: (one.service, one.instance))),
            links=self._links,
            **alert_lines(alerts, to_datetime(now)),
        )


def _feed(row: Mapping[str, Any], now: Nanos) -> FeedCell:
    late_ms = _late_ms(row["ts"], now)
    age = None if row["age_ms"] is None else row["age_ms"] + late_ms
    return FeedCell(
        venue=row["venue"],
        channel=row["channel"],
        symbol=row["symbol"] or "",
        state=row["state"] or "",
        age_ms=age,
        messages=row["messages"] or 0,
        lag_p99_ms=row["lag_p99_ms"],
        light=_feed_light(row["state"], late_ms),
    )


def _feed_light(state: str | None, late_ms: float) -> Light:
    if late_ms > BEAT_LATE_S * 1000:
        return Light.UNKNOWN
    match state:
        case StreamState.LIVE:
            return Light.OK
        case StreamState.SYNCING | StreamState.CONNECTING:
            return Light.WARN
        case None:
            return Light.UNKNOWN
        case _:
            return Light.BAD


def _venue(row: Mapping[str, Any]) -> VenueLine:
    return VenueLine(
        venue=row["venue"],
        account=row["account"] or "",
        ws_state=row["ws_state"] or "",
        clock_offset_ms=row["clock_offset_ms"],
        rest_latency_ms=row["rest_latency_ms"],
        used_weight_pct=row["used_weight_pct"],
        reconnects=row["reconnects"] or 0,
    )


def _service(row: Mapping[str, Any], now: Nanos) -> ServiceLine:
    age = _late_ms(row["ts"], now) / 1000
    light = Light.OK if age < BEAT_LATE_S else Light.WARN if age < BEAT_LOST_S else Light.BAD
    return ServiceLine(
        service=row["service"],
        instance=row["instance"],
        age_s=age,
        loop_lag_ms=row["loop_lag_ms"],
        rss_mb=None if row["rss"] is None else row["rss"] / 1e6,
        cpu_pct=row["cpu"],
        queue_depth=row["queue_depth"],
        spool_rows=row["spool_rows"],
        rejects=row["rejects"],
        light=light,
    )


def _late_ms(at: datetime, now: Nanos) -> float:
    return max(0.0, (to_datetime(now) - at).total_seconds() * 1000)
