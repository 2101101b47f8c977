"""A database that answers what a test says."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from core.ports import Result

Parameters: TypeAlias = Mapping[str, object]
Answer: TypeAlias = Callable[[str, Parameters], Result]

EMPTY = Result((), ())


def nothing(_sql: str, _parameters: Parameters) -> Result:
    """Answer every query without rows."""
    return EMPTY


@dataclass
class FakeRowReader:
    """Asks `answer(sql, parameters)`, which returns a result or raises what the port raises; `queries` is what came."""

    answer: Answer = nothing
    queries: list[tuple[str, Parameters]] = field(default_factory=list)

    async def query(self, sql: str, parameters: Parameters | None = None, *, limit: int = 1000) -> Result:
        given = parameters or {}
        self.queries.append((sql, given))
        result = self.answer(sql, given)
        return Result(result.columns, result.rows[:limit])
