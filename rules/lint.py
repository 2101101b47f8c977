"""What SQL of a rule may not say: it is a query, bounded in time by `:now`, and never asks the server for the time.

The same text runs live, in tests and over history, so the time is always a parameter.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from rules.problems import Level

PARAMETERS = ("now", "start")
CLOCKS = ("now", "now_ns", "sysdate", "systimestamp", "systimestamp_ns", "today", "yesterday", "tomorrow")

_HIDDEN = re.compile(r"'(?:[^']|'')*'|\"[^\"]*\"|--[^\n]*|/\*.*?\*/", re.DOTALL)
_PARAMETER = re.compile(r"(?<![:\w]):([A-Za-z_]\w*)")
_CLOCK = re.compile(rf"\b({'|'.join(CLOCKS)})\s*\(", re.IGNORECASE)
_RANDOM = re.compile(r"\b(rnd_\w+)\s*\(", re.IGNORECASE)
_QUERY = re.compile(r"\s*(select|with|declare)\b", re.IGNORECASE)
_TICK = re.compile(r"'[^']*\$(now|today|yesterday|tomorrow)[^']*'", re.IGNORECASE)


class Finding(NamedTuple):
    """One complaint, at an offset of the text."""

    offset: int
    message: str
    hint: str
    level: Level = Level.ERROR


def blank(sql: str) -> str:
    """Return the SQL with strings and comments blanked out, at the same length."""
    return _HIDDEN.sub(lambda found: re.sub(r"[^\n]", " ", found.group()), sql)


def lint(sql: str, *, whole: bool, windowed: bool) -> Iterator[Finding]:
    """Yield what is wrong; `whole`: a query of its own, not a fragment; `windowed`: `:start` is bound."""
    bare = blank(sql)
    if whole:
        yield from _whole(bare)
    else:
        yield from _fragment(sql)
    yield from _open_ends(bare)
    for found in _CLOCK.finditer(bare):
        yield Finding(found.start(), f"{found[1]}() reads the server's clock", "use :now, the time of the evaluation")
    for found in _TICK.finditer(sql):
        yield Finding(found.start(), f"${found[1]} reads the server's clock", "use :now and :start")
    for found in _RANDOM.finditer(bare):
        yield Finding(found.start(), f"{found[1]}() gives another answer each time", "a rule must be repeatable")
    yield from _parameters(bare, windowed=windowed)
    if ";" in bare:
        yield Finding(bare.index(";"), "a `;` ends the statement", "one statement, without the `;`")


def _parameters(bare: str, *, windowed: bool) -> Iterator[Finding]:
    for found in _PARAMETER.finditer(bare):
        if found[1] not in PARAMETERS:
            yield Finding(found.start(), f"unknown parameter :{found[1]}", "known: :now and :start")
        elif found[1] == "start" and not windowed:
            yield Finding(found.start(), ":start needs `over`", "add `over: 10m` beside `sql`")


def _whole(bare: str) -> Iterator[Finding]:
    if not _QUERY.match(bare):
        yield Finding(0, "this is no query", "start with SELECT or WITH")
    elif not any(found[1] == "now" for found in _PARAMETER.finditer(bare)):
        yield Finding(0, "the query is not bounded by :now", "add `WHERE ts > :start AND ts <= :now`")


def _fragment(sql: str) -> Iterator[Finding]:
    for found in _HIDDEN.finditer(sql):
        if found.group().startswith("--"):
            hint = "the fragment is put inside a query: comment in the YAML instead"
            yield Finding(found.start(), "a SQL comment hides what follows", hint)


def _open_ends(bare: str) -> Iterator[Finding]:
    """A parenthesis or a quote that is not closed would reach into the text around the rule's own."""
    opened: list[int] = []
    for found in re.finditer(r"[()]", bare):
        if found.group() == "(":
            opened.append(found.start())
        elif not opened:
            yield Finding(found.start(), "this `)` closes nothing", "drop it, or open it before")
            return
        else:
            opened.pop()
    if opened:
        yield Finding(opened[-1], "this `(` is never closed", "add the `)`")
    for quote in ("'", '"'):
        if quote in bare:
            yield Finding(bare.index(quote), f"this {quote} is never closed", f"add the other {quote}")


def place_of(sql: str, bound: int) -> int:
    """Return the offset in the SQL of an offset in `bind(sql)`, where parameters and percent signs are longer."""
    longer = [(found.start(), len("%()s") - len(":")) for found in _PARAMETER.finditer(blank(sql))]
    longer += [(at, 1) for at, letter in enumerate(sql) if letter == "%"]
    grown = 0
    for at, more in sorted(longer):
        if at + grown >= bound:
            break
        grown += more
    return max(0, min(bound - grown, len(sql)))


def bind(sql: str, style: str = "%({})s") -> str:
    """Return the SQL with `:now` and `:start` as the driver's parameters, and its percent signs doubled."""
    bare = blank(sql)
    parts, end = [], 0
    for found in _PARAMETER.finditer(bare):
        parts += [sql[end : found.start()].replace("%", "%%"), style.format(found[1])]
        end = found.end()
    return "".join([*parts, sql[end:].replace("%", "%%")])
