"""The notebook API on a real database."""

import asyncio
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

import deskwatch
from core.clock import SystemClock
from core.errors import UsageError
from core.rows import Row, Value
from core.types import SECOND
from deskwatch.notebook import DatabaseGone, Notebook
from storage.address import Address
from storage.parquet import ExportFailed
from storage.schema import TABLES
from tests.integration.seed import configuration, seed

VENUE, OTHER = "nbvenue", "nbother"


@pytest.fixture(scope="module")
def notebook(questdb: Address, tmp_path_factory: pytest.TempPathFactory) -> Notebook:
    """A notebook on a database with fills at two venues and a book."""
    folder = tmp_path_factory.mktemp("notebook")
    now = SystemClock().now()
    asyncio.run(seed(questdb, folder, [*(fill(now, number) for number in range(10)), book(now)]))
    return deskwatch.open(configuration(questdb, folder))


def fill(now: int, number: int) -> Row:
    """Return a fill: one a minute, the newest half a minute old, at two venues in turn."""
    values: dict[str, Value] = {
        "venue": VENUE if number % 2 == 0 else OTHER,
        "account": "nb-main",
        "symbol": "NB-USDT",
        "side": "buy",
        "trade_id": str(number),
        "order_id": f"o{number}",
        "price": Decimal("100.123456789012345678"),
        "qty": Decimal("0.1"),
        "received": now,
    }
    return Row("fills", now - (number * 60 + 30) * SECOND - 7, values)


def book(now: int) -> Row:
    """Return a book of two levels."""
    levels = ([100.0, 99.5], [1.0, 2.0])
    return Row("books", now, {"venue": VENUE, "symbol": "NB-USDT", "bids": levels, "asks": levels, "seq": 1})


def test_a_table_is_a_method_with_a_span_and_filters(notebook: Notebook) -> None:
    """The venue may be written in any case; rows come oldest first, decimals exact, times UTC with nanoseconds."""
    frame = notebook.fills("1h", venue="NBVENUE")
    assert frame["trade_id"].to_list() == ["8", "6", "4", "2", "0"]
    assert frame["price"][0] == Decimal("100.123456789012345678")
    assert frame.schema["ts"] == pl.Datetime("ns", "UTC")


def test_since_and_until_bound_the_rows(notebook: Notebook) -> None:
    """Spans and aware datetimes mean the same, and None leaves a side open."""
    recent = notebook.fills("2m", account="nb-main")
    assert recent["trade_id"].to_list() == ["1", "0"]
    since = datetime.now(UTC) - timedelta(minutes=2)
    assert notebook.fills(since, account="nb-main").equals(recent)
    assert len(notebook.fills(None, "2m", account="nb-main")) == 8


def test_filters_take_lists_decimals_and_none(notebook: Notebook) -> None:
    """A list is any of its values; None asks for NULL."""
    assert len(notebook.fills("1h", venue=[VENUE, OTHER], liquidity=None)) == 10
    assert len(notebook.fills("1h", account="nb-main", qty=Decimal("0.1"))) == 10
    assert len(notebook.fills("1h", account="nb-main", order_id=["o1", "o2", "none"])) == 2


@pytest.mark.parametrize("table", TABLES)
def test_every_table_can_be_read(notebook: Notebook, table: str) -> None:
    """With the columns of its declaration, rows or not."""
    frame = getattr(notebook, table)("1h")
    assert set(frame.columns) == set(notebook.columns(table))


def test_sql_takes_any_select(notebook: Notebook) -> None:
    """A trailing semicolon and a comment are no error."""
    text = f"SELECT count() AS n FROM fills WHERE venue = '{VENUE}' -- ours\n;"  # noqa: S608  our own constant
    assert notebook.sql(text)["n"].to_list() == [5]


def test_wrong_sql_says_what_the_server_said(notebook: Notebook) -> None:
    """Nothing but a SELECT is taken, and the error names the trouble."""
    with pytest.raises(ExportFailed, match="nocolumn"):
        notebook.sql("SELECT nocolumn FROM fills")
    with pytest.raises(ExportFailed):
        notebook.sql("DROP TABLE fills")
    with pytest.raises(ExportFailed):
        notebook.sql("SELECT * FROM fills); DROP TABLE fills; SELECT * FROM (SELECT 1")
    assert len(notebook.fills("1h", account="nb-main")) == 10


def test_a_wrong_table_name_gets_the_nearest_one(notebook: Notebook) -> None:
    """As an attribute and by name; tables show up in completion."""
    with pytest.raises(AttributeError, match="did you mean 'fills'"):
        notebook.fils("1h")
    with pytest.raises(UsageError, match="Did you mean 'fills'"):
        notebook.read("fils")
    assert {"fills", "quotes"} <= set(dir(notebook))


async def test_it_works_inside_a_running_loop(notebook: Notebook) -> None:
    """As in Jupyter, whose loop runs while a cell does."""
    assert len(notebook.fills("1h", account="nb-main")) == 10


def test_a_database_that_is_gone_says_what_to_do(questdb: Address, tmp_path: Path) -> None:
    """A refused connection is a sentence with a hint, not a socket's error."""
    file = configuration(questdb, tmp_path)
    file.write_text(file.read_text().replace(str(questdb.http_port), "1"))
    with pytest.raises(DatabaseGone, match="Is `deskwatch run` running"):
        deskwatch.open(file).fills("1h")


def test_no_database_says_what_to_do(tmp_path: Path) -> None:
    """Without a running embedded server there is nothing to open."""
    file = tmp_path / "deskwatch.toml"
    file.write_text(f'data = "{tmp_path}"\n')
    with pytest.raises(UsageError, match="Start `deskwatch run` first"):
        deskwatch.open(file)


def test_importing_the_package_is_cheap() -> None:
    """`deskwatch --help` must not pay for Polars; it is loaded when a notebook is opened."""
    code = "import sys, deskwatch; print([m for m in ('polars', 'aiohttp', 'psycopg', 'pydantic') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
