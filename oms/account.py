"""One account's life: the stream's events into rows, and its history compared with ours, at each start and on schedule.

A fill is written once, by whichever path saw it first. "The query failed" is never "there is nothing".
"""

import asyncio
from collections.abc import Iterable, Sequence

from core.account import AccountEvent, Balance, Fill, OrderReport, StreamDown, StreamUp
from core.clock import Clock
from core.errors import DeskError, Permanent
from core.events import VenueHealth
from core.log import get_logger
from core.ports import AccountVenue, RowWriter
from core.rows import Row
from core.tasks import start
from core.types import SECOND, Channel, GapKind, Nanos, Source, StreamState, Symbol
from oms.journal import Journal
from oms.model import Order
from oms.rows import Discrepancy, balance_row, discrepancy_row, missed_row
from oms.settings import OmsSettings
from oms.tracker import Tracker

REMEMBER: Nanos = 24 * 3600 * SECOND
"""Orders that were done longer ago are forgotten at a restart, and fills that are older are surely in the database."""
MOST_QUERIES = 20
"""Orders that are asked for one by one, each comparison."""
HEALTH_EVERY = 1.0
LOOK_EVERY = 0.25
RETRY_S = (1.0, 2.0, 5.0, 10.0, 30.0)

log = get_logger(__name__)


class AccountService:
    """Tracks one account for ever. `waiting` is the number of events that are not yet written."""

    def __init__(
        self,
        venue: AccountVenue,
        symbols: Sequence[Symbol],
        journal: Journal,
        writer: RowWriter,
        clock: Clock,
        settings: OmsSettings,
    ) -> None:
        self._venue = venue
        self._name = venue.account
        self._symbols = frozenset(symbols)
        self._journal = journal
        self._writer = writer
        self._clock = clock
        self._settings = settings
        self._tracker = Tracker(venue.venue, venue.account)
        self._events: asyncio.Queue[AccountEvent] = asyncio.Queue()
        self._due = asyncio.Event()
        self._turn = asyncio.Lock()
        self._up_since: Nanos | None = None
        self._down_since: Nanos | None = None
        self._first_up: Nanos | None = None
        self._reconnects = 0
        self._unsettled: dict[str, Nanos] = {}
        self._settle = round(settings.settle.total_seconds() * SECOND)

    @property
    def waiting(self) -> int:
        """Events that wait."""
        return self._events.qsize()

    async def run(self) -> None:
        """Run until cancelled."""
        now = self._clock.now()
        fills = await self._journal.since(self._venue.venue, self._name, 0)
        orders = await self._journal.orders(self._venue.venue, self._name)
        self._writer.write(self._tracker.restore(fills, orders, now - REMEMBER))
        self._down_since = await self._journal.hole(self._venue.venue, self._name)
        self._writer.write(self._open_gap())
        async with asyncio.TaskGroup() as group:
            _ = start(group, f"account {self._name} events", self._consume())
            _ = start(group, f"account {self._name} history", self._compare_for_ever())
            _ = start(group, f"account {self._name} health", self._report())
            _ = start(group, f"account {self._name} stream", self._venue.stream(self._events.put_nowait))

    # --- the stream --------------------------------------------------------------------------------------------------

    async def _consume(self) -> None:
        while True:
            batch = [await self._events.get()]
            while not self._events.empty():
                batch.append(self._events.get_nowait())
            async with self._turn:
                self._writer.write(await self._take(batch))
                await self._written(one.order_id for one in batch if isinstance(one, OrderReport | Fill))

    async def _take(self, batch: Iterable[AccountEvent]) -> list[Row]:
        batch = list(batch)
        fills = [one for one in batch if isinstance(one, Fill)]
        noted = await self._journal.note(fills, from_history=False, now=self._clock.now()) if fills else []
        new = {fill.key for fill in noted}
        rows: list[Row] = []
        for event in batch:
            match event:
                case Fill():
                    if event.key in new:
                        new.discard(event.key)
                        rows += self._tracker.take(event)
                case OrderReport():
                    rows += self._tracker.take(event)
                case Balance():
                    rows.append(balance_row(event, Source.WS))
                case StreamUp():
                    self._up(event.ts)
                case StreamDown():
                    rows += await self._down(event.ts)
        return rows

    async def _written(self, order_ids: Iterable[str]) -> None:
        """Make the rows durable, then the orders: one that the journal knows as done has its last row."""
        await self._writer.flush()
        kept = self._tracker.to_journal(order_ids)
        await self._journal.keep_orders(kept, self._clock.now() - REMEMBER)

    def _up(self, now: Nanos) -> None:
        self._up_since = now
        self._first_up = self._first_up or now
        self._due.set()

    async def _down(self, now: Nanos) -> list[Row]:
        if self._up_since is not None:
            self._reconnects += 1
            self._down_since = self._down_since or now  # a hole that was not healed yet goes on
            await self._journal.mark_hole(self._venue.venue, self._name, self._down_since)
        self._up_since = None
        return self._open_gap()

    def _open_gap(self) -> list[Row]:
        return [] if self._down_since is None else [self._gap_row(self._down_since, self._down_since)]

    def _gap_row(self, begin: Nanos, end: Nanos) -> Row:
        return Row(
            "gaps",
            begin,
            {
                "venue": self._venue.venue,
                "channel": Channel.ACCOUNT,
                "symbol": "*",
                "connection": self._name,
                "ended": end,
                "kind": GapKind.DISCONNECT,
            },
        )

    # --- the history -------------------------------------------------------------------------------------------------

    async def _compare_for_ever(self) -> None:
        failures = 0
        while True:
            wait = self._settings.compare_every.total_seconds()
            self._due.clear()
            try:
                await self._compare()
                failures = 0
            except DeskError as error:
                wait = RETRY_S[min(failures, len(RETRY_S) - 1)]
                failures += 1
                log.warning("history.unknown", account=self._name, error=str(error), retry_s=wait)
            await self._pause(wait)

    async def _pause(self, seconds: float) -> None:
        """Wait, or until the stream is up again: then the history is due at once."""
        until = self._clock.elapsed() + seconds
        while not self._due.is_set() and (left := until - self._clock.elapsed()) > 0:
            await self._clock.sleep(min(left, LOOK_EVERY))

    async def _compare(self) -> None:
        """Fetch what the venue says, and book what the stream did not tell."""
        asked_at = self._clock.now()
        await self._learn_orders(asked_at)
        refused = [
            error
            for symbol in sorted(self._symbols | self._tracker.symbols)
            if (error := await self._read_history(symbol, asked_at)) is not None
        ]
        rows = [balance_row(one, Source.REST) for one in await self._venue.balances()]
        async with self._turn:
            self._writer.write([*rows, *self._tracker.positions(self._clock.now()), *await self._healed(asked_at)])
            await self._writer.flush()
        self._tracker.forget(asked_at)
        if refused:
            raise refused[0]

    async def _read_history(self, symbol: Symbol, asked_at: Nanos) -> Permanent | None:
        """Compare one symbol's fills; the history counts as read as far as it was complete and settled.

        A refusal is returned: a symbol that the venue has delisted must not hide what it says of the others.
        """
        start_at = await self._look_back(symbol, asked_at)
        settled = asked_at - self._settle
        try:
            fills = await self._venue.fills(symbol, start_at)
        except Permanent as error:
            return error
        await self._book(fills)
        await self._missing_in_history(symbol, start_at, settled, asked_at)
        await self._journal.mark_read(self._venue.venue, self._name, symbol, settled)
        return None

    async def _look_back(self, symbol: Symbol, now: Nanos) -> Nanos:
        """Return where to read from. The newest fill would not do: the stream may have told it after a hole."""
        upto = await self._journal.read_upto(self._venue.venue, self._name, symbol)
        if upto is None:
            return now - round(self._settings.first_look_back.total_seconds()) * SECOND
        return min(upto, now) - round(self._settings.overlap.total_seconds() * SECOND)

    async def _book(self, fills: Sequence[Fill]) -> None:
        """Take a history; a fill so young that the stream may still tell it waits for the next comparison."""
        async with self._turn:
            now = self._clock.now()
            settled = [fill for fill in fills if fill.ts < now - self._settle or self._up_since is None]
            new = await self._journal.note(settled, from_history=True, now=now)
            rows = self._tracker.conflicts(fills, now)
            for fill in new:
                rows += self._tracker.take(fill)
                if self._first_up is not None and fill.ts >= self._first_up:
                    rows.append(missed_row(fill, now))
            if new:
                log.warning("fills.found_in_history", account=self._name, fills=len(new))
            self._writer.write(rows)
            await self._written(fill.order_id for fill in new)

    async def _learn_orders(self, asked_at: Nanos) -> None:
        """Adopt the venue's open orders, and ask what became of those of ours that are not among them."""
        open_orders = await self._venue.open_orders()
        async with self._turn:
            self._writer.write(row for report in open_orders for row in self._tracker.take(report))
            await self._written(report.order_id for report in open_orders)
            gone = self._tracker.vanished(open_orders, asked_at)
        keys = {order.order_id for order in gone}
        self._unsettled = {key: since for key, since in self._unsettled.items() if key in keys}
        for order in gone[:MOST_QUERIES]:
            report = await self._venue.order(order.symbol, order.order_id)
            async with self._turn:
                self._writer.write(
                    self._unknown_to_venue(order, asked_at) if report is None else self._tracker.take(report)
                )
                await self._written([order.order_id])

    def _unknown_to_venue(self, order: Order, asked_at: Nanos) -> list[Row]:
        since = self._unsettled.setdefault(order.order_id, asked_at)
        if since == asked_at:  # it takes a second poll in a row that says so
            return []
        kind, age = Discrepancy.ORDER_OURS_ONLY, (asked_at - since) / SECOND
        row = discrepancy_row(
            kind, order, asked_at, key=order.order_id, ours=order.status, theirs="no such order", age_s=age
        )
        return [row]

    async def _missing_in_history(self, symbol: Symbol, begin: Nanos, end: Nanos, asked_at: Nanos) -> None:
        unknown = await self._journal.only_on_one_path(
            self._venue.venue, self._name, begin, end, missing_in_history=True
        )
        kind = Discrepancy.FILL_UNKNOWN_TO_VENUE
        self._writer.write(
            discrepancy_row(
                kind, fill, asked_at, key=fill.trade_id, ours=f"{fill.side} {fill.qty} at {fill.price}", theirs=""
            )
            for fill in unknown
            if fill.symbol == symbol
        )

    async def _healed(self, asked_at: Nanos) -> list[Row]:
        """Close the hole of a lost stream: it is up again, and its history has been read since."""
        if self._down_since is None or self._up_since is None or self._up_since > asked_at:
            return []
        row = self._gap_row(self._down_since, self._up_since)
        self._down_since = None
        await self._journal.mark_hole(self._venue.venue, self._name, None)
        return [row]

    # --- health ------------------------------------------------------------------------------------------------------

    async def _report(self) -> None:
        while True:
            await self._clock.sleep(HEALTH_EVERY)
            state = StreamState.LIVE if self._up_since is not None else StreamState.CONNECTING
            health = VenueHealth(
                self._venue.venue, self._name, self._clock.now(), state, None, None, None, self._reconnects
            )
            self._writer.write([_health_row(health)])


def _health_row(health: VenueHealth) -> Row:
    return Row(
        "venues",
        health.ts,
        {
            "venue": health.venue,
            "account": health.account,
            "ws_state": health.ws_state,
            "reconnects": health.reconnects,
        },
    )
