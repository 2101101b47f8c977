"""Finds a rule in its file again: where it stands, and which part of it a place of its SQL came from."""

from pathlib import Path

import yaml

from rules.document import Document
from rules.model import Group, Rule, Sql
from rules.problems import Problem


def group_problem(group: Group, message: str, hint: str) -> Problem:
    """Return a problem at a group's name."""
    document, node = _group(group)
    return _problem(document, _child(node, "name"), message, hint)


def rule_problem(group: Group, rule: Rule, message: str, hint: str) -> Problem:
    """Return a problem at a rule's name."""
    document, node = _rule(group, rule)
    return _problem(document, _child(node, "alert"), message, hint)


def sql_problem(group: Group, rule: Rule, sql: str, offset: int, message: str) -> Problem:
    """Return a problem at an offset of the rule's compiled SQL, placed where its author wrote it."""
    document, node = _rule(group, rule)
    if isinstance(rule.kind, Sql):
        text = _child(node, "sql")
        lead = len(text.value) - len(text.value.lstrip()) if isinstance(text, yaml.ScalarNode) else 0
        return _problem(document, text, message, "", lead + offset)
    section = next((one for name in ("threshold", "stale", "absent") if (one := _child(node, name))), None)
    for name, start, end in _parts(sql, section):
        if start <= offset < end:
            part = _child(section, name)
            return _problem(document, part, message, "", offset - start)
    return _problem(document, section or _child(node, "alert"), message, f"in the SQL: {_line(sql, offset)}")


def _parts(sql: str, section: yaml.Node | None) -> list[tuple[str, int, int]]:
    """Return where the section's own texts stand in the compiled SQL; the value's own spaces are cut there."""
    found = []
    for name in ("value", "where", "table"):
        node = _child(section, name)
        if isinstance(node, yaml.ScalarNode):
            lead = len(node.value) - len(node.value.lstrip())
            text = node.value.strip()
            marker = {"value": text + " AS value", "where": f"({text})", "table": f"FROM {text}"}[name]
            at = sql.find(marker) + marker.index(text)
            found.append((name, at - lead, at + len(text)))
    return found


def _line(sql: str, offset: int) -> str:
    return sql[sql.rfind("\n", 0, offset) + 1 :].partition("\n")[0].strip()


def _problem(document: Document, node: yaml.Node | None, message: str, hint: str, offset: int = 0) -> Problem:
    if node is None:  # the file was changed or removed since it was read
        return Problem(document.file, 1, 1, message, hint, "")
    place = document.inside(node, offset) if isinstance(node, yaml.ScalarNode) and offset else node
    document.complain(place, message, hint)
    return document.problems[-1]


def _read(file: Path) -> tuple[Document, yaml.Node | None]:
    try:
        document = Document(file, file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError):
        return Document(file, ""), None
    return document, document.parse()


def _group(group: Group) -> tuple[Document, yaml.Node | None]:
    document, root = _read(group.file)
    return document, _named(_child(root, "groups"), "name", group.name)


def _rule(group: Group, rule: Rule) -> tuple[Document, yaml.Node | None]:
    document, node = _group(group)
    return document, _named(_child(node, "rules"), "alert", rule.name)


def _named(items: yaml.Node | None, key: str, name: str) -> yaml.Node | None:
    if not isinstance(items, yaml.SequenceNode):
        return None
    for item in items.value:
        title = _child(item, key)
        if isinstance(title, yaml.ScalarNode) and title.value == name:
            return item  # type: ignore[no-any-return]  # the library types a sequence's items as Any
    return None


def _child(node: yaml.Node | None, name: str) -> yaml.Node | None:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if isinstance(key, yaml.ScalarNode) and key.value == name:
                return value  # type: ignore[no-any-return]  # likewise, of a mapping's values
    return None
