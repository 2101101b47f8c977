"""Finds a rule in its file again: where it stands, and which part of it a place of its SQL came from."""

from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

import yaml

from rules.compile import UNION
from rules.document import Document
from rules.fields import KINDS
from rules.model import Group, Record, Rule, Sql
from rules.problems import Level, Problem


def group_problem(group: Group, message: str, hint: str) -> Problem:
    """Return a problem at a group's name."""
    document, node = _group(group)
    return _problem(document, _child(node, "name"), message, hint)


def rule_problem(
    group: Group, rule: Rule, message: str, hint: str, *, key: str = "", level: Level = Level.ERROR
) -> Problem:
    """Return a problem at a rule's key, wherever in the rule that is; without one at its name."""
    document, node = _rule(group, rule)
    place = _child(node, key) or _child(_section(node), key) or _name(node)
    return _problem(document, place, message, hint, level=level)


def sql_problem(group: Group, rule: Rule, sql: str, offset: int, message: str) -> Problem:
    """Return a problem at an offset of the rule's compiled SQL, placed where its author wrote it."""
    document, node = _rule(group, rule)
    if isinstance(rule.kind, Sql | Record):
        text = _child(node, "sql")
        lead = len(text.value) - len(text.value.lstrip()) if isinstance(text, yaml.ScalarNode) else 0
        return _problem(document, text, message, "", lead + offset)
    section = _section(node)
    for part, start, end in _parts(sql, section):
        if start <= offset < end:
            return _problem(document, part, message, "", offset - start)
    return _problem(document, section or _name(node), message, f"in the SQL: {_line(sql, offset)}")


def _parts(sql: str, section: yaml.Node | None) -> Iterator[tuple[yaml.ScalarNode, int, int]]:
    """Yield where the section's own texts stand in the compiled SQL; the value's own spaces are cut there."""
    yield from _texts(sql, section, 0)
    yield from _texts(sql, _child(section, "left"), 0)
    yield from _texts(sql, _child(section, "right"), max(0, sql.find(UNION)))


def _texts(sql: str, section: yaml.Node | None, behind: int) -> Iterator[tuple[yaml.ScalarNode, int, int]]:
    for name in ("value", "where", "table"):
        node = _child(section, name)
        if isinstance(node, yaml.ScalarNode):
            lead = len(node.value) - len(node.value.lstrip())
            text = node.value.strip()
            before, after = {"value": ("", " AS "), "where": ("(", ")"), "table": ("FROM ", "")}[name]
            at = sql.find(before + text + after, behind) + len(before)
            yield node, at - lead, at + len(text)


def _line(sql: str, offset: int) -> str:
    return sql[sql.rfind("\n", 0, offset) + 1 :].partition("\n")[0].strip()


def _problem(
    document: Document,
    node: yaml.Node | None,
    message: str,
    hint: str,
    offset: int = 0,
    *,
    level: Level = Level.ERROR,
) -> Problem:
    if node is None:  # the file was changed or removed since it was read
        return Problem(document.file, 1, 1, message, hint, "", level)
    place = document.inside(node, offset) if isinstance(node, yaml.ScalarNode) and offset else node
    document.complain(place, message, hint, level=level)
    return document.problems[-1]


def _read(file: Path) -> tuple[Document, yaml.Node | None]:
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return Document(file, ""), None
    return Document(file, text), _parsed(text)


@lru_cache(maxsize=16)
def _parsed(text: str) -> yaml.Node | None:
    """Return the root of a text; a file with a thousand rules is read once for all its problems."""
    return Document(Path(), text).parse()


def _group(group: Group) -> tuple[Document, yaml.Node | None]:
    document, root = _read(group.file)
    return document, _named(_child(root, "groups"), "name", group.name)


def _rule(group: Group, rule: Rule) -> tuple[Document, yaml.Node | None]:
    document, node = _group(group)
    rules = _child(node, "rules")
    return document, _named(rules, "alert", rule.name) or _named(rules, "record", rule.name)


def _name(node: yaml.Node | None) -> yaml.Node | None:
    return _child(node, "alert") or _child(node, "record")


def _section(node: yaml.Node | None) -> yaml.Node | None:
    return next((one for name in KINDS if (one := _child(node, name))), None)


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
