"""Tasks have an owner, and one that ends by itself is noticed."""

import asyncio
import gc

import pytest

from core.errors import TaskEnded
from core.tasks import start, start_once


async def nothing() -> None:
    """End at once."""


async def for_ever() -> None:
    """Wait for what does not come."""
    await asyncio.Event().wait()


async def test_a_task_that_must_run_for_ever_ends_its_group() -> None:
    """The others stop, and the error names the task."""

    async def both() -> None:
        async with asyncio.TaskGroup() as group:
            start(group, "canary", nothing())
            start(group, "other", for_ever())

    with pytest.raises(ExceptionGroup) as caught:
        await both()
    assert caught.group_contains(TaskEnded, match="canary")


async def test_a_task_that_may_finish_does() -> None:
    """Its group goes on until all are done."""
    async with asyncio.TaskGroup() as group:
        task = start_once(group, "one", nothing())
    assert task.done()


async def test_a_task_that_is_cancelled_before_it_began_leaves_nothing_unawaited() -> None:
    """A group that fails at once cancels tasks that never had their turn; Python would warn of each."""

    async def fail() -> None:
        async with asyncio.TaskGroup() as group:
            start(group, "never", for_ever())
            raise KeyError

    with pytest.raises(ExceptionGroup):
        await fail()
    gc.collect()
