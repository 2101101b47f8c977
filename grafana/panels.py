"""Small builders of classic (v1) dashboard JSON: panels, variables, annotations. Pure; no SQL lives here."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any, TypeAlias

Json: TypeAlias = dict[str, Any]

SCHEMA_VERSION = 41
DATASOURCE: Json = {"type": "questdb-questdb-datasource", "uid": "questdb"}
COLUMNS = 24
OK, WARN, BAD, CALM = "#2eb886", "#daa038", "#a30200", "#6e7c91"
"""The colours that Slack messages use."""


class Format(IntEnum):
    """How the data source shapes a result."""

    TIME_SERIES = 0
    TABLE = 1


@dataclass(frozen=True, slots=True)
class Panel:
    """One panel: what it asks, what it shows, how large it is (24 columns a row)."""

    title: str
    sql: str
    kind: str
    unit: str
    description: str
    width: int = 12
    height: int = 8
    format: Format = Format.TIME_SERIES
    steps: Sequence[tuple[float | None, str]] = ((None, CALM),)
    no_value: str = "no data"
    options: Mapping[str, Any] = field(default_factory=dict)
    overrides: Sequence[Json] = ()


def target(sql: str, shape: Format) -> Json:
    """Return a query of a panel, a variable or an annotation."""
    return {"refId": "A", "datasource": DATASOURCE, "queryType": "sql", "format": int(shape), "rawSql": sql}


def _custom(kind: str) -> Json:
    if kind != "timeseries":
        return {}
    return {"drawStyle": "line", "lineWidth": 1, "fillOpacity": 8, "showPoints": "never", "spanNulls": False}


def panel_json(panel: Panel, number: int, x: int, y: int) -> Json:
    """Return a panel at its place in the grid."""
    return {
        "id": number,
        "title": panel.title,
        "type": panel.kind,
        "description": panel.description,
        "datasource": DATASOURCE,
        "gridPos": {"h": panel.height, "w": panel.width, "x": x, "y": y},
        "targets": [target(panel.sql, panel.format)],
        "options": dict(panel.options),
        "fieldConfig": {
            "defaults": {
                "unit": panel.unit,
                "noValue": panel.no_value,
                "thresholds": {
                    "mode": "absolute",
                    "steps": [{"value": value, "color": color} for value, color in panel.steps],
                },
                "custom": _custom(panel.kind),
            },
            "overrides": list(panel.overrides),
        },
    }


def lay_out(panels: Sequence[Panel]) -> list[Json]:
    """Return the panels in rows, left to right, a new row when the next one does not fit."""
    placed: list[Json] = []
    x = y = height = 0
    for number, panel in enumerate(panels, 1):
        if x + panel.width > COLUMNS:
            x, y, height = 0, y + height, 0
        placed.append(panel_json(panel, number, x, y))
        x, height = x + panel.width, max(height, panel.height)
    return placed


def query_variable(name: str, label: str, sql: str) -> Json:
    """Return a multi-select variable filled by a query, everything selected at first."""
    return {
        "name": name,
        "label": label,
        "type": "query",
        "datasource": DATASOURCE,
        "query": {"rawSql": sql, "refId": name, "queryType": "sql", "format": int(Format.TABLE)},
        "definition": sql,
        "refresh": 2,
        "multi": True,
        "includeAll": True,
        "current": {"text": ["All"], "value": ["$__all"]},
        "sort": 1,
    }


def choice_variable(name: str, label: str, choices: Sequence[str], chosen: str) -> Json:
    """Return a variable with fixed choices."""
    return {
        "name": name,
        "label": label,
        "type": "custom",
        "query": ",".join(choices),
        "options": [{"text": one, "value": one, "selected": one == chosen} for one in choices],
        "current": {"text": chosen, "value": chosen},
        "multi": False,
        "includeAll": False,
    }


def annotation(name: str, sql: str, color: str) -> Json:
    """Return an annotation query: columns time, timeEnd, title, text, tags."""
    return {
        "name": name,
        "enable": True,
        "iconColor": color,
        "datasource": DATASOURCE,
        "target": target(sql, Format.TABLE),
    }


def dashboard(
    uid: str, title: str, panels: Sequence[Panel], variables: Sequence[Json], annotations: Sequence[Json]
) -> Json:
    """Return a whole dashboard."""
    return {
        "uid": uid,
        "title": title,
        "tags": ["deskwatch"],
        "timezone": "utc",
        "schemaVersion": SCHEMA_VERSION,
        "version": 1,
        "editable": False,
        "refresh": "5s",
        "time": {"from": "now-1h", "to": "now"},
        "templating": {"list": list(variables)},
        "annotations": {"list": list(annotations)},
        "links": [],
        "panels": lay_out(panels),
    }
