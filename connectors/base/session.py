"""One market-data connection for ever: dials, backs off, dials again, and moves to a new socket before the old ends."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any

from connectors.base.backoff import Backoff
from connectors.base.connection import Connection, Ended
from connectors.base.feed import MarketFeed
from connectors.base.limits import Pace
from core.clock import Clock
from core.events import Gap, MarketEvent
from core.log import get_logger
from core.tasks import start, start_once
from core.types import Channel, Nanos, StreamState, Symbol

STATS_EVERY = 1.0
SETTLE_WITHIN = 60.0
"""How long a replacement may take to be subscribed with all its books whole."""
SETTLE_CHECK = 0.1

log = get_logger(__name__)

Publish = Callable[[MarketEvent], None]


class Holes:
    """The holes that a feed has reported and not yet closed; what a replaced feed leaves open is closed by the next."""

    def __init__(self, publish: Publish) -> None:
        self._publish = publish
        self._open: dict[tuple[Channel, Symbol, Nanos], Gap] = {}

    def publish(self, event: MarketEvent) -> None:
        """Pass an event on, keeping count of holes."""
        if type(event) is Gap:
            key = (event.channel, event.symbol, event.start)
            if event.end > event.start:
                self._open.pop(key, None)
            else:
                self._open[key] = event
        self._publish(event)

    def leave(self) -> list[Gap]:
        """Return the open holes, and forget them."""
        left, self._open = list(self._open.values()), {}
        return left


class _Line:
    """A feed, its connection, and the task that runs it."""

    def __init__(self, feed: MarketFeed, holes: Holes, connection: Connection) -> None:
        self.feed = feed
        self.holes = holes
        self.connection = connection
        self.ended: asyncio.Future[Ended] = asyncio.get_running_loop().create_future()
        self.task: asyncio.Task[None] | None = None

    @property
    def ready(self) -> bool:
        """Whether it can stand alone: subscribed, every book whole."""
        return self.connection.opened and self.feed.settled and not self.ended.done()

    def stop(self) -> None:
        if self.task is not None:
            self.task.cancel()


@dataclass(frozen=True, slots=True)
class Plan:
    """How one session is run: how to make its feed and its connections, and when a connection is too old."""

    name: str
    open_feed: Callable[[Publish], MarketFeed]
    dial: Callable[[MarketFeed], Connection]
    life: float
    """Seconds after which a connection is replaced."""
    gate: Pace
    """Spaces the dials of all sessions of a venue."""


class Session:
    """Keeps one group of streams connected. `state`, `reconnects` and `replacements` are for the venue's health row.

    A reconnect is a connection that stood and was lost; the attempts that a venue refuses meanwhile are none.
    """

    def __init__(self, plan: Plan, clock: Clock, rng: Random, publish: Publish) -> None:
        self.name = plan.name
        self.state = StreamState.CONNECTING
        self.reconnects = 0
        self.replacements = 0
        self._plan = plan
        self._clock = clock
        self._rng = rng
        self._publish = publish
        self._backoff = Backoff(rng)
        self._orphans: list[Gap] = []
        self._holes = Holes(publish)
        self._feed = plan.open_feed(self._holes.publish)

    @property
    def failures(self) -> int:
        """How many connections in a row have brought no data."""
        return self._backoff.failures

    async def run(self) -> None:
        """Run for ever; only a cancellation ends it."""
        async with asyncio.TaskGroup() as group:
            _ = start(group, f"{self.name} stats", self._report())
            _ = start(group, f"{self.name} supervisor", self._supervise(group))

    async def _supervise(self, group: asyncio.TaskGroup) -> None:
        while True:
            ended, held = await self._serve(group)
            self.state = StreamState.CONNECTING
            self._feed.on_closed(self._clock.now(), ended.detail)
            _ = self._drain()  # what came before the loss must not count for the next connection
            wait = self._backoff.next(ended.after or 0.0)
            log.warning("session.ended", session=self.name, reason=ended.detail, retry_s=round(wait, 1))
            await self._clock.sleep(wait)
            self.reconnects += held

    async def _serve(self, group: asyncio.TaskGroup) -> tuple[Ended, bool]:
        """Serve on one connection after the other until one ends unasked; return why, and whether it ever stood."""
        line = await self._begin(group, self._feed, self._holes)
        while True:
            alarm = start_once(group, f"{self.name} life", self._age(line))
            either: set[asyncio.Future[Any]] = {line.ended, line.connection.replace}
            _ = await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            alarm.cancel()
            if line.ended.done():
                return line.ended.result(), line.connection.opened
            log.info("session.replacing", session=self.name, reason=line.connection.replace.result())
            line = await self._replace(group, line)

    async def _age(self, line: _Line) -> None:
        # Up to a tenth earlier, so that connections opened together do not end together.
        await self._clock.sleep(self._plan.life * self._rng.uniform(0.9, 1.0))
        line.connection.ask_replacement("its life is over")

    async def _begin(self, group: asyncio.TaskGroup, feed: MarketFeed, holes: Holes) -> _Line:
        await self._plan.gate.turn()
        line = _Line(feed, holes, self._plan.dial(feed))
        line.task = start_once(group, f"{self.name} connection", _run(line))
        return line

    async def _replace(self, group: asyncio.TaskGroup, old: _Line) -> _Line:
        """Open a new connection, wait until it is whole, close the old one: some comes twice, nothing is missed."""
        holes = Holes(self._publish)
        new = await self._begin(group, self._plan.open_feed(holes.publish), holes)
        give_up = self._clock.elapsed() + SETTLE_WITHIN
        while not (new.ready or new.ended.done() or old.ended.done()) and self._clock.elapsed() < give_up:
            await self._clock.sleep(SETTLE_CHECK)
        if new.ended.done() or not (new.ready or old.ended.done()):
            return await self._keep(old, new)
        if old.ended.done():
            old.feed.on_closed(self._clock.now(), old.ended.result().detail)
        old.stop()
        self._orphans += old.holes.leave()
        self._feed, self._holes = new.feed, new.holes
        self.replacements += 1
        return new

    async def _keep(self, old: _Line, new: _Line) -> _Line:
        """Stay with the old connection as long as it lasts, and try again later."""
        reason = new.ended.result().detail if new.ended.done() else f"not whole within {SETTLE_WITHIN:g} s"
        log.warning("session.replacement_failed", session=self.name, reason=reason)
        new.stop()
        self._orphans += new.holes.leave()
        old.connection.replace = asyncio.get_running_loop().create_future()
        _ = await asyncio.wait({old.ended}, timeout=self._backoff.next())
        if not old.ended.done():
            old.connection.ask_replacement("the last replacement failed")
        return old

    async def _report(self) -> None:
        while True:
            await self._clock.sleep(STATS_EVERY)
            if self._drain():
                self.state = StreamState.LIVE

    def _drain(self) -> bool:
        """Publish what each stream did since the last time; say whether any spoke, which ends a row of failures."""
        now = self._clock.now()
        alive = False
        for stats in self._feed.stats(now):
            alive = alive or stats.messages > 0
            self._close_orphans(stats.channel, stats.symbol, stats.state, now)
            self._publish(stats)
        if alive:
            self._backoff.good()
        return alive

    def _close_orphans(self, channel: Channel, symbol: Symbol, state: StreamState, now: Nanos) -> None:
        if not self._orphans or state is not StreamState.LIVE:
            return
        mine = [gap for gap in self._orphans if (gap.channel, gap.symbol) == (channel, symbol)]
        for gap in mine:
            self._orphans.remove(gap)
            self._publish(
                Gap(gap.venue, gap.channel, gap.symbol, gap.connection, gap.start, now, gap.kind, gap.missing)
            )


async def _run(line: _Line) -> None:
    """Run a connection and note how it ended; a defect of ours costs this connection and is shown, not the service."""
    try:
        await line.connection.run()
    except Ended as ended:
        line.ended.set_result(ended)
    except Exception as error:  # noqa: BLE001  a defect must not end the other venues; the reconnect counts it
        log.error("connection.defect", error=repr(error), hint="this is a defect: please report it")
        line.ended.set_result(Ended(f"a defect of ours: {error!r}"))
