"""Every event makes the row that its table declares, and nothing of it is lost."""

from decimal import Decimal
from typing import get_args

import pytest

from collector.rows import row_of
from core.events import Book, FeedStats, Funding, Gap, Instrument, MarketEvent, Quote, Trade, VenueHealth
from core.types import Channel, GapKind, InstrumentKind, Side, StreamState
from storage.encode import Encoder
from storage.schema import TABLES
from tests.fakes.clock import NOON

LEVELS = ([100.0, 99.0], [1.0, 2.0])
EVENTS: list[MarketEvent] = [
    Trade("okx", "BTC-USDT", NOON, NOON + 1, "7", Side.SELL, 100.5, 0.25),
    Quote("okx", "BTC-USDT", NOON, NOON + 1, 100.0, 1.0, 101.0, 2.0),
    Book("okx", "BTC-USDT", NOON, NOON + 1, 5, LEVELS, ([101.0, 102.0, 103.0], [1.0, 2.0, 3.0])),
    Funding("okx", "BTC-USDT-PERP", NOON, NOON + 1, 0.0001, 100.0, None, 5.0),
    Instrument(
        "okx", "BTC-USDT", "BTC-USDT", NOON, NOON, InstrumentKind.SPOT, "BTC", "USDT", "live", tick="0.1", lot="1e-8"
    ),
    Gap("okx", Channel.BOOKS, "BTC-USDT", "okx-0", NOON, NOON + 9, GapKind.SEQUENCE, 3),
    FeedStats("okx", Channel.BOOKS, "BTC-USDT", "okx-0", NOON, 9, 1.0, 2.0, 3.0, 1, 1, 0, 0.5, StreamState.LIVE),
    VenueHealth("okx", "", NOON, "live", -4.0, 20.0, 1.5, 2),
]


def test_every_kind_of_event_is_covered() -> None:
    """A new kind needs a row, and a line here."""
    assert {type(one) for one in EVENTS} == set(get_args(MarketEvent))


@pytest.mark.parametrize("event", EVENTS, ids=lambda one: type(one).__name__)
def test_an_event_fits_its_table_and_encodes(event: MarketEvent) -> None:
    """Each column exists and takes its value."""
    row = row_of(event)
    columns = {column.name for column in TABLES[row.table].columns}
    assert set(row.values) <= columns
    encoder = Encoder()
    encoder.add(row)
    assert row.table.encode() in encoder.take().payload


@pytest.mark.parametrize("event", EVENTS, ids=lambda one: type(one).__name__)
def test_a_row_says_everything_that_the_event_says(event: MarketEvent) -> None:
    """Only the names differ: a gap's start is its row's time, its end is `ended`."""
    row = row_of(event)
    renamed = {"end": "ended"}
    told = {"ts": row.ts, "start": row.ts, "received": row.values.get("received", row.ts), **row.values}
    for name in event.__struct_fields__:
        expected = getattr(event, name)
        value = told[renamed.get(name, name)]
        assert value == (Decimal(expected) if isinstance(value, Decimal) else expected), name


def test_instruments_keep_their_decimals() -> None:
    """Tick and lot are exact; what the venue does not say is NULL."""
    values = row_of(EVENTS[4]).values
    assert (values["tick"], values["lot"], values["min_notional"]) == (Decimal("0.1"), Decimal("1e-8"), None)
