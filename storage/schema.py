"""Every table, once: this drives the DDL, the encoder, the docs page, the rule linter and the dashboard tests.

All tables are WAL tables with DEDUP keys, so that writing a row twice is harmless. `ts` is event time (ns) where the
venue gives it; `received` is our receipt time. `order_id` and `trade_id` are VARCHAR (they never repeat enough for a
symbol table); everything that is grouped by is SYMBOL. Prices and quantities of our own orders and fills are DECIMAL,
exact; market data is DOUBLE.
"""

from types import MappingProxyType

from storage.table import TS, Column, Lane, Table, Type
from storage.tables import DECLARED

__all__ = ["TABLES", "TS", "Column", "Lane", "Table", "Type", "column_types"]

TABLES: MappingProxyType[str, Table] = MappingProxyType({table.name: table for table in DECLARED})
"""Every table by name."""


def column_types() -> dict[str, dict[str, str]]:
    """Return table -> column -> type as the server spells it, `ts` included: what a linter needs."""
    return {
        name: {"ts": TS.type.value} | {column.name: column.type.value for column in table.columns}
        for name, table in TABLES.items()
    }
