"""A process that keeps an embedded server on the folder named, prints the server's process id, and waits."""

import asyncio
import sys
from pathlib import Path

from core.clock import SystemClock
from storage.embedded import running
from storage.settings import DatabaseSettings


async def keep(folder: Path) -> None:
    """Run the server until killed."""
    async with running(folder, DatabaseSettings(), SystemClock()) as server:
        print(server.pid, flush=True)  # noqa: T201  the test reads it
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(keep(Path(sys.argv[1])))
