"""The routing tree: which receivers hear of an alert, how alerts are grouped, and the timers of a group.

Depth first; the first child that matches wins unless it says `continue`; children inherit receiver, grouping, timers.
"""

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from alerts.inhibit import Inhibition
from alerts.intervals import Interval
from alerts.labels import BadMatcher, Matcher, all_match, read_matcher
from alerts.settings import AlertSettings
from core import durations
from core.errors import UsageError

DEFAULT_RECEIVER = "default"


class BadRouting(UsageError):
    """The routing file is wrong."""


@dataclass(frozen=True, slots=True)
class Receiver:
    """Somebody who can be told."""

    name: str
    channel: str


@dataclass(frozen=True, slots=True)
class Route:
    """One node of the tree. `group_by` None: every label."""

    path: str
    matchers: tuple[Matcher, ...]
    receiver: str
    group_by: tuple[str, ...] | None
    group_wait: timedelta
    group_interval: timedelta
    repeat_interval: timedelta
    goes_on: bool
    children: tuple["Route", ...] = ()
    mute_times: tuple[str, ...] = ()
    active_times: tuple[str, ...] = ()

    def match(self, labels: Mapping[str, str]) -> Iterator["Route"]:
        """Yield the routes that an alert takes."""
        if not all_match(self.matchers, labels):
            return
        taken = False
        for child in self.children:
            routes = list(child.match(labels))
            taken = taken or bool(routes)
            yield from routes
            if routes and not child.goes_on:
                break
        if not taken:
            yield self

    def group_labels(self, labels: Mapping[str, str]) -> dict[str, str]:
        """Return the labels that name an alert's group on this route."""
        if self.group_by is None:
            return dict(labels)
        return {name: labels[name] for name in self.group_by if name in labels}


@dataclass(frozen=True, slots=True)
class Routing:
    """The tree and its receivers, and what keeps alerts quiet."""

    root: Route
    receivers: Mapping[str, Receiver]
    inhibitions: tuple[Inhibition, ...] = ()
    time_intervals: Mapping[str, tuple[Interval, ...]] = field(default_factory=dict)


class _Slack(BaseModel):
    model_config = ConfigDict(extra="forbid")
    channel: str


class _Receiver(BaseModel):
    model_config = ConfigDict(extra="forbid")
    slack: _Slack


class _Node(BaseModel):
    model_config = ConfigDict(extra="forbid", populate_by_name=True)
    match: list[str] = Field(default_factory=list)
    receiver: str | None = None
    group_by: list[str] | None = None
    group_wait: str | None = None
    group_interval: str | None = None
    repeat_interval: str | None = None
    goes_on: bool = Field(default=False, alias="continue")
    routes: list["_Node"] = Field(default_factory=list)


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")
    receivers: dict[str, _Receiver]
    route: _Node


def default_routing(settings: AlertSettings) -> Routing:
    """Return the routing without a file: everything to one channel."""
    receiver = Receiver(DEFAULT_RECEIVER, settings.channel)
    return Routing(_root(settings, DEFAULT_RECEIVER), {DEFAULT_RECEIVER: receiver})


def _root(settings: AlertSettings, receiver: str) -> Route:
    return Route(
        "",
        (),
        receiver,
        tuple(settings.group_by),
        settings.group_wait,
        settings.group_interval,
        settings.repeat_interval,
        goes_on=False,
    )


def load_routing(file: Path, settings: AlertSettings) -> Routing:
    """Read routing.yaml.

    Raises:
        BadRouting: what is wrong, and where in the tree.
    """
    try:
        parsed = _File.model_validate(yaml.safe_load(file.read_text(encoding="utf-8")))
    except OSError as error:
        raise BadRouting(f"{file}: {error.strerror}", hint="Name an existing file in `routing`") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise BadRouting(f"{file}: {error}", hint="Mend the line it names") from error
    except ValidationError as error:
        lines = [f"{'.'.join(str(part) for part in one['loc'])}: {one['msg']}" for one in error.errors()]
        raise BadRouting(f"{file}: " + "; ".join(lines), hint="docs/routing.md has an example of each key") from error
    receivers = {name: Receiver(name, one.slack.channel) for name, one in parsed.receivers.items()}
    if parsed.route.receiver is None:
        raise BadRouting(f"{file}: route has no receiver", hint="Name one: it hears of what no child route takes")
    if parsed.route.match:
        raise BadRouting(f"{file}: the top route has matchers", hint="It takes everything: move them to a child route")
    build = _Builder(file, receivers)
    return Routing(build.node(parsed.route, _root(settings, parsed.route.receiver), "route"), receivers)


class _Builder:
    def __init__(self, file: Path, receivers: Mapping[str, Receiver]) -> None:
        self._file = file
        self._receivers = receivers

    def node(self, node: _Node, parent: Route, path: str) -> Route:
        receiver = node.receiver or parent.receiver
        if receiver not in self._receivers:
            near = difflib.get_close_matches(receiver, self._receivers, n=1)
            hint = f"Did you mean {near[0]!r}?" if near else f"Known: {', '.join(self._receivers)}"
            raise BadRouting(f"{self._file}: {path}: unknown receiver {receiver!r}", hint=hint)
        values: dict[str, Any] = {
            name: self._span(getattr(node, name), getattr(parent, name), f"{path}.{name}")
            for name in ("group_wait", "group_interval", "repeat_interval")
        }
        here = Route(
            path, self._matchers(node, path), receiver, _grouping(node, parent), goes_on=node.goes_on, **values
        )
        children = tuple(self.node(child, here, f"{path}.routes[{n}]") for n, child in enumerate(node.routes))
        return Route(path, here.matchers, receiver, here.group_by, goes_on=node.goes_on, children=children, **values)

    def _matchers(self, node: _Node, path: str) -> tuple[Matcher, ...]:
        try:
            return tuple(read_matcher(text) for text in node.match)
        except BadMatcher as error:
            raise BadRouting(f"{self._file}: {path}.match: {error.detail}", hint=error.hint) from error

    def _span(self, text: str | None, inherited: timedelta, path: str) -> timedelta:
        if text is None:
            return inherited
        try:
            return durations.parse(text)
        except durations.BadDuration as error:
            raise BadRouting(f"{self._file}: {path}: {error}") from error


def _grouping(node: _Node, parent: Route) -> tuple[str, ...] | None:
    if node.group_by is None:
        return parent.group_by
    return None if node.group_by == ["..."] else tuple(node.group_by)
