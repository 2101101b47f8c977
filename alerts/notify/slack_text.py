"""Slack's mark-up, pure: what comes from data is escaped, cut where Slack would refuse it, and never pings anyone.

Lengths are counted after escaping, in UTF-16 units, the strictest way that Slack may count.
"""

import math
import re
from datetime import UTC, datetime, timedelta
from urllib.parse import quote, urlsplit

ELLIPSIS = "…"
URL_LIMIT = 2000

_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})
# Control characters and lone surrogates have no place in a message, and marks of direction could turn it around.
_UNFIT = re.compile("[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_CUT_ENTITY = re.compile(r"&[a-z]{0,3}$")
_URL_SAFE = "/:?#[]@!$'()*+,;=%~-._&"


def size(text: str) -> int:
    """Return the length in UTF-16 units."""
    return len(text) + sum(character > "\uffff" for character in text)


def clean(text: str) -> str:
    """Return the text without characters that cannot be shown."""
    return _UNFIT.sub("\ufffd", text)


def escape(text: str, limit: int) -> str:
    """Return a text of data as inert mark-up of at most `limit` units, with an ellipsis where it was cut."""
    return cut(clean(text[: limit + 1]).translate(_ESCAPES), limit)


def cut(markup: str, limit: int) -> str:
    """Cut escaped text to `limit` units, never inside an entity."""
    if size(markup) <= limit:
        return markup
    kept = markup[: limit - 1]
    while size(kept) >= limit:
        kept = kept[:-1]
    return _CUT_ENTITY.sub("", kept).rstrip() + ELLIPSIS


def one_line(text: str) -> str:
    """Return the text with every run of white space as one blank."""
    return " ".join(text.split())


def code(text: str, limit: int) -> str:
    """Return data as a code span; back-ticks in it become apostrophes."""
    return f"`{escape(one_line(text).replace('`', chr(0x27)), limit - 2) or ' '}`"


def address(url: str) -> str:
    """Return a URL, quoted, or an empty text for one that a browser should not open from a chat."""
    quoted = quote(clean(one_line(url[: URL_LIMIT + 1])), safe=_URL_SAFE)
    try:
        parts = urlsplit(quoted)
    except ValueError:
        return ""
    fits = parts.scheme in {"http", "https"} and parts.netloc and len(quoted) <= URL_LIMIT
    return quoted if fits else ""


def link(url: str, label: str) -> str:
    """Return a link, or an empty text for an address that a browser should not open from a chat."""
    shown = address(url).replace("&", "&amp;")
    if not shown or len(shown) > URL_LIMIT:
        return ""
    return f"<{shown}|{escape(one_line(label).replace('|', '/'), 60) or 'link'}>"


def moment(at: datetime, form: str = "{time_secs}") -> str:
    """Return a time that Slack shows in the reader's zone; UTC where it cannot."""
    utc = at.astimezone(UTC)
    return f"<!date^{int(utc.timestamp())}^{form}|{utc:%Y-%m-%d %H:%M:%S} UTC>"


def duration(span: timedelta) -> str:
    """Return a span by its two largest units: `42s`, `7m`, `1h 5m`, `3d 2h`."""
    seconds = max(0, round(span.total_seconds()))
    if seconds < 60:  # noqa: PLR2004  a minute
        return f"{seconds}s"
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    units = [(days, "d"), (hours, "h"), (minutes, "m"), (seconds if not days and not hours else 0, "s")]
    return " ".join([f"{count}{unit}" for count, unit in units if count][:2])


def number(value: float | None) -> str:
    """Return a number as a trader reads it: four digits, thousands apart."""
    if value is None or math.isnan(value):
        return "no value"
    if math.isinf(value):
        return "∞" if value > 0 else "-∞"
    if not 1000 <= abs(value) < 1e15:  # noqa: PLR2004  shorter without, and unreadable with, separators
        return f"{value:.4g}"
    return f"{value:,.0f}"
