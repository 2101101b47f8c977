"""The buttons below an incident, and what a press of one says. Pure.

A verb's `action_id` never changes, since old messages keep their buttons; `value` is `incident:version`, and the span
of a silence follows. What a press means is decided on the incident as it is then, not as it was shown.
"""

from collections.abc import Mapping
from datetime import timedelta
from enum import StrEnum
from typing import Any, NamedTuple, TypeAlias

from alerts.model import IncidentState, Notification
from alerts.notify.slack_text import address

Block: TypeAlias = dict[str, Any]


class Verb(StrEnum):
    """What somebody can do to an incident; the value is Slack's `action_id`."""

    ACK = "dw_ack"
    UNACK = "dw_unack"
    SILENCE = "dw_silence"
    UNSILENCE = "dw_unsilence"
    RESOLVE = "dw_resolve"
    OPEN = "dw_open"
    """A link; Slack tells of a press all the same."""


class Press(NamedTuple):
    """One press: who did what to which incident, as it was shown in which version."""

    verb: Verb
    incident: str
    version: int
    user: str
    name: str
    channel: str
    key: str
    """Names the press: Slack may tell of it twice."""
    span: timedelta | None = None


_SPANS = {
    "15m": ("15 minutes", timedelta(minutes=15)),
    "1h": ("1 hour", timedelta(hours=1)),
    "4h": ("4 hours", timedelta(hours=4)),
    "1d": ("1 day", timedelta(days=1)),
}
_VERBS = {
    IncidentState.FIRING: (Verb.ACK, Verb.SILENCE, Verb.RESOLVE),
    IncidentState.ACKNOWLEDGED: (Verb.UNACK, Verb.SILENCE, Verb.RESOLVE),
    IncidentState.SILENCED: (Verb.UNSILENCE,),
    IncidentState.RESOLVED: (),
}
_TEXTS = {
    Verb.ACK: "Acknowledge",
    Verb.UNACK: "Unacknowledge",
    Verb.SILENCE: "Silence…",
    Verb.UNSILENCE: "End silence",
    Verb.RESOLVE: "Resolve",
    Verb.OPEN: "Dashboard",
}


def buttons(notification: Notification, dashboard: str, *, pressed: bool) -> Block:
    """Return the row of buttons; empty: none. `pressed`: somebody hears them, not only the link."""
    name = f"{notification.incident}:{notification.version}"
    elements = [_element(verb, name) for verb in _VERBS[notification.state]] if pressed else []
    url = address(dashboard)
    if url:
        elements.append({**_button(Verb.OPEN, name), "url": url})
    return {"type": "actions", "block_id": "actions", "elements": elements} if elements else {}


def _element(verb: Verb, name: str) -> Block:
    if verb is Verb.SILENCE:
        options = [{"text": _plain(text), "value": f"{name}:{key}"} for key, (text, _) in _SPANS.items()]
        return {"type": "static_select", "action_id": verb, "placeholder": _plain(_TEXTS[verb]), "options": options}
    button = _button(verb, name)
    if verb is Verb.ACK:
        button["style"] = "primary"
    if verb is Verb.RESOLVE:
        # It closes the message although the rule still fires: ask once.
        button["confirm"] = {
            "title": _plain("Resolve by hand?"),
            "text": _plain("It stays closed until it has recovered and fires anew."),
            "confirm": _plain("Resolve"),
            "deny": _plain("Cancel"),
        }
    return button


def _button(verb: Verb, name: str) -> Block:
    return {"type": "button", "action_id": verb, "value": name, "text": _plain(_TEXTS[verb])}


def _plain(text: str) -> Block:
    return {"type": "plain_text", "text": text}


def presses(payload: Mapping[str, Any]) -> list[Press]:
    """Return what an interaction's payload says; what is none of our buttons is left out."""
    if payload.get("type") != "block_actions":
        return []
    user, container = _map(payload.get("user")), _map(payload.get("container"))
    channel = str(container.get("channel_id") or _map(payload.get("channel")).get("id") or "")
    found = [_press(_map(one), user, channel) for one in payload.get("actions") or []]
    return [one for one in found if one is not None]


def _press(action: Mapping[str, Any], user: Mapping[str, Any], channel: str) -> Press | None:
    known = {str(verb): verb for verb in Verb}
    verb = known.get(str(action.get("action_id")))
    value = str(_map(action.get("selected_option")).get("value") or action.get("value") or "")
    incident, _, rest = value.partition(":")
    version, _, span = rest.partition(":")
    if verb is None or not incident or not (version.isascii() and version.isdigit()):
        return None
    if verb is Verb.SILENCE and span not in _SPANS:
        return None
    who, name = str(user.get("id") or ""), str(user.get("name") or user.get("username") or user.get("id") or "somebody")
    key = f"{who}|{verb}|{action.get('action_ts')}"
    return Press(verb, incident, int(version), who, name, channel, key, _SPANS[span][1] if span in _SPANS else None)


def _map(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
