"""The routing tree: which receivers hear of an alert, how alerts are grouped, the timers of a group. Pure.

Depth first; the first child that matches wins unless it says `continue`; children inherit receiver, grouping, timers.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum

from alerts.inhibit import Inhibition
from alerts.intervals import Interval
from alerts.labels import Matcher, all_match


class Kind(StrEnum):
    """How a receiver is told."""

    SLACK = "slack"
    SLACK_WEBHOOK = "slack_webhook"
    WEBHOOK = "webhook"


@dataclass(frozen=True, slots=True)
class Receiver:
    """Somebody who can be told. `channel` names its queue, and on Slack the channel; `address` is a webhook's."""

    name: str
    channel: str
    kind: Kind = Kind.SLACK
    address: str = ""
    """The URL of a webhook, or, since Slack's is a password, the file that holds it."""


@dataclass(frozen=True, slots=True)
class Route:
    """One node of the tree. `group_by` None: every label. Mute and active times are this node's alone."""

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

    def walk(self) -> Iterator["Route"]:
        """Yield this route and everything below it."""
        yield self
        for child in self.children:
            yield from child.walk()


@dataclass(frozen=True, slots=True)
class Routing:
    """The tree and its receivers, and what keeps alerts quiet."""

    root: Route
    receivers: Mapping[str, Receiver]
    inhibitions: tuple[Inhibition, ...] = ()
    time_intervals: Mapping[str, tuple[Interval, ...]] = field(default_factory=dict)
