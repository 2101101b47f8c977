"""The memory of the alert side, in one SQLite file: alerts, groups, incidents, messages, rows on their way.

A step's transitions and the messages that they cause are one transaction. A message waits in `outbox` until the
receiver's answer is stored: one row an incident, since a message is the whole desired state and the newest is enough.
"""

import json
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple, TypeVar

from alerts import codec, digest, outbox
from alerts.changes import Changes, Message, Part, Saved, Waiting
from alerts.evaluate import Memory
from alerts.model import AlertStatus, Reason, Severity
from alerts.notify.base import Payload, Reference
from alerts.state import Instance
from core.errors import UsageError
from core.rows import Row
from core.sqlite import Database, Durability

T = TypeVar("T")

FILE = "alerts.sqlite"
VERSION = 1
KEPT = timedelta(days=30)
"""How long sent messages and closed incidents are kept."""

SCHEMA = """
CREATE TABLE IF NOT EXISTS rules (rule TEXT PRIMARY KEY, empty INTEGER NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS instances (
  rule TEXT NOT NULL, fingerprint TEXT NOT NULL, body TEXT NOT NULL, PRIMARY KEY (rule, fingerprint)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS groups (key TEXT PRIMARY KEY, body TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS silences (id TEXT PRIMARY KEY, ends_at TEXT NOT NULL, body TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS incidents (
  incident TEXT PRIMARY KEY, receiver TEXT NOT NULL, channel TEXT NOT NULL,
  message_channel TEXT, message_ts TEXT,
  attempted INTEGER NOT NULL DEFAULT 0,
  sent INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE TABLE IF NOT EXISTS outbox (
  incident TEXT PRIMARY KEY, version INTEGER NOT NULL, status TEXT NOT NULL, severity TEXT NOT NULL,
  payload TEXT NOT NULL, at TEXT NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS messages (
  incident TEXT NOT NULL, version INTEGER NOT NULL, at TEXT NOT NULL, receiver TEXT NOT NULL, channel TEXT NOT NULL,
  status TEXT NOT NULL, severity TEXT NOT NULL, reason TEXT NOT NULL, text TEXT NOT NULL,
  state TEXT NOT NULL, error TEXT NOT NULL DEFAULT '', done_at TEXT,
  PRIMARY KEY (incident, version)
) STRICT;
CREATE INDEX IF NOT EXISTS messages_at ON messages (at);
CREATE TABLE IF NOT EXISTS events (id INTEGER PRIMARY KEY AUTOINCREMENT, body TEXT NOT NULL) STRICT;
"""
# incidents.attempted: the version whose post has begun and is not known to have ended; 0: none.


class StoreTooNew(UsageError):
    """The alert store was written by a newer deskwatch."""


class MessageState(StrEnum):
    """What became of a message."""

    WAITING = "waiting"
    SENT = "sent"
    REFUSED = "refused"
    SUPERSEDED = "superseded"
    FOLDED = "folded"
    """A digest tells of its incident."""


@dataclass(frozen=True, slots=True)
class Pending:
    """An incident's newest message with all that sending it needs."""

    version: int
    payload: Payload
    channel: str
    reference: Reference | None
    attempted: int
    around: outbox.Open


class Logged(NamedTuple):
    """One line of the notification log."""

    incident: str
    version: int
    at: datetime
    receiver: str
    channel: str
    status: AlertStatus
    reason: Reason
    text: str
    state: MessageState
    error: str


class Store:
    """Open it with `await Store.open(folder)`, close it with `await store.close()`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @classmethod
    async def open(cls, folder: Path) -> "Store":
        """Open or create the store in a folder.

        Raises:
            StoreTooNew: the file is of a newer version.
        """
        database = await Database.open(folder / FILE, SCHEMA + outbox.SCHEMA + digest.SCHEMA, Durability.FULL)
        found = await database.run(_check_version)
        if found > VERSION:
            await database.close()
            raise StoreTooNew(f"{folder / FILE} is of version {found}", hint=f"This one reads up to {VERSION}: upgrade")
        return cls(database)

    async def close(self) -> None:
        """Close the file."""
        await self._database.close()

    async def run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run functions of `outbox` and `digest` in one transaction."""
        return await self._database.run(work)

    async def _execute(self, sql: str, *values: str | int) -> None:
        def work(db: sqlite3.Connection) -> None:
            db.execute(sql, values)

        await self._database.run(work)

    async def load(self) -> Saved:
        """Return what was stored."""
        return await self._database.run(_load)

    async def save(self, steps: Sequence[Changes]) -> None:
        """Store some steps' changes, in order, all or nothing."""

        def work(db: sqlite3.Connection) -> None:
            for changes in steps:
                _save(db, changes)

        await self._database.run(work)

    async def pending(self, incident: str) -> Pending | None:
        """Return the message that waits for an incident."""
        return await self._database.run(lambda db: _pending(db, incident))

    async def attempt(self, incident: str, version: int) -> None:
        """Note that a post begins, before it does; version 0: it is known that it did not arrive."""
        sql = "UPDATE incidents SET attempted = ? WHERE incident = ?"
        await self._execute(sql, version, incident)

    async def confirm(self, incident: str, version: int, reference: Reference, at: datetime, event: Row) -> None:
        """Note that a version has arrived, and where; a newer one goes on waiting."""
        await self._database.run(lambda db: _confirm(db, incident, version, reference, at, event))

    async def refuse(self, incident: str, version: int, error: str, at: datetime, event: Row | None) -> None:
        """Note that a version was refused; it goes on waiting."""

        def work(db: sqlite3.Connection) -> None:
            db.execute("UPDATE incidents SET attempted = 0 WHERE incident = ?", (incident,))
            sql = "UPDATE messages SET state = ?, error = ?, done_at = ? WHERE incident = ? AND version = ?"
            db.execute(sql, (MessageState.REFUSED, error, at.isoformat(), incident, version))
            if event is not None:
                _add_events(db, [event])

        await self._database.run(work)

    async def lost(self, incident: str) -> None:
        """Note that an incident's message is gone: the next one is posted afresh."""
        sql = "UPDATE incidents SET message_channel = NULL, message_ts = NULL, attempted = 0 WHERE incident = ?"
        await self._execute(sql, incident)

    async def events(self, limit: int = 5000) -> tuple[int, list[Row]]:
        """Return rows that are not handed on yet, oldest first, and the number of the last of them."""

        def work(db: sqlite3.Connection) -> tuple[int, list[Row]]:
            found = db.execute("SELECT id, body FROM events ORDER BY id LIMIT ?", (limit,)).fetchall()
            return (found[-1]["id"] if found else 0), [codec.read_row(one["body"]) for one in found]

        return await self._database.run(work)

    async def forget_events(self, last: int) -> None:
        """Remove rows up to a number: they are durable elsewhere."""
        await self._execute("DELETE FROM events WHERE id <= ?", last)

    async def messages(self, limit: int) -> list[Logged]:
        """Return the newest messages, newest first."""
        sql = "SELECT * FROM messages ORDER BY at DESC, version DESC LIMIT ?"
        return await self._database.run(lambda db: [_logged(one) for one in db.execute(sql, (limit,))])

    async def knows(self, incident: str) -> bool:
        """Whether there is, or was, an incident of that name."""
        sql = "SELECT 1 FROM incidents WHERE incident = ?"
        return await self._database.run(lambda db: db.execute(sql, (incident,)).fetchone() is not None)

    async def prune(self, now: datetime) -> None:
        """Forget messages and incidents that are over for long."""

        def work(db: sqlite3.Connection) -> None:
            before = (now - KEPT).isoformat()
            sql = "DELETE FROM messages WHERE at < ? AND incident NOT IN (SELECT incident FROM outbox)"
            db.execute(sql, (before,))
            db.execute("DELETE FROM silences WHERE ends_at < ?", (before,))
            digest.prune(db, before)
            db.execute(
                "DELETE FROM incidents WHERE incident NOT IN (SELECT incident FROM messages) "
                "AND incident NOT IN (SELECT json_extract(body, '$.incident') FROM groups) "
                "AND incident NOT IN (SELECT digest FROM digests)"
            )
            outbox.prune(db)

        await self._database.run(work)


def _check_version(db: sqlite3.Connection) -> int:
    found = int(db.execute("PRAGMA user_version").fetchone()[0])
    if found < VERSION:
        db.execute(f"PRAGMA user_version = {VERSION}")
    return found


def _load(db: sqlite3.Connection) -> Saved:
    empty = {one["rule"]: one["empty"] for one in db.execute("SELECT rule, empty FROM rules")}
    alerts: dict[str, dict[str, Instance]] = {}
    for one in db.execute("SELECT rule, body FROM instances"):
        instance = codec.read_instance(one["body"])
        alerts.setdefault(one["rule"], {})[instance.fingerprint] = instance
    memories = {rule: Memory(alerts.get(rule, {}), empty.get(rule, 0)) for rule in empty.keys() | alerts.keys()}
    groups = [codec.read_group(one["body"]) for one in db.execute("SELECT body FROM groups ORDER BY key")]
    sql = (
        "SELECT o.incident, o.version, i.receiver, i.channel, o.status, o.severity, o.at, i.message_ts "
        "FROM outbox o JOIN incidents i USING (incident) ORDER BY o.at"
    )
    waiting = [
        Waiting(
            one["incident"],
            one["version"],
            one["receiver"],
            one["channel"],
            AlertStatus(one["status"]),
            Severity(one["severity"]),
            datetime.fromisoformat(one["at"]),
            fresh=one["message_ts"] is None,
        )
        for one in db.execute(sql)
    ]
    waiting += _threads(db)
    silences = [codec.read_silence(one["body"]) for one in db.execute("SELECT body FROM silences ORDER BY ends_at")]
    return Saved(memories, groups, waiting, silences)


def _threads(db: sqlite3.Connection) -> list[Waiting]:
    """Return the threads of sent messages that have lines waiting."""
    loud = outbox.with_lines(db)
    sql = (
        "SELECT i.incident, i.receiver, i.channel, i.sent, json_extract(t.facts, '$.severity') AS severity, "
        "json_extract(t.facts, '$.opened') AS at FROM incidents i JOIN threads t USING (incident) "
        "WHERE i.message_ts IS NOT NULL AND i.incident IN (SELECT incident FROM lines)"
    )
    return [
        Waiting(
            one["incident"],
            one["sent"],
            one["receiver"],
            one["channel"],
            AlertStatus.FIRING,
            Severity(one["severity"]),
            datetime.fromisoformat(one["at"]),
            Part.LOUD_LINE if loud[one["incident"]] else Part.QUIET_LINE,
        )
        for one in db.execute(sql)
    ]


def _save(db: sqlite3.Connection, changes: Changes) -> None:
    gone = [key for key, one in changes.instances.items() if one is None]
    kept = [(*key, codec.dump_instance(one)) for key, one in changes.instances.items() if one is not None]
    db.executemany("DELETE FROM instances WHERE rule = ? AND fingerprint = ?", gone)
    db.executemany("INSERT OR REPLACE INTO instances VALUES (?, ?, ?)", kept)
    for rule, empty in changes.empty.items():
        if empty is None:
            db.execute("DELETE FROM rules WHERE rule = ?", (rule,))
        else:
            db.execute("INSERT OR REPLACE INTO rules VALUES (?, ?)", (rule, empty))
    for key, group in changes.groups.items():
        if group is None:
            db.execute("DELETE FROM groups WHERE key = ?", (key,))
        else:
            db.execute("INSERT OR REPLACE INTO groups VALUES (?, ?)", (key, codec.dump_group(group)))
    for silence in changes.silences.values():
        row = (silence.id, silence.ends_at.isoformat(), codec.dump_silence(silence))
        db.execute("INSERT OR REPLACE INTO silences VALUES (?, ?, ?)", row)
    for message in changes.messages:
        _queue(db, message)
    _add_events(db, changes.events)


def _queue(db: sqlite3.Connection, message: Message) -> None:
    at = message.at.isoformat()
    incident = (message.incident, message.receiver, message.channel)
    db.execute("INSERT OR IGNORE INTO incidents (incident, receiver, channel) VALUES (?, ?, ?)", incident)
    superseded = (MessageState.SUPERSEDED, message.incident, MessageState.WAITING, MessageState.REFUSED)
    db.execute("UPDATE messages SET state = ? WHERE incident = ? AND state IN (?, ?)", superseded)
    folded = digest.keeps(db, message.incident, message.reason, message.facts)
    if not folded:
        payload = json.dumps(message.payload, ensure_ascii=False)
        row = (message.incident, message.version, message.status, message.severity, payload, at)
        db.execute("INSERT OR REPLACE INTO outbox VALUES (?, ?, ?, ?, ?, ?)", row)
    outbox.note(db, message.incident, message.facts)
    db.execute(
        "INSERT OR REPLACE INTO messages (incident, version, at, receiver, channel, status, severity, reason, text, "
        "state) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            message.incident,
            message.version,
            at,
            message.receiver,
            message.channel,
            message.status,
            message.severity,
            message.reason,
            message.text,
            MessageState.FOLDED if folded else MessageState.WAITING,
        ),
    )


def _pending(db: sqlite3.Connection, incident: str) -> Pending | None:
    sql = "SELECT * FROM outbox JOIN incidents USING (incident) WHERE incident = ?"
    one = db.execute(sql, (incident,)).fetchone()
    if one is None:
        return None
    there = one["message_ts"] is not None
    reference = Reference(one["message_channel"], one["message_ts"]) if there else None
    payload, around = json.loads(one["payload"]), outbox.look_up(db, incident)
    return Pending(one["version"], payload, one["channel"], reference, one["attempted"], around)


def _confirm(
    db: sqlite3.Connection, incident: str, version: int, reference: Reference, at: datetime, event: Row
) -> None:
    sql = "UPDATE incidents SET message_channel = ?, message_ts = ?, attempted = 0, sent = ? WHERE incident = ?"
    db.execute(sql, (*reference, version, incident))
    db.execute("DELETE FROM outbox WHERE incident = ? AND version = ?", (incident, version))
    sql = "UPDATE messages SET state = ?, error = '', done_at = ? WHERE incident = ? AND version = ?"
    db.execute(sql, (MessageState.SENT, at.isoformat(), incident, version))
    _add_events(db, [event])


def _add_events(db: sqlite3.Connection, rows: Iterable[Row]) -> None:
    db.executemany("INSERT INTO events (body) VALUES (?)", [(codec.dump_row(row),) for row in rows])


def _logged(one: sqlite3.Row) -> Logged:
    return Logged(
        one["incident"],
        one["version"],
        datetime.fromisoformat(one["at"]),
        one["receiver"],
        one["channel"],
        AlertStatus(one["status"]),
        Reason(one["reason"]),
        one["text"],
        MessageState(one["state"]),
        one["error"],
    )
