"""A writer that keeps its rows in memory."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from core.errors import DeskError
from core.rows import Row


@dataclass
class FakeRowWriter:
    """`rows` is what it took, `durable` how many of them were flushed; `failing` is raised by `flush`."""

    rows: list[Row] = field(default_factory=list)
    durable: int = 0
    failing: DeskError | None = None

    def write(self, rows: Iterable[Row]) -> None:
        self.rows += rows

    async def flush(self) -> None:
        if self.failing is not None:
            raise self.failing
        self.durable = len(self.rows)

    def of(self, table: str) -> list[Row]:
        """Return the rows of one table."""
        return [row for row in self.rows if row.table == table]
