"""Alerts and groups as JSON texts, as the store keeps them, and back."""

import dataclasses
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from alerts.group import AlertGroup, AlertKey, Member, Told
from alerts.intervals import Interval, Span
from alerts.labels import Matcher, Operator
from alerts.model import Ack, Hold, Silenced
from alerts.silence import Silence
from alerts.state import Firing, Instance, Pending, Phase, Resolved, ResolveReason, Texts
from core.rows import Row


def dump_instance(instance: Instance) -> str:
    """Return an alert as text."""
    return json.dumps(_instance(instance), ensure_ascii=False)


def read_instance(text: str) -> Instance:
    """Return the alert of a text."""
    return _read_instance(json.loads(text))


def dump_group(group: AlertGroup) -> str:
    """Return a group as text."""
    told = group.told
    document = {
        "key": group.key,
        "receiver": group.receiver,
        "labels": group.labels,
        "route": group.route,
        "created_at": group.created_at.isoformat(),
        "next_flush": group.next_flush.isoformat(),
        "members": sorted(group.members),
        "ended": [[key, _instance(one)] for key, one in group.ended.items()],
        "told": told and [sorted(told.firing), sorted(told.resolved), told.at.isoformat()],
        "incident": group.incident,
        "opened_at": group.opened_at and group.opened_at.isoformat(),
        "version": group.version,
        "waits": group.waits,
        "ack": group.ack and [group.ack.actor, group.ack.at.isoformat()],
        "silenced": group.silenced and _silenced(group.silenced),
        "reminded": group.reminded,
        "closed": sorted(group.closed),
        "held": [[key, why] for key, why in group.held.items()],
    }
    return json.dumps(document, ensure_ascii=False)


def read_group(text: str) -> AlertGroup:
    """Return the group of a text."""
    given = json.loads(text)
    return AlertGroup(
        key=given["key"],
        receiver=given["receiver"],
        labels=given["labels"],
        route=given["route"],
        created_at=datetime.fromisoformat(given["created_at"]),
        next_flush=datetime.fromisoformat(given["next_flush"]),
        members=frozenset(AlertKey(*one) for one in given["members"]),
        ended={AlertKey(*key): _read_instance(one) for key, one in given["ended"]},
        told=_read_told(given["told"]),
        incident=given["incident"],
        opened_at=_moment(given["opened_at"]),
        version=given["version"],
        waits=given["waits"],
        ack=_read_ack(given.get("ack")),
        silenced=_read_silenced(given.get("silenced")),
        reminded=given.get("reminded", False),
        closed=_members(given.get("closed", [])),
        held={AlertKey(*key): Hold(why) for key, why in given.get("held", [])},
    )


def dump_silence(silence: Silence) -> str:
    """Return a silence as text."""
    document = {
        "id": silence.id,
        "matchers": [[one.name, one.operator, one.value] for one in silence.matchers],
        "starts_at": silence.starts_at.isoformat(),
        "ends_at": silence.ends_at.isoformat(),
        "author": silence.author,
        "comment": silence.comment,
        "created_at": silence.created_at.isoformat(),
        "weekly": [dataclasses.asdict(one) for one in silence.weekly],
        "incident": silence.incident,
    }
    return json.dumps(document, ensure_ascii=False)


def read_silence(text: str) -> Silence:
    """Return the silence of a text."""
    given = json.loads(text)
    return Silence(
        id=given["id"],
        matchers=tuple(Matcher(name, Operator(operator), value) for name, operator, value in given["matchers"]),
        starts_at=datetime.fromisoformat(given["starts_at"]),
        ends_at=datetime.fromisoformat(given["ends_at"]),
        author=given["author"],
        comment=given["comment"],
        created_at=datetime.fromisoformat(given["created_at"]),
        weekly=tuple(_interval(one) for one in given["weekly"]),
        incident=given["incident"],
    )


def dump_row(row: Row) -> str:
    """Return a row of texts and numbers as text."""
    return json.dumps([row.table, row.ts, row.values], ensure_ascii=False)


def read_row(text: str) -> Row:
    """Return the row of a text."""
    table, ts, values = json.loads(text)
    return Row(table, ts, values)


def _instance(instance: Instance) -> dict[str, Any]:
    return {
        "fingerprint": instance.fingerprint,
        "labels": instance.labels,
        "phase": _phase(instance.phase),
        "value": instance.value,
        "value_now": instance.value_now,
        "texts": [instance.texts.summary, instance.texts.description],
    }


def _read_instance(given: Mapping[str, Any]) -> Instance:
    phase, texts = _read_phase(given["phase"]), Texts(*given["texts"])
    return Instance(given["fingerprint"], given["labels"], phase, given["value"], given["value_now"], texts)


def _phase(phase: Phase) -> list[str | None]:
    match phase:
        case Pending(active_at):
            return ["pending", active_at.isoformat()]
        case Firing(active_at, fired_at, absent_since):
            since = absent_since.isoformat() if absent_since else None
            return ["firing", active_at.isoformat(), fired_at.isoformat(), since]
        case Resolved(active_at, fired_at, resolved_at, reason):
            return ["resolved", active_at.isoformat(), fired_at.isoformat(), resolved_at.isoformat(), reason]


def _read_phase(given: Sequence[str]) -> Phase:
    name, active_at, *rest = given
    active = datetime.fromisoformat(active_at)
    match name:
        case "pending":
            return Pending(active)
        case "firing":
            return Firing(active, datetime.fromisoformat(rest[0]), _moment(rest[1]))
        case _:
            fired, ended = datetime.fromisoformat(rest[0]), datetime.fromisoformat(rest[1])
            return Resolved(active, fired, ended, ResolveReason(rest[2]))


def _read_told(given: Sequence[Any] | None) -> Told | None:
    if given is None:
        return None
    firing, resolved, at = given
    return Told(_members(firing), _members(resolved), datetime.fromisoformat(at))


def _members(given: Sequence[Sequence[str]]) -> frozenset[Member]:
    return frozenset(Member(*one) for one in given)


def _interval(given: Mapping[str, Any]) -> Interval:
    spans = {name: tuple(Span(*one) for one in value) for name, value in given.items() if name != "zone"}
    return Interval(**spans, zone=given["zone"])


def _read_ack(given: Sequence[str] | None) -> Ack | None:
    return Ack(given[0], datetime.fromisoformat(given[1])) if given else None


def _silenced(one: Silenced) -> list[str]:
    return [one.silence, one.until.isoformat(), one.actor, one.comment]


def _read_silenced(given: Sequence[str] | None) -> Silenced | None:
    return Silenced(given[0], datetime.fromisoformat(given[1]), given[2], given[3]) if given else None


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
