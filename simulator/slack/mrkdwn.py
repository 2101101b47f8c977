"""Slack's mark-up as HTML. Whatever stands in a message is text; only Slack's own signs become tags."""

import html
import re
from datetime import UTC, datetime
from urllib.parse import urlsplit

from markupsafe import Markup

_TOKEN = re.compile(r"```(?P<pre>.+?)```|`(?P<code>[^`\n]+)`|<(?P<token>[^<>\n]+)>", re.DOTALL)
_KEPT = re.compile("\ue000(\\d+)\ue001")
_EMPHASIS = [
    (re.compile(rf"(?<![\w{sign}]){sign}(?=\S)([^{sign}\n]+?)(?<=\S){sign}(?![\w{sign}])"), tag)
    for sign, tag in ((r"\*", "strong"), ("_", "em"), ("~", "del"))
]
_EMOJI = re.compile(r":([a-z0-9_+-]+):")
_EMOJIS = {
    "white_check_mark": "✅",
    "warning": "⚠️",
    "rotating_light": "🚨",
    "red_circle": "🔴",
    "large_green_circle": "🟢",
    "bell": "🔔",
    "no_bell": "🔕",
    "eyes": "👀",
    "information_source": "\N{INFORMATION SOURCE}",
}
_ESCAPES = (("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&"))


def to_html(text: str) -> Markup:
    """Return mrkdwn as HTML that is safe to show."""
    kept: list[str] = []

    def keep(found: re.Match[str]) -> str:
        kept.append(_special(found))
        return f"\ue000{len(kept) - 1}\ue001"

    plain = text.replace("\ue000", "").replace("\ue001", "")
    body = _data(_TOKEN.sub(keep, plain))
    for pattern, tag in _EMPHASIS:
        body = pattern.sub(rf"<{tag}>\1</{tag}>", body)
    body = _EMOJI.sub(lambda found: _EMOJIS.get(found[1], found[0]), body).replace("\n", "<br>")
    return Markup(_KEPT.sub(lambda found: kept[int(found[1])], body))  # noqa: S704  every part of it is escaped above


def _data(text: str) -> str:
    """Return text of a message as HTML text: Slack's three entities are undone, then everything is escaped."""
    for entity, sign in _ESCAPES:
        text = text.replace(entity, sign)
    return html.escape(text)


def _special(found: re.Match[str]) -> str:
    if found["pre"] is not None:
        return f"<pre>{_data(found['pre'].strip())}</pre>"
    if found["code"] is not None:
        return f"<code>{_data(found['code'])}</code>"
    target, _, label = found["token"].partition("|")
    if target.startswith("!date^"):
        return _date(target, label)
    if target.startswith("!"):
        return _mention(target[1:].partition("^")[0])
    if target.startswith(("@", "#")):
        return _mention(label or target[1:], sign=target[0])
    return _link(target, label)


def _mention(name: str, sign: str = "@") -> str:
    return f'<span class="mention">{sign}{_data(name)}</span>'


def _link(target: str, label: str) -> str:
    shown = _data(label or target)
    try:
        scheme = urlsplit(target).scheme
    except ValueError:
        return shown
    if scheme not in {"http", "https", "mailto"}:
        return shown
    return f'<a href="{_data(target)}" target="_blank" rel="noopener noreferrer">{shown}</a>'


def _date(target: str, fallback: str) -> str:
    """Return a time that the page shows in the reader's zone by the form beside it."""
    _, epoch, form, *_ = [*target.split("^"), "", ""]
    if not (epoch.isascii() and epoch.isdigit() and len(epoch) <= 11):  # noqa: PLR2004  up to the year 5138
        return _data(fallback)
    moment = datetime.fromtimestamp(int(epoch), tz=UTC).isoformat()
    return f'<time datetime="{moment}" data-form="{_data(form)}" title="{_data(fallback)}">{_data(fallback)}</time>'
