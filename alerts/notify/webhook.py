"""A webhook in Alertmanager's form, version 4: whatever takes its notifications takes ours.

The form is Alertmanager's documentation of `webhook_config`. Times are RFC 3339; an alert that still fires ends at the
zero time. A receiver tells repetitions by `fingerprint` and `startsAt`, so one that is sent twice does no harm.
"""

from datetime import datetime
from typing import Any

import aiohttp

from alerts.model import AlertStatus, AlertView, Labels, Notification
from alerts.notify.base import Payload, Reference, Storm
from alerts.notify.http import TIMEOUT, post
from alerts.notify.one_way import OneWay

VERSION = "4"
ZERO = "0001-01-01T00:00:00Z"


class Webhook(OneWay):
    """One address. The session is its owner's. `external_url`: where a person finds us."""

    def __init__(
        self, url: str, http: aiohttp.ClientSession, *, name: str, external_url: str = "", time_out: float = TIMEOUT
    ) -> None:
        self._url = url
        self._http = http
        self._name = name
        self._external_url = external_url
        self._time_out = time_out

    def render(self, notification: Notification) -> Payload:
        alerts = [_alert(one) for one in notification.alerts]
        return {
            "version": VERSION,
            "groupKey": f"{{}}:{_key(notification.group)}",
            "truncatedAlerts": 0,
            "status": notification.status,
            "receiver": notification.receiver,
            "groupLabels": notification.group,
            "commonLabels": _common([one["labels"] for one in alerts]),
            "commonAnnotations": _common([one["annotations"] for one in alerts]),
            "externalURL": self._external_url,
            "alerts": alerts,
        }

    def sum_up(self, storm: Storm) -> None:
        del storm  # a machine hears of each

    async def post(self, channel: str, payload: Payload) -> Reference:
        await post(self._http, self._url, payload, name=self._name, time_out=self._time_out)
        return Reference(channel, "")

    async def update(self, reference: Reference, payload: Payload) -> Reference:
        return await self.post(reference.channel, payload)


def _alert(alert: AlertView) -> dict[str, Any]:
    texts = {"summary": alert.summary, "description": alert.description, "runbook_url": alert.runbook}
    if alert.value is not None:
        texts["value"] = str(alert.value)
    return {
        "status": alert.status,
        "labels": {"alertname": alert.alertname, **alert.labels, "severity": alert.severity},
        "annotations": {name: text for name, text in texts.items() if text},
        "startsAt": _moment(alert.fired_at),
        "endsAt": ZERO if alert.status is AlertStatus.FIRING else _moment(alert.resolved_at or alert.fired_at),
        "generatorURL": alert.dashboard,
        "fingerprint": alert.fingerprint,
    }


def _moment(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")


def _key(group: Labels) -> str:
    named = ", ".join(f"{name}={_quoted(value)}" for name, value in sorted(group.items()))
    return f"{{{named}}}"


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def _common(each: list[dict[str, str]]) -> dict[str, str]:
    if not each:
        return {}
    return {name: text for name, text in each[0].items() if all(one.get(name) == text for one in each)}
