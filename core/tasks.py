"""The only starter of tasks: each has a name and an owner, and one that ends by itself ends its group."""

import asyncio
from collections.abc import Coroutine
from typing import Any

from core.errors import TaskEnded


def start(group: asyncio.TaskGroup, name: str, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
    """Start a task that must run as long as its group; if it returns, the group fails with `TaskEnded`."""
    task = group.create_task(_forever(name, work), name=name)
    task.add_done_callback(lambda _: work.close())  # cancelled before its first step, it would not be awaited
    return task


def start_once(group: asyncio.TaskGroup, name: str, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
    """Start a task that may finish; an exception in it still ends the group."""
    return group.create_task(work, name=name)


async def _forever(name: str, work: Coroutine[Any, Any, None]) -> None:
    await work
    raise TaskEnded(name)
