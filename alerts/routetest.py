"""Checks a routing against expectations: label sets, a time, what fires beside them; who hears, or why nobody does.

tests:
  - name: a dead venue says it all
    at: 2026-01-01T12:00:00Z           # optional, for mute and active times; now unless given
    firing: [{alertname: VenueDown, venue: okx}]
    silences: [{match: ['venue = "kraken"']}]
    alerts:
      - {labels: {alertname: BookStale, venue: okx}, receivers: [], held: inhibited}
      - {labels: {alertname: BookStale, venue: binance}, receivers: [desk], group: {alertname: BookStale}}
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import yaml
from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError

from alerts.group import AlertKey
from alerts.labels import BadMatcher, read_matcher
from alerts.muting import Held, Muting
from alerts.silence import Silence
from alerts.state import Firing, Instance
from alerts.tree import Route, Routing
from core.errors import UsageError


class BadRouteTest(UsageError):
    """The route tests cannot be read."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class _Silence(_Strict):
    match: list[str]


class _Alert(_Strict):
    labels: dict[str, str]
    receivers: list[str]
    """Who is told, in the tree's order; those who are held back are not among them."""
    held: str = ""
    """Why some route does not tell it: inhibited, muted, inactive, silenced."""
    group: dict[str, str] | None = None


class _Test(_Strict):
    name: str
    at: AwareDatetime | None = None
    firing: list[dict[str, str]] = field(default_factory=list)
    silences: list[_Silence] = field(default_factory=list)
    alerts: list[_Alert]


class _File(_Strict):
    tests: list[_Test]


class Fate(NamedTuple):
    """What a route does with an alert."""

    route: Route
    held: Held | None


@dataclass(frozen=True, slots=True)
class Difference:
    """An alert that does not go where it should."""

    test: str
    labels: Mapping[str, str]
    what: str
    expected: object
    got: object


@dataclass(frozen=True, slots=True)
class Checked:
    """How many alerts were looked at, and what was different."""

    alerts: int
    differences: tuple[Difference, ...]


def fates(routing: Routing, muting: Muting, labels: Mapping[str, str], at: datetime) -> list[Fate]:
    """Return the routes that an alert takes, and what holds it there."""
    key = AlertKey("", "")
    one = Instance("", dict(labels), Firing(at, at), None, None)
    return [Fate(route, muting.held({key: one}, route, at).get(key)) for route in routing.root.match(labels)]


def run_file(file: Path, routing: Routing, now: datetime) -> Checked:
    """Run the tests of a file.

    Raises:
        BadRouteTest: it is no file of route tests; the text says where.
    """
    try:
        parsed = _File.model_validate(yaml.safe_load(file.read_text(encoding="utf-8")))
    except OSError as error:
        raise BadRouteTest(f"{file}: {error.strerror}", hint="Name an existing file") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise BadRouteTest(f"{file}: {error}", hint="Mend the line it names") from error
    except ValidationError as error:
        lines = [f"{'.'.join(str(part) for part in one['loc'])}: {one['msg']}" for one in error.errors()]
        raise BadRouteTest(f"{file}: " + "; ".join(lines), hint="docs/routing.md shows such a file") from error
    found: list[Difference] = []
    for test in parsed.tests:
        found += _run(file, test, routing, now)
    return Checked(sum(len(one.alerts) for one in parsed.tests), tuple(found))


def _run(file: Path, test: _Test, routing: Routing, now: datetime) -> list[Difference]:
    at = (test.at or now).astimezone(UTC)
    every = [*test.firing, *(one.labels for one in test.alerts)]
    muting = Muting(routing, lambda: ((str(number), labels) for number, labels in enumerate(every)))
    for number, one in enumerate(test.silences):
        muting.silences[str(number)] = _silence(file, one.match, at)
    return [
        difference
        for alert in test.alerts
        for difference in _compare(test.name, alert, fates(routing, muting, alert.labels, at))
    ]


def _silence(file: Path, match: Sequence[str], at: datetime) -> Silence:
    try:
        matchers = tuple(read_matcher(text) for text in match)
    except BadMatcher as error:
        raise BadRouteTest(f"{file}: {error.detail}", hint=error.hint) from error
    return Silence("", matchers, at, at + timedelta(days=1), "test", "test", at)


def _compare(test: str, alert: _Alert, found: Sequence[Fate]) -> list[Difference]:
    told = [one.route for one in found if one.held is None]
    held = ", ".join(dict.fromkeys(str(one.held.why) for one in found if one.held is not None))
    differences = []
    receivers = [one.receiver for one in told]
    if receivers != alert.receivers:
        differences.append(Difference(test, alert.labels, "receivers", alert.receivers, receivers))
    if held != alert.held:
        differences.append(Difference(test, alert.labels, "held", alert.held, held))
    groups = [one.route.group_labels(alert.labels) for one in found]
    if alert.group is not None and alert.group not in groups:
        differences.append(Difference(test, alert.labels, "group", alert.group, groups))
    return differences
