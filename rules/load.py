"""Rule files to a `Ruleset`: everything that is wrong in all files is reported at once."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import TypeVar, cast

import yaml

from rules import fields, template
from rules.columns import check_labels, check_query, check_section
from rules.document import Document, describe, keys_of
from rules.locate import group_problem
from rules.model import (
    Absent,
    Condition,
    Group,
    Kind,
    NoData,
    OnError,
    Rule,
    Ruleset,
    Sql,
    Stale,
    Threshold,
)
from rules.problems import BadRules, Problem, nearest
from rules.values import Given, Section, check_sql, read_section
from rules.words import Tables, is_name, names_in

T = TypeVar("T")

_ZERO = timedelta()


def files_of(paths: Sequence[Path]) -> list[Path]:
    """Return the rule files under paths; a folder stands for its *.yaml and *.yml, in order."""
    found: list[Path] = []
    for path in paths:
        try:
            inside = sorted(path.iterdir()) if path.is_dir() else None
        except OSError:
            inside = None  # reading it says why
        found += [path] if inside is None else [one for one in inside if one.suffix in (".yaml", ".yml")]
    return found


def load(paths: Sequence[Path], tables: Tables | None = None) -> Ruleset:
    """Read rule files or folders. With `tables`, names of tables and columns are checked too.

    Raises:
        BadRules: every problem of every file.
    """
    ruleset, problems = load_sound(paths, tables)
    if problems:
        raise BadRules(problems)
    return ruleset


def load_sound(paths: Sequence[Path], tables: Tables | None = None) -> tuple[Ruleset, list[Problem]]:
    """Read rule files or folders; return what could be read, and every problem of every file."""
    problems: list[Problem] = []
    groups: dict[str, Group] = {}
    files = files_of(paths)
    for file in files:
        found, wrong = load_file(file, tables)
        problems += wrong
        for group in found:
            twin = groups.setdefault(group.name, group)
            if twin.file != file:
                message = f"group {group.name!r} is also in {twin.file}"
                problems.append(group_problem(group, message, "a group's name must be its own"))
    problems.sort(key=lambda one: (files.index(one.file), one.line, one.column))
    return Ruleset(tuple(groups.values())), problems


def load_file(file: Path, tables: Tables | None) -> tuple[list[Group], list[Problem]]:
    """Return the groups of one file, and its problems."""
    try:
        text = file.read_text(encoding="utf-8")
    except OSError as error:
        return [], [Problem(file, 1, 1, f"cannot be read: {error.strerror}", "name an existing file or folder", "")]
    except UnicodeDecodeError as error:
        return [], [Problem(file, 1, 1, f"is not UTF-8: {error.reason}", "save it as UTF-8", "")]
    document = Document(file, text)
    groups = _Loader(document, tables).groups()
    return groups, document.problems


class _Loader:
    """Reads one document."""

    def __init__(self, document: Document, tables: Tables | None) -> None:
        self._document = document
        self._tables = tables

    def groups(self) -> list[Group]:
        root = self._document.parse()
        if root is None:
            return []
        if not isinstance(root, yaml.MappingNode):
            self._document.complain(root, f"a rule file is a mapping with `groups`, not {describe(root)}")
            return []
        keys = (fields.Key("groups", fields.Form.RULES, "the groups of rules", required=True),)
        section = read_section(self._document, root, keys, "the file") or {}
        found: dict[str, Group] = {}
        for node in self._items(section.get("groups"), "groups"):
            group = self._group(node)
            if group is not None and found.setdefault(group.name, group) is not group:
                self._document.complain(node, f"group {group.name!r} is in this file already", "rename one of them")
        return list(found.values())

    def _items(self, given: Given | None, name: str) -> list[yaml.Node]:
        if given is None:
            return []
        if not isinstance(given.node, yaml.SequenceNode):
            self._document.complain(given.node, f"{name} must be a list, not {describe(given.node)}", "start with `- `")
            return []
        return list(given.node.value)

    def _group(self, node: yaml.Node) -> Group | None:
        section = read_section(self._document, node, fields.GROUP, "a group")
        if section is None:
            return None
        rules: list[Rule] = []
        for item in self._items(section.get("rules"), "rules"):
            rule = self._rule(item)
            if rule is None:
                continue
            if any(rule.name == one.name for one in rules):
                self._document.complain(item, f"rule {rule.name!r} is in this group already", "rename one of them")
            rules.append(rule)
        every = _get(section, "every", timedelta(seconds=1))
        if every < timedelta(milliseconds=100):
            self._document.complain(section["every"].node, "`every` must be 100ms or more")
        self._check_labels(section)
        return Group(
            _get(section, "name", ""),
            self._document.file,
            every,
            _get(section, "offset", _ZERO),
            _get(section, "labels", cast("Mapping[str, str]", {})),
            tuple(rules),
        )

    def _rule(self, node: yaml.Node) -> Rule | None:
        section = read_section(self._document, node, fields.RULE, "a rule")
        if section is None:
            return None
        kind = self._kind(node, section)
        if kind is None or "alert" not in section or "summary" not in section:
            return None
        self._check_texts(section, kind)
        self._check_labels(section)
        if "no_data" in section and not isinstance(kind, Threshold):
            self._document.complain(
                section["no_data"].node, "only a threshold can see that there is no data", "drop `no_data`"
            )
        return Rule(
            name=_get(section, "alert", ""),
            kind=kind,
            severity=_get(section, "severity", "warn"),
            summary=_get(section, "summary", "").strip(),
            hold=_get(section, "for", _ZERO),
            keep_firing_for=_get(section, "keep_firing_for", _ZERO),
            no_data=NoData(_get(section, "no_data", NoData.ALERT if isinstance(kind, Threshold) else NoData.OK)),
            on_error=OnError(_get(section, "on_error", OnError.KEEP)),
            limit=_get(section, "limit", 0),
            labels=_get(section, "labels", cast("Mapping[str, str]", {})),
            description=_get(section, "description", "").strip(),
            runbook=_get(section, "runbook", ""),
            dashboard=_get(section, "dashboard", ""),
        )

    def _check_texts(self, section: Section, kind: Kind) -> None:
        """Complain of names in templates that no alert of this rule has."""
        columns = names_in(kind.text) if isinstance(kind, Sql) else set(kind.by)
        if columns is None:
            return
        known = columns | template.RESERVED
        for key in ("summary", "description"):
            given = section.get(key)
            if given is None or not isinstance(given.value, str):
                continue
            for name in sorted(template.names(given.value) - known):
                self._document.complain(given.node, f"{key}: this rule has no {name!r}", nearest(name, sorted(known)))

    def _check_labels(self, section: Section) -> None:
        given = section.get("labels")
        for key, _ in given.node.value if given is not None and isinstance(given.node, yaml.MappingNode) else ():
            name = str(getattr(key, "value", ""))
            if name in fields.RESERVED_LABELS:
                self._document.complain(
                    key, f"the label {name!r} is set by the rule itself", f"use `{fields.RESERVED_LABELS[name]}:`"
                )
            elif not is_name(name):
                self._document.complain(key, f"{name!r} is no label name", "letters, digits and _")

    # --- kinds -------------------------------------------------------------------------------------------------------

    def _kind(self, node: yaml.Node, section: Section) -> Kind | None:
        given = [name for name in ("sql", *fields.KINDS) if name in section]
        if len(given) != 1:
            message = f"a rule is of one kind, this one has {' and '.join(given) or 'none'}"
            self._document.complain(node, message, f"give it one of: sql, {', '.join(fields.KINDS)}")
            return None
        if given[0] == "sql":
            return self._sql(section)
        self._check_outside(section, given[0])
        inner = read_section(self._document, section[given[0]].node, fields.KINDS[given[0]], given[0])
        if inner is None:
            return None
        check_labels(self._document, inner)
        check_section(self._document, inner, self._tables)
        for name in ("value", "where"):
            check_sql(self._document, inner.get(name), whole=False)
        if any(key.required and key.name not in inner for key in fields.KINDS[given[0]]):
            return None
        return {"threshold": self._threshold, "stale": self._stale, "absent": self._absent}[given[0]](inner)

    def _check_outside(self, section: Section, kind: str) -> None:
        for name in ("over", *(key.name for key in fields.CONDITION)):
            if name in section:
                hint = f"put it inside `{kind}`"
                self._document.complain(section[name].node, f"{name!r} beside the rule belongs to `sql` rules", hint)
        if kind == "threshold" and not {"above", "below"} & keys_of(section[kind].node):
            self._document.complain(section[kind].node, "the threshold is missing", "add `above: 15` or `below: 3`")

    def _sql(self, section: Section) -> Sql:
        over = _get(section, "over", None)
        check_sql(self._document, section["sql"], whole=True, windowed=over is not None)
        check_query(self._document, section["sql"], self._tables)
        return Sql(_get(section, "sql", "").strip(), over, self._condition(section))

    def _threshold(self, inner: Section) -> Threshold | None:
        condition = self._condition(inner)
        if condition is None:
            return None
        return Threshold(
            _get(inner, "table", ""),
            _get(inner, "value", "").strip(),
            _get(inner, "over", _ZERO),
            _get(inner, "by", cast("tuple[str, ...]", ())),
            _get(inner, "where", ""),
            condition,
        )

    def _stale(self, inner: Section) -> Stale:
        older, forget = _get(inner, "older_than", _ZERO), _get(inner, "forget_after", _ZERO)
        if forget <= older:
            hint = "a key is forgotten before it is stale: raise forget_after"
            self._document.complain(inner["forget_after"].node, "forget_after must be longer than older_than", hint)
        by = _get(inner, "by", cast("tuple[str, ...]", ()))
        if not by:
            hint = "name the columns that tell the keys apart, such as [venue, symbol]"
            self._document.complain(inner["by"].node, "`by` names no column", hint)
        return Stale(_get(inner, "table", ""), by, older, forget, _get(inner, "where", ""))

    def _absent(self, inner: Section) -> Absent:
        expect = _get(inner, "expect", cast("tuple[Mapping[str, str], ...]", ()))
        by = tuple(expect[0]) if expect else ()
        return Absent(_get(inner, "table", ""), _get(inner, "over", _ZERO), by, expect, _get(inner, "where", ""))

    def _condition(self, section: Section) -> Condition | None:
        numbers: dict[str, float | None] = {key.name: _get(section, key.name, None) for key in fields.CONDITION}
        if numbers["above"] is None and numbers["below"] is None:
            return None
        self._check_clear(section, "clear_below", numbers["clear_below"], "above", numbers["above"], sign=1)
        self._check_clear(section, "clear_above", numbers["clear_above"], "below", numbers["below"], sign=-1)
        return Condition(**numbers)

    def _check_clear(
        self, section: Section, name: str, edge: float | None, limit: str, at: float | None, *, sign: int
    ) -> None:
        if edge is None:
            return
        if at is None:
            self._document.complain(section[name].node, f"{name} needs `{limit}`")
        elif (edge - at) * sign > 0:
            self._document.complain(
                section[name].node, f"{name} lies on the wrong side of {limit}", "it clears at once"
            )


def _get(section: Section, name: str, default: T) -> T:
    given = section.get(name)
    return default if given is None else cast("T", given.value)
