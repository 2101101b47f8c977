"""From a status to HTML."""

import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from deskwatch.web import render
from deskwatch.web.model import (
    AlertLine,
    FeedCell,
    IncidentLine,
    Light,
    MessageLine,
    RuleLine,
    ServiceLine,
    SilenceLine,
    VenueLine,
)
from tests.integration.web import desks

HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>"


class Tags(HTMLParser):
    """Collects which tags have which attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.found: set[tuple[str, frozenset[str]]] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a tag."""
        self.found.add((tag, frozenset(name for name, _ in attrs)))

    @classmethod
    def of(cls, page: str) -> set[tuple[str, frozenset[str]]]:
        """Return what a page consists of."""
        parser = cls()
        parser.feed(page)
        return parser.found


@pytest.mark.parametrize("name", desks.DESKS)
def test_every_desk_renders(name: str) -> None:
    """From nothing at all to a storm."""
    page = render.page(desks.DESKS[name]())
    assert page.startswith("<!doctype html>")
    assert "None" not in re.sub(r"<[^>]*>", "", page)


def test_hostile_text_is_shown_and_never_run() -> None:
    """Labels, symbols, errors and messages come from venues and rule files: each is escaped, in text and attributes."""
    now = desks.NOW
    status = replace(
        desks.quiet(),
        problems=(HOSTILE,),
        version=HOSTILE,
        feeds=(FeedCell(HOSTILE, HOSTILE, HOSTILE, HOSTILE, 1.0, 1, 1.0, Light.BAD),),
        venues=(VenueLine(HOSTILE, HOSTILE, HOSTILE, 1.0, 1.0, 1.0, 1),),
        services=(ServiceLine(HOSTILE, HOSTILE, 1.0, 1.0, 1.0, 1.0, 1, 1, 1, Light.OK),),
        alerts=(AlertLine(HOSTILE, HOSTILE, "firing", {HOSTILE: HOSTILE}, 1.0, now, HOSTILE),),
        messages=(MessageLine(now, HOSTILE, HOSTILE, HOSTILE, HOSTILE, HOSTILE),),
        rules=(
            RuleLine(HOSTILE, HOSTILE, HOSTILE, now, 1.0, ""),
            RuleLine(HOSTILE, HOSTILE, "inactive", None, None, HOSTILE),
        ),
        links={HOSTILE: "https://" + HOSTILE, "x": "javascript:alert(1)"},
        incidents=tuple(
            IncidentLine(HOSTILE, HOSTILE, HOSTILE, HOSTILE, HOSTILE, 1, now, had, had, HOSTILE)
            for had in (True, False)
        ),
        silences=(SilenceLine(HOSTILE, HOSTILE, HOSTILE, now, HOSTILE, HOSTILE, weekly=True),),
    )
    page = render.page(status)
    assert "<script>alert" not in page
    assert "<img" not in page
    assert "javascript:" not in page
    attributes = {name for _, names in Tags.of(page) for name in names}
    assert attributes <= {
        "lang", "charset", "name", "content", "http-equiv", "rel", "href", "src", "defer", "id", "role", "hidden",
        "class", "aria-hidden", "datetime", "data-key", "title", "scope", "data-act",
        "data-incident", "data-silence", "type", "required", "value", "pattern", "placeholder", "rows", "autocomplete",
        "aria-label",
    }  # fmt: skip


def test_the_page_needs_nothing_from_elsewhere() -> None:
    """A desk's network may have no way out, and a page from a loopback must not tell anybody that it is open."""
    page = render.page(replace(desks.quiet(), links={}))
    assert re.findall(r"https?://", page) == []
    assert "<style" not in page
    assert re.findall(r"<script(?! src=\"/static/(?:live|act).js\" defer>)", page) == []


def test_every_colour_has_a_sign() -> None:
    """Who does not tell red from green sees the shape."""
    cells = re.findall(r'<td class="cell (?:ok|warn|bad)".*?</td>', render.desk(desks.storm()), re.DOTALL)
    assert cells
    assert all(re.search(r"[✓▲✕]", cell) for cell in cells)


def test_a_failing_rule_shows_its_error() -> None:
    """In words, where everybody reads it: a rule that fails watches nothing."""
    assert "statement time-out after 2000 ms" in render.desk(desks.storm())


def test_nothing_is_called_missing_while_the_database_is_away() -> None:
    """Telling someone to start what runs already sends him the wrong way."""
    desk = render.desk(desks.broken())
    assert "No stream has reported" not in desk
    assert "Not known while deskwatch is in trouble" in desk
    assert "No stream has reported" in render.desk(desks.nothing())


def test_an_event_keeps_empty_lines_inside() -> None:
    """An empty line ends an event, so each line is a field: what the browser joins is what was rendered."""
    event = render.event("<p>one</p>\n\n\n<p>two</p>\r\n<p>three</p>").decode()
    assert event.endswith("\n\n")
    assert "\n\n" not in event.removesuffix("\n\n")
    fields = [line.removeprefix("data: ") for line in event.removesuffix("\n\n").split("\n")]
    assert fields == ["<p>one</p>", "", "", "<p>two</p>", "<p>three</p>"]


@pytest.mark.parametrize(
    ("seconds", "text"), [(-1, "0 s"), (59.9, "59 s"), (60, "1 min"), (3_900, "1 h 5 min"), (200_000, "2 d")]
)
def test_a_span_is_short(seconds: float, text: str) -> None:
    """One unit, two for hours."""
    assert render.span(seconds) == text


@pytest.mark.parametrize(
    ("milliseconds", "text"), [(None, "–"), (40.2, "40 ms"), (1_240, "1.2 s"), (61_000, "1 min"), (9e6, "2 h 30 min")]
)
def test_an_age_fits_its_cell(milliseconds: float | None, text: str) -> None:
    """From milliseconds to hours; a dash for what was never seen."""
    assert render.age(milliseconds) == text
