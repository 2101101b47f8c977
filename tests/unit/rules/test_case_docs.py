"""docs/rules-testing.md names every key of a test file, and its example can be read."""

import re
from pathlib import Path

from rules import case_fields as fields
from rules.case_load import load_file
from storage.schema import column_types

PAGE = (Path(__file__).parents[3] / "docs" / "rules-testing.md").read_text()


def test_every_key_is_on_the_page() -> None:
    """A key that nobody can read of does not exist."""
    forms = (fields.FILE, fields.CASE, fields.ROWS, fields.TRANSITION, fields.STATE, fields.ALERT, fields.MESSAGE)
    names = {key.name for keys in forms for key in keys}
    assert {name for name in names if not re.search(rf"\b{name}\b", PAGE)} == set()


def test_the_example_can_be_read(tmp_path: Path) -> None:
    """Who copies it gets no error."""
    [example] = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    (tmp_path / "test.yaml").write_text(example)
    found, problems = load_file(tmp_path / "test.yaml", column_types())
    assert (problems, found is not None) == ([], True)
