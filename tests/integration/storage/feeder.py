"""A process that writes numbered fills and trades through the writer and prints the last number that is durable."""

import asyncio
import json
import sys
from pathlib import Path

from core.clock import SystemClock
from core.rows import Row
from storage.address import Address
from storage.settings import WriterSettings
from storage.writer import writing

PER_ROUND = 50


def rows(venue: str, ts: int, number: int) -> list[Row]:
    """Return the two rows of a number, one for each lane; a number always has the same bytes."""
    keys = {"venue": venue, "account": "a", "symbol": "X", "trade_id": f"{venue}-{number}"}
    trade = {name: value for name, value in keys.items() if name != "account"}
    return [Row("fills", ts + number, keys), Row("trades", ts + number, trade)]


async def feed(folder: Path, at: Address, venue: str, start: int, ts: int) -> None:
    """Write until killed."""
    number = start
    async with writing(folder, at, WriterSettings(batch_rows=70), SystemClock()) as writer:
        while True:
            for _ in range(PER_ROUND):
                writer.write(rows(venue, ts, number))
                number += 1
            await writer.flush()
            print(f"durable {number}", flush=True)  # noqa: T201  the test reads it


if __name__ == "__main__":
    _, spool, address, name, first, moment = sys.argv
    asyncio.run(feed(Path(spool), Address(**json.loads(address)), name, int(first), int(moment)))
