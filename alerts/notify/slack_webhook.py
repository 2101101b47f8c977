"""Slack through an incoming webhook: for a first try, and where no app may be installed.

It has no edits, threads, buttons and charts: an incident is a message when it opens, gets louder or is over, and
what would be an edit is left out. Slack has no way to ask for a message again, so a lost answer may double it.
"""

import aiohttp

from alerts.model import AlertStatus, Notification, Reason
from alerts.notify.base import Payload, Reference, Storm
from alerts.notify.http import TIMEOUT, post
from alerts.notify.one_way import OneWay
from alerts.notify.slack_message import message
from alerts.notify.slack_storm import storm_message

QUIET = "quiet"
"""Key of a payload that would only be an edit; Slack never sees it."""
_SAID = frozenset({Reason.FIRST_NOTIFICATION, Reason.NEW_ALERTS, Reason.ALL_RESOLVED, Reason.RESOLVED_BY_HAND})


class SlackWebhook(OneWay):
    """One webhook, which is one channel. The session is its owner's."""

    def __init__(self, url: str, http: aiohttp.ClientSession, *, name: str, time_out: float = TIMEOUT) -> None:
        self._url = url
        self._http = http
        self._name = name
        self._time_out = time_out

    def render(self, notification: Notification) -> Payload:
        payload = message(notification)
        said = notification.reason in _SAID or notification.status is AlertStatus.RESOLVED
        return {**{key: payload[key] for key in ("text", "attachments")}, QUIET: not said}

    def sum_up(self, storm: Storm) -> Payload:
        payload = storm_message(storm)
        return {**{key: payload[key] for key in ("text", "attachments")}, QUIET: bool(storm.counts)}

    async def post(self, channel: str, payload: Payload) -> Reference:
        body = {key: value for key, value in payload.items() if key != QUIET}
        await post(self._http, self._url, body, name=self._name, time_out=self._time_out)
        return Reference(channel, "")

    async def update(self, reference: Reference, payload: Payload) -> Reference:
        return reference if payload.get(QUIET) else await self.post(reference.channel, payload)
