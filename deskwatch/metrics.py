"""What /metrics shows: the same figures as the status page, for those who scrape with Prometheus."""

from collections.abc import Iterator

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from deskwatch.gather import Gatherer
from deskwatch.web.model import DeskStatus, Light
from storage.writer import LaneStatus, Writer


class DeskMetrics(Collector):
    """Reads the last gathering and the writer at each scrape; labels are bounded: venues, channels, symbols, rules."""

    def __init__(self, gatherer: Gatherer, writer: Writer) -> None:
        self._gatherer = gatherer
        self._writer = writer

    def describe(self) -> Iterator[GaugeMetricFamily]:
        """Promise nothing: the families depend on what is gathered."""
        return iter(())

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield the families of one scrape."""
        status = self._writer.status()
        yield from _lanes({"critical": status.critical, "bulk": status.bulk})
        yield GaugeMetricFamily("deskwatch_rejected_rows", "rows that were refused", value=status.rejects)
        yield GaugeMetricFamily("deskwatch_disk_free_bytes", "free space on the data volume", value=status.free_bytes)
        if self._gatherer.last is not None:
            yield from _desk(self._gatherer.last)


def _lanes(lanes: dict[str, LaneStatus]) -> Iterator[GaugeMetricFamily]:
    families = {
        "spool_rows": "rows on disk that the database does not have yet",
        "spool_bytes": "their size",
        "oldest_unsent_s": "age of the oldest of them, seconds",
        "sent_rows": "rows acknowledged since the start",
        "dropped_rows": "rows given up for lack of space since the start",
    }
    for name, meaning in families.items():
        family = GaugeMetricFamily(f"deskwatch_{name}", meaning, labels=["lane"])
        for lane, one in lanes.items():
            family.add_metric([lane], float(getattr(one, name)))
        yield family


def _desk(desk: DeskStatus) -> Iterator[GaugeMetricFamily]:
    age = GaugeMetricFamily("deskwatch_feed_age_seconds", "age of a stream's last message", labels=_STREAM)
    live = GaugeMetricFamily("deskwatch_feed_live", "1 while the stream is whole", labels=_STREAM)
    for feed in desk.feeds:
        stream = [feed.venue, feed.channel, feed.symbol]
        live.add_metric(stream, float(feed.light is Light.OK))
        if feed.age_ms is not None:
            age.add_metric(stream, feed.age_ms / 1000)
    yield from (age, live)
    firing = GaugeMetricFamily(
        "deskwatch_alerts", "alerts by rule and state", labels=["alertname", "severity", "state"]
    )
    counts: dict[tuple[str, str, str], int] = {}
    for alert in desk.alerts:
        key = (alert.alertname, alert.severity, alert.state)
        counts[key] = counts.get(key, 0) + 1
    for key, count in counts.items():
        firing.add_metric(list(key), count)
    yield firing
    took = GaugeMetricFamily("deskwatch_rule_seconds", "duration of a rule's last evaluation", labels=["group", "rule"])
    for rule in desk.rules:
        if rule.duration_ms is not None:
            took.add_metric([rule.group, rule.rule], rule.duration_ms / 1000)
    yield took
    if desk.canary_age_ms is not None:
        yield GaugeMetricFamily(
            "deskwatch_canary_age_seconds", "age of the last row seen on its whole way", value=desk.canary_age_ms / 1000
        )
    yield GaugeMetricFamily("deskwatch_problems", "problems of deskwatch itself", value=len(desk.problems))


_STREAM = ["venue", "channel", "symbol"]
