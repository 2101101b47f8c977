"""The routing tree. Source: alert-semantics.md 2.3 and 2.4 (TestRouteMatch), and docs/routing.md."""

import re
from pathlib import Path

import pytest

from alerts.labels import BadMatcher, read_matcher
from alerts.route import BadRouting, Route, check_routing, default_routing, load_routing
from alerts.settings import AlertSettings
from core import durations
from tests.conftest import ROOT

TREE = """
receivers:
  def: {slack: {channel: "#def"}}
  A: {slack: {channel: "#a"}}
  testing: {slack: {channel: "#testing"}}
  prodA: {slack: {channel: "#prod-a"}}
  prodB: {slack: {channel: "#prod-b"}}
  BC: {slack: {channel: "#bc"}}
route:
  receiver: def
  group_wait: 30s
  group_interval: 5m
  repeat_interval: 4h
  group_by: [alertname]
  routes:
    - match: ['owner = "team-A"']
      receiver: A
      routes:
        - {match: ['env = "testing"'], receiver: testing, group_by: ["..."]}
        - {match: ['env = "production"'], receiver: prodA, group_wait: 1m, continue: true}
        - match: ['env =~ "produ.*"', 'job =~ ".*"']
          receiver: prodB
          group_by: [job]
          group_wait: 30s
          group_interval: 5m
          repeat_interval: 1h
    - {match: ['owner =~ "team-(B|C)"'], receiver: BC, group_by: [foo, bar], group_wait: 2m}
    - match: ['group_by = "role"']
      group_by: [role]
      routes:
        - match: ['env = "testing"']
          receiver: testing
          routes:
            - {match: ['wait = "long"'], group_wait: 2m}
"""


def load(folder: Path, text: str) -> Route:
    """Read a routing file; return its tree."""
    file = folder / "routing.yaml"
    file.write_text(text)
    return load_routing(file, AlertSettings()).root


def shown(route: Route) -> str:
    """Return what a route is about, in short."""
    by = "all" if route.group_by is None else ",".join(route.group_by)
    times = (route.group_wait, route.group_interval, route.repeat_interval)
    return f"{route.receiver} by {by} {' '.join(map(durations.show, times))}"


@pytest.mark.parametrize(
    ("labels", "routes"),
    [
        ("owner=team-A", ["A by alertname 30s 5m 4h"]),
        ("owner=team-A env=unset", ["A by alertname 30s 5m 4h"]),
        ("owner=team-C", ["BC by foo,bar 2m 5m 4h"]),
        ("owner=team-A env=testing", ["testing by all 30s 5m 4h"]),
        ("owner=team-A env=production", ["prodA by alertname 1m 5m 4h", "prodB by job 30s 5m 1h"]),
        ("group_by=role", ["def by role 30s 5m 4h"]),
        ("group_by=role env=testing", ["testing by role 30s 5m 4h"]),
        ("group_by=role env=testing wait=long", ["testing by role 2m 5m 4h"]),
        ("other=x", ["def by alertname 30s 5m 4h"]),
    ],
)
def test_an_alert_takes_its_routes(tmp_path: Path, labels: str, routes: list[str]) -> None:
    """TestRouteMatch (2.4): the first child wins unless it goes on; children inherit."""
    found = load(tmp_path, TREE).match(dict(one.split("=") for one in labels.split()))
    assert [shown(route) for route in found] == routes


@pytest.mark.parametrize(
    ("text", "labels", "holds"),
    [
        ('a = "x"', {"a": "x"}, True),
        ("a=x", {"a": "x"}, True),
        ('a != "x"', {}, True),
        ('a = ""', {}, True),
        ('a =~ "x|y"', {"a": "xy"}, False),
        ('a =~ "x.*"', {"a": "x\n"}, False),
        ('a !~ "x"', {"a": "xx"}, True),
        ('"ключ" = "ü"', {"ключ": "ü"}, True),
    ],
)
def test_a_matcher_holds_or_not(text: str, labels: dict[str, str], *, holds: bool) -> None:
    """2.3: a missing label is empty, regular expressions match the whole value, names may be any text."""
    assert read_matcher(text).matches(labels) is holds


@pytest.mark.parametrize("text", ["", "a", 'a == "x"', 'a =~ "("', '= "x"'])
def test_a_matcher_that_cannot_be_read_says_how_it_should_look(text: str) -> None:
    """The hint has an example."""
    with pytest.raises(BadMatcher) as caught:
        read_matcher(text)
    assert caught.value.hint


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (("receiver: def\n", "receiver: deff\n"), "routing.yaml:10:13: there is no receiver 'deff'"),
        (("receiver: def\n", "receiver: deff\n"), "did you mean 'def'?"),
        (("group_wait: 30s\n", "group_wait: 30\n"), "routing.yaml:11:15: group_wait must be a duration"),
        (("match: ['env = \"testing\"']\n", "match: ['env == \"x\"']\n"), "routing.yaml:31:19: match"),
        (("continue: true", "contineu: true"), "did you mean 'continue'?"),
        (("route:\n", "route:\n  match: ['a = \"b\"']\n"), "top route"),
        (("  receiver: def\n", ""), "no receiver"),
        (("route:", "route: ["), "routing.yaml:11:13: not YAML"),
        (("receiver: A\n", "receiver: A\n      mute_times: [night]\n"), "there is no time interval 'night'"),
        (("route:", "inhibit: [{source: [], target: ['a = b']}]\nroute:"), "source fits every alert"),
        (("route:", "time_intervals: {night: [{times: ['9-17']}]}\nroute:"), "'9-17' is no time"),
        (("route:", "time_intervals: {night: [{times: ['22:00-06:00']}]}\nroute:"), "over midnight needs two"),
        (("route:", "time_intervals: {night: [{weekdays: [sunday-monday]}]}\nroute:"), "A span runs forwards"),
        (("route:", "time_intervals: {night: [{location: Paris}]}\nroute:"), "'Paris' is no time"),
        (("route:", "time_intervals: {night: [{}]}\nroute:"), "it is always"),
    ],
)
def test_a_wrong_file_is_refused_with_its_place(tmp_path: Path, change: tuple[str, str], told: str) -> None:
    """Everything that is wrong is named where it is, with what to do."""
    assert change[0] in TREE
    with pytest.raises(BadRouting, match=re.escape(told)):
        load(tmp_path, TREE.replace(*change, 1))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (("  receiver: def\n", "  receiver: A\n"), "3:3: warning: receiver 'def' is never told anything"),
        (("continue: true", "continue: false"), ""),
        (
            ("match: ['owner =~ \"team-(B|C)\"']", "match: ['owner = \"team-A\"', 'env = \"x\"']"),
            "27:7: warning: no alert reaches this route",
        ),
        (
            ("{match: ['env = \"testing\"'], receiver", "{match: ['owner = \"team-B\"'], receiver"),
            'owner = "team-A" and owner = "team-B" cannot both hold',
        ),
        (("repeat_interval: 4h", "repeat_every: 1m"), "repeat_every is shorter than group_interval"),
        (
            ("route:", "time_intervals: {night: [{times: ['00:00-24:00']}]}\nroute:"),
            "time interval 'night' is not used",
        ),
    ],
)
def test_what_is_surely_not_meant_is_a_warning(tmp_path: Path, change: tuple[str, str], told: str) -> None:
    """3.3: unused receivers and times, routes that nothing reaches, a reminder that cannot come."""
    assert change[0] in TREE
    file = tmp_path / "routing.yaml"
    file.write_text(TREE.replace(*change, 1))
    routing, problems = check_routing(file, AlertSettings())
    assert routing is not None
    assert told in "\n".join(one.show() for one in problems)
    assert bool(problems) is bool(told)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    """The setting names a file that is not there."""
    with pytest.raises(BadRouting, match="Name an existing file"):
        load_routing(tmp_path / "none.yaml", AlertSettings())


def test_without_a_file_everything_goes_to_one_channel() -> None:
    """The settings' own channel and times."""
    routing = default_routing(AlertSettings(channel="#ops"))
    [route] = routing.root.match({"alertname": "x"})
    assert routing.receivers[route.receiver].channel == "#ops"


def test_the_page_on_routing_shows_a_file_that_works(tmp_path: Path) -> None:
    """The error texts point there."""
    text = (ROOT / "docs" / "routing.md").read_text()
    example = text.split("```yaml\n")[1].split("```")[0]
    tree = load(tmp_path, example)
    labels = {"team": "connectivity", "severity": "page", "venue": "okx"}
    assert [shown(route) for route in tree.match(labels)] == ["connectivity by alertname,venue 0s 10s 4h"]
    labels = {"team": "trading", "severity": "page", "venue": "okx"}
    assert [route.receiver for route in tree.match(labels)] == ["risk", "desk"]
