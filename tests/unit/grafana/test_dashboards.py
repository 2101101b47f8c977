"""The committed dashboard is the code's, and is made as Grafana reads it."""

import json
from itertools import combinations
from pathlib import Path

import pytest
import yaml

from grafana.__main__ import FOLDER, text
from grafana.desk_overview import FILE, build
from grafana.market import LAG
from grafana.panels import DATASOURCE, SCHEMA_VERSION, Json, lay_out

DASHBOARD = build()
PANELS: list[Json] = DASHBOARD["panels"]
ROOT = Path(__file__).parents[3]
PROVISIONING = ROOT / "grafana" / "provisioning"
CATALOGUE = ROOT / "rules" / "catalogue"


def test_the_committed_json_is_the_code() -> None:
    """`python -m grafana` writes it."""
    assert (FOLDER / FILE).read_text() == text()


def test_the_dashboard_is_classic_json() -> None:
    """File provisioning reads v1: a uid, a fixed schema version, no inputs to fill in."""
    assert DASHBOARD["schemaVersion"] == SCHEMA_VERSION
    assert "__inputs" not in DASHBOARD
    assert json.loads(text()) == DASHBOARD


def test_panels_do_not_overlap_and_fit_the_grid() -> None:
    """24 columns, and unique numbers."""
    assert len({panel["id"] for panel in PANELS}) == len(PANELS)
    cells = [
        {(x, y) for x in range(g["x"], g["x"] + g["w"]) for y in range(g["y"], g["y"] + g["h"])}
        for g in (panel["gridPos"] for panel in PANELS)
    ]
    assert all(x < 24 for cell in cells for x, _ in cell)
    assert all(not one & other for one, other in combinations(cells, 2))


def test_rows_are_filled_to_the_edge() -> None:
    """No ragged hole in the page: the widths of each row sum up to 24."""
    widths: dict[int, int] = {}
    for panel in PANELS:
        place = panel["gridPos"]
        widths[place["y"]] = widths.get(place["y"], 0) + place["w"]
    assert set(widths.values()) == {24}


@pytest.mark.parametrize("panel", PANELS, ids=lambda panel: str(panel["title"]))
def test_every_panel_says_what_it_shows(panel: Json) -> None:
    """A unit, colour steps that start below everything, words for no data, a description."""
    defaults = panel["fieldConfig"]["defaults"]
    steps = [step["value"] for step in defaults["thresholds"]["steps"]]
    assert steps[0] is None
    assert steps[1:] == sorted(steps[1:])
    assert defaults["unit"]
    assert defaults["noValue"]
    assert panel["description"].endswith((".", "`."))


@pytest.mark.parametrize("panel", PANELS, ids=lambda panel: str(panel["title"]))
def test_every_query_is_bounded_in_time(panel: Json) -> None:
    """By the window, or for standing facts by seven days before its end; never by the server's clock."""
    sql = panel["targets"][0]["rawSql"]
    assert "$__timeFilter(ts)" in sql or "ts <= $__toTime" in sql
    assert "now()" not in sql
    assert "$__interval" not in sql


@pytest.mark.parametrize("panel", PANELS, ids=lambda panel: str(panel["title"]))
def test_a_chart_never_bridges_a_hole(panel: Json) -> None:
    """Samples without rows are made, as NULL (0 where things are counted), and NULL is not drawn over."""
    sql = panel["targets"][0]["rawSql"]
    if "SAMPLE BY" in sql:
        assert "FILL(NULL)" in sql or "FILL(0, 0)" in sql
        assert panel["fieldConfig"]["defaults"]["custom"]["spanNulls"] is False


def limit(name: str) -> float:
    """Return from which value on a rule of the catalogue fires."""
    for file in CATALOGUE.glob("*.yaml"):
        for group in yaml.safe_load(file.read_text())["groups"]:
            for rule in group["rules"]:
                if rule.get("alert") == name:
                    return float(rule.get("threshold", rule)["above"])
    pytest.fail(f"no rule {name}")


@pytest.mark.parametrize(
    ("title", "rule"),
    [
        ("Spread", "WideSpread"),
        ("Divergence between venues", "CrossVenueDivergence"),
        ("Lag, 99th percentile", "FeedLag"),
        ("Event loop lag", "LoopLag"),
        ("Oldest row not in the database", "SpoolBacklog"),
    ],
)
def test_a_colour_changes_where_the_rule_fires(title: str, rule: str) -> None:
    """A chart that turns red while nothing fires, or the other way round, teaches to ignore both."""
    (panel,) = [one for one in PANELS if one["title"] == title]
    assert limit(rule) in [step["value"] for step in panel["fieldConfig"]["defaults"]["thresholds"]["steps"]]


@pytest.mark.parametrize(
    ("column", "rule"),
    [("clock_offset", "ClockSkew"), ("used_weight", "RestWeightHigh"), ("rest_latency", "RestSlow")],
)
def test_a_cell_changes_colour_where_the_rule_fires(column: str, rule: str) -> None:
    """The same, for the columns of the venues table."""
    (panel,) = [one for one in PANELS if one["title"] == "Venues"]
    (override,) = [one for one in panel["fieldConfig"]["overrides"] if one["matcher"]["options"] == column]
    (steps,) = [one["value"]["steps"] for one in override["properties"] if one["id"] == "thresholds"]
    assert limit(rule) in [step["value"] for step in steps]


def test_panels_wrap_into_rows() -> None:
    """A panel that does not fit starts a row below the highest of the last one."""
    places = [panel["gridPos"] for panel in lay_out([LAG, LAG, LAG])]
    assert [(place["x"], place["y"]) for place in places] == [(0, 0), (12, 0), (0, 8)]


def test_provisioning_names_the_datasource_that_panels_ask() -> None:
    """The uid ties them; the time-out is a number, since text is ignored and nothing would ever time out."""
    source = yaml.safe_load((PROVISIONING / "datasources" / "questdb.yaml").read_text())["datasources"][0]
    assert {"type": source["type"], "uid": source["uid"]} == DATASOURCE
    assert isinstance(source["jsonData"]["queryTimeout"], int)
    assert source["jsonData"]["maxOpenConnections"] < 64
    assert source["secureJsonData"]["password"].startswith("$")


def test_provisioning_finds_dashboards() -> None:
    """A provider with a folder, read again by itself."""
    provider = yaml.safe_load((PROVISIONING / "dashboards" / "deskwatch.yaml").read_text())["providers"][0]
    assert provider["type"] == "file"
    assert provider["options"]["path"]
    assert provider["updateIntervalSeconds"] > 0
