"""docs/notebooks.md runs as it is written."""

import asyncio
import os
import re
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest

from core.clock import SystemClock
from core.rows import Row, Value
from core.types import SECOND
from storage.address import Address
from tests.conftest import ROOT
from tests.integration.seed import configuration, seed

PAGE = (ROOT / "docs" / "notebooks.md").read_text()
BLOCKS = re.findall(r"## ([^\n]+)\n(?:(?!\n## ).)*?```python\n(.*?)```", PAGE, re.DOTALL)
VENUE, SYMBOL = "nbdoc", "NBDOC-USDT"


@pytest.fixture(scope="module")
def configured(questdb: Address, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A configuration for a database with a quote, a fill and a hole."""
    folder = tmp_path_factory.mktemp("examples")
    now = SystemClock().now()
    at: dict[str, Value] = {"venue": VENUE, "symbol": SYMBOL}
    fill: dict[str, Value] = {"account": "nb", "side": "buy", "source": "rest", "trade_id": "1", "order_id": "1"}
    rows = [
        Row("quotes", now - 3 * SECOND, {**at, "bid": 99.0, "ask": 101.0}),
        Row("fills", now - 2 * SECOND, {**at, **fill, "price": Decimal(101), "qty": Decimal(1)}),
        Row("gaps", now - 9 * SECOND, {**at, "channel": "books", "connection": "0", "ended": now - 5 * SECOND}),
    ]
    asyncio.run(seed(questdb, folder, rows))
    return configuration(questdb, folder)


def test_there_are_three_examples() -> None:
    """A page whose blocks are not found would test nothing."""
    assert len(BLOCKS) == 3


@pytest.mark.parametrize(
    ("block", "shown"), [(BLOCKS[0][1], "1.0"), (BLOCKS[1][1], "100.0"), (BLOCKS[2][1], "200.0")], ids=lambda _: ""
)
def test_an_example_runs_and_shows_its_figure(configured: Path, block: str, shown: str) -> None:
    """All fills missed, 100 bps paid, a spread of 200 bps: the seeded rows by hand."""
    code = block.replace('"OKX"', f'"{VENUE.upper()}"').replace("BTC-USDT", SYMBOL)
    code = f"import polars; polars.Config.set_tbl_rows(200)\n{code}"
    environment = {**os.environ, "DESKWATCH_CONFIG": str(configured), "PYTHONIOENCODING": "utf-8"}
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    assert shown in done.stdout
