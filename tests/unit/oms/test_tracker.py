"""What the tracker writes of an account's events: an order's newest row is how it stands, a fill is one row."""

from collections.abc import Sequence
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from core.account import Fill, OrderStatus
from core.account import OrderChange as C
from core.rows import Row
from core.types import Source
from oms.model import KeptOrder
from oms.rows import missed_row
from oms.tracker import KEEP_DONE, Tracker
from storage.schema import TABLES
from tests.unit.oms.events import Event, arrivals, at, fill, report

LIFE: list[Event] = [
    report(C.NEW, 0),
    fill("a", 0, "2000"),
    report(C.TRADE, 0, filled="2000", seq=1),
    fill("b", 1, "3000"),
    report(C.TRADE, 1, filled="5000", seq=2),
    report(C.CANCELED, 1, filled="5000", seq=3),
]


def tracker() -> Tracker:
    """Return a tracker that knows nothing."""
    return Tracker("binance", "main")


def newest(rows: Sequence[Row]) -> tuple[object, object]:
    """Return status and filled quantity of the newest row of `orders`; there must be one alone."""
    orders = [row for row in rows if row.table == "orders"]
    last = max(row.ts for row in orders)
    (row,) = {(one.values["status"], one.values["filled"]) for one in orders if one.ts == last}
    return row


def take_new(known: Tracker, events: Sequence[Event]) -> list[Row]:
    """Take events as the service does: a fill that the journal knows does not reach the tracker."""
    seen: set[tuple[str, ...]] = set()
    rows = []
    for event in events:
        if isinstance(event, Fill):
            if event.key in seen:
                continue
            seen.add(event.key)
        rows += known.take(event)
    return rows


@given(events=arrivals(LIFE))
@settings(max_examples=150, deadline=None)
def test_the_newest_row_is_the_final_state_in_any_order_of_arrival(events: list[Event]) -> None:
    """Also of events of one millisecond, and of events that come late."""
    rows = take_new(tracker(), events)
    assert newest(rows) == (OrderStatus.CANCELED, Decimal(5000))
    keys = [(row.ts, row.values["seq"]) for row in rows if row.table == "orders"]
    assert len(set(keys)) == len(keys)


@given(events=arrivals(LIFE), cut=st.integers(0, 12))
@settings(max_examples=100, deadline=None)
def test_a_restart_in_the_middle_ends_in_the_same_newest_row(events: list[Event], cut: int) -> None:
    """A new tracker with what the journal kept goes on where the old one was."""
    first, second = tracker(), tracker()
    rows = take_new(first, events[:cut])
    seen = list({event.key: event for event in events[:cut] if isinstance(event, Fill)}.values())
    _ = second.restore(seen, first.to_journal(["1"]), at(-3600))
    later = [event for event in events[cut:] if not isinstance(event, Fill) or event not in seen]
    rows += take_new(second, later)
    assert newest(rows) == (OrderStatus.CANCELED, Decimal(5000))


def test_a_fill_that_only_the_history_has_is_marked() -> None:
    """`source` is rest, and the order has a row that says how it stands."""
    rows = tracker().take(fill("a", 1, "1", source=Source.REST))
    assert [row.table for row in rows] == ["fills", "orders", "positions"]
    assert {row.values["source"] for row in rows[:2]} == {Source.REST}


def test_a_repeated_report_writes_nothing() -> None:
    """The same statement twice is one row."""
    known = tracker()
    assert len(known.take(report(C.NEW, 0))) == 1
    assert known.take(report(C.NEW, 0)) == []


def test_a_late_fill_and_an_overfill_have_rows_of_their_own() -> None:
    """A rule can count them."""
    rows = take_new(tracker(), [report(C.CANCELED, 0, qty="1"), fill("a", 1, "3")])
    assert {"late_fill", "overfill"} <= {row.values.get("event") for row in rows}


def test_an_open_order_of_ours_that_the_venue_does_not_list_has_vanished() -> None:
    """Unless it changed after we asked, or is done."""
    known = tracker()
    _ = known.take(report(C.NEW, 0))
    assert [one.order_id for one in known.vanished([], at(5))] == ["1"]
    assert known.vanished([], at(0)) == []
    assert known.vanished([report(C.STATUS, 1)], at(5)) == []
    _ = known.take(report(C.CANCELED, 2))
    assert known.vanished([], at(5)) == []


def test_orders_that_were_done_long_ago_are_forgotten() -> None:
    """Memory is bounded; positions stay."""
    known = tracker()
    _ = take_new(known, LIFE)
    known.forget(at(2) + KEEP_DONE)
    assert known.to_journal(["1"]) == []
    assert known.positions(at(9))[0].values["qty"] == Decimal(5000)


def test_a_known_fill_that_the_venue_tells_differently_is_a_discrepancy() -> None:
    """Ours and theirs stand side by side."""
    known = tracker()
    _ = known.take(fill("a", 1, "2"))
    (row,) = known.conflicts([fill("a", 1, "2", price="99")], at(3))
    assert (row.values["ours"], row.values["theirs"]) == ("2 at 100", "2 at 99")


def test_an_old_fill_counts_for_the_position_alone() -> None:
    """Its row has long been written, and its order is done."""
    known = tracker()
    rows = known.restore([fill("a", 0, "2"), fill("b", 100, "1")], [], at(50))
    assert [row.values["trade_id"] for row in rows] == ["b"]
    assert known.positions(at(101))[0].values["qty"] == Decimal(3)


def test_a_restored_order_keeps_its_quantity() -> None:
    """A restart between two fills does not forget how much was ordered."""
    known = tracker()
    partly = replace(report(C.TRADE, 1, filled="1", seq=1), status=OrderStatus.PARTIALLY_FILLED)
    _ = known.restore([fill("a", 1, "1")], [KeptOrder(partly, done=False, newest=at(1))], at(0))
    _ = known.take(fill("b", 2, "9999"))
    (kept,) = known.to_journal(["1"])
    assert kept.done


ROWS = [
    *take_new(tracker(), [*LIFE, report(C.STATUS, 9, filled="5000"), fill("c", 3, "9000", source=Source.REST)]),
    missed_row(fill("a", 1, "1"), at(4)),
]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.table)
def test_every_row_fits_its_table(row: Row) -> None:
    """No column that the table does not have."""
    assert set(row.values) <= {column.name for column in TABLES[row.table].columns}
