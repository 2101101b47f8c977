"""SQL of a rule that runs and does not mean what its author thinks. No parser: the words of each SELECT, by clause.

The traps are those that this database, and the schedule that a rule runs on, have.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

from rules.lint import Finding
from rules.problems import Level
from rules.words import LABEL_TYPES, Tables

_HIDDEN = re.compile(r"'(?:[^']|'')*'|\"[^\"]*\"|--[^\n]*|/\*.*?\*/", re.DOTALL)
_WORD = re.compile(r"'_*'|::\w*|:?[A-Za-z_]\w*|\d[\w.]*|<>|!=|<=|>=|\|\||\S")
_NAME = re.compile(r"[A-Za-z_]\w*")
_COMPARED = frozenset({"<", ">", "<=", ">=", "=", "<>", "!=", "in", "between"})
_UNEQUAL = frozenset({"<>", "!="})
_SUMS = frozenset({"avg", "sum", "stddev", "stddev_samp", "stddev_pop", "variance", "approx_percentile"})
_SETS = frozenset({"union", "except", "intersect"})
_TEXTS = frozenset({"string", "varchar", "symbol"})
_AFTER_WHERE = frozenset({"latest", "group", "order", "sample", "limit", "window"})
_TIME = "ts"


class _Token(NamedTuple):
    text: str
    offset: int

    @property
    def is_name(self) -> bool:
        return _NAME.fullmatch(self.text) is not None

    @property
    def is_number(self) -> bool:
        return self.text[:1].isdigit()

    @property
    def is_text(self) -> bool:
        return self.text.startswith("'")


def sense(sql: str, tables: Tables | None) -> Iterator[Finding]:
    """Yield what a whole query does not mean so; types are judged where `tables` are known."""
    tokens = _tokens(sql)
    bound = any(one.text == ":now" for one in tokens)  # what is not bound at all is told by the linter
    own = {one.text for one, after, behind in _triples(tokens) if (after, behind) == ("as", "(")}
    for select in _selects(tokens):
        table = _table(select)
        columns = _columns(select, tables)
        if bound and table is not None and table.text not in own and not _is_function(select, table):
            yield from _unbounded(select, table, columns)
        yield from _latest(select, columns)
        yield from _joins(select)
        yield from _types(select, columns)
        yield from _varying(select, columns)


def sense_of_part(fragment: str, columns: Mapping[str, str]) -> Iterator[Finding]:
    """Yield what an expression over one table does not mean so."""
    yield from _types(_tokens(fragment), columns)


# --- words -----------------------------------------------------------------------------------------------------------


def _tokens(sql: str) -> list[_Token]:
    shown = _HIDDEN.sub(_mask, sql)
    return [_Token(found.group().lower(), found.start()) for found in _WORD.finditer(shown)]


def _mask(found: re.Match[str]) -> str:
    text = found.group()
    return f"'{'_' * (len(text) - 2)}'" if text.startswith("'") else " " * len(text)


def _triples(tokens: Sequence[_Token]) -> Iterator[tuple[_Token, str, str]]:
    texts = [*(one.text for one in tokens), "", ""]
    return ((one, texts[i + 1], texts[i + 2]) for i, one in enumerate(tokens))


def _selects(tokens: Sequence[_Token]) -> Iterator[list[_Token]]:
    """Yield the words of each SELECT, without those of a SELECT inside it."""
    stack: list[list[_Token]] = [[]]
    for one in tokens:
        if one.text == "(":
            stack.append([one])
        elif one.text == ")" and len(stack) > 1:
            inner = stack.pop()
            if any(word.text == "from" for word in inner):
                yield inner[1:]
                inner = inner[:1]
            stack[-1] += [*inner, one]
        elif one.text in _SETS:
            yield stack[-1]
            stack[-1] = []
        else:
            stack[-1].append(one)
    yield from stack


def _table(select: Sequence[_Token]) -> _Token | None:
    return next((after for one, after in pairwise(select) if _reads(one, after)), None)


def _is_function(select: Sequence[_Token], table: _Token) -> bool:
    return any(one is table and after.text == "(" for one, after in pairwise(select))


def _reads(word: _Token, after: _Token) -> bool:
    return word.text == "from" and after.is_name


def _columns(select: Sequence[_Token], tables: Tables | None) -> Mapping[str, str]:
    """Return the columns of the tables that a SELECT itself reads; of an inner SELECT nothing is known."""
    read = [b.text for a, b in pairwise(select) if a.text in ("from", "join")]
    if tables is None or any(name not in tables for name in read):
        return {}
    return {column.lower(): kind for name in read for column, kind in tables[name].items()}


def _where(select: Sequence[_Token]) -> list[_Token]:
    start = next((i for i, one in enumerate(select) if one.text == "where"), len(select))
    behind = range(start, len(select))
    return list(select[start : next((i for i in behind if select[i].text in _AFTER_WHERE), len(select))])


def _comparisons(words: Sequence[_Token]) -> Iterator[tuple[_Token, str, _Token]]:
    """Yield each name with what it is compared by and with; `NOT IN` is `<>`."""
    for i, one in enumerate(words[1:-1], 1):
        before, after = words[i - 1], words[i + 1]
        if one.text == "not" and after.text == "in" and before.is_name and i + 2 < len(words):
            yield before, "<>", words[min(i + 3, len(words) - 1)]
        elif one.text not in _COMPARED:
            continue
        elif before.is_name and before.text != "not":
            yield before, one.text, words[min(i + 2, len(words) - 1)] if one.text == "in" else after
        elif after.is_name:
            yield after, one.text, before


# --- traps -----------------------------------------------------------------------------------------------------------


def _is_time(name: str, columns: Mapping[str, str]) -> bool:
    return name == _TIME or columns.get(name, "").upper().startswith("TIMESTAMP")


def _unbounded(select: Sequence[_Token], table: _Token, columns: Mapping[str, str]) -> Iterator[Finding]:
    """The planner reads every partition, and a row of long ago counts for ever."""
    if any(one.text == ":start" for one in select):
        return
    for name, operator, other in _comparisons(_where(select)):
        lower = ("<", "<=", "=") if other.offset < name.offset else (">", ">=", "=", "in", "between")
        if _is_time(name.text, columns) and operator in lower:
            return
    hint = "add `ts > :start AND ts <= :now`, with `over:` beside `sql`"
    yield Finding(table.offset, f"every row ever stored in {table.text} is read: ts has no lower bound", hint)


def _latest(select: Sequence[_Token], columns: Mapping[str, str]) -> Iterator[Finding]:
    """WHERE runs before LATEST ON: a threshold there finds the last row that was bad, for ever."""
    at = next((i for i, one in enumerate(select) if one.text == "latest"), None)
    if at is None:
        return
    keys = {one.text for one in select[at:]}
    for name, operator, other in _comparisons(_where(select[:at])):
        if name.text in keys or _is_time(name.text, columns):
            continue
        measured = name.text in columns and columns[name.text] not in LABEL_TYPES
        hint = "put LATEST ON into an inner SELECT, and this condition outside"
        message = f"WHERE comes before LATEST ON: this finds the last row whose {name.text} was so, not whether it is"
        if measured or other.is_number:
            yield Finding(name.offset, message, hint)
        elif operator in _UNEQUAL:
            yield Finding(name.offset, message, hint, Level.WARNING)


def _joins(select: Sequence[_Token]) -> Iterator[Finding]:
    if any(one.text == "tolerance" for one in select):
        return
    for one, after in pairwise(select):
        if (one.text, after.text) == ("asof", "join"):
            hint = "add `TOLERANCE 5s` behind the ON: without it a key that is gone is searched through all of history"
            yield Finding(one.offset, "ASOF JOIN takes the last row, however old", hint, Level.WARNING)


def _types(words: Sequence[_Token], columns: Mapping[str, str]) -> Iterator[Finding]:
    for name, _, other in _comparisons(words):
        kind = columns.get(name.text, "")
        if kind in LABEL_TYPES and kind.upper() != "BOOLEAN" and other.is_number:
            yield Finding(name.offset, f"{name.text!r} is a {kind}, and is compared with a number", "quote the text")
        elif _is_number(kind) and other.is_text:
            yield Finding(name.offset, f"{name.text!r} is a {kind}, and is compared with a text", "drop the quotes")
        elif kind.startswith("DECIMAL") and other.is_number and "." in other.text and not other.text.endswith("m"):
            hint = f"write {other.text}m, or {name.text}::double"
            yield Finding(name.offset, f"{name.text!r} is a DECIMAL, and does not compare with a float", hint)
    for i, one in enumerate(words[:-2]):
        kind = columns.get(words[i + 2].text, "")
        if one.text in _SUMS and words[i + 1].text == "(" and kind in LABEL_TYPES:
            hint = "count() counts rows, count_distinct(x) values"
            yield Finding(words[i + 2].offset, f"{one.text} of {words[i + 2].text!r}, which is a {kind}", hint)


def _is_number(kind: str) -> bool:
    return kind.startswith(("DECIMAL", "NUMERIC")) or kind.upper() in (
        "DOUBLE", "FLOAT", "LONG", "INT", "SHORT", "DOUBLE PRECISION", "REAL", "BIGINT", "INTEGER", "SMALLINT",
    )  # fmt: skip


def _varying(select: Sequence[_Token], columns: Mapping[str, str]) -> Iterator[Finding]:
    """A number or time that is made a text is a label: with each new value it is a new alert."""
    until = next((i for i, one in enumerate(select) if one.text == "from"), len(select))
    for i, one in enumerate(select[:until]):
        kind = columns.get(one.text)
        if kind is None or kind in LABEL_TYPES:
            continue
        before, after = select[max(0, i - 2) : i], [word.text for word in select[i + 1 : i + 3]]
        cast = after[:1] == ["as"] and after[1:] and after[1] in _TEXTS and [w.text for w in before] == ["cast", "("]
        shown = [word.text for word in before] == ["to_str", "("] or after[:1] == ["||"] or select[i - 1].text == "||"
        if cast or shown or (after and after[0].removeprefix("::") in _TEXTS and after[0].startswith("::")):
            hint = "texts are labels, and labels tell alerts apart: leave it a number, and it is data for the message"
            message = f"this label changes with {one.text!r}: each new value is a new alert"
            yield Finding(one.offset, message, hint, Level.WARNING)
