"""Times of the week and the year in a time zone: when a route speaks, when a silence that comes back holds. Pure."""

import calendar
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from core.errors import UsageError

DAY_MINUTES = 24 * 60
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
MONTHS = tuple(name.lower() for name in calendar.month_name[1:])
LONGEST = timedelta(days=8)
"""How far the end of a window is looked for; one that lasts longer has no end that matters."""

_TIMES = re.compile(r"(\d{1,2}):(\d{2})\s*-\s*(\d{1,2}):(\d{2})")
_NUMBERS = re.compile(r"(-?\d+)(?:\s*:\s*(-?\d+))?")
_NAMES = re.compile(r"([a-z]+)(?:\s*[:-]\s*([a-z]+))?")


class BadInterval(UsageError):
    """A time interval cannot be read."""


class Span(NamedTuple):
    """Numbers from `first` to `last`, both included."""

    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Interval:
    """Every field that is given must hold; a field is a list of alternatives. Weekdays count from Monday = 0.

    `times` are minutes of the day, the end excluded. Days of the month count from the end when negative.
    """

    times: tuple[Span, ...] = ()
    weekdays: tuple[Span, ...] = ()
    days_of_month: tuple[Span, ...] = ()
    months: tuple[Span, ...] = ()
    years: tuple[Span, ...] = ()
    zone: str = "UTC"

    def contains(self, at: datetime) -> bool:
        """Whether a moment is inside."""
        local = at.astimezone(ZoneInfo(self.zone))
        minute = local.hour * 60 + local.minute
        return (
            (not self.times or any(one.first <= minute < one.last for one in self.times))
            and _within(self.weekdays, local.weekday())
            and self._day_of_month(local)
            and _within(self.months, local.month)
            and _within(self.years, local.year)
        )

    def _day_of_month(self, local: datetime) -> bool:
        if not self.days_of_month:
            return True
        length = calendar.monthrange(local.year, local.month)[1]
        for one in self.days_of_month:
            first = one.first if one.first > 0 else length + one.first + 1
            last = one.last if one.last > 0 else length + one.last + 1
            if first <= length and max(first, 1) <= local.day <= min(last, length):
                return True
        return False


def contains(intervals: Iterable[Interval], at: datetime) -> bool:
    """Whether a moment is inside one of some intervals."""
    return any(one.contains(at) for one in intervals)


def end_of(intervals: Sequence[Interval], at: datetime) -> datetime:
    """Return when the window that a moment is in ends, exact to the minute; LONGEST after it if it does not."""
    moment = at
    while moment - at < LONGEST and contains(intervals, moment):
        moment = min(_next_change(one, moment) for one in intervals if one.contains(moment))
    return moment


def _next_change(interval: Interval, at: datetime) -> datetime:
    """Return the next moment at which an interval that holds may end: the end of a time of day, or midnight."""
    zone = ZoneInfo(interval.zone)
    local = at.astimezone(zone)
    minute = local.hour * 60 + local.minute
    ends = [one.last for one in interval.times if one.first <= minute < one.last]
    last = max(ends, default=DAY_MINUTES)
    day = date(local.year, local.month, local.day) + timedelta(days=last // DAY_MINUTES)
    hour, rest = divmod(last % DAY_MINUTES, 60)
    then = datetime(day.year, day.month, day.day, hour, rest, tzinfo=zone).astimezone(UTC)
    return then if then > at else at + timedelta(minutes=1)  # an hour that the clocks repeat


def _within(spans: Sequence[Span], value: int) -> bool:
    return not spans or any(one.first <= value <= one.last for one in spans)


def read_zone(text: str) -> str:
    """Return the name of a time zone.

    Raises:
        BadInterval: there is no such zone.
    """
    try:
        return ZoneInfo(text).key
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise BadInterval(repr(text), hint="Name a zone such as Europe/Berlin, Asia/Tokyo or UTC") from error


def read_times(text: str) -> Span:
    """Return `09:00-17:30` in minutes; the end is up to 24:00 and after the start.

    Raises:
        BadInterval: anything else.
    """
    found = _TIMES.fullmatch(text.strip())
    if found is not None:
        a, b, c, d = (int(one) for one in found.groups())
        first, last = a * 60 + b, c * 60 + d
        if b < 60 and d < 60 and first < last <= DAY_MINUTES:  # noqa: PLR2004  minutes of an hour
            return Span(first, last)
    raise BadInterval(repr(text), hint="Write it as 09:00-17:30, up to 24:00; over midnight needs two of them")


def read_names(text: str, names: Sequence[str], base: int) -> Span:
    """Return a weekday or month or a span of them (`monday`, `mon-fri`, `sat:sun`), counted from `base`.

    Raises:
        BadInterval: an unknown name, or a span that runs backwards.
    """
    found = _NAMES.fullmatch(text.strip().lower())
    places = [_place(one, names) for one in found.groups() if one] if found else []
    if not places or None in places:
        raise BadInterval(repr(text), hint=f"Name one of {', '.join(names)}, or a span such as {names[0]}-{names[3]}")
    known = [one for one in places if one is not None]
    if known[0] > known[-1]:
        raise BadInterval(repr(text), hint="A span runs forwards: write two of them")
    return Span(known[0] + base, known[-1] + base)


def _place(word: str, names: Sequence[str]) -> int | None:
    found = [place for place, name in enumerate(names) if name.startswith(word) and len(word) >= 3]  # noqa: PLR2004  mon
    return found[0] if len(found) == 1 else None


def read_numbers(text: str, least: int, most: int) -> Span:
    """Return `3`, `1:5` or `-3:-1` as a span.

    Raises:
        BadInterval: no numbers, zero, or out of range.
    """
    found = _NUMBERS.fullmatch(text.strip())
    if found is not None:
        first = int(found[1])
        last = int(found[2]) if found[2] else first
        ordered = first <= last or (first > 0 > last)
        if ordered and 0 not in (first, last) and all(least <= one <= most for one in (first, last)):
            return Span(first, last)
    raise BadInterval(repr(text), hint=f"Write a number or a span such as 1:5, from {least} to {most}, without 0")


def read_weekly(text: str) -> Interval:
    """Return a window that comes back each week, as `sat,sun 00:00-24:00 Europe/Berlin`: days, times, zone.

    Raises:
        BadInterval: it is written otherwise.
    """
    parts = text.split()
    if not parts or len(parts) > 3:  # noqa: PLR2004  days, times, zone
        raise BadInterval(repr(text), hint="Write days, times and zone: sat,sun 02:00-04:00 Asia/Tokyo")
    days = tuple(read_names(one, WEEKDAYS, 0) for one in parts[0].split(","))
    times = tuple(read_times(one) for one in parts[1].split(",")) if len(parts) > 1 else ()
    return Interval(times, days, zone=read_zone(parts[2]) if len(parts) > 2 else "UTC")  # noqa: PLR2004  the third


def show_weekly(interval: Interval) -> str:
    """Return a weekly window as `read_weekly` reads it."""
    days = ",".join(
        WEEKDAYS[one.first][:3] if one.first == one.last else f"{WEEKDAYS[one.first][:3]}-{WEEKDAYS[one.last][:3]}"
        for one in interval.weekdays
    )
    times = ",".join(
        f"{one.first // 60:02}:{one.first % 60:02}-{one.last // 60:02}:{one.last % 60:02}" for one in interval.times
    )
    return f"{days} {times or '00:00-24:00'} {interval.zone}"
