"""Real processes of ours: started, waited for, ended by their id."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import psutil

STOP_LIMIT_S = 20


class Program:
    """One running `deskwatch …`; its output is in `log`."""

    def __init__(self, process: asyncio.subprocess.Process, log: Path) -> None:
        self.process = process
        self.log = log

    @property
    def pid(self) -> int:
        """Its process id."""
        return self.process.pid

    def children(self) -> list[psutil.Process]:
        """Return the processes that it has started."""
        return psutil.Process(self.pid).children(recursive=True)

    async def kill(self) -> None:
        """End it without a word, by SIGKILL."""
        if self.process.returncode is None:
            self.process.kill()
        await self.process.wait()

    async def stop(self) -> int:
        """Ask it to stop, and return its exit status; one that does not stop is killed and fails the test."""
        if self.process.returncode is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return await asyncio.wait_for(self.process.wait(), STOP_LIMIT_S)
        except TimeoutError:
            await self.kill()
            raise AssertionError(f"did not stop within {STOP_LIMIT_S} s:\n{self.log.read_text()[-2000:]}") from None


@asynccontextmanager
async def program(log: Path, *arguments: str, environment: Mapping[str, str] | None = None) -> AsyncIterator[Program]:
    """Run `deskwatch ARGUMENTS…` until the block ends; whatever it started is gone then too."""
    one = await launch(log, *arguments, environment=environment)
    try:
        yield one
    finally:
        children = one.children() if one.process.returncode is None else []
        _ = await one.stop()
        for child in children:
            if child.is_running():
                child.wait(STOP_LIMIT_S)


async def launch(log: Path, *arguments: str, environment: Mapping[str, str] | None = None) -> Program:
    """Start `deskwatch ARGUMENTS…`; the caller ends it."""
    with log.open("ab") as out:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "deskwatch",
            *arguments,
            stdout=out,
            stderr=out,
            env={**os.environ, **(environment or {})},
        )
    return Program(process, log)
