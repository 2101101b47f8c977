"""Every query of the overview, as Grafana sends it, on a real database with a minute of a desk in it."""

import asyncio
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, NamedTuple

import psycopg
import pytest

from core.clock import SystemClock
from core.types import SECOND
from grafana.desk_overview import build
from storage.address import Address
from storage.embedded import dsn
from storage.schema import TABLES
from tests.integration.grafana import desk
from tests.integration.grafana.expand import View, expand
from tests.integration.seed import seed

DASHBOARD = build()
PANELS = {panel["title"]: panel for panel in DASHBOARD["panels"]}
CHARTS = [title for title, panel in PANELS.items() if panel["targets"][0]["format"] == 0]
QUERIES = {
    **{title: panel["targets"][0]["rawSql"] for title, panel in PANELS.items()},
    **{f"variable {v['name']}": v["query"]["rawSql"] for v in DASHBOARD["templating"]["list"] if v["type"] == "query"},
    **{f"annotation {one['name']}": one["target"]["rawSql"] for one in DASHBOARD["annotations"]["list"]},
}


class Answer(NamedTuple):
    """What the data source gets."""

    columns: list[str]
    rows: list[tuple[Any, ...]]

    def records(self) -> list[dict[str, Any]]:
        """Return the rows by column name."""
        return [dict(zip(self.columns, row, strict=True)) for row in self.rows]


class Grafana:
    """Sends a dashboard's queries as the read-only user, as the data source does."""

    def __init__(self, connection: "psycopg.Connection[tuple[Any, ...]]", now: int) -> None:
        self._connection = connection
        self._now = now

    def ask(self, sql: str, *, everything: bool = False, minutes: int = 5) -> Answer:
        """Return the answer for our two venues and our symbol, or with All chosen."""
        now_us = self._now // 1000
        chosen = {"venue": None, "symbol": None} if everything else {"venue": desk.VENUES, "symbol": (desk.SYMBOL,)}
        text = expand(sql, View(now_us - minutes * 60_000_000, now_us, chosen))
        cursor = self._connection.execute(text.encode())
        return Answer([column.name for column in cursor.description or ()], cursor.fetchall())


@pytest.fixture(scope="module")
def grafana(questdb: Address, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Grafana]:
    """A reader of a database in which the minute before now is stored."""
    now = SystemClock().now() // SECOND * SECOND
    asyncio.run(seed(questdb, tmp_path_factory.mktemp("grafana"), desk.rows(now)))
    with psycopg.connect(dsn(questdb, writer=False), autocommit=True, prepare_threshold=None) as connection:
        yield Grafana(connection, now)


@pytest.mark.parametrize("everything", [False, True], ids=["chosen", "all"])
@pytest.mark.parametrize("name", QUERIES)
def test_every_query_returns_rows(grafana: Grafana, name: str, *, everything: bool) -> None:
    """With venues chosen and with All, on the server's own SQL."""
    assert grafana.ask(QUERIES[name], everything=everything).rows


@pytest.mark.parametrize("name", QUERIES)
def test_every_query_runs_where_nothing_happened(questdb: Address, name: str) -> None:
    """A window without rows is an empty panel with its own words, never an error."""
    with psycopg.connect(dsn(questdb, writer=False), autocommit=True, prepare_threshold=None) as connection:
        long_ago = int(datetime(2020, 1, 1, tzinfo=UTC).timestamp()) * SECOND
        assert len(Grafana(connection, long_ago).ask(QUERIES[name]).rows) <= 1


@pytest.mark.parametrize("title", CHARTS)
def test_a_chart_gets_sorted_times_labels_and_numbers(grafana: Grafana, title: str) -> None:
    """The data source refuses a null or unsorted time; text columns are labels, so every other one is a number."""
    columns, rows = grafana.ask(PANELS[title]["targets"][0]["rawSql"])
    times = [row[0] for row in rows]
    assert columns[0] == "time"
    assert times == sorted(times)
    assert all(isinstance(time, datetime) for time in times)
    kinds = [{type(row[place]) for row in rows} - {type(None)} for place in range(1, len(columns))]
    assert all(kind <= {str} or kind <= {int, float} for kind in kinds)
    assert any(kind & {int, float} for kind in kinds)


@pytest.mark.parametrize("title", PANELS)
def test_every_coloured_column_exists(grafana: Grafana, title: str) -> None:
    """A colour or a unit for a column that the query does not return would never show."""
    columns = grafana.ask(PANELS[title]["targets"][0]["rawSql"]).columns
    wanted = {one["matcher"]["options"] for one in PANELS[title]["fieldConfig"]["overrides"]}
    assert wanted <= set(columns)


@pytest.mark.parametrize("title", [title for title in CHARTS if "Fills" not in title])
def test_no_chart_draws_over_the_hole(grafana: Grafana, title: str) -> None:
    """In the twenty seconds without rows every line has an empty place."""
    columns, rows = grafana.ask(PANELS[title]["targets"][0]["rawSql"])
    number = len(columns) - 1
    assert any(row[number] is None for row in rows)
    assert any(row[number] is not None for row in rows)


@pytest.mark.parametrize("name", [name for name in QUERIES if name.startswith("annotation")])
def test_annotations_have_the_columns_that_grafana_reads(grafana: Grafana, name: str) -> None:
    """Found by name: time, timeEnd, title, text, tags; a region never ends before it starts."""
    answer = grafana.ask(QUERIES[name])
    assert answer.columns == ["time", "timeEnd", "title", "text", "tags"]
    assert all(one["timeEnd"] >= one["time"] for one in answer.records())


def test_an_alert_of_yesterday_still_fires_in_a_short_window(grafana: Grafana) -> None:
    """What fires does not depend on the window; what is over does not show."""
    firing = {one["alert"] for one in grafana.ask(QUERIES["Firing alerts"]).records()}
    assert {"GfOld", "GfNow"} <= firing
    assert "GfOver" not in firing


def test_an_alert_is_a_region_from_firing_to_its_end(grafana: Grafana) -> None:
    """What is over has its end, what fires goes on to the edge, and what began before the window is seen too."""
    spans = {
        one["title"]: (one["timeEnd"] - one["time"]).total_seconds()
        for one in grafana.ask(QUERIES["annotation Alerts"]).records()
    }
    assert (spans["GfOver"], spans["GfNow"], spans["GfOld"]) == (20, 10, 20 * 3600)


def test_a_stream_that_reports_no_more_grows_old(grafana: Grafana, questdb: Address) -> None:
    """Half a minute after the last report its age has grown by half a minute, and it counts as blind."""
    with psycopg.connect(dsn(questdb, writer=False), autocommit=True, prepare_threshold=None) as connection:
        later = Grafana(connection, grafana._now + 30 * SECOND)  # noqa: SLF001  the same desk, looked at later
        ages = {one["age"] for one in later.ask(QUERIES["Streams"]).records()}
        assert ages == {30_040.0}
        assert later.ask(QUERIES["Streams not live"]).rows == [(4,)]
    assert grafana.ask(QUERIES["Streams not live"]).rows == [(0,)]


def test_figures_are_right(grafana: Grafana) -> None:
    """Spread, divergence, notional and lateness of the seeded minute, by hand."""
    assert _figures(grafana, "Spread", "bps") == {round(0.2 / 200.2 * 20_000, 6), round(0.2 / 202.2 * 20_000, 6)}
    assert _figures(grafana, "Divergence between venues", "bps") == {round(1 / 100.6 * 10_000, 6)}
    assert _figures(grafana, "Notional per account", "notional") == {200.0}
    late = [one for one in grafana.ask(QUERIES["Fills"]).records() if one["source"] == "rest"]
    assert [one["told_after"] for one in late] == [12_000]
    assert {one["state"] for one in grafana.ask(QUERIES["Holes"]).records()} == {"open", "closed"}


def _figures(grafana: Grafana, title: str, column: str) -> set[float]:
    values = [one[column] for one in grafana.ask(QUERIES[title]).records()]
    return {round(value, 6) for value in values if value is not None}


def test_every_table_named_is_one_of_ours() -> None:
    """A renamed table breaks here first."""
    named = {name for sql in QUERIES.values() for name in re.findall(r"FROM (\w+)", sql)}
    assert named <= set(TABLES)
