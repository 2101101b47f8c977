"""What a table is: its columns, keys, partition and lane, and the statement that creates it."""

from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from types import MappingProxyType


class Type(StrEnum):
    """A column type, as the server spells it."""

    SYMBOL = "SYMBOL"
    VARCHAR = "VARCHAR"
    DOUBLE = "DOUBLE"
    LONG = "LONG"
    BOOLEAN = "BOOLEAN"
    TIMESTAMP = "TIMESTAMP_NS"
    DECIMAL = "DECIMAL(38,18)"
    LEVELS = "DOUBLE[][]"


class Lane(StrEnum):
    """Which spool a table's rows wait in: CRITICAL is never dropped and never waits behind BULK."""

    CRITICAL = "critical"
    BULK = "bulk"


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its name, type, and what it means, with the unit."""

    name: str
    type: Type
    meaning: str


@dataclass(frozen=True)
class Table:
    """A table; `ts` is implied as the designated timestamp. `ttl` None keeps rows for ever."""

    name: str
    lane: Lane
    partition: str
    ttl: str | None
    keys: tuple[str, ...]
    columns: tuple[Column, ...]
    meaning: str

    @cached_property
    def symbols(self) -> tuple[str, ...]:
        """The SYMBOL columns: the wire protocol wants them first."""
        return tuple(c.name for c in self.columns if c.type is Type.SYMBOL)

    @cached_property
    def fields(self) -> MappingProxyType[str, Type]:
        """The other columns with their types."""
        return MappingProxyType({c.name: c.type for c in self.columns if c.type is not Type.SYMBOL})

    def ddl(self) -> str:
        """Return the CREATE TABLE statement."""
        columns = ",\n  ".join(f"{c.name} {c.type}" for c in (TS, *self.columns))
        ttl = f" TTL {self.ttl}" if self.ttl else ""
        keys = ", ".join(("ts", *self.keys))
        return (
            f"CREATE TABLE IF NOT EXISTS {self.name} (\n  {columns}\n) TIMESTAMP(ts) "
            f"PARTITION BY {self.partition}{ttl} WAL\nDEDUP UPSERT KEYS({keys})"
        )


def symbol(name: str, meaning: str) -> Column:
    return Column(name, Type.SYMBOL, meaning)


def text(name: str, meaning: str) -> Column:
    return Column(name, Type.VARCHAR, meaning)


def double(name: str, meaning: str) -> Column:
    return Column(name, Type.DOUBLE, meaning)


def long(name: str, meaning: str) -> Column:
    return Column(name, Type.LONG, meaning)


def exact(name: str, meaning: str) -> Column:
    return Column(name, Type.DECIMAL, meaning)


TS = Column("ts", Type.TIMESTAMP, "event time, UTC, ns")
