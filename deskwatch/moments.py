"""Moments as people write them: `1h` ago, `2026-01-01`, `2026-01-01T10:00:00Z`."""

from datetime import UTC, datetime, timedelta

from core.durations import BadDuration, parse
from core.errors import UsageError


class BadMoment(UsageError):
    """This is not a moment."""


def moment(given: str | datetime | timedelta, now: datetime) -> datetime:
    """Return the moment that is meant: a span means so long before `now`; a text without a zone is UTC.

    Raises:
        BadMoment: it is neither a duration, a date nor a time, or a datetime without a time zone.
    """
    match given:
        case timedelta():
            return now - given
        case datetime():
            if given.tzinfo is None:
                raise BadMoment(f"{given} has no time zone", hint="Attach one: datetime(…, tzinfo=UTC)")
            return given.astimezone(UTC)
        case str():
            return _from_text(given.strip(), now)


def _from_text(text: str, now: datetime) -> datetime:
    if text == "now":
        return now
    try:
        return now - parse(text.removeprefix("-"))
    except BadDuration:
        pass  # then it is a date or a time
    try:
        read = datetime.fromisoformat(text)
    except ValueError as error:
        hint = "Write how long ago, such as 30m, 1h or 2d, or a time in UTC, such as 2026-01-01T10:00:00Z"
        raise BadMoment(repr(text), hint=hint) from error
    return read.replace(tzinfo=UTC) if read.tzinfo is None else read.astimezone(UTC)
