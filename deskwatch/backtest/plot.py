"""The incident timeline of a backtest as a picture; the drawing library is an extra, imported when asked for."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from core.errors import UsageError
from deskwatch.backtest.report import Episode
from deskwatch.ruletest.compare import show_labels

MOST = 40
"""Lines of one picture: more cannot be read."""
COLOURS = {"page": "#a30200", "warn": "#e8912d", "info": "#439fe0"}
PENDING = "#c8ccd0"
INCHES_A_LINE = 0.32


class NoCharts(UsageError):
    """Pictures need a library that is not installed."""


def plot(fired: Sequence[Episode], start: datetime, end: datetime, file: Path) -> None:
    """Draw a line for each alert, those that fired longest first; grey while it was pending.

    Raises:
        NoCharts: the drawing library is missing.
        UsageError: the file cannot be written.
    """
    try:
        from matplotlib import dates as typeless  # noqa: PLC0415  an extra
        from matplotlib.figure import Figure  # noqa: PLC0415  as above
    except ImportError as error:
        raise NoCharts("matplotlib", hint="Install it: pip install 'deskwatch[charts]'") from error
    dates: Any = typeless  # half of the library has no types
    number = dates.date2num
    lines = _lines(fired, end)
    figure = Figure(figsize=(12, 1.4 + INCHES_A_LINE * max(len(lines), 1)), layout="constrained")
    axes = figure.add_subplot()
    for row, (_, some) in enumerate(lines):
        for one in some:
            until = one.ended or end
            colour = COLOURS.get(one.labels.get("severity", ""), COLOURS["warn"])
            axes.barh(row, number(one.fired) - number(one.active), left=number(one.active), color=PENDING)
            axes.barh(row, number(until) - number(one.fired), left=number(one.fired), color=colour)
    axes.set_yticks(range(len(lines)), [name for name, _ in lines])
    axes.invert_yaxis()
    axes.set_xlim(number(start), number(end))
    locator = dates.AutoDateLocator()
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(dates.ConciseDateFormatter(locator))
    axes.grid(axis="x", alpha=0.3)
    axes.set_title(f"{len(fired)} incidents, {start:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M} UTC{_rest(fired, lines)}")
    try:
        figure.savefig(file, dpi=110)
    except (OSError, ValueError) as error:
        raise UsageError(f"{file}: {error}", hint="Name a .png file that can be written") from error


def _lines(fired: Sequence[Episode], end: datetime) -> list[tuple[str, list[Episode]]]:
    found: dict[str, list[Episode]] = {}
    for one in fired:
        found.setdefault(f"{one.alert}{show_labels(one.labels)}", []).append(one)

    def lasted(item: tuple[str, list[Episode]]) -> timedelta:
        return sum(((one.ended or end) - one.fired for one in item[1]), timedelta())

    return sorted(found.items(), key=lasted, reverse=True)[:MOST]


def _rest(fired: Sequence[Episode], lines: Sequence[tuple[str, Sequence[Episode]]]) -> str:
    hidden = len(fired) - sum(len(some) for _, some in lines)
    return f", {hidden} not shown" if hidden else ""
