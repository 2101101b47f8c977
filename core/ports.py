"""What packages ask of one another across the layers; adapters are chosen in `deskwatch.wiring` alone."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple, Protocol

from core.account import AccountEvent, Balance, Fill, OrderReport
from core.rows import Row
from core.types import Nanos, Symbol, VenueName


class RowWriter(Protocol):
    """The one door to the database for rows: encode, keep on disk, deliver at least once."""

    def write(self, rows: Iterable[Row]) -> None:
        """Take rows, in order, into the open batch of each table's lane; a row that cannot be encoded is rejected."""

    async def flush(self) -> None:
        """Return once every row taken so far is durable on disk (not: once it is in the database)."""


class Result(NamedTuple):
    """The rows of a query: column names, and one tuple a row. Timestamps are aware UTC datetimes."""

    columns: tuple[str, ...]
    rows: Sequence[tuple[object, ...]]


class RowReader(Protocol):
    """Read-only SQL. Parameters are named, `%(now)s` in the text."""

    async def query(self, sql: str, parameters: Mapping[str, object] | None = None, *, limit: int = 1000) -> Result:
        """Return at most `limit` rows.

        Raises:
            Transient: the database is away, or the statement ran out of time.
            Permanent: the SQL is wrong.
        """


class AccountVenue(Protocol):
    """One account at one venue: its private stream and its history. Read-only keys are enough."""

    venue: VenueName
    account: str

    async def stream(self, publish: Callable[[AccountEvent], None]) -> None:
        """Publish everything the private stream says, reconnecting for ever, until cancelled."""

    async def fills(self, symbol: Symbol, start: Nanos) -> Sequence[Fill]:
        """Return every fill of a symbol since `start`, inclusive, all pages, oldest first, source REST.

        Raises:
            Transient: the venue did not answer; nothing may be concluded.
        """

    async def open_orders(self) -> Sequence[OrderReport]:
        """Return every working order, as the venue sees it now; raises like `fills`."""

    async def order(self, symbol: Symbol, order_id: str) -> OrderReport | None:
        """Return one order as the venue has it, working or done; None: there is no such order. Raises like `fills`."""

    async def balances(self) -> Sequence[Balance]:
        """Return every asset that is not zero; raises like `fills`."""
