"""docs/rules.md is true: its rules load, its SQL is what they compile to, its tables are the loader's."""

import re
from collections.abc import Sequence
from pathlib import Path

import pytest

from rules.compile import compile_rule
from rules.fields import CONDITION, COUNTED, GROUP, KINDS, RECORD, RULE, SIDE, Key
from rules.load import load, load_sound
from rules.show import FILTERS
from storage.schema import column_types

DOC = (Path(__file__).parents[3] / "docs" / "rules.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```yaml\n(.*?)```", DOC, re.DOTALL)
COMPILED = re.findall(r"```yaml\n([^`]*)```\n\n```sql\n([^`]*)```", DOC)
SECTIONS = {
    "group": GROUP, "rule": RULE, "record": RECORD, "side": SIDE, "level": CONDITION, "count": COUNTED, **KINDS,
}  # fmt: skip
ASK_NOTHING = {"alerts"}


@pytest.mark.parametrize("example", EXAMPLES)
def test_every_example_loads(tmp_path: Path, example: str) -> None:
    """As a whole file, with the tables of the schema."""
    file = tmp_path / "rules.yaml"
    file.write_text(example, encoding="utf-8")
    ruleset, problems = load_sound([file], column_types())
    assert problems == []
    assert ruleset.names


@pytest.mark.parametrize(("example", "sql"), COMPILED)
def test_the_sql_beside_an_example_is_what_it_compiles_to(tmp_path: Path, example: str, sql: str) -> None:
    """Word for word."""
    file = tmp_path / "rules.yaml"
    file.write_text(example, encoding="utf-8")
    (group,) = load([file]).groups
    query = compile_rule(group, group.rules[0])
    assert query is not None
    assert query.sql == sql.strip()


def test_every_kind_has_its_example() -> None:
    """A kind that is not shown is not used."""
    text = "\n".join(example for example, _ in COMPILED)
    shown = {name for name in (*KINDS, "sql", "- record") if re.search(rf"^\s+{name}:", text, re.MULTILINE)}
    assert shown == {*KINDS, "sql", "- record"} - ASK_NOTHING
    assert all(f"        {name}:" in "".join(EXAMPLES) for name in ASK_NOTHING)


@pytest.mark.parametrize("name", SECTIONS)
def test_the_table_of_keys_is_the_loader_s(name: str) -> None:
    """Every key, its form and its meaning, in the loader's words."""
    found = re.search(rf"<!-- keys of {name} -->\n(.*?)\n<!-- end -->", DOC, re.DOTALL)
    assert found is not None
    assert found[1] == table(SECTIONS[name])


def table(keys: Sequence[Key]) -> str:
    """Return the table of a mapping's keys."""
    lines = ["| key | value | meaning |", "|---|---|---|"]
    for key in keys:
        form = ", ".join(key.choices) or key.form
        lines.append(f"| `{key.name}`{' (required)' if key.required else ''} | {form} | {key.meaning} |")
    return "\n".join(lines)


def test_every_filter_is_explained() -> None:
    """In the table of filters."""
    explained = re.findall(r"^\| `(\w+)` \|", DOC.partition("## Texts")[2], re.MULTILINE)
    assert set(explained) == set(FILTERS)
