"""The words of a rule's SQL: which tables and columns it names. No parser: the server judges the rest."""

import re
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import NamedTuple

from rules.lint import blank

Tables = Mapping[str, Mapping[str, str]]
"""Table -> column -> type, of the database that the rules will run on."""

LABEL_TYPES = frozenset({"SYMBOL", "VARCHAR", "STRING", "BOOLEAN", "CHAR", "character varying", "boolean", "char"})
"""Types whose values are labels, as the server's own and the PostgreSQL catalogue spell them."""

_TOKEN = re.compile(r":{1,2}|[A-Za-z_]\w*|\d[\w.]*|\S")
_NAME = re.compile(r"[A-Za-z_]\w*")
_BREAK = re.compile(r"['\";]")
_STAR = re.compile(r"(\bselect\b|,|\.)\s*\*", re.IGNORECASE)
_KEYWORDS = re.compile(
    r"(?:align|all|and|any|as|asc|asof|between|by|calendar|case|cast|cross|current|declare|desc|distinct|else|end|"
    r"except|exclude|exists|false|fill|first|following|for|from|full|group|groups|horizon|ignore|ilike|in|inner|"
    r"intersect|is|join|last|latest|left|like|limit|linear|list|lt|none|not|null|nulls|observation|offset|on|or|"
    r"order|others|outer|over|partition|pivot|preceding|prev|range|respect|right|row|rows|sample|select|splice|"
    r"symmetric|then|ties|time|timestamp|to|tolerance|true|unbounded|union|using|when|where|window|with|within|"
    r"zone)",
    re.IGNORECASE,
)


class Word(NamedTuple):
    """A name, and where it stands."""

    text: str
    offset: int


class _Token(NamedTuple):
    text: str
    offset: int
    before: str
    after: str

    @property
    def is_name(self) -> bool:
        """Whether it may name something of the database, or of the query itself."""
        return (
            _NAME.fullmatch(self.text) is not None
            and _KEYWORDS.fullmatch(self.text) is None
            and self.before not in (":", "::", "@")
            and self.after != "("
        )


def _tokens(sql: str) -> list[_Token]:
    """Return the words up to where the text is broken off: a quote that is not closed, a second statement."""
    sound = _BREAK.split(blank(sql), maxsplit=1)[0]
    found = [(one.group(), one.start()) for one in _TOKEN.finditer(sound)]
    texts = ["", *(text for text, _ in found), ""]
    return [_Token(text, at, texts[i].lower(), texts[i + 2].lower()) for i, (text, at) in enumerate(found)]


def is_name(text: str) -> bool:
    """Whether a text can name a table or column as it stands."""
    return _NAME.fullmatch(text) is not None and text.isascii()


def names_in(sql: str) -> set[str] | None:
    """Return every name that a result column of a query may have; None if it selects everything (`*`)."""
    return None if _STAR.search(blank(sql)) else {one.text for one in _tokens(sql) if one.is_name}


def unknown_columns(fragment: str, columns: Mapping[str, str]) -> Iterator[Word]:
    """Yield the names of an expression that are no column of its table."""
    known = {name.lower() for name in columns}
    for one in _tokens(fragment):
        if one.is_name and one.before not in ("as", ".") and one.after != "." and one.text.lower() not in known:
            yield Word(one.text, one.offset)


def tables_of(sql: str) -> list[Word]:
    """Return the tables that a query reads, without those it defines itself (WITH) and without table functions."""
    tokens = _tokens(sql)
    own = {one.text for one, later in pairwise(tokens) if one.after == "as" and later.after == "("}
    return [Word(one.text, one.offset) for one in tokens if _reads(one) and one.text not in own]


def _reads(token: _Token) -> bool:
    return token.before in ("from", "join") and token.is_name


def unknown_in_query(sql: str, tables: Tables) -> Iterator[Word]:
    """Yield the names in a query that are no column of its tables and nothing that it names itself."""
    read = tables_of(sql)
    if not read or not all(one.text in tables for one in read):
        return
    tokens = [one for one in _tokens(sql) if one.is_name]
    known = {name.lower() for one in read for name in tables[one.text]}
    known |= {one.text.lower() for one in tokens if _defines(one)} | {one.text.lower() for one in read}
    known |= {one.text.lower() for one in tokens if one.after in ("as", ".")}
    if any(one.before in ("from", "join") and one.after == "(" and is_name(one.text) for one in _tokens(sql)):
        return  # a table function has columns of its own
    for one in tokens:
        if one.text.lower() not in known:
            yield Word(one.text, one.offset)


def _defines(token: _Token) -> bool:
    """Whether this names a result: after AS, or right behind an expression."""
    before = token.before
    return before in ("as", ")", "]") or (before[:1].isalnum() and _KEYWORDS.fullmatch(before) is None)
