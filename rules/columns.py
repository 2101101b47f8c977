"""Checks a rule's names of tables and columns against the tables of the database that it will run on."""

from collections.abc import Iterable, Iterator, Mapping

import yaml

from rules.document import Document
from rules.fields import RESERVED_LABELS
from rules.problems import nearest
from rules.sense import sense, sense_of_part
from rules.values import Given, Section, tell
from rules.words import LABEL_TYPES, Tables, Word, is_name, tables_of, unknown_columns, unknown_in_query

_NO_LABELS = ("ts", "value")
_QUOTE = 'if the server does know it, write it in double quotes: "{}"'


def check_section(document: Document, section: Section, tables: Tables | None) -> None:
    """Complain of names in a section that are no table or column, and of columns that are of the wrong type."""
    table = section.get("table")
    if table is None:
        return
    if not is_name(str(table.value)):
        document.complain(table.node, f"{table.value!r} is no table name", "for a query of your own use `sql`")
        return
    columns = _columns(document, table.node, str(table.value), tables)
    if columns is None:
        return
    for node, name in _labels(section):
        _check_column(document, node, name, columns)
    for key in ("value", "where"):
        _check_words(document, section.get(key), columns)


def check_labels(document: Document, section: Section) -> None:
    """Complain of columns that cannot be labels, whatever the table has."""
    for node, name in _labels(section):
        if not is_name(name):
            document.complain(node, f"{name!r} is no column name")
        elif name in RESERVED_LABELS or name in _NO_LABELS:
            document.complain(node, f"{name!r} cannot be a label", "name the columns that tell the alerts apart")


def check_query(document: Document, given: Given, tables: Tables | None) -> None:
    """Complain of names in a query that are neither in its tables nor made by itself, and of what it cannot mean."""
    if not isinstance(given.node, yaml.ScalarNode):
        return
    tell(document, given.node, sense(given.node.value, tables))
    if tables is None:
        return
    sql = given.node.value
    for word in tables_of(sql):
        _ = _columns(document, document.inside(given.node, word.offset), word.text, tables)
    read = sorted({name for word in tables_of(sql) for name in tables.get(word.text, ())})
    _complain(document, given.node, unknown_in_query(sql, tables), read)


def _columns(
    document: Document, place: yaml.Node | yaml.Mark, table: str, tables: Tables | None
) -> Mapping[str, str] | None:
    if tables is None:
        return None
    if table not in tables:
        document.complain(place, f"unknown table {table!r}", nearest(table, tables))
    return tables.get(table)


def _labels(section: Section) -> Iterator[tuple[yaml.Node, str]]:
    by, expect = section.get("by"), section.get("expect")
    if by is not None and isinstance(by.node, yaml.SequenceNode):
        for node in by.node.value:
            yield node, str(getattr(node, "value", ""))
    if expect is not None and isinstance(expect.node, yaml.SequenceNode):
        for item in expect.node.value:
            for key, _ in item.value if isinstance(item, yaml.MappingNode) else ():
                yield key, str(getattr(key, "value", ""))


def _check_column(document: Document, node: yaml.Node, name: str, columns: Mapping[str, str]) -> None:
    if name not in columns:
        document.complain(node, f"unknown column {name!r}", nearest(name, columns))
    elif columns[name] not in LABEL_TYPES and name not in _NO_LABELS:
        texts = ", ".join(column for column, kind in columns.items() if kind in LABEL_TYPES)
        document.complain(node, f"{name!r} is a {columns[name]}, and a label is a text", f"columns of text: {texts}")


def _check_words(document: Document, given: Given | None, columns: Mapping[str, str]) -> None:
    if given is not None and isinstance(given.node, yaml.ScalarNode):
        _complain(document, given.node, unknown_columns(given.node.value, columns), columns)
        tell(document, given.node, sense_of_part(given.node.value, columns))


def _complain(document: Document, node: yaml.ScalarNode, words: Iterable[Word], known: Iterable[str]) -> None:
    known = list(known)
    for word in words:
        near = nearest(word.text, known)
        hint = near if near.startswith("did you mean") else f"{near}; {_QUOTE.format(word.text)}"
        document.complain(document.inside(node, word.offset), f"unknown column {word.text!r}", hint)
