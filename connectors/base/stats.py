"""Counts what one stream does within a second; drained into a `FeedStats` event."""

from math import ceil

from core.events import FeedStats
from core.types import MILLISECOND, Channel, Nanos, StreamState, Symbol, VenueName

_SAMPLES = 4096  # lags kept a second; beyond, the oldest are overwritten


class StreamStats:
    """One stream's second. `message` is in the hot path: two additions and one append.

    Lag is receipt minus event time as stamped, so the clock's offset against the venue is in it (`venues` has that
    offset). A negative lag is a clock fault and is shown as such.
    """

    __slots__ = (
        "_channel", "_checksum_failures", "_connection", "_crossed_ms", "_gaps", "_lags", "_last", "_messages",
        "_resyncs", "_symbol", "_venue",
    )  # fmt: skip

    def __init__(self, venue: VenueName, channel: Channel, symbol: Symbol, connection: str) -> None:
        self._venue = venue
        self._channel = channel
        self._symbol = symbol
        self._connection = connection
        self._last: Nanos | None = None
        self._reset()

    def _reset(self) -> None:
        self._messages = 0
        self._lags: list[Nanos] = []
        self._gaps = 0
        self._resyncs = 0
        self._checksum_failures = 0
        self._crossed_ms = 0.0

    def message(self, ts: Nanos, received: Nanos) -> None:
        """Count a data message. Equal stamps mean that the venue gave no event time: no lag is known then."""
        if ts != received:
            lags = self._lags
            if len(lags) < _SAMPLES:
                lags.append(received - ts)
            else:
                lags[self._messages % _SAMPLES] = received - ts
        self._messages += 1
        self._last = received

    def gap(self) -> None:
        """Count a hole."""
        self._gaps += 1

    def resync(self) -> None:
        """Count a book that was built anew."""
        self._resyncs += 1

    def checksum_failure(self) -> None:
        """Count a book that did not match its checksum."""
        self._checksum_failures += 1

    def crossed(self, ms: float) -> None:
        """Add a time during which best bid and ask were crossed."""
        self._crossed_ms += ms

    def drain(self, now: Nanos, state: StreamState) -> FeedStats:
        """Return what was counted since the last call, and start anew; the age runs on."""
        self._lags.sort()
        drained = FeedStats(
            venue=self._venue,
            channel=self._channel,
            symbol=self._symbol,
            connection=self._connection,
            ts=now,
            messages=self._messages,
            age_ms=None if self._last is None else max(0.0, (now - self._last) / MILLISECOND),
            lag_p50_ms=self._quantile(0.5),
            lag_p99_ms=self._quantile(0.99),
            gaps=self._gaps,
            resyncs=self._resyncs,
            checksum_failures=self._checksum_failures,
            crossed_ms=self._crossed_ms,
            state=state,
        )
        self._reset()
        return drained

    def _quantile(self, part: float) -> float | None:
        """Return the nearest-rank quantile of the sorted lags, in ms."""
        if not self._lags:
            return None
        return self._lags[ceil(part * len(self._lags)) - 1] / MILLISECOND
