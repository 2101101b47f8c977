"""Texts of alerts: what a desk reads, what a template may do, and what happens when it fails."""

from collections.abc import Mapping
from decimal import Decimal

import pytest

from rules.template import CAP, names, render, syntax_error

LABELS = {"venue": "okx", "symbol": "BTC-USDT"}
NO_DATA: Mapping[str, object] = {}

SHOWN = [
    ("{{ 0.35 | duration }}", "350 ms"),
    ("{{ 12.5 | duration }}", "12.5 s"),
    ("{{ 59.96 | duration }}", "60 s"),
    ("{{ 200 | duration }}", "3 m 20 s"),
    ("{{ 187200 | duration }}", "2 d 4 h"),
    ("{{ -90 | duration }}", "-1 m 30 s"),
    ("{{ 1e300 | duration }}", "unknown"),
    ("{{ 12 | ago }}", "12 s ago"),
    ("{{ 'x' | ago }}", "unknown"),
    ("{{ 64250.1 | price }}", "64,250.10"),
    ("{{ 1.2345 | price }}", "1.2345"),
    ("{{ 2 | price }}", "2.00"),
    ("{{ 0 | price }}", "0.00"),
    ("{{ 0.00001234 | price }}", "0.00001234"),
    ("{{ -0.5 | price }}", "-0.50"),
    ("{{ 1e-30 | price }}", "0.00"),
    ("{{ exact | price }}", "12,345.6789"),
    ("{{ whole | price }}", "1,000"),
    ("{{ 12.34 | bps }}", "12.3 bps"),
    ("{{ 950 | notional }}", "950"),
    ("{{ 12500 | notional }}", "12.5k"),
    ("{{ 1250000 | notional('USDT') }}", "1.25M USDT"),
    ("{{ -3100000000 | notional }}", "-3.1B"),
    ("{{ 999999 | notional }}", "1M"),
    ("{{ 12345 | number }}", "12,345"),
    ("{{ 1234.567 | number }}", "1,234.57"),
    ("{{ 0.00123456 | number }}", "0.001235"),
    ("{{ 0.5 | number(999) }}", "0.5"),
    ("{{ none | number }}", "unknown"),
    ("{{ 0.123 | percent }}", "12.3 %"),
    ("{{ 'nan' | percent }}", "unknown"),
    ("{{ 'inf' | bps }}", "unknown"),
    ("{{ venue }} {{ labels.symbol }} {{ value }}", "okx BTC-USDT 1.5"),
    ("{{ labels.get('account', 'market data') }}", "market data"),
    ("{% for name, text in labels.items() %}{{ name }}={{ text }};{% endfor %}", "venue=okx;symbol=BTC-USDT;"),
    ("{% if value > 1 %}high{% endif %} {{ value * 2 }}", "high 3.0"),
    ("{{ venue | upper }}", "OKX"),
]


@pytest.mark.parametrize(("text", "shown"), SHOWN)
def test_a_text_shows(text: str, shown: str) -> None:
    """Filters, labels, the value."""
    data = {"exact": Decimal("12345.678900"), "whole": Decimal("1E+3")}
    assert render(text, LABELS, 1.5, data) == shown


FAILING = [
    "{{ nobody }}",
    "{{ labels.nobody }}",
    "{{ value | notional | price | round }}",
    "{{ 'a' * 10**10 }}",
    "{{ 'a' * 1000000000 }}",
    "{{ '%09999999999d' % 1 }}",
    "{{ 9 ** 9 ** 9 }}",
    "{{ 1 / 0 }}",
    "{{ venue.__class__ }}",
    "{{ venue.format(1) }}",
    "{{ '{:>9999999999}'.format(1) }}",
    "{{ venue.center(1000000000) }}",
    "{{ labels.clear() }}",
    "{{ labels.__class__.__mro__ }}",
    "{{ range(9) }}",
    "{{ lipsum() }}",
    "{% include 'x' %}",
]


@pytest.mark.parametrize("text", FAILING)
def test_a_text_that_fails_shows_the_error_and_is_sent_all_the_same(text: str) -> None:
    """The template as it stands, then what is wrong with it: nothing is lost, and nothing runs away."""
    shown = render(text, LABELS, 1.5, NO_DATA)
    assert shown.startswith(text)
    assert "[template error: " in shown


@pytest.mark.parametrize("text", ["{{ a", "{% if %}", "{{ a | nofilter }}", "{{ a | center(9) }}", "{% for %}"])
def test_a_wrong_form_is_found_before_it_runs(text: str) -> None:
    """By `rules check`."""
    assert (syntax_error(text) or "").startswith("not a template: ")


def test_a_right_form_passes() -> None:
    """With the names that it uses."""
    text = "{{ venue }} {% if x %}{{ y | number }}{% endif %}"
    assert syntax_error(text) is None
    assert names(text) == {"venue", "x", "y"}


def test_a_value_that_is_not_known_says_so() -> None:
    """NULL is a value too: the series is there and has no number."""
    assert render("{{ value }} {{ value | duration }}", LABELS, None, NO_DATA) == "unknown unknown"


def test_a_long_text_is_cut() -> None:
    """A message has to be read."""
    shown = render("{{ long }}", LABELS, 1.0, {"long": "x" * (2 * CAP)})
    assert len(shown) == CAP
    assert shown.endswith("…")


def test_a_label_wins_over_data_of_the_same_name() -> None:
    """The labels say which alert it is."""
    assert render("{{ venue }}", LABELS, 1.0, {"venue": 7}) == "okx"
