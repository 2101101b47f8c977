"""A service's sign of life: one row a second, with how late the loop is and what waits."""

from collections.abc import Callable
from typing import NamedTuple

import psutil

from core.clock import Clock
from core.ports import RowWriter
from core.rows import Row, Value

BEAT_S = 1.0


class Load(NamedTuple):
    """What waits in a service: events, rows on disk, the age of the oldest row in seconds, refused rows."""

    queue_depth: int = 0
    spool_rows: int = 0
    oldest_unsent_s: float = 0.0
    rejects: int = 0


async def beat(service: str, instance: str, writer: RowWriter, load: Callable[[], Load], clock: Clock) -> None:
    """Write a `heartbeats` row each second, for ever; the loop's lag is how much later than a second it came."""
    process = psutil.Process()
    process.cpu_percent()
    while True:
        before = clock.elapsed()
        await clock.sleep(BEAT_S)
        lag = max(0.0, clock.elapsed() - before - BEAT_S)
        waiting = load()
        values: dict[str, Value] = {
            "service": service,
            "instance": instance,
            "loop_lag_ms": lag * 1000,
            "rss": float(process.memory_info().rss),
            "cpu": process.cpu_percent(),
            "queue_depth": waiting.queue_depth,
            "spool_rows": waiting.spool_rows,
            "oldest_unsent_s": waiting.oldest_unsent_s,
            "rejects": waiting.rejects,
        }
        writer.write([Row("heartbeats", clock.now(), values)])
