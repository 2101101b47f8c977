"""Durations as people write them: `250ms`, `5s`, `1m30s`, `2h`, `1d`. A bare number is refused."""

import re
from datetime import timedelta

from core.errors import UsageError

_SECONDS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_WHOLE = re.compile(r"(?:\d+(?:ms|[smhdw]))+")
_PART = re.compile(r"(\d+)(ms|[smhdw])")


class BadDuration(UsageError):
    """This is not a duration."""


def parse(text: str) -> timedelta:
    """Return the span that a text such as `1m30s` names.

    Raises:
        BadDuration: anything else, a number without a unit included.
    """
    if not _WHOLE.fullmatch(text):
        raise BadDuration(repr(text), hint="Write a number and a unit, such as 500ms, 30s, 5m, 1h30m or 2d")
    return timedelta(seconds=sum(int(number) * _SECONDS[unit] for number, unit in _PART.findall(text)))


def show(span: timedelta) -> str:
    """Return a span in the shortest exact form that `parse` reads back: `1h30m`, `250ms`, `0s`."""
    rest = round(span.total_seconds() * 1000)
    parts = []
    for unit, size in (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)):
        count, rest = divmod(rest, size)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts) or "0s"
