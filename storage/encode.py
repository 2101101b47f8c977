"""Pure: rows to bytes of the line protocol, checked against the schema first, because one bad line costs a batch."""

import math
import warnings
from array import array
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, NamedTuple

import numpy as np

from core.errors import Permanent
from core.rows import Row
from core.types import Nanos
from storage.schema import TABLES, Table, Type

with warnings.catch_warnings():
    # The package wants its newer transport, which this server does not speak; its encoder is what we use.
    warnings.simplefilter("ignore", DeprecationWarning)
    from questdb import QuestDBError
    from questdb.ingress import Buffer, TimestampNanos

PROTOCOL = 3
"""Arrays came with 2, decimals with 3; an explicit number means no network probe."""
EARLIEST: Nanos = 946_684_800_000_000_000
"""2000-01-01: an older event time is a fault of the sender, and would make a partition of its own."""
LATEST: Nanos = 4_102_444_800_000_000_000
"""2100-01-01."""
LONG_LIMIT = 2**63
DECIMAL_SCALE, DECIMAL_DIGITS = 18, 38

Converter = Callable[[Any], Any]


class BadRow(Permanent):
    """A row does not fit its table."""


class Encoded(NamedTuple):
    """A closed batch. A row ends at `ends[i]`; line breaks cannot tell, since values may hold that byte."""

    payload: bytes
    ends: "array[int]"

    def row(self, line: int) -> bytes:
        """Return the bytes of a row; the first is line 1, as the server counts."""
        return self.payload[self._start(line) : self.ends[line - 1]]

    def without(self, line: int) -> "Encoded":
        """Return the batch without a row."""
        start, end = self._start(line), self.ends[line - 1]
        ends = self.ends[: line - 1] + array("I", (at - (end - start) for at in self.ends[line:]))
        return Encoded(self.payload[:start] + self.payload[end:], ends)

    def _start(self, line: int) -> int:
        return self.ends[line - 2] if line > 1 else 0


class Encoder:
    """An open batch: rows go in, bytes come out."""

    def __init__(self) -> None:
        self._buffer = Buffer(protocol_version=PROTOCOL)
        self._ends = array("I")

    @property
    def rows(self) -> int:
        """The rows of the open batch."""
        return len(self._ends)

    def __len__(self) -> int:
        """The size of the batch in bytes."""
        return len(self._buffer)

    def add(self, row: Row) -> None:
        """Encode one row; on failure the batch is as it was.

        Raises:
            BadRow: an unknown table or column, a value of the wrong type or range.
        """
        plan = _PLANS.get(row.table)
        if plan is None:
            raise BadRow(f"no table {row.table!r}")
        if not EARLIEST <= row.ts < LATEST:
            raise BadRow(f"{row.table}: ts {row.ts} is not between 2000 and 2100")
        symbols, columns = plan.split(row.values)
        try:
            self._buffer.row(row.table, symbols=symbols, columns=columns, at=TimestampNanos(row.ts))
        except (QuestDBError, TypeError, ValueError, OverflowError) as error:
            raise BadRow(f"{row.table}: {error}") from error
        self._ends.append(len(self._buffer))

    def take(self) -> "Encoded":
        """Return the batch and start the next one."""
        batch = Encoded(bytes(self._buffer), self._ends)
        self._buffer.clear()  # type: ignore[no-untyped-call]  # the package ships this method untyped
        self._ends = array("I")
        return batch


class _Plan:
    """How the values of one table are split and converted, worked out once."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._symbols = table.symbols
        self._fields = tuple((name, _CONVERTERS[kind]) for name, kind in table.fields.items())
        self._known = frozenset(table.symbols) | frozenset(table.fields)

    def split(self, values: Mapping[str, Any]) -> tuple[dict[str, str | None], dict[str, Any]]:
        if not values.keys() <= self._known:
            raise BadRow(f"{self._table.name}: no column {', '.join(sorted(values.keys() - self._known))}")
        symbols: dict[str, str | None] = {}
        for name in self._symbols:
            value = values.get(name)
            if value is not None:
                symbols[name] = _text(value)
        columns = {}
        for name, convert in self._fields:
            value = values.get(name)
            if value is not None:
                try:
                    columns[name] = convert(value)
                except BadRow as error:
                    raise BadRow(f"{self._table.name}.{name}: {error.detail}") from None
        return symbols, columns


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise BadRow(f"{value!r} is not text")
    return value.replace("\x00", "") if "\x00" in value else value


def _double(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise BadRow(f"{value!r} is not a number")
    number = float(value)
    return number if math.isfinite(number) else None  # the server stores NaN and infinities as NULL


def _long(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise BadRow(f"{value!r} is not a whole number")
    if not -LONG_LIMIT < value < LONG_LIMIT:
        raise BadRow(f"{value} needs more than 64 bits")
    return value


def _moment(value: object) -> TimestampNanos:
    number = _long(value)
    if not EARLIEST <= number < LATEST:
        raise BadRow(f"{number} is not between 2000 and 2100")
    return TimestampNanos(number)


def _decimal(value: object) -> Decimal:
    if isinstance(value, str):
        value = Decimal(value)
    if not isinstance(value, Decimal) or not value.is_finite():
        raise BadRow(f"{value!r} is not a finite Decimal")
    _, digits, exponent = value.as_tuple()
    scale = max(0, -int(exponent))
    if scale > DECIMAL_SCALE or len(digits) + max(0, int(exponent)) - scale > DECIMAL_DIGITS - DECIMAL_SCALE:
        raise BadRow(f"{value} does not fit DECIMAL({DECIMAL_DIGITS},{DECIMAL_SCALE})")
    return value


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise BadRow(f"{value!r} is not true or false")
    return value


def _levels(value: object) -> Any:  # noqa: ANN401  a numpy array of float64, shape (2, levels)
    array = np.asarray(value, dtype=np.float64)
    if array.shape[:1] != (2,) or array.ndim != 2:  # noqa: PLR2004  prices and sizes
        raise BadRow(f"levels of shape {array.shape}, not (2, n)")
    return array


_CONVERTERS: dict[Type, Converter] = {
    Type.VARCHAR: _text,
    Type.DOUBLE: _double,
    Type.LONG: _long,
    Type.TIMESTAMP: _moment,
    Type.DECIMAL: _decimal,
    Type.BOOLEAN: _flag,
    Type.LEVELS: _levels,
}
_PLANS = {name: _Plan(table) for name, table in TABLES.items()}
