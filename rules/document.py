"""YAML with positions, read as YAML 1.2 means it: `no` is a text, `12:30` is a text, a key given twice is an error."""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from rules.problems import Level, Problem

_NULL = re.compile(r"~|null|Null|NULL|")
_BOOL = re.compile(r"true|True|TRUE|false|False|FALSE")
_NUMBER = re.compile(r"[-+]?(\.\d+|\d+(\.\d*)?)([eE][-+]?\d+)?", re.ASCII)
_WORD = re.compile(r"\w+|[^\w\s]")
_HINTS = {
    "\\t": "a tab cannot indent YAML; use spaces",
    "expected ',' or": "inside { } and [ ] a text with a comma or a bracket needs quotes",
}
_HEADER = re.compile(r"[^\n]*\n")


@dataclass(slots=True)
class Document:
    """One file: its text, and the problems found so far."""

    file: Path
    text: str
    problems: list[Problem] = field(default_factory=list)

    def complain(
        self, mark: yaml.Mark | yaml.Node, message: str, hint: str = "", *, level: Level = Level.ERROR
    ) -> None:
        """Note a problem at a place."""
        at = mark.start_mark if isinstance(mark, yaml.Node) else mark
        lines = self.text.splitlines()
        source = lines[at.line] if at.line < len(lines) else ""
        self.problems.append(Problem(self.file, at.line + 1, at.column + 1, message, hint, source, level))

    def parse(self) -> yaml.Node | None:
        """Return the root node; None, with a problem noted, if it is no YAML."""
        try:
            root = yaml.compose(self.text, Loader=yaml.SafeLoader)
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            hint = next((hint for sign, hint in _HINTS.items() if sign in str(error.problem)), "")
            if mark is not None:
                self.complain(mark, f"not YAML: {error.problem or error.context}", hint)
            return None
        except yaml.YAMLError as error:
            self.problems.append(Problem(self.file, 1, 1, f"not YAML: {error}", "", ""))
            return None
        except RecursionError:
            self.problems.append(Problem(self.file, 1, 1, "not YAML that a person wrote: nested too deeply", "", ""))
            return None
        if root is None:
            self.problems.append(Problem(self.file, 1, 1, "the file is empty", "start with `groups:`", ""))
        return root

    def inside(self, node: yaml.ScalarNode, offset: int) -> yaml.Mark:
        """Return the place in the file of an offset in a scalar's value, whatever way the scalar is written.

        The word there is looked up in the source: the n-th of its kind in the value is the n-th in the file.
        """
        found = _WORD.search(node.value, offset)
        start, end = node.start_mark.index, node.end_mark.index
        header = _HEADER.match(self.text, start) if node.style in ("|", ">") else None
        if found is None:
            return node.start_mark
        earlier = sum(one.group() == found.group() for one in _WORD.finditer(node.value, 0, found.start()))
        same = [
            one.start()
            for one in _WORD.finditer(self.text, header.end() if header else start, end)
            if one.group() == found.group()
        ]
        return self._mark(same[earlier]) if earlier < len(same) else node.start_mark

    def _mark(self, index: int) -> yaml.Mark:
        *full, last = (self.text[:index] + "|").splitlines()
        return yaml.Mark(str(self.file), index, len(full), len(last) - 1, None, 0)


def entries(document: Document, node: yaml.MappingNode) -> Iterator[tuple[str, yaml.Node, yaml.Node]]:
    """Yield (key, key's node, value's node); a key given twice is a problem, and its first value counts."""
    seen: dict[str, int] = {}
    for key, value in node.value:
        if not isinstance(key, yaml.ScalarNode):
            document.complain(key, "a key must be a text")
            continue
        if key.value in seen:
            document.complain(key, f"{key.value!r} is given twice", f"the first one is in line {seen[key.value]}")
            continue
        seen[key.value] = key.start_mark.line + 1
        yield key.value, key, value


def keys_of(node: yaml.Node) -> set[str]:
    """Return the keys that a mapping gives, whatever their values are."""
    pairs = node.value if isinstance(node, yaml.MappingNode) else ()
    return {key.value for key, _ in pairs if isinstance(key, yaml.ScalarNode)}


def is_text(node: yaml.Node) -> bool:
    """Whether a value is a text: quoted, a block, or a plain one that is no number, boolean or null."""
    return isinstance(node, yaml.ScalarNode) and (
        node.style is not None or not any(form.fullmatch(node.value) for form in (_NULL, _BOOL, _NUMBER))
    )


def as_number(node: yaml.Node) -> float | None:
    """Return a plain number, or None."""
    if isinstance(node, yaml.ScalarNode) and node.style is None and _NUMBER.fullmatch(node.value):
        number = float(node.value)
        return number if math.isfinite(number) else None
    return None


def describe(node: yaml.Node) -> str:
    """Return what a value is, for an error message."""
    if isinstance(node, yaml.MappingNode):
        return "a mapping"
    if isinstance(node, yaml.SequenceNode):
        return "a list"
    value = node.value if isinstance(node, yaml.ScalarNode) else ""
    if as_number(node) is not None:
        return f"the number {value}"
    if isinstance(node, yaml.ScalarNode) and node.style is None and _BOOL.fullmatch(value):
        return f"the boolean {value}"
    return "nothing" if isinstance(node, yaml.ScalarNode) and node.style is None and not value else f"{value!r}"
