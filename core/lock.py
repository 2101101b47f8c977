"""One process at a time: a lock on a file, given back by the kernel when the process ends, however it ends."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from core.errors import UsageError


class Taken(UsageError):
    """Another process holds this folder."""


@contextmanager
def held(file: Path, hint: str) -> Iterator[None]:
    """Hold a file's lock until the block ends; the file names the holder's process.

    Raises:
        Taken: another process holds it; the text names that process and says `hint`.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            lock.seek(0)
            holder = lock.read().strip() or "unknown"
            raise Taken(f"{file.parent}, process {holder}", hint=hint) from error
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield
