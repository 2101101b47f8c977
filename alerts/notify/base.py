"""The port to a receiver, and the errors that decide what the sender does next."""

from datetime import datetime
from typing import Any, NamedTuple, Protocol, TypeAlias

from alerts.model import Notification, Severity
from core.errors import Permanent, Transient

Payload: TypeAlias = dict[str, Any]
"""A rendered message, JSON-able, as the receiver's API takes it."""


class Reference(NamedTuple):
    """Where a message lives: what an edit needs. `ts` is empty where the receiver cannot edit."""

    channel: str
    ts: str


class Extras(NamedTuple):
    """What is added to a message after it was rendered; empty: nothing."""

    previous: str = ""
    """Address of the message of the group's incident before."""
    chart: str = ""
    """The chart, as `upload` has named it."""


class Storm(NamedTuple):
    """What one message tells of many incidents that have none of their own."""

    incident: str
    version: int
    severity: Severity
    total: int
    counts: dict[str, int]
    """How many still fire, by rule; empty: the storm is over."""
    began_at: datetime
    at: datetime


class ChannelBusy(Transient):
    """The receiver asks us to wait."""


class ReceiverDown(Transient):
    """The receiver does not answer."""


class OutcomeUnknown(Transient):
    """The message may have arrived; the answer was lost."""


class MessageGone(Permanent):
    """The message to edit does not exist any more."""


class ChannelGone(Permanent):
    """The channel does not exist, or does not let us in."""


class MessageRefused(Permanent):
    """The receiver refuses this message."""


class CredentialsRefused(Permanent):
    """The receiver refuses our credentials."""


class Notifier(Protocol):
    """One receiver's API."""

    def render(self, notification: Notification) -> Payload:
        """Return the message for a notification; pure, and it never fails: a bad text is shown as such."""

    async def post(self, channel: str, payload: Payload) -> Reference:
        """Post a new message; raises one of this module's errors."""

    async def update(self, reference: Reference, payload: Payload) -> Reference:
        """Replace a message; raises one of this module's errors, MessageGone if it must be posted afresh."""

    def sum_up(self, storm: Storm) -> Payload | None:
        """Return the one message for many incidents, None where each is told anyway; pure."""

    def dress(self, payload: Payload, extras: Extras) -> Payload:
        """Return a rendered message with what came later; pure."""

    async def reply(self, reference: Reference, text: str, *, key: str = "", broadcast: bool = False) -> None:
        """Add a line of plain text to a message's thread; raises one of this module's errors.

        `key` names the line for `replied`.
        """

    async def replied(self, reference: Reference, key: str) -> bool:
        """Return whether a message's thread has a line, so that a lost answer is no second one.

        False: it has not, or the receiver does not let us look. Raises one of this module's errors.
        """

    async def link(self, reference: Reference) -> str:
        """Return the address of a message for people, "" if it has none; raises one of this module's errors."""

    async def upload(self, png: bytes, title: str) -> str:
        """Keep a picture for `Extras.chart` and return its name, "" if the receiver shows none.

        Raises one of this module's errors.
        """

    async def find(self, channel: str, incident: str, version: int) -> Reference | None:
        """Return where our message of this incident and version is, so that a lost answer is no second post.

        None: it is not there, or the receiver does not let us look. Raises one of this module's errors.
        """
