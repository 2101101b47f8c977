"""The JSON Schema of rule files, for completion and hover help in editors; made from `rules.fields`."""

from collections.abc import Mapping, Sequence
from typing import Any

from rules.fields import CONDITION, COUNTED, GROUP, KINDS, RECORD, RULE, SEVERITIES, SIDE, Form, Key

_DURATION = {"type": "string", "pattern": r"^(\d+(ms|s|m|h|d|w))+$"}
_LABELS = {"type": "object", "additionalProperties": {"type": "string"}}
_TEXTS = {"type": "array", "items": {"type": "string"}}
_FORMS: dict[Form, dict[str, Any]] = {
    Form.TEXT: {"type": "string"},
    Form.TEMPLATE: {"type": "string"},
    Form.SQL: {"type": "string"},
    Form.TABLE: {"type": "string"},
    Form.DURATION: _DURATION,
    Form.NUMBER: {"type": "number"},
    Form.COUNT: {"type": "integer", "minimum": 0},
    Form.COLUMNS: _TEXTS,
    Form.MATCHERS: {**_TEXTS, "minItems": 1},
    Form.LABELS: _LABELS,
    Form.KEYS: {"type": "array", "minItems": 1, "items": _LABELS},
}
_COMPARED: Mapping[str, Sequence[Key]] = {**dict.fromkeys(SEVERITIES, CONDITION), "left": SIDE, "right": SIDE}
_COUNTING: Mapping[str, Sequence[Key]] = dict.fromkeys(SEVERITIES, COUNTED)
"""The sections inside a kind."""


def json_schema() -> dict[str, Any]:
    """Return the schema, draft 2020-12."""
    inner = {name: _object(keys, _COUNTING if name == "alerts" else _COMPARED) for name, keys in KINDS.items()}
    rule = _object(RULE, _COMPARED, inner)
    rule["oneOf"] = [{"required": [name]} for name in ("sql", *KINDS)]
    # An editor completes by the one of them that has the name that is there.
    either = {"if": {"required": ["record"]}, "then": _object(RECORD, {}), "else": rule}
    group = _object(GROUP, {})
    group["properties"]["rules"] = {"type": "array", "items": either, "description": "the rules, run in this order"}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "deskwatch rules",
        "type": "object",
        "properties": {"groups": {"type": "array", "items": group, "description": "groups of rules"}},
        "required": ["groups"],
        "additionalProperties": False,
    }


def _object(
    keys: Sequence[Key], sections: Mapping[str, Sequence[Key]], done: Mapping[str, dict[str, Any]] | None = None
) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {key.name: _property(key, sections, done or {}) for key in keys},
        "required": [key.name for key in keys if key.required],
        "additionalProperties": False,
    }


def _property(key: Key, sections: Mapping[str, Sequence[Key]], done: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    if key.name in done:
        shape = done[key.name]
    elif key.form is Form.SECTION:
        shape = _object(sections[key.name], {})
    elif key.form is Form.CHOICE:
        shape = {"enum": [str(choice) for choice in key.choices]}
    else:
        shape = dict(_FORMS.get(key.form, {}))
    return {**shape, "description": key.meaning}
