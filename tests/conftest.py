"""What holds for every test."""

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import pytest

from core.clock import SystemClock
from storage.address import Address
from storage.embedded import running
from storage.migrate import migrate
from storage.settings import DatabaseSettings
from tests.fakes.clock import FakeClock

ROOT = Path(__file__).parents[1]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give tests of real processes and sockets a second chance, told in the summary; see docs/decisions/0012."""
    for item in items:
        if {"end_to_end", "integration"} & set(item.path.parts):
            item.add_marker(pytest.mark.flaky(reruns=2))


def unavailable(what: str) -> NoReturn:
    """Skip a test whose surroundings are missing; in CI nothing may be missing, so fail there."""
    if os.environ.get("CI"):
        pytest.fail(f"CI must not skip: {what}")
    pytest.skip(what)


@pytest.fixture
def clock() -> FakeClock:
    """A clock that a test moves."""
    return FakeClock()


@pytest.fixture(scope="session")
def captures() -> Path:
    """The folder of recorded venue traffic, beside the repository."""
    folder = ROOT.parent / "shared" / "captures"
    if not folder.is_dir():
        unavailable("the recorded venue traffic is not at ../shared/captures beside the repository")
    return folder


@pytest.fixture(scope="session")
def questdb(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Address]:
    """A real, migrated QuestDB for the whole session; tests use symbols or names of their own, or `truncate`."""
    clock = SystemClock()
    folder = tmp_path_factory.mktemp("questdb")
    with asyncio.Runner() as runner:
        server = running(folder, DatabaseSettings(), clock)
        started = runner.run(server.__aenter__())
        try:
            runner.run(migrate(started.address, clock))
            yield started.address
        finally:
            runner.run(server.__aexit__(None, None, None))
