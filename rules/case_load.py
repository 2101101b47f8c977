"""Rule test files to `CaseFile`s: every mistake at once, with its place, as in rule files."""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import TypeVar, cast

import yaml

from rules import case_fields as fields
from rules.cases import (
    Case,
    CaseFile,
    LabelSet,
    Place,
    RowSeries,
    WantedAlert,
    WantedMessage,
    WantedStates,
    WantedTransition,
)
from rules.document import Document, as_number, describe, entries, is_text
from rules.load import files_of
from rules.problems import BadRules, Problem, nearest
from rules.series import BadSeries, Cell, read_series
from rules.values import Given, Section, read_section
from rules.words import LABEL_TYPES, Tables, is_name

T = TypeVar("T")
START = datetime(2026, 1, 1, tzinfo=UTC)
NUMBERS = re.compile(r"DOUBLE|FLOAT|LONG|INT|SHORT|BYTE|DECIMAL.*", re.IGNORECASE)
BOOLEAN = "BOOLEAN"
_COLUMN = re.compile(r"\s*([A-Za-z_]\w*)\s+([A-Za-z_]\w*)\s*")
OWN_TYPES = ("TIMESTAMP", "TIMESTAMP_NS", "SYMBOL", "VARCHAR", "DOUBLE", "LONG", "BOOLEAN")
"""What a column of a test's own table can be."""
_NONE: LabelSet = {}
_ZERO, _SECOND = timedelta(), timedelta(seconds=1)


def load_cases(paths: Sequence[Path], tables: Tables) -> list[CaseFile]:
    """Read test files or folders; `tables` are those that every database has.

    Raises:
        BadRules: every problem of every file.
    """
    found: list[CaseFile] = []
    problems: list[Problem] = []
    for file in files_of(paths):
        one, wrong = load_file(file, tables)
        problems += wrong
        if one is not None:
            found.append(one)
    if problems:
        raise BadRules(problems)
    return found


def load_file(file: Path, tables: Tables) -> tuple[CaseFile | None, list[Problem]]:
    """Return the tests of one file, and its problems."""
    try:
        text = file.read_text(encoding="utf-8")
    except OSError as error:
        return None, [Problem(file, 1, 1, f"cannot be read: {error.strerror}", "name an existing file or folder", "")]
    except UnicodeDecodeError as error:
        return None, [Problem(file, 1, 1, f"is not UTF-8: {error.reason}", "save it as UTF-8", "")]
    document = Document(file, text)
    return _Loader(document, tables).file(), document.problems


class _Loader:
    """Reads one document."""

    def __init__(self, document: Document, tables: Tables) -> None:
        self._document = document
        self._tables = dict(tables)

    def file(self) -> CaseFile | None:
        root = self._document.parse()
        section = read_section(self._document, root, fields.FILE, "a test file") if root is not None else None
        if section is None:
            return None
        folder = self._document.file.parent
        own = self._own_tables(section.get("tables"))
        rules = tuple(folder / one for one in _get(section, "rules", cast("tuple[str, ...]", ())))
        routing = _get(section, "routing", "")
        cases = self._each(section.get("tests"), "tests", self._case)
        names = [one.name for one in cases]
        for name in {one for one in names if names.count(one) > 1}:
            self._document.complain(section["tests"].node, f"two tests are called {name!r}", "rename one of them")
        return CaseFile(self._document.file, rules, folder / routing if routing else None, own, tuple(cases))

    def _own_tables(self, given: Given | None) -> dict[str, str]:
        if given is None or not isinstance(given.node, yaml.MappingNode):
            return {}
        found = {}
        for name, key, node in entries(self._document, given.node):
            columns = [_COLUMN.fullmatch(part) for part in str(node.value).split(",")]
            pairs = [(one[1], one[2].upper()) for one in columns if one is not None]
            hint = "write ts TIMESTAMP, venue SYMBOL, value DOUBLE"
            if name in self._tables:
                self._document.complain(key, f"every database has a table {name!r}", "choose another name")
            elif not is_name(name) or len(pairs) < len(columns):
                self._document.complain(node, f"{name}: these are no columns with types", hint)
            elif wrong := [kind for _, kind in pairs if kind not in OWN_TYPES]:
                self._document.complain(node, f"{name}: unknown type {wrong[0]}", nearest(wrong[0], OWN_TYPES))
            elif pairs[0] not in (("ts", "TIMESTAMP"), ("ts", "TIMESTAMP_NS")):
                self._document.complain(node, f"{name}: the first column must be `ts TIMESTAMP`", hint)
            else:
                self._tables[name] = dict(pairs)
                found[name] = str(node.value)
        return found

    def _each(self, given: Given | None, what: str, read: Callable[[yaml.Node], T | None]) -> list[T]:
        if given is None:
            return []
        if not isinstance(given.node, yaml.SequenceNode):
            message = f"{what} must be a list, not {describe(given.node)}"
            self._document.complain(given.node, message, "start with `- `")
            return []
        return [one for one in map(read, given.node.value) if one is not None]

    def _place(self, node: yaml.Node) -> Place:
        return Place(self._document.file, node.start_mark.line + 1)

    def _case(self, node: yaml.Node) -> Case | None:
        section = read_section(self._document, node, fields.CASE, "a test")
        if section is None:
            return None
        transitions = self._each(section.get("transitions"), "transitions", self._transition)
        sent = self._each(section.get("sent"), "sent", self._message)
        case = Case(
            self._place(node),
            _get(section, "name", ""),
            self._start(section.get("start")),
            _get(section, "until", _SECOND),
            _get(section, "phase", _ZERO),
            _get(section, "only", cast("tuple[str, ...]", ())),
            tuple(self._each(section.get("rows"), "rows", self._rows)),
            tuple(transitions) if "transitions" in section else None,
            tuple(self._each(section.get("states"), "states", self._states)),
            tuple(sent) if "sent" in section else None,
        )
        if not {"transitions", "states", "sent"} & section.keys():
            self._document.complain(node, "the test expects nothing", "add `transitions`, `states` or `sent`")
        times = [(one.at, one.place) for one in transitions]
        times += [(one.at, one.place) for one in case.states] + [(one.at, one.place) for one in sent]
        for at, place in times:
            if at > case.until:
                mark = yaml.Mark(str(self._document.file), 0, place.line - 1, node.start_mark.column, None, 0)
                self._document.complain(mark, "this is after the test's end", "raise `until`")
        return case

    def _start(self, given: Given | None) -> datetime:
        if given is None:
            return START
        try:
            start = datetime.fromisoformat(str(given.value))
        except ValueError:
            start = START.replace(tzinfo=None)
        if start.tzinfo is None:
            self._document.complain(given.node, "start must be a time in UTC", "write it as 2026-01-01T00:00:00Z")
            return START
        return start.astimezone(UTC)

    # --- rows --------------------------------------------------------------------------------------------------------

    def _rows(self, node: yaml.Node) -> RowSeries | None:
        section = read_section(self._document, node, fields.ROWS, "rows")
        if section is None or "table" not in section:
            return None
        table = _get(section, "table", "")
        if table not in self._tables:
            self._document.complain(section["table"].node, f"unknown table {table!r}", nearest(table, self._tables))
            return None
        values = {
            name: cells
            for name, one in self._columns(section.get("values"), table).items()
            if (cells := self._series(name, one, self._tables[table][name])) is not None
        }
        constant = {
            name: cell
            for name, one in self._columns(section.get("set"), table).items()
            if (cell := self._cell(name, one, self._tables[table][name])) is not None
        }
        if not constant and not values and not {"set", "values"} & section.keys():
            self._document.complain(node, "rows without any column", "add `set` or `values`")
        longest = max((len(one) for one in values.values()), default=_get(section, "times", 1))
        if values and "times" in section:
            self._document.complain(section["times"].node, "`values` says how many rows there are", "drop `times`")
        every, start = _get(section, "every", _SECOND), _get(section, "from", _ZERO)
        return RowSeries(table, start, every, constant, values, longest)

    def _columns(self, given: Given | None, table: str) -> dict[str, yaml.Node]:
        if given is None:
            return {}
        if not isinstance(given.node, yaml.MappingNode):
            self._document.complain(given.node, f"columns must be a mapping, not {describe(given.node)}")
            return {}
        found = {}
        for name, key, node in entries(self._document, given.node):
            if name == "ts" or name not in self._tables[table]:
                known = [one for one in self._tables[table] if one != "ts"]
                self._document.complain(key, f"no column {name!r} to set in {table}", nearest(name, known))
            else:
                found[name] = node
        return found

    def _series(self, name: str, node: yaml.Node, kind: str) -> tuple[Cell | None, ...] | None:
        if not isinstance(node, yaml.ScalarNode) or not node.value.strip():
            self._document.complain(node, f"{name} must be a series, not {describe(node)}", 'write "3 5 0x2 9"')
            return None
        try:
            cells = read_series(node.value, numbers=NUMBERS.fullmatch(kind) is not None)
        except BadSeries as error:
            self._document.complain(self._document.inside(node, error.offset), f"{name}: {error}", error.hint)
            return None
        if kind.upper() == BOOLEAN:
            return tuple(None if one is None else one == "true" for one in cells)
        return cells

    def _cell(self, name: str, node: yaml.Node, kind: str) -> Cell | None:
        wanted = "a number" if NUMBERS.fullmatch(kind) else "true or false" if kind.upper() == BOOLEAN else "a text"
        if isinstance(node, yaml.ScalarNode):
            if wanted == "a number" and as_number(node) is not None:
                return Decimal(node.value)
            if wanted == "true or false" and node.value in ("true", "false"):
                return bool(node.value == "true")
            if wanted == "a text" and is_text(node) and kind.upper() in LABEL_TYPES:
                return str(node.value)
        if kind.upper() not in LABEL_TYPES and wanted == "a text":
            self._document.complain(node, f"{name} is {kind}: a test cannot set it", "leave it out: it is NULL then")
        else:
            self._document.complain(node, f"{name} must be {wanted}, not {describe(node)}")
        return None

    # --- expectations ------------------------------------------------------------------------------------------------

    def _transition(self, node: yaml.Node) -> WantedTransition | None:
        section = read_section(self._document, node, fields.TRANSITION, "a transition")
        if section is None:
            return None
        return WantedTransition(
            self._place(node),
            _get(section, "at", _ZERO),
            _get(section, "alert", ""),
            _get(section, "labels", _NONE),
            _get(section, "to", ""),
            _get(section, "value", None),
            _get(section, "reason", None),
        )

    def _states(self, node: yaml.Node) -> WantedStates | None:
        section = read_section(self._document, node, fields.STATE, "a state")
        if section is None:
            return None
        alerts = self._each(section.get("expect"), "expect", self._alert)
        return WantedStates(self._place(node), _get(section, "at", _ZERO), _get(section, "alert", ""), tuple(alerts))

    def _alert(self, node: yaml.Node) -> WantedAlert | None:
        section = read_section(self._document, node, fields.ALERT, "an alert")
        if section is None:
            return None
        return WantedAlert(
            _get(section, "labels", _NONE),
            _get(section, "state", ""),
            _get(section, "value", None),
            _get(section, "summary", None),
        )

    def _message(self, node: yaml.Node) -> WantedMessage | None:
        section = read_section(self._document, node, fields.MESSAGE, "a message")
        if section is None:
            return None
        text: str | None = _get(section, "text", None)
        try:
            _ = re.compile(text or "")
        except re.error as error:
            hint = "mend it, or put a \\ before letters that mean something"
            self._document.complain(section["text"].node, f"text is no regular expression: {error}", hint)
        return WantedMessage(
            self._place(node),
            _get(section, "at", _ZERO),
            _get(section, "receiver", ""),
            _get(section, "status", ""),
            _get(section, "alerts", None),
            text,
            _get(section, "reason", None),
        )


def _get(section: Section | Mapping[str, Given], name: str, default: T) -> T:
    given = section.get(name)
    return default if given is None else cast("T", given.value)
