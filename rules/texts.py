"""Checks the templates of a rule: the names they use, and that a label stays the same while an alert lives."""

from collections.abc import Mapping

import yaml

from rules import template
from rules.document import Document
from rules.fields import RESERVED_LABELS
from rules.model import Absent, Alerts, Change, Kind, Mismatch, Record, Spike, Sql, Stale, Threshold
from rules.problems import nearest
from rules.values import Section
from rules.words import names_in

OWN = frozenset(RESERVED_LABELS)
"""Labels that every alert has."""


def columns_of(kind: Kind) -> tuple[set[str], set[str]] | None:
    """Return the labels that a kind's rows have, and the names of its data; None if that cannot be told."""
    match kind:
        case Sql(text=text) | Record(text=text):
            names = names_in(text)
            return None if names is None else (names, names)
        case Threshold(by=by) | Stale(by=by) | Absent(by=by):
            return {*by}, {"value"}
        case Spike(by=by):
            return {*by}, {"value", "current", "usual", "spread", "steps"}
        case Change(by=by, condition=condition):
            return {*by}, {"old", "new", *(() if condition is None else ("value",))}
        case Mismatch(by=by):
            return {*by, "missing"}, {"value", "left", "right"}
        case Alerts():
            return None


def check_texts(document: Document, section: Section, kind: Kind, labels: Mapping[str, str]) -> None:
    """Complain of names in summary and description that no alert of this rule has; `labels`: of rule and group."""
    columns = columns_of(kind)
    if columns is None:
        return
    known = columns[0] | columns[1] | set(labels) | OWN | {"labels"}
    if isinstance(kind, Sql):
        known.add("value")
    for key in ("summary", "description"):
        given = section.get(key)
        if given is None or not isinstance(given.value, str):
            continue
        for name in sorted(template.names(given.value) - known):
            document.complain(given.node, f"{key}: this rule has no {name!r}", nearest(name, sorted(known)))


def check_label_texts(document: Document, section: Section, kind: Kind | None) -> None:
    """Complain of a label's template that is none, uses a name that no row has, or one that changes with the value."""
    given = section.get("labels")
    if given is None or not isinstance(given.node, yaml.MappingNode):
        return
    for _, node in given.node.value:
        text = node.value if isinstance(node, yaml.ScalarNode) else ""
        if (wrong := template.syntax_error(text)) is not None:
            document.complain(node, f"label: {wrong}", "labels are written {{ venue }}")
        elif names := template.names(text):
            _check_names(document, node, names, kind)


def _check_names(document: Document, node: yaml.Node, names: set[str], kind: Kind | None) -> None:
    columns = None if kind is None else columns_of(kind)
    labels, data = columns or (names, {"value"})
    for name in sorted(names):
        if name == "value" or (name in data and name not in labels):
            hint = "a label tells alerts apart: with each new value it would be a new alert; put it in the summary"
            document.complain(node, f"this label changes with {name!r}", hint)
        elif name not in labels | {"labels"}:
            document.complain(node, f"label: this rule has no {name!r}", nearest(name, sorted(labels)))
