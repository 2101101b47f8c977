"""Reads the values of a rule file by their declared form; each refusal says what was meant."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import timedelta
from typing import NamedTuple, TypeAlias

import yaml

from core import durations
from rules import lint, template
from rules.document import Document, as_number, describe, entries, is_text, keys_of
from rules.fields import Form, Key
from rules.matcher import BadMatcher, Matcher, read_matcher
from rules.problems import nearest

LONGEST = timedelta(days=3650)
"""Further back there is no row, and dates would run out."""

Value: TypeAlias = (
    str
    | float
    | int
    | timedelta
    | tuple[str, ...]
    | Mapping[str, str]
    | tuple[Mapping[str, str], ...]
    | tuple[Matcher, ...]
    | yaml.Node
)


class Given(NamedTuple):
    """A value with the node it was read from."""

    value: Value
    node: yaml.Node


Section: TypeAlias = dict[str, Given]


def read_section(document: Document, node: yaml.Node, keys: Sequence[Key], what: str) -> Section | None:
    """Read a mapping by its keys; None, with a problem, if it is no mapping."""
    if not isinstance(node, yaml.MappingNode):
        document.complain(node, f"{what} must be a mapping, not {describe(node)}")
        return None
    known = {key.name: key for key in keys}
    found: Section = {}
    for name, key_node, value_node in entries(document, node):
        if name not in known:
            document.complain(key_node, f"unknown key {name!r} in {what}", nearest(name, known))
            continue
        value = read_value(document, value_node, known[name])
        if value is not None:
            found[name] = Given(value, value_node)
    for key in keys:
        if key.required and key.name not in keys_of(node):
            document.complain(node, f"{what} has no {key.name!r}", f"{key.name}: {key.meaning}")
    return found


def read_value(document: Document, node: yaml.Node, key: Key) -> Value | None:
    """Read one value; None, with a problem, if it has not the declared form."""
    return _READERS[key.form](document, node, key)


def _node(_document: Document, node: yaml.Node, _key: Key) -> yaml.Node:
    return node


def _named_text(document: Document, node: yaml.Node, key: Key) -> str | None:
    return _text(document, node, key.name)


def _named_labels(document: Document, node: yaml.Node, key: Key) -> Mapping[str, str] | None:
    return _labels(document, node, key.name)


def _text(document: Document, node: yaml.Node, name: str) -> str | None:
    if isinstance(node, yaml.ScalarNode) and is_text(node) and node.value.strip():
        return str(node.value)
    hint = "put it in quotes" if isinstance(node, yaml.ScalarNode) and node.value else ""
    document.complain(node, f"{name} must be a text, not {describe(node)}", hint)
    return None


def _number(document: Document, node: yaml.Node, key: Key) -> float | int | None:
    number = as_number(node)
    if number is None:
        document.complain(node, f"{key.name} must be a number, not {describe(node)}")
        return None
    if key.form is Form.NUMBER:
        return number
    if number != int(number) or number < 0:
        document.complain(node, f"{key.name} must be a whole number of 0 or more, not {describe(node)}")
        return None
    return int(number)


def _duration(document: Document, node: yaml.Node, key: Key) -> timedelta | None:
    hint = "write a number and a unit, such as 500ms, 30s, 5m, 1h30m or 2d"
    if not isinstance(node, yaml.ScalarNode):
        document.complain(node, f"{key.name} must be a duration, not {describe(node)}", hint)
        return None
    try:
        span = durations.parse(node.value)
    except (durations.BadDuration, OverflowError):
        document.complain(node, f"{key.name} must be a duration, not {describe(node)}", hint)
        return None
    if span > LONGEST:
        document.complain(node, f"{key.name} must be {LONGEST.days}d or less")
        return None
    if not span and key.positive:
        document.complain(node, f"{key.name} must be longer than 0s", hint)
        return None
    return span


def _choice(document: Document, node: yaml.Node, key: Key) -> str | None:
    if isinstance(node, yaml.ScalarNode) and node.value in key.choices:
        return str(node.value)
    value = node.value if isinstance(node, yaml.ScalarNode) else ""
    document.complain(
        node, f"{key.name} must be one of {', '.join(key.choices)}, not {describe(node)}", nearest(value, key.choices)
    )
    return None


def _columns(document: Document, node: yaml.Node, key: Key) -> tuple[str, ...] | None:
    if not isinstance(node, yaml.SequenceNode):
        document.complain(
            node, f"{key.name} must be a list, not {describe(node)}", f"write {key.name}: [venue, symbol]"
        )
        return None
    found: dict[str, None] = {}
    for one in node.value:
        text = _text(document, one, key.name)
        if text in found:
            document.complain(one, f"{text!r} is given twice", "drop one of them")
        elif text is not None:
            found[text] = None
    return tuple(found)


def _matchers(document: Document, node: yaml.Node, key: Key) -> tuple[Matcher, ...] | None:
    if not isinstance(node, yaml.SequenceNode):
        hint = f"write {key.name}: ['alertname = \"BookStale\"']"
        document.complain(node, f"{key.name} must be a list of matchers, not {describe(node)}", hint)
        return None
    found = []
    for one in node.value:
        text = _text(document, one, key.name)
        if text is None:
            continue
        try:
            found.append(read_matcher(text))
        except BadMatcher as error:
            document.complain(one, f"{key.name}: {error.detail or 'no matcher'}", error.hint or "")
    return tuple(found)


def _labels(document: Document, node: yaml.Node, name: str) -> Mapping[str, str] | None:
    if not isinstance(node, yaml.MappingNode):
        document.complain(node, f"{name} must be a mapping, not {describe(node)}", f"write {name}: {{team: trading}}")
        return None
    found = {}
    for label, _, value in entries(document, node):
        text = _text(document, value, f"label {label}")
        if text is not None:
            found[label] = text
    return found


def _keys(document: Document, node: yaml.Node, key: Key) -> tuple[Mapping[str, str], ...] | None:
    if not isinstance(node, yaml.SequenceNode) or not node.value:
        hint = f"write {key.name}: [{{venue: okx, symbol: BTC-USDT}}]"
        document.complain(node, f"{key.name} must be a list of mappings, not {describe(node)}", hint)
        return None
    found = [_labels(document, one, key.name) for one in node.value]
    first = next((one for one in found if one is not None), {})
    for one, item in zip(found, node.value, strict=True):
        if one is not None and not one:
            document.complain(item, f"this entry of {key.name} names no column")
        elif one is not None and set(one) != set(first):
            document.complain(item, f"every entry of {key.name} needs the same columns", f"here: {', '.join(first)}")
    return tuple(one for one in found if one is not None)


def _template(document: Document, node: yaml.Node, key: Key) -> str | None:
    text = _text(document, node, key.name)
    if text is not None and (wrong := template.syntax_error(text)) is not None:
        document.complain(node, f"{key.name}: {wrong}", "values are written {{ venue }} or {{ value | duration }}")
        return None
    return text


_READERS: Mapping[Form, Callable[[Document, yaml.Node, Key], Value | None]] = {
    Form.SECTION: _node,
    Form.RULES: _node,
    Form.NUMBER: _number,
    Form.COUNT: _number,
    Form.COLUMNS: _columns,
    Form.LABELS: _named_labels,
    Form.KEYS: _keys,
    Form.MATCHERS: _matchers,
    Form.DURATION: _duration,
    Form.CHOICE: _choice,
    Form.TEMPLATE: _template,
    Form.TEXT: _named_text,
    Form.SQL: _named_text,
    Form.TABLE: _named_text,
}


def check_sql(document: Document, given: Given | None, *, whole: bool, windowed: bool = True) -> None:
    """Complain of what the SQL may not say, at its very place."""
    if given is None or not isinstance(given.value, str) or not isinstance(given.node, yaml.ScalarNode):
        return
    tell(document, given.node, lint.lint(given.value, whole=whole, windowed=windowed))


def tell(document: Document, node: yaml.ScalarNode, findings: Iterable[lint.Finding]) -> None:
    """Complain of what was found in a text, each at its very place."""
    for finding in findings:
        document.complain(document.inside(node, finding.offset), finding.message, finding.hint, level=finding.level)
