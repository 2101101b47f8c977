"""One evaluation of one rule. Pure: the rule, its alerts so far and the query's outcome give the alerts now.

What the references leave to luck is decided here: a failed query, a query without rows, too many alerts, a data path
that is behind.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import TypeAlias

from alerts.labels import final_labels, fingerprint
from alerts.model import Labels
from alerts.state import Breach, Instance, ResolveReason, State, Texts, Timing, Transition, advance
from rules.findings import Finding, severity_of
from rules.model import Absent, Group, Mismatch, Missing, NoData, OnError, Record, Rule, Spike, Stale, Threshold
from rules.template import render, render_label

NO_DATA_AFTER = 2
"""Evaluations without any row before it counts as no data."""


class Health(StrEnum):
    """What came of an evaluation; the `outcome` of `rule_evaluations`."""

    OK = "ok"
    NO_DATA = "no_data"
    ERROR = "error"
    LIMIT = "limit"
    HELD = "held"
    """The data path is behind: a missing row proves nothing, so nothing was concluded."""


class Change(StrEnum):
    """Why an alert goes from firing to firing."""

    LOUDER = "louder"
    QUIETER = "quieter"


@dataclass(frozen=True, slots=True)
class Answered:
    """The query's findings."""

    findings: Sequence[Finding]


@dataclass(frozen=True, slots=True)
class Failed:
    """The query failed."""

    error: str


Outcome: TypeAlias = Answered | Failed
_BLIND = Threshold | Spike | Mismatch
"""Kinds that can see that there is no data."""


@dataclass(frozen=True, slots=True)
class Memory:
    """What a rule remembers between evaluations."""

    instances: Mapping[str, Instance] = field(default_factory=dict)
    empty: int = 0
    """Evaluations in a row without any row, counted up to NO_DATA_AFTER."""


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What an evaluation made of a rule's alerts."""

    memory: Memory
    transitions: Sequence[Transition]
    health: Health
    rows: int
    error: str = ""


def labels_of(group: Group, rule: Rule, labels: Mapping[str, str]) -> Labels:
    """Return the labels of an alert: the row's, overridden by the group's, the rule's, and the rule's name.

    Labels of group and rule may be templates of the row's. An alert that has several severities has the loudest here.
    """
    own = {"severity": rule.severity, "alertname": rule.name}
    layers = ({name: render_label(text, labels) for name, text in one.items()} for one in (group.labels, rule.labels))
    return final_labels(labels, *layers, own)


def key_of(rule: Rule, labels: Labels) -> str:
    """Return an alert's fingerprint. One that may get louder is the same alert at every severity."""
    if rule.levels:
        return fingerprint({name: value for name, value in labels.items() if name != "severity"})
    return fingerprint(labels)


def evaluate(
    group: Group, rule: Rule, memory: Memory, outcome: Outcome, at: datetime, *, path_late: bool = False
) -> Evaluation:
    """Return the rule's alerts after an evaluation at the slot `at`."""
    if isinstance(outcome, Failed):
        return _failed(group, rule, memory, outcome, at)
    if isinstance(rule.kind, Record):
        return Evaluation(memory, (), Health.OK, len(outcome.findings))
    if path_late and _proves_nothing(rule, outcome):
        return Evaluation(memory, (), Health.HELD, len(outcome.findings), "the data path is behind")
    empty = 0 if outcome.findings else min(memory.empty + 1, NO_DATA_AFTER)
    if isinstance(rule.kind, _BLIND) and not outcome.findings and rule.no_data is not NoData.OK:
        return _no_data(group, rule, replace(memory, empty=empty), at)
    return _judged(group, rule, replace(memory, empty=empty), outcome.findings, at)


def _proves_nothing(rule: Rule, outcome: Answered) -> bool:
    """Whether the answer may only mean that rows are late: what is judged by missing rows, and a window without any."""
    match rule.kind:
        case Stale() | Absent():
            return True
        case Spike(condition=condition):  # too few rows look like a collapse
            return condition.below is not None or not outcome.findings
        case Mismatch(missing=missing):
            return missing is not Missing.OK or not outcome.findings
        case Threshold():
            return not outcome.findings
        case _:
            return False


def _judged(group: Group, rule: Rule, memory: Memory, findings: Sequence[Finding], at: datetime) -> Evaluation:
    breaching: dict[str, Breach] = {}
    values: dict[str, float | None] = {}
    for finding in findings:
        labels = labels_of(group, rule, finding.labels)
        key = key_of(rule, labels)
        if key in breaching or key in values:
            text = f"two rows become the same alert {labels}: a label of the rule overrides what tells them apart"
            return _failed(group, rule, memory, Failed(text), at)
        before = memory.instances.get(key)
        severity = severity_of(rule, finding, firing=_severity(rule, before) if before and before.firing else None)
        if severity is not None:
            labels = labels if severity == rule.severity else {**labels, "severity": severity}
            breaching[key] = Breach(labels, finding.value, _texts(rule, finding, labels))
        else:
            values[key] = finding.value
    kept, excess = _limited(rule, memory.instances, breaching)
    health, error = Health.OK, ""
    if excess:
        health, error = Health.LIMIT, f"limit {rule.limit}: {excess} more alerts are not admitted"
        kept |= _own_alert(group, rule, "limit", error)
    step = advance(memory.instances, kept, values, Timing(rule.hold, rule.keep_firing_for), at)
    transitions = [*step.transitions, *_louder_or_quieter(rule, memory.instances, step.instances, at)]
    return Evaluation(replace(memory, instances=step.instances), transitions, health, len(findings), error)


def _severity(rule: Rule, instance: Instance) -> str:
    return instance.labels.get("severity", rule.severity)


def _louder_or_quieter(
    rule: Rule, before: Mapping[str, Instance], after: Mapping[str, Instance], at: datetime
) -> Iterator[Transition]:
    """Yield a step from firing to firing for each alert that has another severity now."""
    order = [one.severity for one in rule.levels]
    for key, one in after.items():
        was = before.get(key)
        if not order or was is None or not (was.firing and one.firing):
            continue
        first, second = _severity(rule, was), _severity(rule, one)
        if first != second and {first, second} <= set(order):
            louder = order.index(second) > order.index(first)
            yield Transition(at, State.FIRING, State.FIRING, one, Change.LOUDER if louder else Change.QUIETER)


def _limited(
    rule: Rule, instances: Mapping[str, Instance], breaching: dict[str, Breach]
) -> tuple[dict[str, Breach], int]:
    """Keep what is active already, admit new ones up to the limit, the largest values first; return the excess."""
    if not rule.limit or len(breaching) <= rule.limit:
        return breaching, 0
    active = {key for key, one in instances.items() if one.active}
    new = sorted(
        (key for key in breaching if key not in active),
        key=lambda key: (-(breaching[key].value or 0.0), sorted(breaching[key].labels.items())),
    )
    admitted = new[: max(0, rule.limit - sum(key in active for key in breaching))]
    kept = {key: one for key, one in breaching.items() if key in active or key in admitted}
    return kept, len(breaching) - len(kept)


def _no_data(group: Group, rule: Rule, memory: Memory, at: datetime) -> Evaluation:
    """No row at all: keep everything as it is, and with `no_data: alert` say so after two evaluations."""
    if rule.no_data is NoData.ALERT and memory.empty >= NO_DATA_AFTER:
        return _kept(group, rule, memory, at, "no_data", "the query has no row at all", Health.NO_DATA)
    return Evaluation(memory, (), Health.NO_DATA, 0)


def _failed(group: Group, rule: Rule, memory: Memory, outcome: Failed, at: datetime) -> Evaluation:
    match rule.on_error:
        case OnError.KEEP:
            return Evaluation(memory, (), Health.ERROR, 0, outcome.error)
        case OnError.ALERT:
            return _kept(group, rule, memory, at, "error", outcome.error, Health.ERROR)
        case OnError.OK:
            timing = Timing(rule.hold, rule.keep_firing_for)
            step = advance(memory.instances, {}, {}, timing, at, ended=ResolveReason.ERROR)
            memory = replace(memory, instances=step.instances)
            return Evaluation(memory, step.transitions, Health.ERROR, 0, outcome.error)


def _kept(
    group: Group, rule: Rule, memory: Memory, at: datetime, reason: str, error: str, health: Health
) -> Evaluation:
    """Keep the rule's alerts, and advance one of its own name with a label that says what is wrong."""
    own = _own_alert(group, rule, reason, error)
    before = {key: one for key, one in memory.instances.items() if key in own}
    step = advance(before, own, {}, Timing(rule.hold, rule.keep_firing_for), at)
    memory = replace(memory, instances={**memory.instances, **step.instances})
    return Evaluation(memory, step.transitions, health, 0, error)


def _own_alert(group: Group, rule: Rule, reason: str, error: str) -> dict[str, Breach]:
    labels = labels_of(group, rule, {"reason": reason})
    return {key_of(rule, labels): Breach(labels, None, Texts(f"{rule.name}: {error}", ""))}


def _texts(rule: Rule, finding: Finding, labels: Labels) -> Texts:
    return Texts(
        render(rule.summary, labels, finding.value, finding.data),
        render(rule.description, labels, finding.value, finding.data) if rule.description else "",
    )
