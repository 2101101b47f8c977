"""The faults of one venue, and what they mean for the next frame, request, socket and price.

A frame's fate is asked for with `plan`, once a frame, whoever receives it.
"""

import difflib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias, TypeVar

from core.clock import Clock
from core.errors import UsageError
from core.types import MILLISECOND, Channel, Nanos, Symbol
from simulator.fault_kinds import (
    AnyFault,
    Corrupt,
    Cross,
    Delay,
    Disconnect,
    Drop,
    Duplicate,
    Fault,
    HalfOpen,
    Jump,
    RateLimit,
    Refuse,
    Reorder,
    RestFails,
    Skew,
    Stall,
    Widen,
)
from simulator.market import CALM, Push

PATIENCE = 3
"""Requests that a rate-limited address may send before 429 becomes 418."""


_NextFrames: TypeAlias = Drop | Duplicate | Corrupt | Reorder
_Stream: TypeAlias = Stall | _NextFrames
F = TypeVar("F", bound=AnyFault)


class Plan(NamedTuple):
    """What becomes of one frame."""

    copies: int = 1
    """0: it is lost."""
    corrupt: bool = False
    swap: bool = False
    """It is sent after the next one of its stream."""
    late: float = 0.0
    """Seconds that it arrives later."""


ON_TIME = Plan()


class Trouble(NamedTuple):
    """How a REST request fails: the status, and the seconds to wait where the venue gives them."""

    status: int
    retry_after: int | None


class UnknownSymbol(UsageError):
    """The venue does not trade this symbol."""


@dataclass(slots=True)
class _Active:
    fault: Fault
    until: float | None
    left: int = 0


class Faults:
    """The faults of one venue. Every method injects one value; `clear` ends them all."""

    def __init__(self, clock: Clock, symbols: Iterable[Symbol]) -> None:
        self._clock = clock
        self._symbols = frozenset(symbols)
        self._active: list[_Active] = []
        self._cutters: list[Callable[[bool], None]] = []
        self._jumpers: list[Callable[[Symbol, float], None]] = []
        self._limited_requests = 0

    # --- commands ----------------------------------------------------------------------------------------------------

    def stall(self, channel: str, symbol: Symbol | None = None, seconds: float | None = None) -> None:
        """Silence one stream; see `Stall`."""
        self.inject(Stall(Channel(channel), symbol, seconds))

    def drop(self, channel: str, symbol: Symbol | None = None, count: int = 1) -> None:
        """Lose the next frames of a stream."""
        self.inject(Drop(Channel(channel), symbol, count))

    def duplicate(self, channel: str, symbol: Symbol | None = None, count: int = 1) -> None:
        """Send the next frames of a stream twice."""
        self.inject(Duplicate(Channel(channel), symbol, count))

    def corrupt(self, channel: str, symbol: Symbol | None = None, count: int = 1) -> None:
        """Damage the next frames of a stream."""
        self.inject(Corrupt(Channel(channel), symbol, count))

    def reorder(self, channel: str, symbol: Symbol | None = None, count: int = 1) -> None:
        """Send the next frames of a stream in the wrong order."""
        self.inject(Reorder(Channel(channel), symbol, count))

    def disconnect(self, *, private: bool = False) -> None:
        """Cut every public, or every private, socket."""
        self.inject(Disconnect(private))

    def half_open(self, seconds: float) -> None:
        """Keep the sockets and send nothing."""
        self.inject(HalfOpen(seconds))

    def delay(self, seconds: float, for_seconds: float) -> None:
        """Make frames late for a while."""
        self.inject(Delay(seconds, for_seconds))

    def refuse(self, seconds: float) -> None:
        """Refuse new sockets."""
        self.inject(Refuse(seconds))

    def rest_fails(self, status: int, seconds: float, path_prefix: str = "") -> None:
        """Let REST fail."""
        self.inject(RestFails(status, seconds, path_prefix))

    def rate_limit(self, seconds: float) -> None:
        """Let REST ask for patience."""
        self.inject(RateLimit(seconds))

    def skew(self, milliseconds: float) -> None:
        """Put the venue's clock off."""
        self.inject(Skew(milliseconds))

    def widen(self, symbol: Symbol, factor: float, seconds: float) -> None:
        """Widen the spread."""
        self.inject(Widen(symbol, factor, seconds))

    def cross(self, symbol: Symbol, seconds: float) -> None:
        """Cross the book."""
        self.inject(Cross(symbol, seconds))

    def jump(self, symbol: Symbol, percent: float) -> None:
        """Let the price jump."""
        self.inject(Jump(symbol, percent))

    def inject(self, fault: Fault) -> None:
        """Have this fault from now on.

        Raises:
            UnknownSymbol: it names a symbol that the venue does not trade.
        """
        self._check(getattr(fault, "symbol", None))
        match fault:
            case Disconnect(private):
                for cut in self._cutters:
                    cut(private)
            case Jump(symbol, percent):
                for jump in self._jumpers:
                    jump(symbol, percent)
            case Skew():
                self._active = [one for one in self._active if not isinstance(one.fault, Skew)]
                self._active.append(_Active(fault, None))
            case Drop() | Duplicate() | Corrupt() | Reorder():
                self._active.append(_Active(fault, None, fault.count))
            case _:
                self._active.append(_Active(fault, self._end(fault)))

    def _check(self, symbol: Symbol | None) -> None:
        if symbol is not None and symbol not in self._symbols:
            near = difflib.get_close_matches(symbol, self._symbols, n=1)
            hint = f"Did you mean {near[0]}?" if near else f"It trades: {', '.join(sorted(self._symbols))}"
            raise UnknownSymbol(symbol, hint=hint)

    def _end(self, fault: Fault) -> float | None:
        seconds: float | None = fault.for_seconds if isinstance(fault, Delay) else getattr(fault, "seconds", None)
        return None if seconds is None else self._clock.elapsed() + seconds

    def clear(self) -> None:
        """End every fault."""
        self._active.clear()
        self._limited_requests = 0

    def active(self) -> list[Fault]:
        """Return the faults that the venue has now."""
        now = self._clock.elapsed()
        self._active = [one for one in self._active if one.until is None or one.until > now]
        return [one.fault for one in self._active]

    # --- hooks: who serves the venue asks here -----------------------------------------------------------------------

    def on_cut(self, cut: Callable[[bool], None]) -> None:
        """Call this (with `private`) when sockets are to be cut."""
        self._cutters.append(cut)

    def on_jump(self, jump: Callable[[Symbol, float], None]) -> None:
        """Call this (symbol, percent) when a price is to jump."""
        self._jumpers.append(jump)

    def plan(self, channel: Channel, symbol: Symbol | None) -> Plan:
        """Return what becomes of the next frame of a stream; a counted fault is used up by asking.

        A fault without symbol concerns every symbol; a frame without symbol (a balance) only such faults.
        """
        if not self._active:
            return ON_TIME
        copies, corrupt, swap, late = 1, False, False, 0.0
        for one in self._of(Stall, Drop, Duplicate, Corrupt, Reorder, Delay):
            fault = one.fault
            if isinstance(fault, Delay):
                late = max(late, fault.seconds)
            elif isinstance(fault, _Stream) and fault.channel is channel and fault.symbol in (None, symbol):
                one.left -= 1
                copies = 2 if isinstance(fault, Duplicate) else 0 if isinstance(fault, Stall | Drop) else copies
                corrupt = corrupt or isinstance(fault, Corrupt)
                swap = swap or isinstance(fault, Reorder)
        self._active = [one for one in self._active if one.left > 0 or not isinstance(one.fault, _NextFrames)]
        return Plan(copies, corrupt, swap, late)

    def _of(self, *kinds: type[AnyFault]) -> list[_Active]:
        """Return what is active of these kinds; what has ended is forgotten."""
        _ = self.active()
        return [one for one in self._active if isinstance(one.fault, kinds)]

    def _first(self, kind: type[F]) -> F | None:
        return next((one for one in self.active() if isinstance(one, kind)), None)

    @property
    def mute(self) -> bool:
        """Whether nothing flows on any socket."""
        return bool(self._active) and self._first(HalfOpen) is not None

    @property
    def refusing(self) -> bool:
        """Whether new sockets are refused."""
        return self._first(Refuse) is not None

    def rest(self, path: str) -> Trouble | None:
        """Return how a request to this path fails, None if it does not."""
        for one in self._of(RestFails, RateLimit):
            match one.fault:
                case RestFails(status=status, path_prefix=prefix) if path.startswith(prefix):
                    return Trouble(status, None)
                case RateLimit() if one.until is not None:
                    self._limited_requests += 1
                    left = max(1, round(one.until - self._clock.elapsed()))
                    return Trouble(418 if self._limited_requests > PATIENCE else 429, left)
                case _:
                    pass
        self._limited_requests = 0
        return None

    def venue_now(self) -> Nanos:
        """Return the time on the venue's own clock."""
        skew = self._first(Skew) if self._active else None
        return self._clock.now() + (round(skew.milliseconds * MILLISECOND) if skew else 0)

    def push(self, symbol: Symbol) -> Push:
        """Return what is done to a market now."""
        if not self._active:
            return CALM
        factor, cross = 1.0, False
        for fault in self.active():
            if isinstance(fault, Widen) and fault.symbol == symbol:
                factor = max(factor, fault.factor)
            cross = cross or (isinstance(fault, Cross) and fault.symbol == symbol)
        return Push(factor, cross)
