"""Slack's mark-up: escaping, cutting, numbers, spans, links."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.notify.slack_text import code, cut, duration, escape, link, moment, number, size
from tests.fakes.notifications import AT


@given(st.one_of(st.text(), st.text(alphabet="&<>a😀")), st.integers(1, 40))
def test_escaped_text_keeps_its_limit_and_never_ends_in_half_an_entity(text: str, limit: int) -> None:
    """`&am` would show as such."""
    found = escape(text, limit)
    assert size(found) <= limit
    assert "<" not in found
    assert all(found[at:].startswith(("&amp;", "&lt;", "&gt;")) for at, sign in enumerate(found) if sign == "&")


@given(st.text(alphabet="a😀&", max_size=50), st.integers(2, 60))
def test_a_text_that_fits_is_not_cut(text: str, limit: int) -> None:
    """An ellipsis means that something is missing."""
    whole = escape(text, 10_000)
    assert (escape(text, limit) == whole) == (size(whole) <= limit)


def test_a_character_beyond_the_basic_plane_counts_twice() -> None:
    """The strictest way in which Slack may count."""
    assert size("😀a") == 3
    assert cut("😀😀😀", 5) == "😀😀…"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "no value"),
        (float("nan"), "no value"),
        (float("inf"), "∞"),
        (float("-inf"), "-∞"),
        (0.0, "0"),
        (14.2, "14.2"),
        (0.000123456, "0.0001235"),
        (-1234567.8, "-1,234,568"),
        (1e20, "1e+20"),
    ],
)
def test_a_number_reads_as_a_trader_writes_it(value: float | None, text: str) -> None:
    """Four digits are enough for a message."""
    assert number(value) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(-1, "0s"), (0, "0s"), (59, "59s"), (60, "1m"), (90, "1m 30s"), (3600, "1h"), (3905, "1h 5m"), (273_600, "3d 4h")],
)
def test_a_span_has_its_two_largest_units(seconds: int, text: str) -> None:
    """Seconds say nothing about an outage of hours."""
    assert duration(timedelta(seconds=seconds)) == text


def test_a_time_is_shown_in_the_readers_zone_with_utc_where_that_fails() -> None:
    """Slack turns the epoch into local time."""
    assert moment(AT) == "<!date^1767268800^{time_secs}|2026-01-01 12:00:00 UTC>"


@pytest.mark.parametrize("url", ["", "runbooks/a.md", "javascript:x", "ftp://host/x", "https://", "http://["])
def test_what_no_browser_should_open_is_no_link(url: str) -> None:
    """The caller then shows it as text."""
    assert link(url, "Runbook") == ""


def test_an_address_cannot_end_its_link() -> None:
    """`|` and `>` are part of the address, not of the mark-up."""
    assert link("https://a/b|c>d e", "L|>") == "<https://a/b%7Cc%3Ed%20e|L/&gt;>"


def test_a_back_tick_cannot_end_its_code_span() -> None:
    """Nor can a line break."""
    assert code("a`b\nc", 40) == "`a'b c`"
