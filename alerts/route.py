"""Reads `routing.yaml`: every mistake at once, each with file, line and column."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

import yaml

from alerts import intervals
from alerts.inhibit import Inhibition
from alerts.intervals import MONTHS, WEEKDAYS, BadInterval, Interval, Span
from alerts.route_lint import lint
from alerts.settings import AlertSettings
from alerts.tree import Kind, Receiver, Route, Routing
from core.errors import UsageError
from rules.document import Document, describe, entries
from rules.fields import Form, Key
from rules.matcher import Matcher
from rules.problems import Problem, nearest
from rules.values import Section, read_section

__all__ = ["BadRouting", "Receiver", "Route", "Routing", "check_routing", "default_routing", "load_routing"]

T = TypeVar("T")
DEFAULT_RECEIVER = "default"

FILE = (
    Key("receivers", Form.SECTION, "who can be told: names, each with one kind of receiver", required=True),
    Key("route", Form.SECTION, "the top route; it takes what no child takes", required=True),
    Key("inhibit", Form.RULES, "alerts that say what others would only repeat"),
    Key("time_intervals", Form.SECTION, "names of times, for `mute_times` and `active_times`"),
)
RECEIVER = (
    Key("slack", Form.SECTION, "a Slack channel, by the bot"),
    Key("slack_webhook", Form.SECTION, "a Slack channel, by an incoming webhook: without edits, threads and buttons"),
    Key("webhook", Form.SECTION, "a program that takes Alertmanager's notifications"),
)
SLACK = (Key("channel", Form.TEXT, "the channel's name with its #, or its id", required=True),)
SLACK_WEBHOOK = (Key("url_file", Form.TEXT, "the file that holds the webhook's address", required=True),)
WEBHOOK = (Key("url", Form.TEXT, "where to send them, http or https", required=True),)
ROUTE = (
    Key("match", Form.MATCHERS, "conditions on labels, all of which must hold"),
    Key("receiver", Form.TEXT, "who hears of it"),
    Key("group_by", Form.COLUMNS, 'alerts with the same values share a message; ["..."]: every label'),
    Key("group_wait", Form.DURATION, "how long the first message waits for more alerts"),
    Key("group_interval", Form.DURATION, "between two messages of a group"),
    Key("repeat_every", Form.DURATION, "a reminder when nothing has changed for longer"),
    Key("repeat_interval", Form.DURATION, "another name of `repeat_every`"),
    Key("continue", Form.CHOICE, "the routes after this one are asked too", choices=("true", "false")),
    Key("mute_times", Form.COLUMNS, "names of times at which it does not speak"),
    Key("active_times", Form.COLUMNS, "names of times; it speaks at no other"),
    Key("routes", Form.RULES, "its children, in order"),
)
INHIBIT = (
    Key("source", Form.MATCHERS, "what fires and says it all", required=True),
    Key("target", Form.MATCHERS, "what is held meanwhile", required=True),
    Key("equal", Form.COLUMNS, "labels in which both must agree"),
)
INTERVAL = (
    Key("times", Form.RULES, "spans of the day, such as 09:00-17:00"),
    Key("weekdays", Form.RULES, "days and spans of them, such as mon-fri"),
    Key("days_of_month", Form.RULES, "such as 1:5, and -1 for the last"),
    Key("months", Form.RULES, "such as january or jun-aug"),
    Key("years", Form.RULES, "such as 2026:2027"),
    Key("location", Form.TEXT, "a time zone, such as Europe/Berlin; UTC unless given"),
)


_ADDRESS = {
    Kind.SLACK: (SLACK, "channel"),
    Kind.SLACK_WEBHOOK: (SLACK_WEBHOOK, "url_file"),
    Kind.WEBHOOK: (WEBHOOK, "url"),
}


class BadRouting(UsageError):
    """The routing file is wrong."""

    def __init__(self, problems: Sequence[Problem], detail: str = "", *, hint: str = "") -> None:
        """Keep every problem; the text shows them all."""
        self.problems = tuple(problems)
        text = detail or "\n" + "\n".join(one.show() for one in self.problems)
        super().__init__(text, hint=hint or "docs/routing.md has an example of each key")


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
        BadRouting: with every mistake in it.
    """
    routing, problems = check_routing(file, settings)
    errors = [one for one in problems if one.is_error]
    if routing is None or errors:
        raise BadRouting(errors)
    return routing


def check_routing(file: Path, settings: AlertSettings) -> tuple[Routing | None, list[Problem]]:
    """Return the routing of a file, None if it has errors, and everything that is wrong with it, warnings too.

    Raises:
        BadRouting: the file cannot be read.
    """
    try:
        text = file.read_text(encoding="utf-8")
    except OSError as error:
        raise BadRouting((), f"{file}: {error.strerror}", hint="Name an existing file in `routing`") from error
    except UnicodeDecodeError as error:
        raise BadRouting((), f"{file}: {error}", hint="Save it as UTF-8") from error
    document = Document(file, text)
    reader = _Reader(document, settings)
    root = document.parse()
    routing = reader.file(root) if root is not None else None
    bad = any(one.is_error for one in document.problems)
    if routing is not None and not bad:
        lint(document, routing, reader.places)
    return (None if bad else routing), sorted(document.problems, key=lambda one: (one.line, one.column))


class _Reader:
    """`places` are the nodes of routes by path, of receivers by name: where a warning points to."""

    def __init__(self, document: Document, settings: AlertSettings) -> None:
        self._document = document
        self._settings = settings
        self._receivers: dict[str, Receiver] = {}
        self._times: dict[str, tuple[Interval, ...]] = {}
        self.places: dict[str, yaml.Node] = {}

    def file(self, node: yaml.Node) -> Routing | None:
        found = read_section(self._document, node, FILE, "the file")
        if found is None or "receivers" not in found or "route" not in found:
            return None
        self._receivers = self._named(found["receivers"].node, "receivers", self._receiver)
        if "time_intervals" in found:
            self._times = self._named(found["time_intervals"].node, "time_intervals", self._intervals)
        top = found["route"].node
        section = read_section(self._document, top, ROUTE, "route")
        if section is None:
            return None
        if "receiver" not in section:
            self._document.complain(top, "route has no receiver", "name one: it hears of what no child route takes")
        for name in ("match", "mute_times", "active_times", "continue"):
            if name in section:
                self._document.complain(section[name].node, f"the top route has {name}", "move it to a child route")
        root = self._route(section, top, _root(self._settings, ""), "route")
        listed = _list(self._document, found["inhibit"].node, "inhibit") if "inhibit" in found else []
        inhibitions = [one for one in map(self._inhibition, listed) if one is not None]
        return Routing(root, self._receivers, tuple(inhibitions), self._times)

    def _named(self, node: yaml.Node, what: str, read: Callable[[str, yaml.Node], T | None]) -> dict[str, T]:
        if not isinstance(node, yaml.MappingNode):
            self._document.complain(node, f"{what} must be a mapping of names, not {describe(node)}")
            return {}
        found = {}
        for name, key, value in entries(self._document, node):
            self.places[f"{what}.{name}"] = key
            one = read(name, value)
            if one is not None:
                found[name] = one
        return found

    def _receiver(self, name: str, node: yaml.Node) -> Receiver | None:
        found = read_section(self._document, node, RECEIVER, f"receiver {name}")
        if found is None:
            return None
        if len(found) != 1:
            self._document.complain(node, f"receiver {name} has {len(found)} kinds", f"give one of {', '.join(Kind)}")
            return None
        [(given, value)] = found.items()
        kind = Kind(given)
        keys, wanted = _ADDRESS[kind]
        section = read_section(self._document, value.node, keys, kind)
        if section is None or wanted not in section:
            return None
        text, place = str(section[wanted].value), section[wanted].node
        if kind is Kind.WEBHOOK and not text.startswith(("http://", "https://")):
            self._document.complain(place, f"{text!r} is no address", "it begins with http:// or https://")
        return Receiver(name, text) if kind is Kind.SLACK else Receiver(name, f"{kind}:{name}", kind, text)

    def _route(self, section: Section, node: yaml.Node, parent: Route, path: str) -> Route:
        self.places[path] = node
        self._known(section, "receiver", self._receivers, "receiver")
        self._known(section, "mute_times", self._times, "time interval")
        self._known(section, "active_times", self._times, "time interval")
        given = {name: one.value for name, one in section.items()}
        repeat = given.get("repeat_every", given.get("repeat_interval", parent.repeat_interval))
        here = replace(
            parent,
            path=path,
            matchers=_of(tuple, given.get("match", ())),
            receiver=_of(str, given.get("receiver", parent.receiver)),
            group_by=_grouping(given.get("group_by"), parent),
            group_wait=_of(timedelta, given.get("group_wait", parent.group_wait)),
            group_interval=_of(timedelta, given.get("group_interval", parent.group_interval)),
            repeat_interval=_of(timedelta, repeat),
            goes_on=given.get("continue") == "true",
            mute_times=_of(tuple, given.get("mute_times", ())),
            active_times=_of(tuple, given.get("active_times", ())),
            children=(),
        )
        listed = _list(self._document, section["routes"].node, "routes") if "routes" in section else []
        return replace(here, children=tuple(self._children(listed, here)))

    def _children(self, listed: Sequence[yaml.Node], parent: Route) -> Iterator[Route]:
        for number, node in enumerate(listed):
            section = read_section(self._document, node, ROUTE, "a route")
            if section is not None:
                yield self._route(section, node, parent, f"{parent.path}.routes[{number}]")

    def _known(self, section: Section, key: str, names: Mapping[str, object], what: str) -> None:
        if key not in section:
            return
        value, node = section[key]
        nodes = node.value if isinstance(node, yaml.SequenceNode) else [node]
        words = value if isinstance(value, tuple) else (value,)
        for word, place in zip(words, nodes, strict=False):
            if word not in names and f"{what}s.{word}" not in self.places:
                self._document.complain(place, f"there is no {what} {word!r}", nearest(str(word), names))

    def _inhibition(self, node: yaml.Node) -> Inhibition | None:
        found = read_section(self._document, node, INHIBIT, "an entry of inhibit")
        if found is None or "source" not in found or "target" not in found:
            return None
        source, target = (_matchers(found[name].value) for name in ("source", "target"))
        for name, matchers in (("source", source), ("target", target)):
            if all(one.matches({}) for one in matchers):
                hint = 'name a label that must be there, such as alertname = "VenueDown"'
                self._document.complain(found[name].node, f"{name} fits every alert", hint)
        return Inhibition(source, target, _of(tuple, found["equal"].value) if "equal" in found else ())

    def _intervals(self, name: str, node: yaml.Node) -> tuple[Interval, ...] | None:
        found = [self._interval(one) for one in _list(self._document, node, f"time interval {name}")]
        return tuple(one for one in found if one is not None)

    def _interval(self, node: yaml.Node) -> Interval | None:
        found = read_section(self._document, node, INTERVAL, "a time interval")
        if found is None:
            return None
        if not found.keys() - {"location"}:
            self._document.complain(node, "a time interval without times, days, months or years", "it is always")
        zone = found.get("location")
        return Interval(
            self._spans(found, "times", intervals.read_times),
            self._spans(found, "weekdays", lambda text: intervals.read_names(text, WEEKDAYS, 0)),
            self._spans(found, "days_of_month", lambda text: intervals.read_numbers(text, -31, 31)),
            self._spans(found, "months", lambda text: intervals.read_names(text, MONTHS, 1)),
            self._spans(found, "years", lambda text: intervals.read_numbers(text, 1970, 9999)),
            self._read(zone.node, str(zone.value), intervals.read_zone) or "UTC" if zone else "UTC",
        )

    def _spans(self, found: Section, name: str, read: Callable[[str], Span]) -> tuple[Span, ...]:
        if name not in found:
            return ()
        spans = []
        for one in _list(self._document, found[name].node, name):
            if not isinstance(one, yaml.ScalarNode):
                self._document.complain(one, f"{name} must be a list of texts, not {describe(one)}")
                continue
            span = self._read(one, one.value, read)
            if span is not None:
                spans.append(span)
        return tuple(spans)

    def _read(self, node: yaml.Node, text: str, read: Callable[[str], T]) -> T | None:
        try:
            return read(text)
        except BadInterval as error:
            self._document.complain(node, f"{error.detail} is no time", error.hint)
            return None


def _list(document: Document, node: yaml.Node, what: str) -> list[yaml.Node]:
    if isinstance(node, yaml.SequenceNode):
        return list(node.value)
    document.complain(node, f"{what} must be a list, not {describe(node)}")
    return []


def _of(kind: type[T], value: object) -> T:
    """Return a value whose form the reader has checked."""
    assert isinstance(value, kind)  # noqa: S101  each key's form is declared above
    return value


def _matchers(value: object) -> tuple[Matcher, ...]:
    return _of(tuple, value)


def _grouping(value: object, parent: Route) -> tuple[str, ...] | None:
    if value is None:
        return parent.group_by
    names: tuple[str, ...] = _of(tuple, value)
    return None if names == ("...",) else names
