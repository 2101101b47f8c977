"""The JSON Schema of rule files, for completion and hover help in editors; made from `rules.fields`."""

from collections.abc import Sequence
from typing import Any

from rules.fields import GROUP, KINDS, RULE, Form, Key

_DURATION = {"type": "string", "pattern": r"^(\d+(ms|s|m|h|d|w))+$"}
_LABELS = {"type": "object", "additionalProperties": {"type": "string"}}
_FORMS: dict[Form, dict[str, Any]] = {
    Form.TEXT: {"type": "string"},
    Form.TEMPLATE: {"type": "string"},
    Form.SQL: {"type": "string"},
    Form.TABLE: {"type": "string"},
    Form.DURATION: _DURATION,
    Form.NUMBER: {"type": "number"},
    Form.COUNT: {"type": "integer", "minimum": 0},
    Form.COLUMNS: {"type": "array", "items": {"type": "string"}},
    Form.LABELS: _LABELS,
    Form.KEYS: {"type": "array", "minItems": 1, "items": _LABELS},
}


def json_schema() -> dict[str, Any]:
    """Return the schema, draft 2020-12."""
    rule = _object(RULE)
    rule["oneOf"] = [{"required": [name]} for name in ("sql", *KINDS)]
    group = _object(GROUP)
    group["properties"]["rules"] = {"type": "array", "items": rule, "description": "the rules, run in this order"}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "deskwatch rules",
        "type": "object",
        "properties": {"groups": {"type": "array", "items": group, "description": "groups of rules"}},
        "required": ["groups"],
        "additionalProperties": False,
    }


def _object(keys: Sequence[Key]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {key.name: _property(key) for key in keys},
        "required": [key.name for key in keys if key.required],
        "additionalProperties": False,
    }


def _property(key: Key) -> dict[str, Any]:
    if key.name in KINDS:
        shape = _object(KINDS[key.name])
    elif key.form is Form.CHOICE:
        shape = {"enum": [str(choice) for choice in key.choices]}
    else:
        shape = dict(_FORMS.get(key.form, {}))
    return {**shape, "description": key.meaning}
