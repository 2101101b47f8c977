"""What keeps an alert quiet at a moment: another alert, its route's times, a silence. Pure."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import NamedTuple

from alerts import intervals
from alerts.group import AlertKey
from alerts.inhibit import Inhibitor, Source
from alerts.model import Hold
from alerts.silence import Silence, SilenceState, longest
from alerts.state import Instance
from alerts.tree import Route, Routing


class Held(NamedTuple):
    """Why an alert is kept quiet, and by what: an alert, a time's name, a silence's id."""

    why: Hold
    by: str
    silence: Silence | None = None


class Muting:
    """The silences, and what the routing file says. `firing` gives every alert that fires now."""

    def __init__(self, routing: Routing, firing: Callable[[], Iterable[Source]]) -> None:
        self._routing = routing
        self._firing = firing
        self._inhibitor: Inhibitor | None = None
        self.silences: dict[str, Silence] = {}

    def use(self, routing: Routing) -> None:
        """Take another routing."""
        self._routing = routing
        self.changed()

    def changed(self) -> None:
        """Note that other alerts fire now."""
        self._inhibitor = None

    def active(self, at: datetime) -> list[Silence]:
        """Return the silences that hold now."""
        return [one for one in self.silences.values() if one.state(at) is SilenceState.ACTIVE]

    def held(self, alerts: Mapping[AlertKey, Instance], route: Route, at: datetime) -> dict[AlertKey, Held]:
        """Return which of some alerts of a route are kept quiet, in the order: inhibited, muted, silenced."""
        muted = self.muted(route, at)
        silences = self.active(at)
        found = {key: self._one(one.labels, muted, silences, at) for key, one in alerts.items()}
        return {key: one for key, one in found.items() if one is not None}

    def muted(self, route: Route, at: datetime) -> Held | None:
        """Return why a route does not speak now."""
        known = self._routing.time_intervals
        if route.active_times and not any(intervals.contains(known[name], at) for name in route.active_times):
            return Held(Hold.INACTIVE, ", ".join(route.active_times))
        for name in route.mute_times:
            if intervals.contains(known[name], at):
                return Held(Hold.MUTED, name)
        return None

    def inhibited_by(self, labels: Mapping[str, str]) -> str | None:
        """Return the name of the alert that inhibits one with these labels."""
        if not self._routing.inhibitions:
            return None
        if self._inhibitor is None:
            self._inhibitor = Inhibitor(self._routing.inhibitions, self._firing())
        return self._inhibitor.by(labels)

    def silenced_by(self, labels: Mapping[str, str], at: datetime) -> list[Silence]:
        """Return the silences that hold an alert."""
        return [one for one in self.silences.values() if one.holds(labels, at)]

    def _one(
        self, labels: Mapping[str, str], muted: Held | None, silences: Iterable[Silence], at: datetime
    ) -> Held | None:
        inhibitor = self.inhibited_by(labels)
        if inhibitor is not None:
            return Held(Hold.INHIBITED, inhibitor)
        if muted is not None:
            return muted
        silence = longest((one for one in silences if one.holds(labels, at)), at)
        return Held(Hold.SILENCED, silence.id, silence) if silence is not None else None


def silence_of(held: Mapping[AlertKey, Held], at: datetime) -> Silence | None:
    """Return the silence to show for alerts that are all held: the longest, if silences alone hold them."""
    if not held or any(one.silence is None for one in held.values()):
        return None
    return longest((one.silence for one in held.values() if one.silence is not None), at)
