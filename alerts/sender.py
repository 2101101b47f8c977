"""Messages to their channels, at least once and in practice once: each is confirmed when the answer is stored.

A post is noted before it begins. If its answer is lost, or we are, the receiver is asked for the message before
another one is posted; an edit is harmless to repeat, since it is the whole desired state.
"""

import asyncio
from collections.abc import Callable
from typing import NamedTuple

from alerts import outbox
from alerts.changes import Part, Waiting
from alerts.notify.base import (
    ChannelBusy,
    ChannelGone,
    CredentialsRefused,
    Extras,
    MessageGone,
    MessageRefused,
    Notifier,
    Payload,
    Reference,
)
from alerts.queue import BACK_OFF_S, BETWEEN_S, SELDOM_S, ChannelQueue
from alerts.rows import delivery_row
from alerts.store import MessageState, Pending, Store
from alerts.storm_sender import StormSender
from alerts.thread_sender import ThreadSender
from core.clock import Clock, to_datetime
from core.errors import DeskError, Permanent, Transient
from core.log import get_logger
from core.tasks import start

log = get_logger(__name__)

POLL_S = 0.25
"""How long a put-off message can keep a more urgent one waiting."""

Finder = Callable[[str], Notifier | None]
"""Gives a receiver's API, None if it has none."""


class Outcome(NamedTuple):
    """What became of a message: for the log on the status page."""

    incident: str
    version: int
    state: MessageState
    error: str = ""


class Sender:
    """One queue and one task a channel. `report` hears of each outcome."""

    def __init__(self, store: Store, finder: Finder, clock: Clock, report: Callable[[Outcome], None]) -> None:
        self._store = store
        self._finder = finder
        self._clock = clock
        self._report = report
        self._queues: dict[str, ChannelQueue] = {}
        self._threads = ThreadSender(store)
        self._storms = StormSender(store, clock)
        self._troubles: dict[tuple[str, str], str] = {}
        self._news: dict[str, asyncio.Event] = {}
        self._more = asyncio.Event()

    def offer(self, waiting: Waiting) -> None:
        """Take a message that is stored."""
        self._queues.setdefault(waiting.channel, ChannelQueue(waiting.channel)).put(waiting)
        self._news.setdefault(waiting.channel, asyncio.Event()).set()
        self._more.set()

    def waiting(self) -> int:
        """Return how many messages wait."""
        return sum(len(one) for one in self._queues.values())

    def problems(self) -> list[str]:
        """Return what keeps messages from arriving, and what to do."""
        return list(dict.fromkeys(self._troubles.values()))

    async def run(self) -> None:
        """Send, for ever."""
        async with asyncio.TaskGroup() as group:
            served: set[str] = set()
            while True:
                for channel in self._queues.keys() - served:
                    served.add(channel)
                    start(group, f"send {channel}", self._serve(channel))
                self._more.clear()
                await self._more.wait()

    async def _serve(self, channel: str) -> None:
        news = self._news[channel]
        while True:
            news.clear()
            pause = await self.turn(channel)
            if pause is None:
                await news.wait()
            else:
                await self._clock.sleep(min(pause, POLL_S))

    async def turn(self, channel: str) -> float | None:
        """Send what is due in a channel, at most one message; return the seconds to wait, None if nothing waits."""
        queue = self._queues.get(channel)
        due = queue.next(self._clock.elapsed()) if queue is not None else None
        if queue is None or not isinstance(due, Waiting):
            return due if isinstance(due, float) else None
        try:
            # A crowd that grows faster than it is folded must not keep the digest itself waiting.
            await self._fold(queue, due)
            after = queue.next(self._clock.elapsed())
            if not isinstance(after, Waiting):
                return after
            due = after
            await self._deliver(queue, due)
        except DeskError as error:
            self._failed(queue, due, error)
        except Exception as error:  # noqa: BLE001  the supervised boundary of a message: a defect costs it alone
            log.error("message.crashed", incident=due.incident, error=repr(error), hint="this is a defect: report it")
            self._failed(queue, due, Transient(repr(error), hint="This is a defect: please report it"))
        return 0.0

    async def _fold(self, queue: ChannelQueue, due: Waiting) -> None:
        """Let a digest tell of the crowd in a storm."""
        notifier = self._finder(due.receiver)
        folded = [] if notifier is None else await self._storms.fold(queue, due.receiver, notifier)
        for one in folded:
            self._report(Outcome(one.incident, one.version, MessageState.FOLDED))

    async def _deliver(self, queue: ChannelQueue, due: Waiting) -> None:
        notifier = self._finder(due.receiver)
        if notifier is None:
            raise Transient(f"receiver {due.receiver}: nothing is set up for it", hint="Set slack.token")
        if due.part is not Part.MESSAGE:
            await self._line(queue, due, notifier)
            return
        await self._storms.renew(due, notifier)
        pending = await self._store.pending(due.incident)
        if pending is None:
            queue.done(due, due.version)
            await self._storms.changed(queue, due)
            return
        await self._message(queue, due, pending, notifier)

    async def _line(self, queue: ChannelQueue, due: Waiting, notifier: Notifier) -> None:
        await self._threads.say(due, notifier, lambda: queue.spend(self._clock.elapsed()))
        queue.done(due, due.version)
        self._troubles.pop((queue.channel, ""), None)
        following = await self._threads.due(due)
        if following is not None:
            queue.put(following)

    async def _message(self, queue: ChannelQueue, due: Waiting, pending: Pending, notifier: Notifier) -> None:
        reference = pending.reference
        if reference is None and pending.attempted:
            reference = await notifier.find(pending.channel, due.incident, pending.attempted)
            if reference is not None:
                await self._confirm(queue, due, pending.attempted, reference)
                return
        payload = await self._dressed(notifier, due, pending)
        queue.spend(self._clock.elapsed())
        try:
            await self._confirm(queue, due, pending.version, await self._send(notifier, due, pending, payload))
        except MessageGone as error:
            log.warning("message.gone", incident=due.incident, error=str(error))
            await self._store.lost(due.incident)
        except ChannelBusy:
            await self._store.attempt(due.incident, 0)
            raise
        except MessageRefused as error:
            if not pending.around.extras.chart:
                await self._refused(queue, due, pending.version, error)
                return
            # A chart is worth no message.
            log.warning("message.without_chart", incident=due.incident, error=str(error))
            await self._store.attempt(due.incident, 0)
            await self._store.run(lambda db: outbox.set_chart(db, due.incident, ""))
        except Permanent as error:
            await self._refused(queue, due, pending.version, error)

    async def _dressed(self, notifier: Notifier, due: Waiting, pending: Pending) -> Payload:
        """Return the message with the way to the group's last incident; without it if the receiver cannot tell."""
        extras = pending.around.extras
        if pending.around.before is not None and pending.reference is None:
            try:
                link = await notifier.link(pending.around.before)
            except DeskError as error:
                log.info("message.no_link", incident=due.incident, error=str(error))
                link = ""
            await self._store.run(lambda db: outbox.set_previous(db, due.incident, link))
            extras = Extras(link, extras.chart)
        return notifier.dress(pending.payload, extras)

    async def _send(self, notifier: Notifier, due: Waiting, pending: Pending, payload: Payload) -> Reference:
        if pending.reference is not None:
            return await notifier.update(pending.reference, payload)
        await self._store.attempt(due.incident, pending.version)
        return await notifier.post(pending.channel, payload)

    async def _confirm(self, queue: ChannelQueue, due: Waiting, version: int, reference: Reference) -> None:
        now = self._clock.now()
        event = delivery_row(due.incident, due.receiver, due.severity, "delivery", "sent", now)
        attempt = 0
        while True:
            try:
                await self._store.confirm(due.incident, version, reference, to_datetime(now), event)
                break
            except Transient as error:
                # It has arrived; only our disk does not take that yet. Until it does, nothing may send it again.
                self._troubles[queue.channel, ""] = str(error)
                await self._clock.sleep(BACK_OFF_S[min(attempt, len(BACK_OFF_S) - 1)])
                attempt += 1
        queue.done(due, version)
        line = await self._threads.due(due)
        if line is not None:
            queue.put(line)
        self._troubles.pop((queue.channel, due.incident), None)
        self._troubles.pop((queue.channel, ""), None)
        self._report(Outcome(due.incident, version, MessageState.SENT))

    async def _refused(self, queue: ChannelQueue, due: Waiting, version: int, error: Permanent) -> None:
        now = self._clock.now()
        event = delivery_row(due.incident, due.receiver, due.severity, "delivery", type(error).__name__, now)
        await self._store.refuse(due.incident, version, str(error), to_datetime(now), event)
        elapsed = self._clock.elapsed()
        if isinstance(error, ChannelGone | CredentialsRefused):
            queue.hold(elapsed + SELDOM_S)
        queue.refuse(due, version, elapsed)
        scope = "" if isinstance(error, ChannelGone | CredentialsRefused) else due.incident
        self._troubles[queue.channel, scope] = f"{queue.channel}: {error}"
        log.error("message.refused", channel=queue.channel, incident=due.incident, error=str(error))
        self._report(Outcome(due.incident, version, MessageState.REFUSED, str(error)))

    def _failed(self, queue: ChannelQueue, due: Waiting, error: DeskError) -> None:
        """Put a message off; what asks the channel to wait holds all of it."""
        elapsed = self._clock.elapsed()
        if isinstance(error, ChannelBusy):
            queue.hold(elapsed + (error.after or BETWEEN_S))
        else:
            queue.later(due, elapsed)
            self._troubles[queue.channel, ""] = f"{queue.channel}: {error}"
        log.warning("message.put_off", channel=queue.channel, incident=due.incident, error=str(error))
        self._report(Outcome(due.incident, due.version, MessageState.WAITING, str(error)))
