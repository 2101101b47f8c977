"""What the alert side writes to the database: `alert_events` and `rule_evaluations`."""

import hashlib
import json
from collections.abc import Iterable
from datetime import datetime

from alerts.evaluate import Evaluation, labels_of
from alerts.model import AlertStatus, Hold, Labels, Notification, Severity
from alerts.state import Instance, Transition
from core.clock import to_nanos
from core.rows import Row, Value
from rules.findings import Finding
from rules.model import Group, Rule


def transition_row(transition: Transition) -> Row:
    """Return the row of one step of one alert."""
    one = transition.instance
    values = _alert(one.labels, one.fingerprint, one.value_now if one.value_now is not None else one.value)
    values |= {"event": "transition", "from_state": transition.before, "to_state": transition.after}
    if transition.reason:
        values["reason"] = transition.reason
    return Row("alert_events", to_nanos(transition.at), values)


def hold_row(instance: Instance, receiver: str, incident: str, hold: Hold, at: datetime, by: str = "") -> Row:
    """Return the row that says why an alert is not told to a receiver now, and what holds it."""
    values = _alert(instance.labels, instance.fingerprint, instance.value)
    values |= {"event": "hold", "receiver": receiver, "reason": hold, "incident": incident or None}
    values |= {"detail": by} if by else {}
    return Row("alert_events", to_nanos(at) + _apart(f"{receiver}{incident}"), values)


def notification_rows(notification: Notification, caused_by: Iterable[str]) -> list[Row]:
    """Return a row for each alert that a notification is about; `caused_by` are their fingerprints."""
    wanted = frozenset(caused_by)
    ts = to_nanos(notification.at) + _apart(f"{notification.receiver}{notification.incident}")
    rows = []
    for one in notification.alerts:
        if one.fingerprint in wanted:
            value = one.value if one.status is AlertStatus.FIRING else one.value_now
            values = _alert(one.labels, one.fingerprint, value)
            values |= {"event": "notification", "receiver": notification.receiver, "reason": notification.reason}
            values |= {"to_state": one.status, "incident": notification.incident}
            rows.append(Row("alert_events", ts, values))
    return rows


def delivery_row(incident: str, receiver: str, severity: Severity, event: str, reason: str, at: int) -> Row:
    """Return the row of a message that was sent or refused; it has the incident's name for a fingerprint."""
    values: dict[str, Value] = {
        "event": event,
        "severity": severity,
        "receiver": receiver,
        "reason": reason,
        "fingerprint": incident,
        "incident": incident,
    }
    return Row("alert_events", at, values)


def action_row(subject: str, receiver: str, reason: str, actor: str, at: datetime) -> Row:
    """Return the row of what a person did to an incident or to a silence; it has their name for a fingerprint."""
    values: dict[str, Value] = {
        "event": "action",
        "receiver": receiver or None,
        "reason": reason,
        "fingerprint": subject,
        "incident": subject,
        "detail": actor,
    }
    return Row("alert_events", to_nanos(at) + _apart(f"{receiver}{subject}{reason}"), values)


def evaluation_row(
    group: str, rule: str, slot: datetime, evaluation: Evaluation, *, duration_ms: float, lateness_ms: float
) -> Row:
    """Return the row of one evaluation."""
    values: dict[str, Value] = {
        "rule_group": group,
        "rule": rule,
        "outcome": evaluation.health,
        "rows": evaluation.rows,
        "duration_ms": duration_ms,
        "lateness_ms": lateness_ms,
        "error": evaluation.error or None,
    }
    return Row("rule_evaluations", to_nanos(slot), values)


def recording_rows(group: Group, rule: Rule, slot: datetime, findings: Iterable[Finding]) -> list[Row]:
    """Return a row for each value of a recording rule, at the time that the query looked at."""
    ts = to_nanos(slot - rule.as_of(group))
    rows = []
    for one in findings:
        if one.value is None:
            continue  # a hole stays a hole
        labels = labels_of(group, rule, one.labels)
        del labels["severity"], labels["alertname"]
        values: dict[str, Value] = {name: labels.get(name) for name in ("venue", "account", "symbol")}
        values |= {"rule_group": group.name, "rule": rule.name, "value": one.value}
        rows.append(Row("recordings", ts, {**values, "labels": json.dumps(labels, sort_keys=True, ensure_ascii=False)}))
    return rows


def skipped_row(group: str, slot: datetime, cause: str) -> Row:
    """Return the row of a slot at which a whole group did not run; it has no rule."""
    return Row("rule_evaluations", to_nanos(slot), {"rule_group": group, "outcome": "skipped", "error": cause})


def _alert(labels: Labels, fingerprint: str, value: float | None) -> dict[str, Value]:
    return {
        "alertname": labels.get("alertname"),
        "severity": labels.get("severity"),
        "fingerprint": fingerprint,
        "labels": json.dumps(labels, sort_keys=True, ensure_ascii=False),
        "value": value,
    }


def _apart(name: str) -> int:
    """Return nanoseconds that keep two groups' rows of one alert and moment apart: the moment is exact to 1000."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:4]) % 999 + 1
