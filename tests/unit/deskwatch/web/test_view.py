"""A status arranged for the eye."""

from dataclasses import replace

import pytest

from deskwatch.web.model import AlertLine, DeskStatus, FeedCell, Light
from deskwatch.web.view import MANY_SYMBOLS, arrange
from tests.integration.web import desks


def alert(name: str, severity: str, state: str = "firing") -> AlertLine:
    """Return an alert since the desks' now."""
    return AlertLine(name, severity, state, {}, 1.0, desks.NOW, f"{name} happened")


def cell(symbol: str, light: Light, channel: str = "books") -> FeedCell:
    """Return a stream of one venue."""
    return FeedCell("okx", channel, symbol, "live" if light is Light.OK else "silent", 40.0, 9, 3.0, light)


@pytest.mark.parametrize(
    ("status", "headline", "light"),
    [
        (desks.quiet(), "all quiet", Light.OK),
        (desks.storm(), "35 firing", Light.BAD),
        (desks.broken(), "1 firing", Light.BAD),
        (desks.nothing(), "waiting for the first data", Light.UNKNOWN),
        (replace(desks.quiet(), problems=("the disk is full",)), "deskwatch itself is in trouble", Light.BAD),
        (replace(desks.quiet(), canary_age_ms=None), "waiting for the first data", Light.UNKNOWN),
        (replace(desks.quiet(), alerts=(alert("A", "warn"),)), "1 firing", Light.WARN),
        (replace(desks.quiet(), alerts=(alert("A", "page", "pending"),)), "all quiet", Light.OK),
        (
            replace(desks.quiet(), feeds=(cell("BTC-USDT", Light.BAD),)),
            "nothing fires, not every stream is live",
            Light.WARN,
        ),
    ],
)
def test_the_headline_never_claims_more_than_is_known(status: DeskStatus, headline: str, light: Light) -> None:
    """All quiet needs rows that come back, streams that are live, and a deskwatch without trouble."""
    desk = arrange(status)
    assert (desk.headline, desk.light) == (headline, light)


def test_a_storm_is_a_few_groups_with_every_alert_inside() -> None:
    """Forty alerts of five rules fold into a group for each rule and severity, the loud and old ones first."""
    groups = arrange(desks.storm()).alerts
    assert len(groups) == 15
    assert sum(len(group.alerts) for group in groups) == 40
    assert [group.severity for group in groups] == ["page"] * 5 + ["warn"] * 5 + ["info"] * 5
    assert all(group.alerts[0].state == "firing" for group in groups)


def test_what_only_pends_comes_after_what_fires() -> None:
    """Also when it is of a louder severity."""
    status = replace(desks.quiet(), alerts=(alert("Loud", "page", "pending"), alert("Soft", "info")))
    assert [group.name for group in arrange(status).alerts] == ["Soft", "Loud"]


def test_an_unknown_severity_is_kept_and_comes_last() -> None:
    """A rule file may invent one; its alert must not vanish from the page."""
    status = replace(desks.quiet(), alerts=(alert("Odd", "critical"), alert("Known", "info")))
    assert [group.name for group in arrange(status).alerts] == ["Known", "Odd"]


def test_of_two_connections_the_worse_one_shows() -> None:
    """One cell stands for every stream of a symbol and channel."""
    status = replace(desks.quiet(), feeds=(cell("BTC-USDT", Light.OK), cell("BTC-USDT", Light.BAD)))
    (venue,) = arrange(status).venues
    assert [one and one.light for one in venue.shown[0].cells] == [Light.BAD]
    assert (venue.live, venue.total) == (1, 2)


def test_a_missing_stream_leaves_its_place_empty() -> None:
    """Columns are channels; a symbol without one keeps the others in line."""
    status = replace(desks.quiet(), feeds=(cell("A", Light.OK, "books"), cell("B", Light.OK, "trades")))
    (venue,) = arrange(status).venues
    assert venue.channels == ("books", "trades")
    assert [[one is None for one in row.cells] for row in venue.shown] == [[False, True], [True, False]]


def test_many_symbols_fold_but_trouble_never_does() -> None:
    """A venue with hundreds of symbols shows those with trouble; the calm ones are a click away."""
    calm = [cell(f"S{number:03}", Light.OK) for number in range(MANY_SYMBOLS + 4)]
    (venue,) = arrange(replace(desks.quiet(), feeds=(*calm, cell("TROUBLE", Light.BAD)))).venues
    assert [row.symbol for row in venue.shown] == ["TROUBLE"]
    assert len(venue.folded) == MANY_SYMBOLS + 4


def test_links_that_are_not_web_addresses_are_left_out() -> None:
    """A link runs what it names when it is clicked."""
    links = {"bad": "javascript:alert(1)", "good": "https://grafana.example/d/x"}
    assert arrange(replace(desks.quiet(), links=links)).links == (("good", "https://grafana.example/d/x"),)


@pytest.mark.parametrize(
    ("age_ms", "light"),
    [(None, Light.UNKNOWN), (400.0, Light.OK), (6_000.0, Light.WARN), (90_000.0, Light.BAD)],
)
def test_the_database_is_as_good_as_its_canary(age_ms: float | None, light: Light) -> None:
    """Its age is the truth about the write path, and unknown is not fine."""
    tiles = {tile.label: tile for tile in arrange(replace(desks.quiet(), canary_age_ms=age_ms)).tiles}
    assert tiles["Database"].light is light
