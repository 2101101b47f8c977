"""An order and its events: what the venues' and FIX's reference cases end in, whatever the order of arrival."""

from decimal import Decimal
from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.account import OrderChange as C
from core.account import OrderStatus as S
from oms.model import FactKind, Pending
from tests.unit.oms.events import Event, any_events, arrivals, fill, fold, report

CASES: dict[str, tuple[list[Event], S, str, str]] = {
    "filled in two parts": (
        [
            report(C.NEW, 0),
            fill("a", 1, "2000"),
            report(C.TRADE, 1, filled="2000", seq=1),
            fill("b", 2, "8000"),
            report(C.TRADE, 2, filled="10000", seq=2),
        ],
        S.FILLED,
        "10000",
        "0",
    ),
    "two parts of the same moment": (
        [
            report(C.NEW, 0),
            fill("a", 1, "4000"),
            report(C.TRADE, 1, filled="4000", seq=1),
            fill("b", 1, "6000"),
            report(C.TRADE, 1, filled="10000", seq=2),
        ],
        S.FILLED,
        "10000",
        "0",
    ),
    "FIX B.1.c, cancel requested, filled anyway": (
        [
            report(C.NEW, 0),
            fill("a", 1, "2000"),
            fill("b", 2, "3000"),
            report(C.PENDING_CANCEL, 3, filled="5000"),
            fill("c", 4, "5000"),
            report(C.CANCEL_REJECTED, 5, filled="10000"),
        ],
        S.FILLED,
        "10000",
        "0",
    ),
    "cancel race, a part fills before the cancel": (
        [
            report(C.NEW, 0),
            report(C.PENDING_CANCEL, 1),
            fill("a", 2, "2000"),
            report(C.TRADE, 2, filled="2000", seq=1),
            report(C.CANCELED, 3, filled="2000"),
        ],
        S.CANCELED,
        "2000",
        "0",
    ),
    "a fill after the cancel": (
        [report(C.NEW, 0), fill("a", 1, "5000"), report(C.CANCELED, 2, filled="5000"), fill("b", 3, "4000")],
        S.CANCELED,
        "9000",
        "0",
    ),
    "overfill": (
        [report(C.NEW, 0), fill("a", 1, "9000"), fill("b", 2, "3000"), report(C.TRADE, 2, filled="12000", seq=2)],
        S.FILLED,
        "12000",
        "0",
    ),
    "Bybit: rejected with a part done": (
        [report(C.NEW, 0), fill("a", 1, "50"), report(C.REJECTED, 2, filled="50")],
        S.REJECTED,
        "50",
        "0",
    ),
    "IOC: a part, the rest expires": (
        [report(C.NEW, 0), fill("a", 0, "50"), report(C.EXPIRED, 0, filled="50", seq=3)],
        S.EXPIRED,
        "50",
        "0",
    ),
    "canceled and expired at once: the cancel wins": (
        [report(C.NEW, 0), report(C.EXPIRED, 1), report(C.CANCELED, 2)],
        S.CANCELED,
        "0",
        "0",
    ),
    "replaced twice: the last quantity holds": (
        [
            report(C.NEW, 0),
            report(C.PENDING_REPLACE, 1),
            report(C.REPLACED, 2, qty="8000"),
            fill("a", 3, "1000"),
            report(C.REPLACED, 4, qty="6000", filled="1000"),
        ],
        S.PARTIALLY_FILLED,
        "1000",
        "5000",
    ),
    "replaced by less than what has traded: filled": (
        [report(C.NEW, 0), fill("a", 1, "5000"), report(C.REPLACED, 2, qty="4000", filled="5000")],
        S.FILLED,
        "5000",
        "0",
    ),
    "a history alone: fills, then a statement of the end": (
        [fill("a", 1, "2000"), report(C.STATUS, 2, filled="2000", status=S.CANCELED)],
        S.CANCELED,
        "2000",
        "0",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_a_reference_case_ends_as_its_source_says(name: str) -> None:
    """In the order of the source, each event once."""
    events, status, filled, remaining = CASES[name]
    order, _ = fold(events)
    assert (order.status, order.filled, order.remaining) == (status, Decimal(filled), Decimal(remaining))


@pytest.mark.parametrize("name", CASES)
def test_every_order_of_arrival_ends_alike(name: str) -> None:
    """All permutations, each event once."""
    events, status, filled, remaining = CASES[name]
    ends = {
        (order.status, order.filled, order.remaining, order.pending, order.claimed)
        for order, _ in map(fold, map(list, permutations(events)))
    }
    assert [end[:3] for end in ends] == [(status, Decimal(filled), Decimal(remaining))]


@pytest.mark.parametrize("name", CASES)
@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_duplicates_in_any_order_change_nothing(name: str, data: st.DataObject) -> None:
    """Permutations with every event up to three times."""
    events, status, filled, remaining = CASES[name]
    order, facts = fold(data.draw(arrivals(events)))
    assert (order.status, order.filled, order.remaining) == (status, Decimal(filled), Decimal(remaining))
    booked = [fact for fact in facts if fact.kind is FactKind.BOOKED]
    assert len(booked) == len(order.fills)


@given(events=any_events(), data=st.data())
@settings(max_examples=150, deadline=None)
def test_every_event_in_every_state_has_an_answer(events: list[Event], data: st.DataObject) -> None:
    """No exception, and the quantities are a fold over distinct fills whatever else was said."""
    order, _ = fold(events)
    assert order.filled == sum((one.qty for one in order.fills.values()), Decimal(0))
    assert order.remaining >= 0
    assert order.overfill >= 0
    again, facts = fold(data.draw(st.permutations(events)), order)
    assert again.fills == order.fills
    assert (again.status, again.qty, again.claimed) == (order.status, order.qty, order.claimed)
    assert FactKind.BOOKED not in {fact.kind for fact in facts}


def kinds(events: list[Event]) -> list[FactKind]:
    """Return the kinds of all facts, in order."""
    return [fact.kind for fact in fold(events)[1]]


def test_a_late_fill_is_booked_and_told() -> None:
    """The venue said canceled; the quantity counts all the same."""
    assert FactKind.LATE_FILL in kinds([report(C.NEW, 0), report(C.CANCELED, 1), fill("a", 2, "1")])


def test_an_overfill_is_booked_and_told() -> None:
    """More than was ordered: the fact carries how much."""
    _, facts = fold([report(C.NEW, 0, qty="1"), fill("a", 1, "3")])
    assert ("overfill", "2") in [(fact.kind, fact.detail) for fact in facts]


def test_a_fill_that_comes_again_with_another_price_is_a_conflict() -> None:
    """The first one stays booked."""
    order, facts = fold([report(C.NEW, 0), fill("a", 1, "1"), fill("a", 1, "1", price="99")])
    assert facts[-1].kind is FactKind.FILL_CONFLICT
    assert order.avg_price == Decimal(100)


def test_a_fill_before_its_acknowledgement_acknowledges() -> None:
    """An order that we sent and heard nothing of has traded: it is on the book."""
    assert FactKind.IMPLICIT_ACK in kinds([fill("a", 1, "1"), report(C.NEW, 0)])


def test_an_order_that_we_did_not_place_is_adopted() -> None:
    """External, with what the report tells."""
    order, facts = fold([report(C.STATUS, 0)])
    assert order.external
    assert order.qty == Decimal(10000)
    assert facts[0].kind is FactKind.EXTERNAL_ORDER


def test_a_claim_beyond_the_booked_fills_says_that_fills_are_missing() -> None:
    """The history must be asked."""
    assert FactKind.FILLS_MISSING in kinds([report(C.NEW, 0), report(C.STATUS, 1, filled="5")])


def test_an_older_claim_is_stale_and_changes_nothing() -> None:
    """The highest claim of the venue stays."""
    order, facts = fold([report(C.STATUS, 2, filled="5"), report(C.STATUS, 1, filled="3")])
    assert facts[-1].kind is FactKind.STALE_UPDATE
    assert order.claimed == Decimal(5)


def test_working_after_the_end_is_an_invalid_transition() -> None:
    """The end stands."""
    order, facts = fold([report(C.NEW, 0), report(C.CANCELED, 1), report(C.STATUS, 2)])
    assert facts[-1].kind is FactKind.INVALID_TRANSITION
    assert order.status is S.CANCELED


def test_a_pending_cancel_outranks_filled_until_it_is_answered() -> None:
    """FIX B.1.c, step 5."""
    events: list[Event] = [report(C.NEW, 0), report(C.PENDING_CANCEL, 1), fill("a", 2, "10000")]
    order, _ = fold(events)
    assert (order.status, order.pending, order.done) == (S.PENDING_CANCEL, Pending.CANCEL, True)
    order, facts = fold([*events, report(C.CANCEL_REJECTED, 3, filled="10000")])
    assert (order.status, facts[-1].kind) == (S.FILLED, FactKind.CANCEL_REJECTED)
