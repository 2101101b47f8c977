"""What belongs to an incident's message besides its text, in the store's file: thread lines, links, the chart.

A line waits here from the transaction that caused it until the receiver's answer is stored; one whose answer was lost
is looked for before it is said again. Each function here runs inside a transaction of the store.
"""

import json
import sqlite3
from collections.abc import Mapping
from typing import Any, NamedTuple

from alerts.notify.base import Extras, Reference
from alerts.notify.thread import lines, read_facts

SCHEMA = """
CREATE TABLE IF NOT EXISTS threads (
  incident TEXT PRIMARY KEY, group_key TEXT NOT NULL, opened_at TEXT NOT NULL, facts TEXT NOT NULL,
  previous TEXT NOT NULL DEFAULT '', chart TEXT NOT NULL DEFAULT '', digest TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX IF NOT EXISTS threads_group ON threads (group_key, opened_at);
CREATE INDEX IF NOT EXISTS threads_digest ON threads (digest) WHERE digest != '';
CREATE TABLE IF NOT EXISTS lines (
  id INTEGER PRIMARY KEY AUTOINCREMENT, incident TEXT NOT NULL, text TEXT NOT NULL, loud INTEGER NOT NULL,
  attempted INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX IF NOT EXISTS lines_incident ON lines (incident);
"""
# threads.digest: the digest that tells of the incident in its stead; empty: it has, or gets, a message of its own.


class Open(NamedTuple):
    """What sending needs to know of an incident besides its payload."""

    extras: Extras
    before: Reference | None
    """The message of the group's last incident, while `extras` has no link to it."""
    lines: bool


class WaitingLine(NamedTuple):
    """A line that is not confirmed yet."""

    id: int
    text: str
    loud: bool
    attempted: bool


def note(db: sqlite3.Connection, incident: str, given: Mapping[str, Any]) -> None:
    """Note a new version of an incident's message, and queue the lines that it adds to the thread."""
    now = read_facts(given)
    if now is None:
        return
    found = db.execute("SELECT facts, digest FROM threads WHERE incident = ?", (incident,)).fetchone()
    # What a digest tells of has no thread.
    if found is not None and not found["digest"]:
        added = [(incident, one.text, one.loud) for one in lines(read_facts(json.loads(found["facts"])), now)]
        db.executemany("INSERT INTO lines (incident, text, loud) VALUES (?, ?, ?)", added)
    sql = (
        "INSERT INTO threads (incident, group_key, opened_at, facts) VALUES (?, ?, ?, ?) "
        "ON CONFLICT (incident) DO UPDATE SET facts = excluded.facts"
    )
    db.execute(sql, (incident, now.group, now.opened, json.dumps(now.as_json(), ensure_ascii=False)))


def line(db: sqlite3.Connection, incident: str) -> WaitingLine | None:
    """Return the oldest line that waits for an incident."""
    sql = "SELECT id, text, loud, attempted FROM lines WHERE incident = ? ORDER BY id LIMIT 1"
    one = db.execute(sql, (incident,)).fetchone()
    return None if one is None else WaitingLine(one["id"], one["text"], bool(one["loud"]), bool(one["attempted"]))


def place(db: sqlite3.Connection, incident: str) -> Reference | None:
    """Return where an incident's message is."""
    sql = "SELECT message_channel, message_ts FROM incidents WHERE incident = ? AND message_ts IS NOT NULL"
    one = db.execute(sql, (incident,)).fetchone()
    return None if one is None else Reference(*one)


def with_lines(db: sqlite3.Connection) -> dict[str, bool]:
    """Return the incidents that have lines waiting, and whether one of them is loud."""
    found = db.execute("SELECT incident, max(loud) AS loud FROM lines GROUP BY incident")
    return {one["incident"]: bool(one["loud"]) for one in found}


def begin_line(db: sqlite3.Connection, number: int) -> None:
    """Note that a line is about to be said."""
    db.execute("UPDATE lines SET attempted = 1 WHERE id = ?", (number,))


def end_line(db: sqlite3.Connection, number: int) -> None:
    """Note that a line has arrived, or will never."""
    db.execute("DELETE FROM lines WHERE id = ?", (number,))


def drop_lines(db: sqlite3.Connection, incident: str) -> None:
    """Forget an incident's lines: the message that they belong to is gone."""
    db.execute("DELETE FROM lines WHERE incident = ?", (incident,))


def look_up(db: sqlite3.Connection, incident: str) -> Open:
    """Return what sending needs to know of an incident."""
    one = db.execute("SELECT previous, chart FROM threads WHERE incident = ?", (incident,)).fetchone()
    extras = Extras(one["previous"], one["chart"]) if one is not None else Extras()
    earlier = None if extras.previous else before(db, incident)
    return Open(extras, earlier, line(db, incident) is not None)


def before(db: sqlite3.Connection, incident: str) -> Reference | None:
    """Return the message of the group's last incident before this one."""
    sql = (
        "SELECT i.message_channel, i.message_ts FROM threads t JOIN threads o USING (group_key) "
        "JOIN incidents i ON i.incident = o.incident "
        "WHERE t.incident = ? AND o.opened_at < t.opened_at AND i.message_ts != '' "
        "ORDER BY o.opened_at DESC LIMIT 1"
    )
    one = db.execute(sql, (incident,)).fetchone()
    return None if one is None else Reference(one["message_channel"], one["message_ts"])


def set_previous(db: sqlite3.Connection, incident: str, link: str) -> None:
    """Keep the link to the message of the incident before."""
    db.execute("UPDATE threads SET previous = ? WHERE incident = ?", (link, incident))


def set_chart(db: sqlite3.Connection, incident: str, file: str) -> None:
    """Keep the name of an incident's chart."""
    db.execute("UPDATE threads SET chart = ? WHERE incident = ?", (file, incident))


def prune(db: sqlite3.Connection) -> None:
    """Forget what belongs to incidents that are forgotten."""
    for table in ("threads", "lines"):
        db.execute(f"DELETE FROM {table} WHERE incident NOT IN (SELECT incident FROM incidents)")  # noqa: S608  our names
