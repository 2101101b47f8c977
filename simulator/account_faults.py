"""What can be wrong with the private side alone; anybody sets the fields, the server obeys at once.

What concerns the whole venue (sockets cut or refused, REST that fails, a clock that is off, frames of the channel
`account` lost, doubled, damaged, late) is `simulator.faults`.
"""

from dataclasses import dataclass


@dataclass(slots=True)
class AccountFaults:
    """All is well by default."""

    drop_fills: bool = False
    """Execution reports of trades never reach the stream; the history has them."""
    stalled: bool = False
    """The stream's frames wait, and come when the stall ends."""
    forget_subscriptions: bool = False
    """The venue forgets who subscribed: the socket lives on, mute."""
    key_expired: bool = False
    """The key is no longer known."""
    rest_delay: float = 0.0
    """Seconds that a private REST request waits for its answer."""
