"""What is allowed in a routing file and surely not meant: routes that nothing reaches, receivers that hear nothing."""

from collections.abc import Iterator, Mapping
from typing import TypeAlias

import yaml

from alerts.labels import Matcher, Operator
from alerts.tree import Route, Routing
from rules.document import Document
from rules.problems import Level

Warned: TypeAlias = tuple[str, str, str]
"""A place in the tree, what is odd there, what to do."""


def lint(document: Document, routing: Routing, places: Mapping[str, yaml.Node]) -> None:
    """Note warnings, each at its place."""
    for path, message, hint in (*_unused(routing), *_unreachable(routing.root, ()), *_timers(routing)):
        document.complain(places[path], message, hint, level=Level.WARNING)


def _unused(routing: Routing) -> Iterator[Warned]:
    routes = list(routing.root.walk())
    used = {route.receiver for route in routes if not _hears_nothing(route)}
    for name in routing.receivers.keys() - used:
        yield f"receivers.{name}", f"receiver {name!r} is never told anything", "name it in a route, or drop it"
    times = {name for route in routes for name in (*route.mute_times, *route.active_times)}
    for name in routing.time_intervals.keys() - times:
        yield f"time_intervals.{name}", f"time interval {name!r} is not used", "name it in a route, or drop it"


def _timers(routing: Routing) -> Iterator[Warned]:
    for route in routing.root.walk():
        if route.repeat_interval < route.group_interval:
            hint = "a group is looked at each group_interval: make repeat_every longer"
            yield route.path, "repeat_every is shorter than group_interval", hint


def _hears_nothing(route: Route) -> bool:
    """Whether a child takes whatever the route would take."""
    return any(not child.matchers for child in route.children)


def _unreachable(route: Route, above: tuple[Matcher, ...]) -> Iterator[Warned]:
    message = "no alert reaches this route"
    for number, child in enumerate(route.children):
        every = (*above, *child.matchers)
        taken = [one for one in route.children[:number] if not one.goes_on and set(one.matchers) <= set(every)]
        clash = _clash(every)
        if taken:
            yield child.path, message, f"{taken[0].path} takes all of it: move it down, or let it `continue: true`"
        elif clash:
            yield child.path, message, f"{clash} cannot both hold"
        else:
            yield from _unreachable(child, every)


def _clash(matchers: tuple[Matcher, ...]) -> str:
    """Return two conditions that exclude each other, if there are any."""
    for one in matchers:
        for other in matchers:
            same = one.name == other.name and one.operator is Operator.EQUAL
            if same and not other.matches({one.name: one.value}):
                return f"{one} and {other}"
    return ""
