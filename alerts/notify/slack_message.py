"""One incident as one Slack message, pure. It is edited through its life, so each rendering is the whole of it.

`text` stands above the coloured bar and is what a phone shows; the attachment therefore never repeats it.
"""

import json
import math
import re
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, NamedTuple, TypeAlias

from alerts.model import AlertStatus, AlertView, IncidentState, Labels, Notification, Severity
from alerts.notify.base import Extras, Payload
from alerts.notify.slack_buttons import buttons
from alerts.notify.slack_text import address, clean, code, cut, duration, escape, link, moment, number, one_line, size

Block: TypeAlias = dict[str, Any]

EVENT_TYPE = "deskwatch_incident"
"""By this metadata we recognise our own message."""

REPLY_LIMIT = 3000
HEADLINE_LIMIT = 300
PUSH = 80
"""Characters that a phone shows."""

SECTION_LIMIT = 2800
FIELD_LIMIT = 400
FIELD_COUNT = 10
ATTACHMENT_BYTES = 12_500

COLOURS = {Severity.PAGE: "#a30200", Severity.WARN: "#e8912d", Severity.INFO: "#439fe0"}
GREEN, YELLOW, GREY = "#2eb886", "#daa038", "#dddddd"

_TAGS = {
    IncidentState.FIRING: "FIRING",
    IncidentState.ACKNOWLEDGED: "ACK",
    IncidentState.SILENCED: "SILENCED",
    IncidentState.RESOLVED: "RESOLVED",
}
_RANK = {severity: rank for rank, severity in enumerate(Severity)}
_OWN = frozenset({"alertname", "severity"})
_PLACES = ("venue", "account", "symbol", "channel", "service")
_BY_HAND = "`deskwatch alerts ack {}`"
_NUMBER = re.compile(r"-?\d[\d,]{0,30}(?:\.\d{1,30})?")


class _Room(NamedTuple):
    """How much one attempt may say; the next attempt says less."""

    alerts: int
    line: int
    why: int
    labels: int
    label: int


_ROOMS = (
    _Room(alerts=10, line=200, why=1900, labels=8, label=120),
    _Room(alerts=5, line=160, why=900, labels=6, label=80),
    _Room(alerts=3, line=100, why=300, labels=4, label=40),
    _Room(alerts=1, line=60, why=0, labels=2, label=30),
)


def message(notification: Notification, *, pressed: bool = False) -> Payload:
    """Return the message for a notification, within all of Slack's limits whatever the texts are.

    `pressed`: somebody hears the buttons; without, the small print names the commands that do the same.
    """
    alerts = sorted(notification.alerts, key=_urgency)
    return {
        "text": _headline(notification, alerts),
        "attachments": [_fitting(notification, alerts, pressed=pressed)],
        "metadata": {
            "event_type": EVENT_TYPE,
            "event_payload": {"incident": notification.incident, "version": notification.version},
        },
        "unfurl_links": False,
        "unfurl_media": False,
    }


def dressed(payload: Payload, extras: Extras) -> Payload:
    """Return a message with its chart, and with the way to the incident before it, in the small print."""
    [attachment] = payload["attachments"]
    *blocks, last = attachment["blocks"]
    if extras.chart:
        number = str(last["block_id"]).rpartition("-")[2]
        chart = {"type": "image", "slack_file": {"id": extras.chart}, "alt_text": "the rule's value over time"}
        at = len(blocks) - (bool(blocks) and blocks[-1]["type"] == "actions")
        blocks.insert(at, {**chart, "block_id": f"chart-{number}"})
    before = link(extras.previous, "last time") if extras.previous else ""
    if before:
        [text] = last["elements"]
        last = {**last, "elements": [{**text, "text": f"fired before: {before}  ·  {text['text']}"}]}
    return {**payload, "attachments": [{**attachment, "blocks": [*blocks, last]}]}


def _urgency(alert: AlertView) -> tuple[bool, int, Any]:
    return (alert.status is AlertStatus.RESOLVED, -_RANK[alert.severity], alert.fired_at)


def _lasted(notification: Notification) -> timedelta:
    return (notification.closed_at or notification.at) - notification.opened_at


def _headline(notification: Notification, alerts: Sequence[AlertView]) -> str:
    """State, severity, what, value and where: the first two are always whole, the rest shares the push."""
    lasted = f" {duration(_lasted(notification))}" if notification.status is AlertStatus.RESOLVED else ""
    tag = f"[{_TAGS[notification.state]}{lasted} {notification.severity}]"
    what = _what(notification, alerts)
    value = _value(notification, alerts, what)
    where = _where(notification, alerts, f"{what} {value}")
    tail = "".join(f" · {escape(part, 40)}" for part in (value, where) if part)
    room = max(20, PUSH - size(tag) - size(tail) - 1)
    head = f"*{tag}* {escape(what, room)}{tail}"
    # What the push has no room for is still in the channel, after what it shows.
    return cut(head if size(escape(what, HEADLINE_LIMIT)) <= room else f"{head}\n{escape(what, HEADLINE_LIMIT)}", 1000)


def _what(notification: Notification, alerts: Sequence[AlertView]) -> str:
    if not alerts:
        return one_line(notification.group.get("alertname", "") or notification.incident)
    first = one_line(alerts[0].summary) or one_line(alerts[0].alertname)
    if len(alerts) == 1:
        return first
    names = list(dict.fromkeys(one_line(alert.alertname) for alert in alerts))
    told = names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more rules"
    return f"{len(alerts)} × {told}: {first}"


def _value(notification: Notification, alerts: Sequence[AlertView], said: str) -> str:
    """Return the number that the text lacks; of a resolved alert the number now, never the last bad one."""
    if len(alerts) != 1:
        return ""
    alert = alerts[0]
    if notification.status is AlertStatus.RESOLVED:
        return "" if alert.value_now is None else f"now {number(alert.value_now)}"
    return "" if _says(said, alert.value) else number(alert.value)


def _says(text: str, value: float | None) -> bool:
    """Whether a text tells the value already, rounded perhaps; there is nothing to tell of None."""
    numbers = [float(found.replace(",", "")) for found in _NUMBER.findall(text[:HEADLINE_LIMIT])]
    return value is None or any(math.isclose(one, value, rel_tol=0.01) for one in numbers)


def _where(notification: Notification, alerts: Sequence[AlertView], said: str) -> str:
    shared = dict(alerts[0].labels) if alerts else dict(notification.group)
    for alert in alerts[1:]:
        shared = {name: text for name, text in shared.items() if alert.labels.get(name) == text}
    places = [one_line(shared[name]) for name in _PLACES if shared.get(name)]
    return " ".join(place for place in places if place.lower() not in said.lower())


def _fitting(notification: Notification, alerts: Sequence[AlertView], *, pressed: bool) -> Block:
    attachment: Block = {}
    for room in _ROOMS:
        blocks = _blocks(notification, alerts, room, pressed=pressed)
        attachment = {"color": _colour(notification), "blocks": blocks}
        if len(json.dumps([attachment])) <= ATTACHMENT_BYTES:
            break
    return attachment


def _colour(notification: Notification) -> str:
    # State beats severity: what is over is green, however bad it was.
    match notification.state:
        case IncidentState.RESOLVED:
            return GREEN
        case IncidentState.SILENCED:
            return GREY
        case IncidentState.ACKNOWLEDGED:
            return YELLOW
        case IncidentState.FIRING:
            return COLOURS[notification.severity]


def _blocks(notification: Notification, alerts: Sequence[AlertView], room: _Room, *, pressed: bool) -> list[Block]:
    """Return the blocks in reading order: facts, why and links, then the small print. Buttons go before the last."""
    parts = [
        _facts(notification, alerts, room),
        _section("alerts", _list(alerts, room) if len(alerts) > 1 else ""),
        _section("why", _why(notification, alerts, room)),
        buttons(notification, alerts[0].dashboard if alerts else "", pressed=pressed),
        _small_print(notification, pressed=pressed),
    ]
    blocks = [part for part in parts if part]
    # Slack asks for new block ids at each edit.
    return [{**block, "block_id": f"{block['block_id']}-{notification.version}"} for block in blocks]


def _section(name: str, text: str) -> Block:
    return (
        {"type": "section", "block_id": name, "text": {"type": "mrkdwn", "text": cut(text, SECTION_LIMIT)}}
        if text
        else {}
    )


def _facts(notification: Notification, alerts: Sequence[AlertView], room: _Room) -> Block:
    facts = [*_numbers(notification, alerts), *_times(notification), *_care(notification)]
    labels = alerts[0].labels if len(alerts) == 1 else notification.group
    facts += [
        (escape(one_line(name), 60) or "label", code(text, room.label)) for name, text in _named(labels)[: room.labels]
    ]
    fields = [{"type": "mrkdwn", "text": cut(f"*{name}*\n{text}", FIELD_LIMIT)} for name, text in facts[:FIELD_COUNT]]
    return {"type": "section", "block_id": "facts", "fields": fields}


def _numbers(notification: Notification, alerts: Sequence[AlertView]) -> list[tuple[str, str]]:
    if len(alerts) != 1:
        firing = sum(alert.status is AlertStatus.FIRING for alert in alerts)
        over = len(alerts) - firing
        return [("Alerts", f"{firing} firing, {over} over" if over else f"{firing} firing")]
    alert = alerts[0]
    if notification.status is AlertStatus.RESOLVED:
        return [("Value now", number(alert.value_now)), ("While firing", number(alert.value))]
    facts = [("Value", number(alert.value))]
    if alert.value_now is not None and alert.value_now != alert.value:
        facts.append(("Value now", number(alert.value_now)))
    return facts


def _times(notification: Notification) -> list[tuple[str, str]]:
    if notification.status is AlertStatus.RESOLVED:
        span = f"{moment(notification.opened_at)} – {moment(notification.closed_at or notification.at)}"
        return [("Lasted", f"{duration(_lasted(notification))}, {span}")]
    # Slack keeps `ago` up to date by itself, so no edit is needed to tell how long it lasts.
    return [("Since", moment(notification.opened_at, "{time_secs}, {ago}"))]


def _care(notification: Notification) -> list[tuple[str, str]]:
    """Return who looks after it, and who keeps it quiet."""
    facts = []
    if notification.closed_by:
        facts.append(("Resolved by", escape(one_line(notification.closed_by), 60)))
    if notification.ack is not None and notification.status is AlertStatus.FIRING:
        ack = notification.ack
        facts.append(("Acknowledged", f"{escape(one_line(ack.actor), 60)}, {moment(ack.at)}"))
    if notification.silenced is not None and notification.status is AlertStatus.FIRING:
        quiet = notification.silenced
        comment = f"\n{escape(one_line(quiet.comment), 120)}" if quiet.comment else ""
        until = f"until {moment(quiet.until)}, {escape(one_line(quiet.actor), 60)}{comment}"
        facts.append(("Silenced", until))
    return facts


def _named(labels: Labels) -> list[tuple[str, str]]:
    """Return the labels that tell where: places first, then the others by name."""
    names = sorted(
        (name for name, text in labels.items() if text and name not in _OWN),
        key=lambda name: (_PLACES.index(name) if name in _PLACES else len(_PLACES), name),
    )
    return [(name.replace("_", " ").capitalize(), labels[name]) for name in names]


def _list(alerts: Sequence[AlertView], room: _Room) -> str:
    lines = [_line(alert, room.line) for alert in alerts[: room.alerts]]
    rest = len(alerts) - len(lines)
    return "\n".join([*lines, f"_and {rest:,} more_"] if rest else lines)


def _line(alert: AlertView, limit: int) -> str:
    text = one_line(alert.summary)
    if not text:
        text = " ".join([one_line(alert.alertname), *(one_line(value) for _, value in _named(alert.labels))])
    if alert.status is AlertStatus.FIRING:
        value = "" if _says(text, alert.value) else f" · *{number(alert.value)}*"
        return f"• *{alert.severity}*  {escape(text, limit)}{value}"
    over = duration((alert.resolved_at or alert.fired_at) - alert.fired_at)
    was = f"now *{number(alert.value_now)}*, was {number(alert.value)}, lasted {over}"
    return f"• *resolved*  {escape(text, limit)} · {was}"


def _why(notification: Notification, alerts: Sequence[AlertView], room: _Room) -> str:
    """Return the descriptions, each once, and the links. A resolved incident needs the links alone."""
    texts: list[str] = []
    if notification.status is AlertStatus.FIRING and room.why:
        told = dict.fromkeys(clean(alert.description).strip() for alert in alerts[: room.alerts])
        texts = [text for text in told if text]
    why = escape("\n".join(texts), room.why) if texts else ""
    return "\n".join(part for part in (why, _links(notification, alerts)) if part)


def _links(notification: Notification, alerts: Sequence[AlertView]) -> str:
    pairs = dict.fromkeys(
        [(alert.runbook, "Runbook") for alert in alerts[:1]]
        + [(alert.dashboard, "Dashboard") for alert in alerts[:1] if not address(alert.dashboard)]  # it has a button
        + [(url, label) for label, url in list(notification.links.items())[:4]]
    )
    found: list[str] = []
    for url, label in pairs:
        one = link(url, label)
        # A runbook that is a file's name and no address is worth reading too.
        shown = one or (f"{escape(label, 60)}: {code(url, 120)}" if url else "")
        if shown and size("  ·  ".join([*found, shown])) <= SECTION_LIMIT // 4:
            found.append(shown)
    return "  ·  ".join(found)


def _small_print(notification: Notification, *, pressed: bool) -> Block:
    names = list(dict.fromkeys(alert.alertname for alert in notification.alerts))
    parts = [
        code(", ".join(names[:3]) + ("…" if len(names) > 3 else ""), 160) if names else "",  # noqa: PLR2004  three fit
        escape(one_line(notification.source), 120),
        f"incident {code(notification.incident, 60)}",
        f"update {notification.version}" if notification.version > 1 else "",
        moment(notification.at),
        "" if pressed or notification.status is AlertStatus.RESOLVED else _BY_HAND.format(notification.incident[:40]),
    ]
    text = "  ·  ".join(part for part in parts if part)
    return {"type": "context", "block_id": "small-print", "elements": [{"type": "mrkdwn", "text": text}]}
