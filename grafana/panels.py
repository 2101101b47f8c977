"""Small builders of classic (v1) dashboard JSON: panels, variables, annotations. Pure; no SQL lives here."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any, TypeAlias

Json: TypeAlias = dict[str, Any]
Steps: TypeAlias = Sequence[tuple[float | None, str]]
"""From which value on which colour."""

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
    steps: Steps = ((None, CALM),)
    no_value: str = "no data"
    options: Mapping[str, Any] = field(default_factory=dict)
    overrides: Sequence[Json] = ()
    custom: Mapping[str, Any] = field(default_factory=dict)
    mappings: Mapping[str, tuple[str, str]] = field(default_factory=dict)


def target(sql: str, shape: Format) -> Json:
    """Return a query of a panel, a variable or an annotation."""
    return {"refId": "A", "datasource": DATASOURCE, "queryType": "sql", "format": int(shape), "rawSql": sql}


def _custom(kind: str) -> Json:
    if kind != "timeseries":
        return {}
    # A missing second is a NULL of the query, and a NULL is not drawn over; a lone point between two holes shows.
    return {"drawStyle": "line", "lineWidth": 1, "fillOpacity": 8, "showPoints": "auto", "spanNulls": False}


def column(name: str, *, unit: str | None = None, steps: Steps = (), **properties: Any) -> Json:  # noqa: ANN401  Grafana's
    """Return how one column of a table looks: its unit, colour steps of its cells, any other property by its path."""
    settings: list[Json] = [{"id": "unit", "value": unit}] if unit else []
    if steps:
        settings += [{"id": "thresholds", "value": thresholds(steps)}, _COLOURED]
    settings += [{"id": path.replace("__", "."), "value": value} for path, value in properties.items()]
    return {"matcher": {"id": "byName", "options": name}, "properties": settings}


def words(name: str, colors: Mapping[str, str]) -> Json:
    """Return a text column whose cells are coloured by their word."""
    values = {word: {"color": color, "index": place} for place, (word, color) in enumerate(colors.items())}
    return {
        "matcher": {"id": "byName", "options": name},
        "properties": [{"id": "mappings", "value": [{"type": "value", "options": values}]}, _COLOURED],
    }


def _mappings(texts: Mapping[str, tuple[str, str]]) -> list[Json]:
    """Return the words and colours that stand for values."""
    if not texts:
        return []
    options = {value: {"text": text, "color": color} for value, (text, color) in texts.items()}
    return [{"type": "value", "options": options}]


_COLOURED: Json = {"id": "custom.cellOptions", "value": {"type": "color-background", "mode": "basic"}}


def thresholds(steps: Steps) -> Json:
    """Return colour steps; the first has no value and colours everything below the second."""
    return {"mode": "absolute", "steps": [{"value": value, "color": color} for value, color in steps]}


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
                "thresholds": thresholds(panel.steps),
                "mappings": _mappings(panel.mappings),
                "custom": {**_custom(panel.kind), **panel.custom},
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
