"""The compact notation of a column's values in a rule test: `3 5 0x2 9 AxB _ _xB xB`. Pure.

`AxB` is B more values, each A more than the one before; `xB` is the same value B times more; `_`, `_xB`: no value.
"""

import re
from decimal import Decimal
from typing import NamedTuple, TypeAlias

Cell: TypeAlias = str | Decimal | bool
"""A value of a row, numbers exact as they were written."""

MOST = 100_000
"""Values that one column may have: a test is quick."""

_TOKEN = re.compile(r"\S+")
_GAP = re.compile(r"_(?:x(\d{1,9}))?")
_STEPS = re.compile(r"(-?(?:\d+(?:\.\d*)?|\.\d+))?x(\d{1,9})")
_NUMBER = re.compile(r"-?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d{1,3})?")


class BadSeries(Exception):
    """Something in the notation cannot be read; `offset` says where."""

    def __init__(self, offset: int, message: str, hint: str) -> None:
        """Keep the place in the text."""
        super().__init__(message)
        self.offset = offset
        self.hint = hint


class _Token(NamedTuple):
    text: str
    offset: int


def read_series(text: str, *, numbers: bool) -> tuple[Cell | None, ...]:
    """Return the values; None: none at that time.

    Raises:
        BadSeries: with the place in the text.
    """
    found: list[Cell | None] = []
    last: Cell | None = None
    for match in _TOKEN.finditer(text):
        token = _Token(match.group(), match.start())
        if gap := _GAP.fullmatch(token.text):
            found += [None] * _count(token, gap[1] or "1", len(found))
            continue
        if steps := _STEPS.fullmatch(token.text):
            new = _stepped(token, last, steps[1], _count(token, steps[2], len(found)))
        else:
            new = [_number(token) if numbers else token.text]
        found += new
        last = new[-1] if new else last
    if not found:
        raise BadSeries(0, "no value at all", "write values, such as 3 5 0x2 9")
    return tuple(found)


def _count(token: _Token, text: str, before: int) -> int:
    if before + int(text) > MOST:
        raise BadSeries(token.offset, f"more than {MOST} values", "a test needs few rows: raise `every`")
    return int(text)


def _stepped(token: _Token, last: Cell | None, step: str | None, count: int) -> list[Cell]:
    if last is None:
        raise BadSeries(token.offset, f"{token.text!r} has no value before it", "begin with a value, such as 5 0x3")
    if step is None:
        return [last] * count
    if not isinstance(last, Decimal):
        raise BadSeries(token.offset, f"{token.text!r} adds to a text", f"write x{count} for the same text again")
    return [last + Decimal(step) * n for n in range(1, count + 1)]


def _number(token: _Token) -> Decimal:
    if not _NUMBER.fullmatch(token.text):
        hint = "write numbers, AxB (B more, A added each time), xB (B more of the same), _ or _xB (no value)"
        raise BadSeries(token.offset, f"{token.text!r} is no number", hint)
    return Decimal(token.text)
