"""A storm in one message: incidents that share a digest instead of having a message each, in the store's file.

A digest stands in the outbox like any message, from the transaction in which it takes incidents over; so one of the
two tells of each incident whenever we die. Each function here runs inside a transaction of the store.
"""

import json
import sqlite3
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from alerts.model import AlertStatus, IncidentState, Reason, Severity
from alerts.notice import RANK
from alerts.notify.base import Payload, Storm

SCHEMA = """
CREATE TABLE IF NOT EXISTS digests (
  digest TEXT PRIMARY KEY, receiver TEXT NOT NULL, channel TEXT NOT NULL, began_at TEXT NOT NULL,
  severity TEXT NOT NULL, version INTEGER NOT NULL
) STRICT;
"""

FOLDED = "folded"
"""State of a message whose incident a digest tells of."""
LASTS = timedelta(minutes=30)
"""Incidents that come later than this after a storm began belong to another one."""

Render = Callable[[Storm], Payload | None]


class Folded(NamedTuple):
    """A digest as it waits to be sent, and the versions of the incidents that it tells of now."""

    digest: str
    version: int
    severity: Severity
    status: AlertStatus
    at: datetime


def fold(
    db: sqlite3.Connection, receiver: str, channel: str, incidents: Iterable[str], at: datetime, render: Render
) -> Folded | None:
    """Let a channel's digest tell of incidents; None: the receiver has no digests."""
    digest, began_at, severity, version = _current(db, receiver, channel, at)
    names = [(digest, one) for one in incidents]
    db.executemany("UPDATE threads SET digest = ? WHERE incident = ? AND digest = ''", names)
    sql = "SELECT severity FROM threads JOIN outbox USING (incident) WHERE digest = ? GROUP BY severity"
    found = [one["severity"] for one in db.execute(sql, (digest,))]
    loudest = Severity(max([severity, *found], key=RANK.__getitem__))
    db.execute(
        "INSERT OR REPLACE INTO digests VALUES (?, ?, ?, ?, ?, ?)",
        (
            digest,
            receiver,
            channel,
            began_at.isoformat(),
            loudest,
            version,
        ),
    )
    folded = _say(db, digest, at, render)
    if folded is None:
        db.executemany("UPDATE threads SET digest = '' WHERE digest = ? AND incident = ?", names)
        db.execute("DELETE FROM digests WHERE digest = ?", (digest,))
        return None
    db.executemany("DELETE FROM outbox WHERE incident = ?", [(one,) for _, one in names])
    sql = "UPDATE messages SET state = ?, done_at = ? WHERE incident = ? AND state = 'waiting'"
    db.executemany(sql, [(FOLDED, at.isoformat(), one) for _, one in names])
    return folded


def _current(db: sqlite3.Connection, receiver: str, channel: str, at: datetime) -> tuple[str, datetime, Severity, int]:
    """Return the digest that a channel has now, or a new one."""
    sql = "SELECT * FROM digests WHERE receiver = ? AND channel = ? ORDER BY began_at DESC LIMIT 1"
    one = db.execute(sql, (receiver, channel)).fetchone()
    if one is not None and at - datetime.fromisoformat(one["began_at"]) < LASTS and counts(db, one["digest"])[1]:
        return one["digest"], datetime.fromisoformat(one["began_at"]), Severity(one["severity"]), one["version"]
    return f"storm-{receiver}-{at:%Y%m%dT%H%M%S%f}", at, Severity.INFO, 0


def counts(db: sqlite3.Connection, digest: str) -> tuple[int, dict[str, int]]:
    """Return how many incidents a digest tells of, and how many of them are open, by rule."""
    total, still = 0, {}
    sql = (
        "SELECT json_extract(facts, '$.name') AS name, json_extract(facts, '$.state') = ? AS over, count(*) AS n "
        "FROM threads WHERE digest = ? GROUP BY 1, 2"
    )
    for one in db.execute(sql, (IncidentState.RESOLVED, digest)):
        total += one["n"]
        if not one["over"]:
            still[one["name"]] = one["n"]
    return total, still


def again(db: sqlite3.Connection, digest: str, at: datetime, render: Render) -> Folded | None:
    """Let a digest be sent anew; None: there is no such digest."""
    return _say(db, digest, at, render)


def _say(db: sqlite3.Connection, digest: str, at: datetime, render: Render) -> Folded | None:
    one = db.execute("SELECT * FROM digests WHERE digest = ?", (digest,)).fetchone()
    if one is None:
        return None
    version, severity = one["version"] + 1, Severity(one["severity"])
    total, still = counts(db, digest)
    payload = render(Storm(digest, version, severity, total, still, datetime.fromisoformat(one["began_at"]), at))
    if payload is None:
        return None
    status = AlertStatus.FIRING if still else AlertStatus.RESOLVED
    db.execute("UPDATE digests SET version = ? WHERE digest = ?", (version, digest))
    sql = "INSERT OR IGNORE INTO incidents (incident, receiver, channel) VALUES (?, ?, ?)"
    db.execute(sql, (digest, one["receiver"], one["channel"]))
    text = json.dumps(payload, ensure_ascii=False)
    db.execute(
        "INSERT OR REPLACE INTO outbox VALUES (?, ?, ?, ?, ?, ?)",
        (digest, version, status, severity, text, at.isoformat()),
    )
    return Folded(digest, version, severity, status, at)


def of(db: sqlite3.Connection, incident: str) -> str:
    """Return the digest that tells of an incident, "" if it has a message of its own."""
    one = db.execute("SELECT digest FROM threads WHERE incident = ?", (incident,)).fetchone()
    return "" if one is None else str(one["digest"])


def keeps(db: sqlite3.Connection, incident: str, reason: str, facts: Mapping[str, Any]) -> bool:
    """Whether a digest goes on telling of an incident; a reminder, or one that got louder, gets its own message."""
    one = db.execute("SELECT digest, facts FROM threads WHERE incident = ?", (incident,)).fetchone()
    if one is None or not one["digest"]:
        return False
    louder = RANK[str(facts.get("severity", Severity.INFO))] > RANK[json.loads(one["facts"])["severity"]]
    over = facts.get("state") == IncidentState.RESOLVED
    if over or not (louder or reason == Reason.REPEAT_INTERVAL):
        return True
    db.execute("DELETE FROM threads WHERE incident = ?", (incident,))  # it begins anew
    return False


def prune(db: sqlite3.Connection, before: str) -> None:
    """Forget digests that are over for long."""
    db.execute("DELETE FROM digests WHERE began_at < ?", (before,))
