"""Rule files to a `Ruleset`: everything that is wrong in all files is reported at once."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import cast

import yaml

from rules import fields
from rules.document import Document, describe, keys_of
from rules.hints import hints
from rules.kinds import ZERO, Judged, KindReader, get
from rules.locate import group_problem
from rules.model import Alerts, Group, Kind, Mismatch, NoData, OnError, Rule, Ruleset, Spike, Threshold
from rules.problems import BadRules, Problem
from rules.texts import check_label_texts, check_texts
from rules.values import Given, Section, read_section
from rules.words import Tables, is_name

_BLIND = Threshold | Spike | Mismatch
"""Kinds that can see that there is no data."""


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
        BadRules: every error of every file. Warnings are for `load_sound`.
    """
    ruleset, problems = load_sound(paths, tables)
    errors = [one for one in problems if one.is_error]
    if errors:
        raise BadRules(errors)
    return ruleset


def load_sound(paths: Sequence[Path], tables: Tables | None = None) -> tuple[Ruleset, list[Problem]]:
    """Read rule files or folders; return what could be read, and every error and warning of every file."""
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
    ruleset = Ruleset(tuple(groups.values()))
    wrong_lines = {(one.file, one.line) for one in problems}
    problems += [one for one in hints(ruleset) if (one.file, one.line) not in wrong_lines]
    problems.sort(key=lambda one: (files.index(one.file), one.line, one.column))
    return ruleset, problems


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
        self._kinds = KindReader(document, tables)

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
        labels = get(section, "labels", cast("Mapping[str, str]", {}))
        for item in self._items(section.get("rules"), "rules"):
            rule = self._rule(item, labels)
            if rule is None:
                continue
            if any(rule.name == one.name for one in rules):
                self._document.complain(item, f"rule {rule.name!r} is in this group already", "rename one of them")
            rules.append(rule)
        every = get(section, "every", timedelta(seconds=1))
        if every < timedelta(milliseconds=100):
            self._document.complain(section["every"].node, "`every` must be 100ms or more")
        self._check_labels(section, None)
        return Group(
            get(section, "name", ""),
            self._document.file,
            every,
            get(section, "offset", ZERO),
            labels,
            tuple(rules),
        )

    def _rule(self, node: yaml.Node, labels: Mapping[str, str]) -> Rule | None:
        if "record" in keys_of(node):
            return self._record(node)
        section = read_section(self._document, node, fields.RULE, "a rule")
        if section is None:
            return None
        judged = self._kinds.read(node, section)
        self._check_labels(section, None if judged is None else judged.kind)
        if judged is None or "alert" not in section or "summary" not in section:
            return None
        labels = {**labels, **get(section, "labels", cast("Mapping[str, str]", {}))}
        check_texts(self._document, section, judged.kind, labels)
        self._check_fit(section, judged)
        return self._alerting(section, judged)

    def _alerting(self, section: Section, judged: Judged) -> Rule:
        kind, levels = judged.kind, judged.levels
        return Rule(
            name=get(section, "alert", ""),
            kind=kind,
            severity=levels[-1].severity if levels else get(section, "severity", "warn"),
            summary=get(section, "summary", "").strip(),
            hold=get(section, "for", ZERO),
            keep_firing_for=get(section, "keep_firing_for", ZERO),
            no_data=NoData(get(section, "no_data", NoData.ALERT if isinstance(kind, _BLIND) else NoData.OK)),
            on_error=OnError(get(section, "on_error", OnError.KEEP)),
            limit=get(section, "limit", 0),
            labels=get(section, "labels", cast("Mapping[str, str]", {})),
            description=get(section, "description", "").strip(),
            runbook=get(section, "runbook", ""),
            dashboard=get(section, "dashboard", ""),
            levels=levels,
            offset=get(section, "offset", None),
        )

    def _check_fit(self, section: Section, judged: Judged) -> None:
        """Complain of keys that mean nothing beside this kind."""
        if "no_data" in section and not isinstance(judged.kind, _BLIND):
            hint = "drop `no_data`: threshold, spike and mismatch have it"
            self._document.complain(section["no_data"].node, "this kind cannot see that there is no data", hint)
        if "severity" in section and judged.levels:
            names = " and ".join(one.severity for one in judged.levels)
            self._document.complain(section["severity"].node, f"severity beside {names}", "drop `severity`")
        for name in ("offset", "on_error"):
            if name in section and isinstance(judged.kind, Alerts):
                self._document.complain(section[name].node, f"an alerts rule asks no query: {name} means nothing")

    def _record(self, node: yaml.Node) -> Rule | None:
        section = read_section(self._document, node, fields.RECORD, "a recording rule")
        if section is None:
            return None
        kind = self._kinds.record(section)
        self._check_labels(section, kind)
        if not {"record", "sql"} <= section.keys():
            return None
        return Rule(
            name=get(section, "record", ""),
            kind=kind,
            severity="info",
            summary="",
            labels=get(section, "labels", cast("Mapping[str, str]", {})),
            offset=get(section, "offset", None),
        )

    def _check_labels(self, section: Section, kind: Kind | None) -> None:
        check_label_texts(self._document, section, kind)
        given = section.get("labels")
        for key, _ in given.node.value if given is not None and isinstance(given.node, yaml.MappingNode) else ():
            name = str(getattr(key, "value", ""))
            if name in fields.RESERVED_LABELS:
                self._document.complain(
                    key, f"the label {name!r} is set by the rule itself", f"use `{fields.RESERVED_LABELS[name]}:`"
                )
            elif not is_name(name):
                self._document.complain(key, f"{name!r} is no label name", "letters, digits and _")
