"""The JSON Schema says what the loader says."""

import importlib.util
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

import rules.schema
from rules.catalogue import folder
from rules.fields import CONDITION, COUNTED, GROUP, KINDS, RECORD, RULE, SIDE
from rules.load import load_sound
from rules.schema import json_schema
from tests.conftest import unavailable

COMMITTED = Path(rules.schema.__file__).with_name("rules.schema.json")


def test_the_committed_schema_is_the_generated_one() -> None:
    """Editors read the file beside the catalogue; `deskwatch rules schema > rules/rules.schema.json` renews it."""
    assert json.loads(COMMITTED.read_text(encoding="utf-8")) == json_schema()


def test_every_key_is_in_the_schema_with_its_meaning() -> None:
    """Completion and hover help for all of them, and nothing else is allowed."""
    group = json_schema()["properties"]["groups"]["items"]
    either = group["properties"]["rules"]["items"]
    rule, kinds = either["else"], either["else"]["properties"]
    shapes = [(group, GROUP), (rule, RULE), (either["then"], RECORD), *((kinds[name], KINDS[name]) for name in KINDS)]
    shapes += [(kinds["mismatch"]["properties"]["left"], SIDE), (kinds["spike"]["properties"]["page"], CONDITION)]
    shapes.append((kinds["alerts"]["properties"]["page"], COUNTED))
    for shape, keys in shapes:
        assert set(shape["properties"]) == {key.name for key in keys}
        assert all(shape["properties"][key.name]["description"] for key in keys)
        assert shape["required"] == [key.name for key in keys if key.required]
        assert shape["additionalProperties"] is False


# --- another validator -----------------------------------------------------------------------------------------------

ROOT = Path(__file__).parents[3]
EXAMPLES = re.findall(r"```yaml\n(.*?)```", (ROOT / "docs" / "rules.md").read_text(encoding="utf-8"), re.DOTALL)


def schema_check(*files: Path) -> subprocess.CompletedProcess[str]:
    """Validate files by the committed schema, as an editor would."""
    if importlib.util.find_spec("check_jsonschema") is None:
        unavailable("check-jsonschema is not installed: pip install check-jsonschema")
    command = [sys.executable, "-m", "check_jsonschema", "--schemafile", str(COMMITTED), *map(str, files)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=50)


def test_the_catalogue_and_the_examples_are_valid_by_the_schema(tmp_path: Path) -> None:
    """What the loader takes is not marked wrong in an editor."""
    for number, example in enumerate(EXAMPLES):
        (tmp_path / f"{number}.yaml").write_text(example, encoding="utf-8")
    done = schema_check(*sorted(folder().glob("*.yaml")), *sorted(tmp_path.glob("*.yaml")))
    assert done.returncode == 0, done.stdout


WRONG = {
    "an unknown key": "{alert: A, summary: s, absent: {table: t, over: 5s}, fro: 5s}",
    "two kinds": "{alert: A, summary: s, absent: {table: t, over: 5s}, sql: SELECT 1}",
    "no kind": "{alert: A, summary: s}",
    "no name": "{summary: s, absent: {table: t, over: 5s}}",
    "a recording with a severity": "{record: r, sql: SELECT 1, severity: warn}",
    "a recording of no query": "{record: r}",
    "an unknown severity": "{alert: A, summary: s, threshold: {table: t, value: x, over: 5s, loud: {above: 1}}}",
    "a level of another kind": "{alert: A, summary: s, alerts: {match: [a=b], page: {above: 3}}}",
    "a side without a value": (
        "{alert: A, summary: s, mismatch: {left: {table: t}, right: {table: t, value: x}, over: 5s, above: 1}}"
    ),
    "a number for a duration": "{alert: A, summary: s, absent: {table: t, over: 5}}",
}


@pytest.mark.parametrize("name", WRONG)
def test_what_the_loader_refuses_an_editor_marks(tmp_path: Path, name: str) -> None:
    """The same mistakes, found by another program."""
    file = tmp_path / "wrong.yaml"
    file.write_text(f"groups:\n  - name: g\n    every: 5s\n    rules:\n      - {WRONG[name]}\n", encoding="utf-8")
    assert load_sound([file])[1]
    assert schema_check(file).returncode == 1
