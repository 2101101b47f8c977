"""Carries frames to the sockets that want them: on time, or as a fault says late, twice, swapped or not at all."""

from collections import deque
from typing import NamedTuple

from core.clock import Clock
from simulator.faults import Plan
from simulator.sockets import Socket


class _Late(NamedTuple):
    due: float
    stream: str
    payload: bytes
    only: Socket | None


class Courier:
    """Knows who subscribed to what. A stream's frames never overtake each other unless a fault asks for it."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._subscribers: dict[str, dict[Socket, None]] = {}
        self._held: dict[str, bytes] = {}
        self._late: deque[_Late] = deque()

    def subscribe(self, socket: Socket, stream: str) -> None:
        """Bring a stream's frames to this socket from now on."""
        self._subscribers.setdefault(stream, {})[socket] = None

    def unsubscribe(self, socket: Socket, stream: str) -> None:
        """Bring it no more; a stream that it never had is no error."""
        _ = self._subscribers.get(stream, {}).pop(socket, None)

    def leave(self, socket: Socket) -> None:
        """Forget a socket."""
        for sockets in self._subscribers.values():
            _ = sockets.pop(socket, None)

    def wanted(self, stream: str) -> bool:
        """Whether anybody subscribed to it."""
        return bool(self._subscribers.get(stream))

    def post(self, stream: str, payload: bytes, plan: Plan, only: Socket | None = None) -> None:
        """Carry a frame to everybody who wants it, or to one socket only."""
        payloads = [payload] * plan.copies
        held = self._held.pop(stream, None)
        if plan.swap:
            payloads = payloads[1:]
            self._held[stream] = payload
        if held is not None:
            payloads.append(held)
        now = self._clock.elapsed()
        for one in payloads:
            if self._late or plan.late:
                # Never before what already waits: the order within a stream holds.
                due = max(now + plan.late, self._late[-1].due if self._late else 0.0)
                self._late.append(_Late(due, stream, one, only))
            else:
                self._send(stream, one, only)

    def release(self) -> None:
        """Send what was late and is due."""
        now = self._clock.elapsed()
        while self._late and self._late[0].due <= now:
            late = self._late.popleft()
            self._send(late.stream, late.payload, late.only)

    def _send(self, stream: str, payload: bytes, only: Socket | None) -> None:
        sockets = self._subscribers.get(stream, {})
        enveloped = b""
        for socket in (only,) if only is not None else tuple(sockets):
            if socket not in sockets:
                continue
            if socket.combined:
                enveloped = enveloped or b'{"stream":"%s","data":%s}' % (stream.encode(), payload)
                socket.put(enveloped)
            else:
                socket.put(payload)
