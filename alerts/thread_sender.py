"""The lines of threads to their receivers: each is confirmed when the answer is stored, as messages are."""

from collections.abc import Callable
from dataclasses import replace

from alerts import outbox
from alerts.changes import Part, Waiting
from alerts.notify.base import MessageGone, MessageRefused, Notifier, Reference
from alerts.outbox import WaitingLine
from alerts.store import Store
from core.log import get_logger

log = get_logger(__name__)


class ThreadSender:
    """Says the lines of one incident after the other; `spend` is told that one leaves now."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def due(self, waiting: Waiting) -> Waiting | None:
        """Return what waits in the thread of a message that has arrived."""
        line = await self._store.run(lambda db: outbox.line(db, waiting.incident))
        if line is None:
            return None
        return replace(waiting, part=Part.LOUD_LINE if line.loud else Part.QUIET_LINE, fresh=False)

    async def say(self, waiting: Waiting, notifier: Notifier, spend: Callable[[], None]) -> None:
        """Say an incident's next line; raises the errors of the port that mean that it is to be tried again."""
        incident = waiting.incident
        line, place = await self._store.run(lambda db: (outbox.line(db, incident), outbox.place(db, incident)))
        if line is None or place is None:
            return  # nothing to say, or nowhere yet: the message's arrival brings it up again
        if not place.ts:
            await self._store.run(lambda db: outbox.drop_lines(db, incident))  # a receiver without threads
            return
        try:
            await self._say(line, place, incident, notifier, spend)
        except MessageGone as error:
            log.warning("thread.gone", incident=incident, error=str(error))
            await self._store.run(lambda db: outbox.drop_lines(db, incident))
            await self._store.lost(incident)
        except MessageRefused as error:
            log.error("line.refused", incident=incident, line=line.text, error=str(error))
            await self._store.run(lambda db: outbox.end_line(db, line.id))

    async def _say(
        self, line: WaitingLine, place: Reference, incident: str, notifier: Notifier, spend: Callable[[], None]
    ) -> None:
        key = f"{incident}/{line.id}"
        if not (line.attempted and await notifier.replied(place, key)):
            await self._store.run(lambda db: outbox.begin_line(db, line.id))
            spend()
            await notifier.reply(place, line.text, key=key, broadcast=line.loud)
        await self._store.run(lambda db: outbox.end_line(db, line.id))
