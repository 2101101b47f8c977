"""Storms: the incidents that wait behind the most urgent ones are told in one message, edited as they end."""

from dataclasses import replace

from alerts import digest
from alerts.changes import Waiting
from alerts.digest import Folded
from alerts.model import AlertStatus, Severity
from alerts.notify.base import Notifier
from alerts.queue import ChannelQueue
from alerts.store import Store
from core.clock import Clock, to_datetime
from core.log import get_logger

log = get_logger(__name__)

CROWD = 20
"""Incidents without a message that may wait for a channel; when there are more, a digest takes over."""
KEPT = 5
"""The most urgent of them still get messages of their own."""
EVERY_S = 5.0
"""Seconds between two edits of a digest."""


class StormSender:
    """Keeps the digests of every channel."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._said_at: dict[str, float] = {}
        self._without: set[str] = set()

    async def fold(self, queue: ChannelQueue, receiver: str, notifier: Notifier) -> list[Waiting]:
        """Let a digest tell of the crowd that waits for a receiver; return the incidents that it has taken over."""
        if receiver in self._without:
            return []
        crowd = [one for one in queue.crowd(CROWD, KEPT) if one.receiver == receiver]
        if not crowd:
            return []
        at = to_datetime(self._clock.now())
        names = [one.incident for one in crowd]
        folded = await self._store.run(lambda db: digest.fold(db, receiver, queue.channel, names, at, notifier.sum_up))
        if folded is None:
            self._without.add(receiver)
            return []
        for one in crowd:
            queue.done(one, one.version)
        log.warning("storm", channel=queue.channel, folded=len(crowd), digest=folded.digest)
        self._offer(queue, receiver, folded)
        return crowd

    def _offer(self, queue: ChannelQueue, receiver: str, folded: Folded) -> None:
        self._said_at.setdefault(folded.digest, -EVERY_S)
        waiting = Waiting(
            folded.digest, folded.version, receiver, queue.channel, folded.status, folded.severity, folded.at
        )
        queue.put(waiting)
        queue.wait(waiting, self._said_at[folded.digest] + EVERY_S)

    async def changed(self, queue: ChannelQueue, waiting: Waiting) -> None:
        """Take note that an incident without a message has changed: its digest is edited soon."""
        name = await self._store.run(lambda db: digest.of(db, waiting.incident))
        if name:
            self._said_at.setdefault(name, -EVERY_S)
            again = replace(waiting, incident=name, version=0, severity=Severity.INFO, status=AlertStatus.FIRING)
            queue.put(again)
            queue.wait(again, self._said_at[name] + EVERY_S)

    async def renew(self, waiting: Waiting, notifier: Notifier) -> None:
        """Count a digest anew before it is sent; of another message nothing is done."""
        if waiting.incident in self._said_at:
            self._said_at[waiting.incident] = self._clock.elapsed()
            at = to_datetime(self._clock.now())
            await self._store.run(lambda db: digest.again(db, waiting.incident, at, notifier.sum_up))
