"""Trouble on command: what the next calls of a method meet."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

DEFAULT_SECONDS = 5.0


class FaultKind(StrEnum):
    """What goes wrong."""

    REFUSE = "refuse"
    """The answer is `ok: false` with the fault's error code."""

    SERVER_ERROR = "server_error"
    """The answer is the fault's HTTP status, and nothing happens."""

    BUSY = "busy"
    """HTTP 429; Retry-After is the fault's seconds."""

    LOSE_ANSWER = "lose_answer"
    """The call has its effect, then the connection is cut."""

    SLOW = "slow"
    """The call has its effect, and the answer comes after the fault's seconds."""


class BadFault(Exception):
    """A fault that cannot be made."""


@dataclass(frozen=True, slots=True)
class Fault:
    """Trouble for the next `times` calls; `method` `*` and an empty `channel` mean any."""

    kind: FaultKind
    method: str = "*"
    channel: str = ""
    error: str = "internal_error"
    status: int = 503
    seconds: float = DEFAULT_SECONDS
    times: int = 1


class Faults:
    """What is to go wrong next, in order; and the state of the token."""

    def __init__(self) -> None:
        self.waiting: list[Fault] = []
        self.token_revoked = False

    def add(self, fault: Fault) -> None:
        """Let it happen to the next calls that it fits."""
        self.waiting.append(fault)

    def clear(self) -> None:
        """Let everything work again."""
        self.waiting.clear()
        self.token_revoked = False

    def take(self, method: str, channel: str) -> Fault | None:
        """Return what meets this call, and count it."""
        for index, fault in enumerate(self.waiting):
            if fault.method in {"*", method} and fault.channel in {"", channel}:
                if fault.times > 1:
                    self.waiting[index] = replace(fault, times=fault.times - 1)
                else:
                    del self.waiting[index]
                return fault
        return None


def read_fault(body: Mapping[str, object]) -> Fault:
    """Return the fault that a JSON object describes: `{"kind": "busy", "seconds": 3, "times": 10}`.

    Raises:
        BadFault: an unknown kind or key, or a value of the wrong type.
    """
    unknown = body.keys() - set(Fault.__dataclass_fields__)
    if unknown:
        raise BadFault(f"unknown: {', '.join(sorted(unknown))}; known: {', '.join(Fault.__dataclass_fields__)}")
    kinds = ", ".join(FaultKind)
    try:
        return Fault(
            FaultKind(str(body.get("kind"))),
            method=str(body.get("method", "*")),
            channel=str(body.get("channel", "")),
            error=str(body.get("error", "internal_error")),
            status=int(str(body.get("status", 503))),
            seconds=float(str(body.get("seconds", DEFAULT_SECONDS))),
            times=int(str(body.get("times", 1))),
        )
    except ValueError as error:
        raise BadFault(f"{error}; kind is one of {kinds}") from error
