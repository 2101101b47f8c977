"""From the alert service to the page's lines."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from alerts.overview import IncidentSummary
from alerts.service import AlertService
from alerts.silence import Silence, SilenceState
from alerts.snapshot import AlertSummary, MessageSummary, RuleSummary
from deskwatch.web.model import AlertLine, IncidentLine, MessageLine, RuleLine, SilenceLine

MESSAGES = 50


class AlertLines(NamedTuple):
    """What the page shows of the alert side."""

    alerts: tuple[AlertLine, ...] = ()
    messages: tuple[MessageLine, ...] = ()
    rules: tuple[RuleLine, ...] = ()
    incidents: tuple[IncidentLine, ...] = ()
    silences: tuple[SilenceLine, ...] = ()


def alert_lines(service: AlertService | None, now: datetime) -> Mapping[str, Any]:
    """Return the fields of a DeskStatus that the alert service fills."""
    if service is None:
        return AlertLines()._asdict()
    silences = [one for one in service.actions.silences() if one.state(now) is not SilenceState.EXPIRED]
    return AlertLines(
        tuple(_alert(one) for one in service.alerts()),
        tuple(_message(one) for one in service.messages(MESSAGES)),
        tuple(_rule(one) for one in service.rules()),
        tuple(_incident(one) for one in service.incidents()),
        tuple(_silence(one, now) for one in silences),
    )._asdict()


def _alert(one: AlertSummary) -> AlertLine:
    held = "silenced" if one.silenced_by else "inhibited" if one.inhibited_by else ""
    return AlertLine(one.alertname, one.severity, one.state, one.labels, one.value, one.since, one.summary, held)


def _message(one: MessageSummary) -> MessageLine:
    state = f"{one.state}: {one.error}" if one.error else one.state
    return MessageLine(one.at, one.receiver, one.channel, one.status, one.text, state)


def _rule(one: RuleSummary) -> RuleLine:
    return RuleLine(one.group, one.rule, one.state, one.last_evaluation, one.duration_ms, one.error)


def _incident(one: IncidentSummary) -> IncidentLine:
    note = f"acknowledged by {one.ack.actor}" if one.ack else ""
    if one.silenced is not None:
        note = f"silenced by {one.silenced.actor} until {one.silenced.until:%d %b %H:%M} UTC: {one.silenced.comment}"
    return IncidentLine(
        incident=one.incident,
        state=one.state,
        severity=one.severity,
        title=one.title,
        receiver=one.receiver,
        firing=one.firing,
        opened_at=one.opened_at,
        acknowledged=one.ack is not None,
        silenced=one.silenced is not None,
        note=note,
    )


def _silence(one: Silence, now: datetime) -> SilenceLine:
    return SilenceLine(
        id=one.id,
        state=one.state(now),
        match=", ".join(str(matcher) for matcher in one.matchers),
        ends_at=one.ends_at,
        author=one.author,
        comment=one.comment,
        weekly=bool(one.weekly),
    )
