"""What a rule would send to Slack, and whether Slack would take it."""

import asyncio
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import aiohttp

from alerts.evaluate import labels_of
from alerts.model import AlertStatus, AlertView, Notification, Reason, Severity
from alerts.notify.slack import SlackNotifier
from alerts.notify.slack_message import message
from alerts.tree import Kind, Receiver
from core.clock import Clock
from core.errors import DeskError, UsageError
from deskwatch.routebook import load_routes
from deskwatch.rulebook import load_rules
from deskwatch.settings import Settings
from rules.model import Group, Rule
from rules.problems import nearest
from rules.template import names, render

EXAMPLES = {"venue": "okx", "symbol": "BTC-USDT", "account": "main", "channel": "books", "service": "collector"}
"""Values of labels that most rules have; another name shows as itself."""
VALUE = 12.4


class NoSuchRule(UsageError):
    """There is no such rule."""


@dataclass(frozen=True, slots=True)
class Preview:
    """One rule's message with example values."""

    rule: str
    payload: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    what: str
    ok: bool
    detail: str


def previews(settings: Settings, wanted: str, at: datetime) -> list[Preview]:
    """Return what the rules would send, or the one of that name.

    Raises:
        NoSuchRule: with the nearest name.
    """
    rules = load_rules(settings)
    every = [(group, rule) for group in rules.groups for rule in group.rules]
    chosen = [(group, rule) for group, rule in every if wanted in {"", rule.name}]
    if not chosen:
        raise NoSuchRule(repr(wanted), hint=nearest(wanted, [rule.name for _, rule in every]))
    return [Preview(rule.name, message(_example(group, rule, at), pressed=True)) for group, rule in chosen]


def _example(group: Group, rule: Rule, at: datetime) -> Notification:
    used = names(rule.summary) | names(rule.description)
    columns = {name: EXAMPLES.get(name, name) for name in sorted(used | {"venue", "symbol"}) if name != "value"}
    labels = labels_of(group, rule, columns)
    severity = Severity(labels.get("severity") or rule.severity)
    view = AlertView(
        fingerprint="preview",
        alertname=rule.name,
        labels=dict(labels),
        status=AlertStatus.FIRING,
        severity=severity,
        value=VALUE,
        value_now=VALUE,
        summary=render(rule.summary, labels, VALUE, {}),
        description=render(rule.description, labels, VALUE, {}) if rule.description else "",
        runbook=rule.runbook,
        dashboard=rule.dashboard,
        fired_at=at - timedelta(minutes=3),
        resolved_at=None,
    )
    return Notification(
        incident="preview",
        version=1,
        receiver="default",
        group={"alertname": rule.name},
        status=AlertStatus.FIRING,
        severity=severity,
        reason=Reason.FIRST_NOTIFICATION,
        alerts=(view,),
        opened_at=at - timedelta(minutes=3),
        closed_at=None,
        at=at,
        source=f"{group.file.name}",
    )


def lines(payload: dict[str, Any]) -> Iterator[str]:
    """Yield a message as text, as far as a terminal can show it."""
    yield payload["text"]
    for block in payload["attachments"][0]["blocks"]:
        if block["type"] == "actions":
            texts = [_label(one) for one in block["elements"]]
            yield "  " + "  ".join(f"[{text}]" for text in texts)
            continue
        for part in block.get("fields", []):
            yield _plain(part["text"]).replace("\n", ": ", 1)
        for part in [*([block["text"]] if "text" in block else []), *block.get("elements", [])]:
            yield _plain(part["text"])


def _plain(text: str) -> str:
    """Return mark-up as a terminal shows it: a date or link by its label."""
    return "  " + re.sub(r"<[^|<>]*\|([^<>]*)>", r"\1", text).replace("\n", "\n  ")


def _label(element: dict[str, Any]) -> str:
    return str((element.get("text") or element["placeholder"])["text"])


async def check(settings: Settings, clock: Clock) -> list[Finding]:
    """Ask Slack: whose token it is, what it may do, every receiver's channel, and Socket Mode; nothing is posted."""
    given = settings.slack
    if given.token is None:
        return [Finding("token", False, "Set slack.token (DESKWATCH_SLACK__TOKEN_FILE); docs/slack.md has the steps")]  # noqa: FBT003  the field is named `ok`
    app_token = given.app_token.get_secret_value() if given.app_token else ""
    routing = await asyncio.to_thread(load_routes, settings)
    async with aiohttp.ClientSession() as http:
        token = given.token.get_secret_value()
        slack = SlackNotifier(token, http, app_token=app_token, api_url=given.api_url, clock=clock)
        found = [await _token(slack)]
        receivers = [one for one in routing.receivers.values() if one.kind is Kind.SLACK]
        found += [await _channel(slack, one) for one in receivers]
        found.append(await _buttons(slack, given=bool(app_token)))
    return found


async def _token(slack: SlackNotifier) -> Finding:
    try:
        who = await slack.who_am_i()
    except DeskError as error:
        return Finding("token", ok=False, detail=str(error))
    return Finding("token", ok="without the scopes" not in who, detail=who)


async def _channel(slack: SlackNotifier, receiver: Receiver) -> Finding:
    what = f"receiver {receiver.name}"
    try:
        return Finding(what, ok=True, detail=await slack.look_up(receiver.channel))
    except DeskError as error:
        return Finding(what, ok=False, detail=str(error))


async def _buttons(slack: SlackNotifier, *, given: bool) -> Finding:
    if not given:
        return Finding("buttons", ok=True, detail="off: no slack.app_token, messages name the commands instead")
    try:
        _ = await slack.open_socket()
    except DeskError as error:
        return Finding("buttons", ok=False, detail=str(error))
    return Finding("buttons", ok=True, detail="Socket Mode gives a connection")
