"""Route tests. Source: alert-semantics.md 2.8, 2.10 and 3.2 (a list of label sets, receivers, group key, verdict)."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from alerts.route import load_routing
from alerts.routetest import BadRouteTest, Checked, run_file
from alerts.settings import AlertSettings

ROUTING = """
receivers:
  desk: {slack: {channel: "#desk"}}
  risk: {slack: {channel: "#risk"}}
time_intervals:
  night: [{times: ["00:00-06:00"], location: Asia/Tokyo}]
inhibit:
  - {source: ['alertname = "VenueDown"'], target: ['alertname = "BookStale"'], equal: [venue]}
route:
  receiver: desk
  routes:
    - {match: ['severity = "page"'], receiver: risk, continue: true}
    - {match: ['severity =~ ".*"'], group_by: [venue], mute_times: [night]}
"""
TESTS = """
tests:
  - name: by day
    at: 2026-01-01T03:00:00Z
    firing: [{alertname: VenueDown, venue: okx}]
    silences: [{match: ['venue = "kraken"']}]
    alerts:
      - {labels: {alertname: X, severity: page, venue: okx}, receivers: [risk, desk], group: {venue: okx}}
      - {labels: {alertname: X}, receivers: [desk]}
      - {labels: {alertname: BookStale, venue: okx}, receivers: [], held: inhibited}
      - {labels: {alertname: BookStale, venue: binance}, receivers: [desk]}
      - {labels: {alertname: X, venue: kraken}, receivers: [], held: silenced}
  - name: by night
    at: 2026-01-01T05:00:00+09:00
    alerts:
      - {labels: {alertname: X, severity: page}, receivers: [risk], held: muted}
"""


def run(folder: Path, tests: str) -> Checked:
    """Run tests on the routing above."""
    (folder / "routing.yaml").write_text(ROUTING)
    (folder / "tests.yaml").write_text(tests)
    routing = load_routing(folder / "routing.yaml", AlertSettings())
    return run_file(folder / "tests.yaml", routing, datetime(2026, 1, 1, 12, tzinfo=UTC))


def test_expectations_that_hold(tmp_path: Path) -> None:
    """Receivers in the tree's order, the group, and why something is held."""
    assert run(tmp_path, TESTS) == Checked(6, ())


@pytest.mark.parametrize(
    ("change", "what", "expected", "got"),
    [
        (("receivers: [risk, desk]", "receivers: [risk]"), "receivers", ["risk"], ["risk", "desk"]),
        (("group: {venue: okx}", "group: {venue: x}"), "group", {"venue": "x"}, [{"alertname": "X"}, {"venue": "okx"}]),
        (("held: inhibited", "held: muted"), "held", "muted", "inhibited"),
        (("receivers: [risk], held: muted", "receivers: [risk]"), "held", "", "muted"),
        (("firing: [{alertname: VenueDown, venue: okx}]", ""), "receivers", [], ["desk"]),
    ],
)
def test_a_difference_is_told(
    tmp_path: Path, change: tuple[str, str], what: str, expected: object, got: object
) -> None:
    """What was expected, and what is."""
    assert change[0] in TESTS
    found = run(tmp_path, TESTS.replace(*change)).differences
    assert (what, expected, got) in [(one.what, one.expected, one.got) for one in found]


@pytest.mark.parametrize("text", ["tests: {", "tests: [{name: x}]", "test: []", TESTS.replace("venue =", "venue ==")])
def test_a_file_that_is_no_test_is_refused(tmp_path: Path, text: str) -> None:
    """With what to do."""
    with pytest.raises(BadRouteTest) as caught:
        run(tmp_path, text)
    assert caught.value.hint
