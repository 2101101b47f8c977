"""A row on its way to the database: table, event time, values by column name."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple, TypeAlias

from core.types import Nanos

Value: TypeAlias = str | int | float | bool | Decimal | datetime | tuple[list[float], list[float]] | None
"""A column value; None leaves the column NULL. The tuple is one side of a book, for DOUBLE[][]."""


class Row(NamedTuple):
    """One row. `ts` is the designated timestamp; every name in `values` is a column of `storage.schema`."""

    table: str
    ts: Nanos
    values: Mapping[str, Value]
