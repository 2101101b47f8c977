"""Pure: rows to bytes of the line protocol, checked against the schema first, because one bad line costs a batch."""

import struct
import warnings
from array import array
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from decimal import MAX_EMAX, MIN_EMIN, Context, Decimal, Inexact, InvalidOperation
from functools import cache, partial
from itertools import accumulate
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from core.clock import to_nanos
from core.errors import Permanent
from core.rows import Row
from core.types import Nanos
from storage.lines import EARLIEST, LATEST, UNUSUAL, Line, line_of
from storage.schema import TABLES, Table, Type

with warnings.catch_warnings():
    # The package wants its newer transport, which this server does not speak; its encoder is what we use.
    warnings.simplefilter("ignore", DeprecationWarning)
    from questdb import QuestDBError
    from questdb.ingress import Buffer, TimestampNanos

PROTOCOL = 3
"""Arrays came with 2, decimals with 3; an explicit number means no network probe."""
KNOWN_SHAPES = 500
"""Shapes of rows that get a function of their own: a sender that makes up shapes must not fill the memory."""
DECIMAL_SCALE, DECIMAL_DIGITS = 18, 38
SIDES = 2
"""Prices and sizes: the rows of a side of a book."""


class BadRow(Permanent):
    """A row does not fit its table."""


class Encoded(NamedTuple):
    """A closed batch. A row ends at `ends[i]`; line breaks cannot tell, since values may hold that byte."""

    payload: bytes
    ends: "array[int]"

    def row(self, line: int) -> bytes:
        """Return the bytes of a row; the first is line 1, as the server counts."""
        return self.payload[self._start(line) : self.ends[line - 1]]

    def around(self, line: int) -> "tuple[Encoded, Encoded]":
        """Return the rows before a row and the rows after it."""
        start, end = self._start(line), self.ends[line - 1]
        after = array("I", (at - end for at in self.ends[line:]))
        return Encoded(self.payload[:start], self.ends[: line - 1]), Encoded(self.payload[end:], after)

    def _start(self, line: int) -> int:
        return self.ends[line - 2] if line > 1 else 0


def joined(parts: Sequence[Encoded]) -> Encoded:
    """Return batches as one, in their order."""
    if len(parts) == 1:
        return parts[0]
    ends, start = array("I"), 0
    for part in parts:
        ends.extend(array("I", (start + at for at in part.ends)))
        start += len(part.payload)
    return Encoded(b"".join(part.payload for part in parts), ends)


class Encoder:
    """An open batch: rows go in, bytes come out. `tables`: more tables than the schema has."""

    def __init__(self, tables: Collection[Table] = ()) -> None:
        self._shapes = _Shapes([*TABLES.values(), *tables]) if tables else _SHAPES
        self.lines: list[bytes] = []
        """The rows of the batch, encoded."""

    @property
    def rows(self) -> int:
        """How many rows the open batch has."""
        return len(self.lines)

    def add(self, row: Row) -> int:
        """Encode one row and return how many the batch has now; on failure it is as it was.

        Raises:
            BadRow: an unknown table or column, a value of the wrong type or range, nothing but NULL.
        """
        self.lines.append(self._shapes.encode(row.table, row.values, row.ts))
        return len(self.lines)

    def take(self, limit: int | None = None) -> "Encoded":
        """Return the batch, or its first rows, and start the next one with what is left."""
        lines = self.lines[:limit]
        del self.lines[:limit]
        return Encoded(b"".join(lines), array("I", accumulate(map(len, lines))))


def encode(rows: Iterable[Row], into: Mapping[str, list[bytes]], refuse: Callable[[Row, str], None]) -> None:
    """Append each row's line to its table's list, or refuse the row. The hottest loop of the write path."""
    line_of, encode_slowly = _SHAPES.line_of, _SHAPES.encode
    for row in rows:
        table, ts, values = row
        try:
            line = line_of[table](values, ts)
        except UNUSUAL:
            try:
                line = encode_slowly(table, values, ts)
            except BadRow as error:
                refuse(row, str(error))
                continue
        into[table].append(line)


class _Shapes:
    """The rows' shapes that were met, each with its function, and the client's encoder for every other row."""

    def __init__(self, tables: Collection[Table]) -> None:
        self._tables = {table.name: table for table in tables}
        self._plans = {table.name: _plan(table) for table in tables}
        self._known: dict[tuple[object, ...], Line | None] = {}
        self._buffer = Buffer(protocol_version=PROTOCOL)
        self.line_of: dict[str, Line] = {}
        """By table, the function of the shape that came last."""

    def encode(self, table: str, values: Mapping[str, Any], ts: Nanos) -> bytes:
        """Return a row's line: by its shape's function, or by the client if that will not have it."""
        shape = (table, *values)
        line = self._known.get(shape) if shape in self._known else self._learn(shape)
        if line is not None:
            self.line_of[table] = line
            try:
                return line(values, ts)
            except UNUSUAL:
                pass  # the client knows what to do with it, or what is wrong
        return self._by_client(table, values, ts)

    def _learn(self, shape: tuple[object, ...]) -> Line | None:
        table, *names = shape
        if table not in self._tables or len(self._known) >= KNOWN_SHAPES:
            return None
        known = self._tables[str(table)]
        line = line_of(known, tuple(str(name) for name in names), partial(self._prefix, known.name))
        self._known[shape] = line
        return line

    def _prefix(self, table: str, symbols: Mapping[str, object]) -> bytes:
        ignored = next(name for name, (symbol, _, _) in self._plans[table].items() if not symbol)
        self._buffer.clear()  # type: ignore[no-untyped-call]  # the package ships this method untyped
        texts, _ = _split(self._plans[table], symbols)
        self._buffer.row(table, symbols=texts, columns={ignored: True}, at=TimestampNanos(0))
        return bytes(self._buffer).removesuffix(f"{ignored}=t 0n\n".encode())

    def _by_client(self, table: str, values: Mapping[str, Any], ts: Nanos) -> bytes:
        plan = self._plans.get(table)
        if plan is None:
            raise BadRow(f"no table {table!r}")
        self._buffer.clear()  # type: ignore[no-untyped-call]  # as above
        try:
            symbols, columns = _split(plan, values)
            self._buffer.row(table, symbols=symbols, columns=columns, at=_moment(ts))
        except BadRow as error:
            raise BadRow(f"{table}: {error.detail}") from None
        except (QuestDBError, TypeError, ValueError, ArithmeticError) as error:
            raise BadRow(f"{table}: {error}") from error
        line = bytes(self._buffer)
        if not line:  # the client leaves out a row without values, and says nothing
            raise BadRow(f"{table}: every value is NULL")
        return line


Converter: TypeAlias = Callable[[Any], Any]
Field: TypeAlias = tuple[bool, type | None, Converter]
"""A column: whether it is a SYMBOL, the type whose values go as they are, and what the others go through."""


def _split(plan: Mapping[str, Field], values: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return a row's symbols and its other columns, NULLs left out."""
    symbols: dict[str, Any] = {}
    columns: dict[str, Any] = {}
    name = ""
    try:
        for name, value in values.items():
            if value is None:
                continue
            symbol, plain, convert = plan[name]
            kind = type(value)
            if kind is not plain:
                value = convert(value)  # noqa: PLW2901  one name, since each costs time here
            elif kind is str and "\x00" in value:
                value = value.replace("\x00", "")  # noqa: PLW2901  the server refuses a batch that holds one
            if symbol:
                symbols[name] = value
            else:
                columns[name] = value
    except (BadRow, KeyError, TypeError, ValueError, ArithmeticError) as error:
        raise _refusal(name, error) from error
    return symbols, columns


def _refusal(name: str, error: Exception) -> BadRow:
    match error:
        case KeyError():
            return BadRow(f"no column {name}")
        case BadRow():
            return BadRow(f"{name}: {error.detail}")
        case _:
            return BadRow(f"{name}: {str(error) or type(error).__name__}")


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise BadRow(f"{value!r} is not text")
    return str(value).replace("\x00", "")


def _double(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise BadRow(f"{value!r} is not a number")
    return float(value)  # the server stores NaN and infinities as NULL


def _long(value: object) -> int:
    raise BadRow(f"{value!r} is not a whole number")  # what is one goes as it is; the client knows the 64 bits


def _moment(value: object) -> TimestampNanos:
    if type(value) is int:
        if EARLIEST <= value < LATEST:
            return TimestampNanos(value)
        raise BadRow(f"{value} is not between 2000 and 2100")
    if isinstance(value, datetime):
        return _moment(to_nanos(value))
    raise BadRow(f"{value!r} is not a moment in nanoseconds")


def _decimal(value: object) -> Decimal:
    number = Decimal(value) if isinstance(value, str) else value
    if not isinstance(number, Decimal) or not number.is_finite():
        raise BadRow(f"{value!r} is not a finite Decimal")
    if _fits(number):
        return number
    shorter = _EXACT.normalize(number)  # zeros at the end cost digits, and mean nothing
    if not _fits(shorter):
        raise BadRow(f"{value} does not fit DECIMAL({DECIMAL_DIGITS},{DECIMAL_SCALE})")
    return shorter


def _fits(number: Decimal) -> bool:
    _, digits, exponent = number.as_tuple()
    scale = max(0, -int(exponent))
    return scale <= DECIMAL_SCALE and len(digits) + int(exponent) <= DECIMAL_DIGITS - DECIMAL_SCALE


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise BadRow(f"{value!r} is not true or false")
    return value


def _levels(value: Any) -> Any:  # noqa: ANN401  anything in; a numpy array of float64, shape (2, levels), out
    try:
        prices, sizes = value
        count = len(prices)
        if count == len(sizes):
            return np.ndarray((SIDES, count), _FLOAT64, _packer(2 * count)(*prices, *sizes))
    except (TypeError, ValueError, struct.error):
        pass  # the long way says what is wrong with it
    levels = np.asarray(value, dtype=np.float64)
    if levels.ndim != SIDES or levels.shape[0] != SIDES:
        raise BadRow(f"levels of shape {levels.shape}, not (2, n)")
    return levels


@cache
def _packer(numbers: int) -> Callable[..., bytes]:
    """Return what packs so many floats; numpy takes twice as long over so few."""
    return struct.Struct(f"{numbers}d").pack


_FLOAT64 = np.dtype(np.float64)
_EXACT = Context(prec=1000, Emax=MAX_EMAX, Emin=MIN_EMIN, traps=[InvalidOperation, Inexact])
_CONVERTERS: dict[Type, tuple[type | None, Converter]] = {
    Type.SYMBOL: (str, _text),
    Type.VARCHAR: (str, _text),
    Type.DOUBLE: (float, _double),
    Type.LONG: (int, _long),
    Type.TIMESTAMP: (None, _moment),
    Type.DECIMAL: (None, _decimal),
    Type.BOOLEAN: (bool, _flag),
    Type.LEVELS: (None, _levels),
}


def _plan(table: Table) -> dict[str, Field]:
    return {column.name: (column.type is Type.SYMBOL, *_CONVERTERS[column.type]) for column in table.columns}


_SHAPES = _Shapes(TABLES.values())
