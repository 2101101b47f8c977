"""What simulated OKX writes, held against what the real one wrote."""

import json
from pathlib import Path

import pytest

from simulator.okx import checksum
from simulator.okx_rest import text

pytestmark = pytest.mark.captures


def test_our_checksum_is_the_venues(captures: Path) -> None:
    """Every recorded image carries the hash that we compute of it."""
    checked = 0
    for line in (captures / "OKX.ws.1.0").read_text().splitlines():
        _, _, frame = line.partition(": ")
        if '"action":"snapshot"' in frame:
            (image,) = json.loads(frame)["data"]
            assert checksum(image["bids"], image["asks"]) == image["checksum"]
            checked += 1
    assert checked == 3


@pytest.mark.parametrize(
    ("steps", "places", "written"), [(302388, 1, "30238.8"), (303160, 1, "30316"), (0, 5, "0"), (600, 0, "600")]
)
def test_numbers_have_no_zeros_at_the_end(steps: int, places: int, written: str) -> None:
    """The checksum is over the text, so the text must be the venue's."""
    assert text(steps, places) == written
