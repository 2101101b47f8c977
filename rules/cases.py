"""A rule test as values: rows that come, and the transitions, states and messages that must follow. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TypeAlias

from rules.series import Cell

LabelSet: TypeAlias = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Place:
    """Where something is written."""

    file: Path
    line: int

    def __str__(self) -> str:
        """Show it as editors open it."""
        return f"{self.file}:{self.line}"


@dataclass(frozen=True, slots=True)
class RowSeries:
    """Rows of one table, `every` so often from `start` after the test's own; a time without any value has no row."""

    table: str
    start: timedelta
    every: timedelta
    constant: Mapping[str, Cell]
    values: Mapping[str, tuple[Cell | None, ...]]
    times: int

    def rows(self) -> list[tuple[timedelta, dict[str, Cell]]]:
        """Return each row's time after the start of the test, and its values."""
        found = []
        for number in range(self.times):
            now = {name: cells[number] for name, cells in self.values.items() if number < len(cells)}
            present = {name: cell for name, cell in now.items() if cell is not None}
            if present or not self.values:
                found.append((self.start + number * self.every, {**self.constant, **present}))
        return found


@dataclass(frozen=True, slots=True)
class WantedTransition:
    """One step of one alert. `to` inactive is the end of a pending or of a firing alert. None: whatever it is."""

    place: Place
    at: timedelta
    alert: str
    labels: LabelSet
    to: str
    value: float | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class WantedAlert:
    """One alert that must be pending or firing."""

    labels: LabelSet
    state: str
    value: float | None
    summary: str | None


@dataclass(frozen=True, slots=True)
class WantedStates:
    """Every alert of a rule that is pending or firing at a time."""

    place: Place
    at: timedelta
    alert: str
    alerts: tuple[WantedAlert, ...]


@dataclass(frozen=True, slots=True)
class WantedMessage:
    """One message to one receiver; `alerts` counts those of its status, `text` is a regular expression."""

    place: Place
    at: timedelta
    receiver: str
    status: str
    alerts: int | None
    text: str | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class Case:
    """One test, of the rules named in `only` or of all. `transitions` and `sent` None: not looked at; else complete."""

    place: Place
    name: str
    start: datetime
    until: timedelta
    phase: timedelta
    only: tuple[str, ...]
    rows: tuple[RowSeries, ...]
    transitions: tuple[WantedTransition, ...] | None
    states: tuple[WantedStates, ...]
    sent: tuple[WantedMessage, ...] | None


@dataclass(frozen=True, slots=True)
class CaseFile:
    """One file of tests, for some rule files; `tables` are extra ones, as name -> columns as the server reads them."""

    file: Path
    rules: tuple[Path, ...]
    routing: Path | None
    tables: Mapping[str, str]
    cases: tuple[Case, ...]
