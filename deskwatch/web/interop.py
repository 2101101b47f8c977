"""Alerts and rules in the forms of Prometheus and Alertmanager. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, TypeAdapter

from alerts.external import Posted
from alerts.snapshot import AlertSummary, RuleSummary
from alerts.state import State
from rules.compile import compile_rule
from rules.model import Group, Record, Rule

NEVER = "0001-01-01T00:00:00Z"
"""How Prometheus writes that a rule has not run yet."""


class _Posted(BaseModel):
    model_config = ConfigDict(extra="ignore", populate_by_name=True)

    labels: dict[str, str]
    annotations: dict[str, str] = Field(default_factory=dict)
    starts_at: AwareDatetime | None = Field(default=None, alias="startsAt")
    ends_at: AwareDatetime | None = Field(default=None, alias="endsAt")


_MANY = TypeAdapter(list[_Posted])


def read_posted(body: bytes) -> list[Posted]:
    """Read the body of POST /api/v2/alerts; Go's zero time means that a time is not given.

    Raises:
        ValidationError: it is no list of alerts.
    """
    return [
        Posted(one.labels, one.annotations, _given(one.starts_at), _given(one.ends_at))
        for one in _MANY.validate_json(body)
    ]


def _given(moment: datetime | None) -> datetime | None:
    return moment if moment is not None and moment.year > 1 else None


def alerts_v1(found: Iterable[AlertSummary]) -> dict[str, object]:
    """Return the answer of /api/v1/alerts."""
    return {"status": "success", "data": {"alerts": [_alert(one) for one in found]}}


def rules_v1(
    groups: Sequence[Group], found: Iterable[AlertSummary], runs: Mapping[tuple[str, str], RuleSummary]
) -> dict[str, object]:
    """Return the answer of /api/v1/rules; `query` is the SQL that runs."""
    by_rule: dict[str, list[AlertSummary]] = {}
    for one in found:
        by_rule.setdefault(one.rule, []).append(one)
    documents = [_group(group, by_rule, runs) for group in groups]
    return {"status": "success", "data": {"groups": documents}}


def _group(
    group: Group, by_rule: Mapping[str, Sequence[AlertSummary]], runs: Mapping[tuple[str, str], RuleSummary]
) -> dict[str, object]:
    found = [
        _rule(group, rule, by_rule.get(group.identity(rule), ()), runs.get((group.name, rule.name)))
        for rule in group.rules
    ]
    return {
        "name": group.name,
        "file": str(group.file),
        "interval": group.every.total_seconds(),
        "limit": 0,
        "rules": found,
        "evaluationTime": sum(one["evaluationTime"] for one in found),
        "lastEvaluation": max((one["lastEvaluation"] for one in found), default=NEVER),
    }


def _rule(group: Group, rule: Rule, alerts: Sequence[AlertSummary], run: RuleSummary | None) -> dict[str, Any]:
    query = compile_rule(group, rule)
    ran = run is not None and run.last_evaluation is not None
    document: dict[str, Any] = {
        "name": rule.name,
        "query": query.sql if query is not None else "",
        "labels": {**group.labels, **rule.labels},
        "health": ("err" if run is not None and run.error else "ok") if ran else "unknown",
        "lastError": run.error if run is not None else "",
        "evaluationTime": ((run.duration_ms if run is not None else None) or 0.0) / 1000,
        "lastEvaluation": run.last_evaluation.isoformat() if run is not None and run.last_evaluation else NEVER,
        "type": "recording" if isinstance(rule.kind, Record) else "alerting",
    }
    if isinstance(rule.kind, Record):
        return document
    annotations = {"summary": rule.summary, "description": rule.description, "runbook_url": rule.runbook}
    return document | {
        "labels": {**document["labels"], "severity": rule.severity},
        "duration": rule.hold.total_seconds(),
        "keepFiringFor": rule.keep_firing_for.total_seconds(),
        "annotations": {name: text for name, text in annotations.items() if text},
        "state": run.state if run is not None else State.INACTIVE,
        "alerts": [_alert(one) for one in alerts],
    }


def _alert(one: AlertSummary) -> dict[str, object]:
    texts = {"summary": one.summary, "description": one.description}
    return {
        "labels": one.labels,
        "annotations": {name: text for name, text in texts.items() if text},
        "state": one.state,
        "activeAt": one.since.isoformat(),
        "value": "" if one.value is None else f"{one.value:g}",
    }
