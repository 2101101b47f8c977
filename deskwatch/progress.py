"""Progress of long work on stderr, for a person at a terminal; nothing where nobody looks."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeAlias

Count: TypeAlias = Callable[[str, float], None]
"""Called after each step with what was done and the number of steps."""


@contextmanager
def counting(what: str) -> Iterator[Count]:
    """Give a function that moves the bar by one step."""
    with moving(what) as move:
        done = 0

        def count(text: str, total: float) -> None:
            nonlocal done
            done += 1
            move(text, done / max(total, 1))

        yield count


@contextmanager
def moving(what: str) -> Iterator[Callable[[str, float], None]]:
    """Give a function that moves the bar to a share between 0 and 1."""
    if not sys.stderr.isatty():
        yield lambda _text, _share: None
        return
    from rich.console import Console  # noqa: PLC0415  rich costs start-up time, and most runs have no terminal
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn  # noqa: PLC0415  as above

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeRemainingColumn(),
        TextColumn("{task.fields[text]}"),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(what, total=1.0, text="")
        yield lambda text, share: progress.update(task, completed=share, text=text)
