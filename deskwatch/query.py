"""Pure: the rows an analyst wants, as SQL. Parquet over HTTP binds no parameters, so values are written out."""

import difflib
from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal, InvalidOperation

from core.clock import to_nanos
from core.errors import UsageError
from storage.schema import TABLES, TS, Table, Type

NAMES_IN_LOWER_CASE = frozenset({"venue", "side", "state", "channel"})
"""Columns whose values are stored in lower case, whatever the analyst writes."""


class NoTable(UsageError):
    """There is no such table."""


class NoColumn(UsageError):
    """There is no such column."""


class BadValue(UsageError):
    """The column cannot have this value."""


def table_named(name: str) -> Table:
    """Return a table's declaration.

    Raises:
        NoTable: with the nearest name.
    """
    if name in TABLES:
        return TABLES[name]
    raise NoTable(repr(name), hint=_near(name, TABLES))


def select(name: str, since: datetime | None, until: datetime | None, filters: Mapping[str, object]) -> str:
    """Return the SELECT of a table's rows with since <= ts < until and every filter met, oldest first.

    Raises:
        UsageError: an unknown table or column, or a value that the column cannot have.
    """
    table = table_named(name)
    # The server reads a bare whole number beside a TIMESTAMP_NS as nanoseconds, and prunes partitions by it.
    wanted = [f"ts >= {to_nanos(since)}"] if since else []
    wanted += [f"ts < {to_nanos(until)}"] if until else []
    wanted += [_condition(table, column, value) for column, value in filters.items()]
    where = f" WHERE {' AND '.join(wanted)}" if wanted else ""
    return f"SELECT * FROM {table.name}{where} ORDER BY ts"  # noqa: S608  names come from the schema, values are quoted


def _condition(table: Table, column: str, value: object) -> str:
    types = {one.name: one.type for one in (TS, *table.columns)}
    if column not in types:
        raise NoColumn(f"{table.name}.{column}", hint=_near(column, types))
    if value is None:
        return f"{column} IS NULL"
    if isinstance(value, Iterable) and not isinstance(value, str):
        literals = [_literal(types[column], column, one) for one in value]
        if not literals:
            raise BadValue(f"{table.name}.{column} in nothing", hint="Name at least one value, or leave the filter out")
        return f"({' OR '.join(f'{column} = {one}' for one in literals)})"
    return f"{column} = {_literal(types[column], column, value)}"


def _literal(kind: Type, column: str, value: object) -> str:
    match kind, value:
        case ((Type.SYMBOL | Type.VARCHAR), (str() | int())):
            text = str(value).lower() if column in NAMES_IN_LOWER_CASE else str(value)
            return "'" + text.replace("'", "''") + "'"
        case Type.TIMESTAMP, datetime() if value.tzinfo is not None:
            return str(to_nanos(value))
        case Type.BOOLEAN, bool():
            return str(value).lower()
        case ((Type.LONG | Type.DOUBLE), (int() | float())) if not isinstance(value, bool):
            return repr(value)
        case Type.DECIMAL, (int() | str() | Decimal()):
            return _decimal(column, value)
        case _:
            raise BadValue(f"{column} is {kind}, {value!r} is not", hint=_HINTS.get(kind, ""))


_HINTS = {
    Type.DECIMAL: "Write it as a text or a Decimal: '0.1' is exact, the float 0.1 is not",
    Type.TIMESTAMP: "Use a datetime with a time zone",
    Type.LEVELS: "A column of levels cannot be a filter",
}


def _decimal(column: str, value: str | int | Decimal) -> str:
    try:
        exact = Decimal(value)
    except InvalidOperation as error:
        raise BadValue(f"{column} = {value!r}", hint="Write a number, such as '0.1'") from error
    if not exact.is_finite():
        raise BadValue(f"{column} = {value!r}", hint="Write a finite number")
    return f"{exact:f}m"


def _near(name: str, known: Iterable[str]) -> str:
    names = sorted(known)
    near = difflib.get_close_matches(name, names, n=1)
    return f"Did you mean {near[0]!r}?" if near else f"There are: {', '.join(names)}"
