"""Is the data path behind? Told from the database alone, so that it holds for collectors of other processes too.

While rows come late, a missing row proves nothing: `stale` and `absent` hold, and one alert tells why.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from core.errors import DeskError
from core.ports import Result, RowReader
from rules.findings import Finding
from rules.model import Absent, Alerts, Change, Group, Mismatch, Record, Rule, Spike, Sql, Stale, Threshold

EVERY_S = 0.5
FORGET = timedelta(hours=1)
"""A collector that has been silent for longer is no longer expected."""
KEEP_FIRING = timedelta(seconds=5)
BEAT_S = 1.0
NEVER_BELOW_S = 2.0
"""A heartbeat a second, its way to the database and our look at it: younger than this is always in time."""
OURS = frozenset({"alert_events", "rule_evaluations", "canary"})
"""Tables that no rule's data path leads through."""

BEATS = """
SELECT instance, ts, oldest_unsent_s FROM heartbeats
WHERE service = 'collector' AND ts > %(start)s AND ts <= %(now)s
LATEST ON ts PARTITION BY instance
"""
LOGS = "SELECT name, suspended, writerTxn AS applied, sequencerTxn AS written FROM wal_tables()"


class Lag(NamedTuple):
    """How far the path is behind, in seconds, and where it is worst."""

    seconds: float
    why: str


@dataclass(frozen=True, slots=True)
class Seen:
    """What a look saw: each collector's last heartbeat and its oldest unsent row, each table's oldest unapplied one."""

    beats: Mapping[str, tuple[datetime, float]] = field(default_factory=dict)
    behind: Mapping[str, tuple[int, datetime]] = field(default_factory=dict)
    """Table -> a transaction that was written by then, and is not applied."""
    suspended: Sequence[str] = ()
    unreadable_since: datetime | None = None
    error: str = ""


class PathWatch:
    """Looks at the data path, and judges how late it is at a moment."""

    def __init__(self, reader: RowReader, late: timedelta) -> None:
        self._reader = reader
        self._late_s = late.total_seconds()
        self._seen = Seen()

    async def look(self, now: datetime) -> None:
        """Ask the database; that it cannot be read is an answer too."""
        try:
            beats = await self._reader.query(BEATS, {"now": now, "start": now - FORGET})
            logs = await self._reader.query(LOGS)
        except DeskError as error:
            since = self._seen.unreadable_since or now
            self._seen = Seen(self._seen.beats, self._seen.behind, self._seen.suspended, since, str(error))
            return
        rows = [one for one in _rows(logs) if one["name"] not in OURS]
        self._seen = Seen(
            {one["instance"]: (one["ts"], one["oldest_unsent_s"] or 0.0) for one in _rows(beats)},
            _behind(self._seen.behind, rows, now),
            tuple(one["name"] for one in rows if one["suspended"]),
        )

    def lag(self, at: datetime) -> Lag:
        """Return how far the path is behind at a moment."""
        seen = self._seen
        found = [Lag(0.0, "")]
        if seen.unreadable_since is not None:
            found.append(Lag(_span(seen.unreadable_since, at), f"the database cannot be read: {seen.error}"))
        for name, (beat, unsent) in seen.beats.items():
            found.append(Lag(_span(beat, at), f"collector {name} has not been heard of"))
            found.append(Lag(unsent, f"collector {name} has rows that the database does not take"))
        for name, (_, since) in seen.behind.items():
            found.append(Lag(_span(since, at), f"the database has not applied what was written to {name}"))
        if seen.suspended:
            why = f"the database has suspended {', '.join(seen.suspended)}: resume it or restart the database"
            found.append(Lag(max(found).seconds + self._late_s + BEAT_S, why))
        return max(found)

    def late_for(self, rule: Rule, at: datetime) -> bool:
        """Whether a missing row proves nothing for a rule: the path is late, or as late as the rule's own patience."""
        match rule.kind:
            case Stale(older_than=patience) | Absent(over=patience):
                own = max(patience.total_seconds() - BEAT_S, NEVER_BELOW_S)
                return self.lag(at).seconds > min(self._late_s, own)
            case Threshold() | Spike() | Mismatch():
                return self.lag(at).seconds > self._late_s
            case Sql() | Change() | Alerts() | Record():
                return False

    def findings(self, at: datetime) -> list[Finding]:
        """Return the finding of the built-in alert: one while the path is late."""
        lag = self.lag(at)
        return [Finding({}, lag.seconds, {"why": lag.why})] if lag.seconds > self._late_s else []


def built_in(late: timedelta) -> tuple[Group, Rule]:
    """Return the alert that takes the place of a storm of stale ones."""
    rule = Rule(
        name="DataPathBehind",
        kind=Sql("", None, None),
        severity="page",
        summary="Data is {{ value | duration }} late: {{ why }}",
        description="Rules that judge missing rows hold their state until rows come in time again.",
        hold=late,
        keep_firing_for=KEEP_FIRING,
    )
    return Group("deskwatch", Path("deskwatch"), timedelta(seconds=EVERY_S), timedelta(), {}, (rule,)), rule


def _behind(
    before: Mapping[str, tuple[int, datetime]], rows: Sequence[Mapping[str, Any]], now: datetime
) -> dict[str, tuple[int, datetime]]:
    """Keep the oldest unapplied transaction of each table that we know a time of."""
    behind: dict[str, tuple[int, datetime]] = {}
    for one in rows:
        applied, written = int(one["applied"] or 0), int(one["written"] or 0)
        if written > applied:
            known = before.get(one["name"])
            behind[one["name"]] = known if known is not None and known[0] > applied else (written, now)
    return behind


def _rows(result: Result) -> list[dict[str, Any]]:
    return [dict(zip(result.columns, row, strict=True)) for row in result.rows]


def _span(since: datetime, at: datetime) -> float:
    return max(0.0, (at - since).total_seconds())
