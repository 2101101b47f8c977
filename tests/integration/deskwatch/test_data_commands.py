"""`deskwatch export`, `sql` and `rejects list`, as a person runs them."""

import asyncio
import csv
import io
import json
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from core.clock import SystemClock
from core.rows import Row, Value
from core.types import SECOND
from storage.address import Address
from storage.rejects import Reject, Rejects
from tests.conftest import ROOT
from tests.integration.seed import configuration, seed

VENUE = "datacmd"


@pytest.fixture(scope="module")
def config(questdb: Address, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A configuration for a database with two fills and a book of a venue of our own."""
    folder = tmp_path_factory.mktemp("data")
    now = SystemClock().now() // SECOND * SECOND
    at: dict[str, Value] = {"venue": VENUE, "symbol": "DC-USDT"}
    levels = ([100.0, 99.5], [1.0, 2.0])
    rows = [
        Row("fills", now - age * SECOND + 7, {**at, "account": "dc", "trade_id": str(age), "price": Decimal("0.1")})
        for age in (90, 10)
    ]
    asyncio.run(seed(questdb, folder, [*rows, Row("books", now, {**at, "bids": levels, "asks": levels})]))
    return configuration(questdb, folder)


def run(*arguments: str, config: Path) -> "subprocess.CompletedProcess[bytes]":
    """Run the program to its end."""
    code = "from deskwatch.cli import main; main()"
    command = [sys.executable, "-c", code, *arguments, "-c", str(config)]
    return subprocess.run(command, capture_output=True, cwd=ROOT, check=False)


def test_an_export_is_a_parquet_file_with_every_type(config: Path, tmp_path: Path) -> None:
    """Decimals exact, times in nanoseconds; what was written is said on stderr."""
    out = tmp_path / "fills.parquet"
    done = run("export", "fills", "--from", "1h", "--out", str(out), config=config)
    frame = pl.read_parquet(out).filter(venue=VENUE)
    assert (done.returncode, done.stdout) == (0, b"")
    assert frame["trade_id"].to_list() == ["90", "10"]
    assert frame["price"].to_list() == [Decimal("0.1")] * 2
    assert b"rows of fills in" in done.stderr


def test_an_export_takes_a_window(config: Path) -> None:
    """`--to` is exclusive; the file goes to stdout without `--out`."""
    done = run("export", "fills", "--from", "1h", "--to", "30s", config=config)
    assert pl.read_parquet(io.BytesIO(done.stdout)).filter(venue=VENUE)["trade_id"].to_list() == ["90"]


def test_csv_keeps_nanoseconds_and_levels(config: Path) -> None:
    """Text that another program can read back: RFC 3339, JSON."""
    fills = _csv(run("export", "fills", "--format", "csv", config=config).stdout)
    assert all(one["ts"].endswith("000000007Z") for one in fills)
    (book,) = _csv(run("export", "books", "--format", "csv", config=config).stdout)
    assert json.loads(book["bids"]) == [[100.0, 99.5], [1.0, 2.0]]


def _csv(content: bytes) -> list[dict[str, str]]:
    rows = csv.DictReader(io.StringIO(content.decode()))
    return [row for row in rows if row["venue"] == VENUE]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("export", "fils"), "Did you mean 'fills'"),
        (("export", "fills", "--from", "yesterday"), "Write how long ago"),
        (("export", "fills", "--out", "/nowhere/at/all"), "Name a file that can be written"),
        (("export", "fills", "--format", "xlsx"), "parquet"),
        (("sql", "SELECT nocolumn FROM fills"), "Invalid column: nocolumn (at character 8)"),
        (("sql", "DROP TABLE fills"), "One SELECT"),
    ],
)
def test_wrong_usage_says_what_is_right(config: Path, arguments: tuple[str, ...], says: str) -> None:
    """Exit code 2, nothing on stdout, one sentence on stderr."""
    done = run(*arguments, config=config)
    assert (done.returncode, done.stdout) == (2, b"")
    assert says in " ".join(done.stderr.decode().split())
    assert b"Traceback" not in done.stderr


def test_sql_prints_json_alone(config: Path) -> None:
    """Times as RFC 3339, decimals as exact text."""
    done = run("sql", f"SELECT ts, price FROM fills WHERE venue = '{VENUE}';", "-o", "json", config=config)  # noqa: S608  ours
    answer = json.loads(done.stdout)
    assert done.returncode == 0
    assert [one["price"] for one in answer] == ["0.100000000000000000"] * 2
    assert all(one["ts"].endswith("Z") for one in answer)


def test_sql_says_when_it_cut(config: Path) -> None:
    """A listing that ends early must not look complete."""
    query = f"SELECT trade_id FROM fills WHERE venue = '{VENUE}'"  # noqa: S608  ours
    done = run("sql", query, "--limit", "1", "-o", "json", config=config)
    assert len(json.loads(done.stdout)) == 1
    assert b"only the first 1 rows" in done.stderr
    assert b"only the first" not in run("sql", query, "--limit", "2", config=config).stderr


def test_a_quiet_desk_has_no_rejects(config: Path) -> None:
    """An empty list, exit code 0, and no file is made by looking."""
    done = run("rejects", "list", "-o", "json", config=config)
    assert (done.returncode, json.loads(done.stdout)) == (0, [])


async def test_rejects_of_every_shard_are_listed_newest_first(tmp_path: Path) -> None:
    """Each shard has a spool of its own; exit code 1, because somebody has to look."""
    config = tmp_path / "deskwatch.toml"
    config.write_text(f'data = "{tmp_path}"\n')
    for shard, at in (("collector-okx", 1_767_225_600), ("oms", 1_767_225_601)):
        listed = await Rejects.open(tmp_path / shard)
        await listed.add([Reject(at * SECOND, "1", "price is not a number", '{"table": "fills"}')])
        await listed.close()
    done = await asyncio.to_thread(run, "rejects", "list", "-o", "json", config=config)
    assert done.returncode == 1
    assert [(one["shard"], one["at"]) for one in json.loads(done.stdout)] == [
        ("oms", "2026-01-01T00:00:01Z"),
        ("collector-okx", "2026-01-01T00:00:00Z"),
    ]
