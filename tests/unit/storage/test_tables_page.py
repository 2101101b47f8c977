"""The committed page of tables is the one that the schema makes."""

from pathlib import Path

from storage.schema import TABLES
from storage.tables_page import page

PAGE = Path(__file__).parents[3] / "docs" / "tables.md"


def test_the_committed_page_is_the_schemas() -> None:
    """A column that changes without its line in docs/tables.md is caught here: run `python -m storage.tables_page`."""
    assert PAGE.read_text() == page()


def test_every_column_has_its_line() -> None:
    """Nothing that is stored goes unexplained."""
    text = page()
    for table in TABLES.values():
        section = text.split(f"## {table.name}\n")[1].split("\n## ")[0]
        assert [c.name for c in table.columns if f"| `{c.name}` | {c.type} | {c.meaning} |" not in section] == []
