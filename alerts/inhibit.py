"""Inhibition: an alert that fires says what others would only repeat. Pure; section 2.8 of the semantics."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from alerts.labels import Matcher, all_match

Source: TypeAlias = tuple[str, Mapping[str, str]]
"""What names an alert that fires, and its labels."""


@dataclass(frozen=True, slots=True)
class Inhibition:
    """While an alert fires that fits `source`, those that fit `target` and agree in the labels `equal` are held."""

    source: tuple[Matcher, ...]
    target: tuple[Matcher, ...]
    equal: tuple[str, ...] = ()

    def agreement(self, labels: Mapping[str, str]) -> tuple[str, ...]:
        """Return the values in which source and target must agree; a missing label equals the empty text."""
        return tuple(labels.get(name, "") for name in self.equal)


class Inhibitor:
    """Answers by which alert another one is inhibited. It looks at what fires when it is made."""

    def __init__(self, inhibitions: Sequence[Inhibition], firing: Iterable[Source]) -> None:
        self._inhibitions = inhibitions
        self._sources: list[dict[tuple[str, ...], list[Source]]] = [{} for _ in inhibitions]
        for source in firing if inhibitions else ():
            for one, sources in zip(inhibitions, self._sources, strict=True):
                if all_match(one.source, source[1]):
                    sources.setdefault(one.agreement(source[1]), []).append(source)

    def by(self, labels: Mapping[str, str]) -> str | None:
        """Return the name of an alert that inhibits one with these labels."""
        for one, sources in zip(self._inhibitions, self._sources, strict=True):
            if not sources or not all_match(one.target, labels):
                continue
            # An alert that fits both sides is not muted by another that does: two of them would mute each other.
            both = all_match(one.source, labels)
            for name, source in sources.get(one.agreement(labels), ()):
                if not (both and all_match(one.target, source)):
                    return name
        return None
