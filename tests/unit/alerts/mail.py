"""Messages for the tests of store and sender."""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

from alerts.changes import Changes, Message, waiting_of
from alerts.model import AlertStatus, IncidentState, Reason, Severity
from alerts.notify.thread import Facts
from alerts.sender import Outcome, Sender
from alerts.store import Store
from tests.fakes.clock import FakeClock
from tests.fakes.notifier import FakeNotifier
from tests.unit.alerts.timeline import T0


def message(  # noqa: PLR0913  what the tests vary
    incident: str,
    version: int = 1,
    *,
    severity: Severity = Severity.WARN,
    over: bool = False,
    channel: str = "#alerts",
    reason: Reason | None = None,
    rule: str = "Rule",
    group: str = "",
    opened: str = "",
) -> Message:
    """Return a message as a board makes it."""
    status = AlertStatus.RESOLVED if over else AlertStatus.FIRING
    at = T0 + timedelta(seconds=version)
    facts = Facts(
        group=group or incident,
        name=rule,
        opened=opened or T0.isoformat(),
        state=IncidentState(status.value),
        severity=severity,
        reason=reason or Reason.FIRST_NOTIFICATION,
        firing={} if over else {incident: incident},
        count=0 if over else 1,
        who="",
        until="",
        comment="",
        lasted=60.0,
        numbers="",
    )
    return Message(
        incident=incident,
        version=version,
        receiver="desk",
        channel=channel,
        status=status,
        severity=severity,
        reason=reason or (Reason.ALL_RESOLVED if over else Reason.FIRST_NOTIFICATION),
        text=f"{incident} {version} {status}",
        payload={"text": f"{incident} {version} {status}", "incident": incident, "version": version},
        at=at,
        facts=facts.as_json(),
    )


class Post:
    """A sender on a real store; `restart` begins anew with what is stored, as after a kill."""

    def __init__(self, store: Store, notifier: FakeNotifier, clock: FakeClock) -> None:
        self.store = store
        self.notifier: FakeNotifier | None = notifier
        self.slack = notifier
        self.clock = clock
        self.outcomes: list[Outcome] = []
        self.sender = self._sender()

    @classmethod
    async def open(cls, folder: Path, clock: FakeClock, notifier: FakeNotifier | None = None) -> "Post":
        """Open a store in a folder."""
        return cls(await Store.open(folder), notifier or FakeNotifier(), clock)

    def _sender(self) -> Sender:
        return Sender(self.store, lambda _: self.notifier, self.clock, self.outcomes.append)

    async def queue(self, *messages: Message) -> None:
        """Store messages and offer them."""
        await self.store.save([Changes(messages=[one]) for one in messages])
        for one in messages:
            self.sender.offer(waiting_of(one))

    async def restart(self) -> None:
        """Begin anew."""
        self.sender = self._sender()
        for one in (await self.store.load()).waiting:
            self.sender.offer(one)

    async def turns(self, seconds: float = 3600, channel: str = "#alerts") -> None:
        """Send until nothing waits, or time is over."""
        end = self.clock.elapsed() + seconds
        while self.clock.elapsed() < end:
            pause = await self.sender.turn(channel)
            if pause is None:
                return
            self.clock.advance(max(pause, 0.001))

    def shown(self) -> list[str]:
        """Return the texts that people see."""
        return [str(one["text"]) for one in self.slack.messages.values()]

    def states(self) -> Sequence[str]:
        """Return what the page heard, in order."""
        return [str(one.state) for one in self.outcomes]
