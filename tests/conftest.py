"""What holds for every test."""

import os
from pathlib import Path
from typing import NoReturn

import pytest

from tests.fakes.clock import FakeClock

ROOT = Path(__file__).parents[1]


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
