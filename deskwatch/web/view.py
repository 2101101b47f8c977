"""Pure: a DeskStatus arranged for the eye. Worst first, much of the same folded, every colour with a word or a sign."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from deskwatch.web.model import AlertLine, DeskStatus, FeedCell, Light, MessageLine, RuleLine, ServiceLine

FIRING, SENT = "firing", "sent"
CANARY_LATE_MS, CANARY_LOST_MS = 5_000.0, 15_000.0
LATEST_MESSAGES = 12
MANY_SYMBOLS = 16
"""From so many symbols of a venue on, those without trouble are folded."""
_LOUDEST = ("page", "warn", "info")
_WORST = (Light.BAD, Light.WARN, Light.UNKNOWN, Light.OK)


@dataclass(frozen=True, slots=True)
class Tile:
    """One figure of the strip at the top."""

    label: str
    value: str
    note: str
    light: Light


@dataclass(frozen=True, slots=True)
class AlertGroup:
    """The alerts of one rule and severity, the oldest first."""

    name: str
    severity: str
    firing: int
    pending: int
    since: datetime
    alerts: tuple[AlertLine, ...]


@dataclass(frozen=True, slots=True)
class SymbolRow:
    """One symbol of a venue: the worst stream of each channel, None where there is none."""

    symbol: str
    cells: tuple[FeedCell | None, ...]

    @property
    def calm(self) -> bool:
        """Whether nothing is wrong with it."""
        return all(cell is None or cell.light is Light.OK for cell in self.cells)


@dataclass(frozen=True, slots=True)
class VenueFeeds:
    """A venue's streams: rows are symbols, columns are channels; `folded` rows are all fine."""

    venue: str
    channels: tuple[str, ...]
    live: int
    total: int
    shown: tuple[SymbolRow, ...]
    folded: tuple[SymbolRow, ...]


@dataclass(frozen=True, slots=True)
class Desk:
    """The page, arranged."""

    headline: str
    light: Light
    tiles: tuple[Tile, ...]
    alerts: tuple[AlertGroup, ...]
    venues: tuple[VenueFeeds, ...]
    latest: tuple[MessageLine, ...]
    older: tuple[MessageLine, ...]
    failing: tuple[RuleLine, ...]
    rules: tuple[RuleLine, ...]
    links: tuple[tuple[str, str], ...]


def arrange(status: DeskStatus) -> Desk:
    """Return what the page shows of a status."""
    headline, light = _headline(status)
    return Desk(
        headline=headline,
        light=light,
        tiles=tuple(_tiles(status)),
        alerts=_alert_groups(status.alerts),
        venues=_venue_feeds(status.feeds),
        latest=status.messages[:LATEST_MESSAGES],
        older=status.messages[LATEST_MESSAGES:],
        failing=tuple(rule for rule in status.rules if rule.error),
        rules=tuple(rule for rule in status.rules if not rule.error),
        links=tuple((name, url) for name, url in status.links.items() if url.startswith(("http://", "https://"))),
    )


def _headline(status: DeskStatus) -> tuple[str, Light]:
    firing = [alert for alert in status.alerts if alert.state == FIRING]
    if firing:
        loud = any(alert.severity == _LOUDEST[0] for alert in firing)
        return f"{len(firing)} firing", Light.BAD if loud or status.problems else Light.WARN
    if status.problems:
        return "deskwatch itself is in trouble", Light.BAD
    if not status.feeds or status.canary_age_ms is None:
        return "waiting for the first data", Light.UNKNOWN
    if any(cell.light is not Light.OK for cell in status.feeds):
        return "nothing fires, not every stream is live", Light.WARN
    return "all quiet", Light.OK


def _tiles(status: DeskStatus) -> Iterable[Tile]:
    firing = [alert for alert in status.alerts if alert.state == FIRING]
    counts = [(sum(alert.severity == severity for alert in firing), severity) for severity in _LOUDEST]
    loud = " · ".join(f"{count} {severity}" for count, severity in counts if count)
    watched = f"{len(status.alerts)} pending" if status.rules else "no rule watches"
    light = _firing_light(counts) if firing or status.rules else Light.UNKNOWN
    yield Tile("Firing", str(len(firing)), loud or watched, light)
    yield Tile(
        "Streams live",
        _share([cell.light for cell in status.feeds]),
        _blind(status.feeds),
        _worst([cell.light for cell in status.feeds]),
    )
    yield _canary(status.canary_age_ms)
    yield _services(status.services)
    unsent = sum(message.state != SENT for message in status.messages)
    yield Tile(
        "Messages waiting",
        str(unsent),
        "to be sent" if unsent else "everything is sent",
        Light.WARN if unsent else Light.OK,
    )
    failing = sum(bool(rule.error) for rule in status.rules)
    light = Light.UNKNOWN if not status.rules else Light.BAD if failing else Light.OK
    yield Tile("Rules", str(len(status.rules)), f"{failing} fail" if failing else "none fails", light)


def _firing_light(counts: Sequence[tuple[int, str]]) -> Light:
    pages, others = counts[0][0], sum(count for count, _ in counts[1:])
    return Light.BAD if pages else Light.WARN if others else Light.OK


def _blind(feeds: Sequence[FeedCell]) -> str:
    blind = sorted({cell.venue for cell in feeds if cell.light is not Light.OK})
    return f"not: {', '.join(blind)}" if blind else "every venue" if feeds else "none reports"


def _canary(age_ms: float | None) -> Tile:
    if age_ms is None:
        return Tile("Database", "unknown", "no row has come back yet", Light.UNKNOWN)
    light = Light.OK if age_ms < CANARY_LATE_MS else Light.WARN if age_ms < CANARY_LOST_MS else Light.BAD
    return Tile("Database", f"{age_ms / 1000:,.1f} s", "since a row came back", light)


def _services(services: Sequence[ServiceLine]) -> Tile:
    waiting = sum(service.spool_rows or 0 for service in services)
    note = f"{waiting:,} rows wait on disk" if waiting else "no row waits on disk" if services else "none reports"
    lights = [service.light for service in services]
    return Tile("Services well", _share(lights), note, _worst(lights))


def _share(lights: Sequence[Light]) -> str:
    return f"{sum(light is Light.OK for light in lights)} of {len(lights)}" if lights else "unknown"


def _worst(lights: Sequence[Light]) -> Light:
    return min(lights, key=_WORST.index) if lights else Light.UNKNOWN


def _loudness(severity: str) -> int:
    return _LOUDEST.index(severity) if severity in _LOUDEST else len(_LOUDEST)


def _alert_groups(alerts: Sequence[AlertLine]) -> tuple[AlertGroup, ...]:
    def key(alert: AlertLine) -> tuple[int, str, str]:
        return _loudness(alert.severity), alert.severity, alert.alertname

    groups = [_alert_group(tuple(same)) for _, same in groupby(sorted(alerts, key=key), key)]
    return tuple(sorted(groups, key=lambda one: (not one.firing, _loudness(one.severity), one.since, one.name)))


def _alert_group(alerts: Sequence[AlertLine]) -> AlertGroup:
    ordered = tuple(sorted(alerts, key=lambda one: (one.state != FIRING, one.since)))
    firing = sum(alert.state == FIRING for alert in ordered)
    first = ordered[0]
    return AlertGroup(first.alertname, first.severity, firing, len(ordered) - firing, first.since, ordered)


def _venue_feeds(feeds: Sequence[FeedCell]) -> tuple[VenueFeeds, ...]:
    by_venue: dict[str, list[FeedCell]] = {}
    for cell in feeds:
        by_venue.setdefault(cell.venue, []).append(cell)
    return tuple(_one_venue(venue, cells) for venue, cells in sorted(by_venue.items()))


def _one_venue(venue: str, cells: Sequence[FeedCell]) -> VenueFeeds:
    channels = tuple(sorted({cell.channel for cell in cells}))
    worst: dict[tuple[str, str], FeedCell] = {}
    for cell in cells:
        place = (cell.symbol, cell.channel)
        if place not in worst or _WORST.index(cell.light) < _WORST.index(worst[place].light):
            worst[place] = cell
    symbols = sorted({cell.symbol for cell in cells})
    rows = [SymbolRow(symbol, tuple(worst.get((symbol, channel)) for channel in channels)) for symbol in symbols]
    fold = len(rows) > MANY_SYMBOLS
    return VenueFeeds(
        venue,
        channels,
        live=sum(cell.light is Light.OK for cell in cells),
        total=len(cells),
        shown=tuple(row for row in rows if not (fold and row.calm)),
        folded=tuple(row for row in rows if fold and row.calm),
    )
