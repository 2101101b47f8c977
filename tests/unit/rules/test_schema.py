"""The JSON Schema says what the loader says."""

import json
from pathlib import Path

import rules.schema
from rules.fields import GROUP, KINDS, RULE
from rules.schema import json_schema

COMMITTED = Path(rules.schema.__file__).with_name("rules.schema.json")


def test_the_committed_schema_is_the_generated_one() -> None:
    """Editors read the file beside the catalogue; `deskwatch rules schema > rules/rules.schema.json` renews it."""
    assert json.loads(COMMITTED.read_text(encoding="utf-8")) == json_schema()


def test_every_key_is_in_the_schema_with_its_meaning() -> None:
    """Completion and hover help for all of them, and nothing else is allowed."""
    group = json_schema()["properties"]["groups"]["items"]
    rule = group["properties"]["rules"]["items"]
    for shape, keys in ((group, GROUP), (rule, RULE), *((rule["properties"][name], KINDS[name]) for name in KINDS)):
        assert set(shape["properties"]) == {key.name for key in keys}
        assert all(shape["properties"][key.name]["description"] for key in keys)
        assert shape["required"] == [key.name for key in keys if key.required]
        assert shape["additionalProperties"] is False
