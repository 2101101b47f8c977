"""When a group speaks. Source: alert-semantics.md 2.6, the eleven cases of Alertmanager's deduplication."""

import pytest

from alerts.group import Member, Told, decide
from alerts.model import Reason
from tests.unit.alerts.timeline import at, route

NOW = 10_000.0
MINUTE = 60


def members(*names: int, episode: str = "1") -> frozenset[Member]:
    """Return alerts by number."""
    return frozenset(Member("g/r", str(name), episode) for name in names)


NONE = members()


@pytest.mark.parametrize(
    ("told", "firing", "resolved", "reason"),
    [
        (None, members(2, 3, 4), NONE, Reason.FIRST_NOTIFICATION),
        (None, NONE, members(2, 3, 4), None),
        ((members(1, 2, 3), NONE, 0), members(2, 3, 4), NONE, Reason.NEW_ALERTS),
        ((members(1, 2, 3), NONE, 10_000), members(1, 2, 3), NONE, Reason.REPEAT_INTERVAL),
        ((members(1, 2, 3), NONE, 9 * MINUTE), members(1, 2, 3), NONE, None),
        ((members(1, 2, 3), NONE, 11 * MINUTE), members(1, 2, 3), NONE, Reason.REPEAT_INTERVAL),
        ((NONE, members(1, 2, 3), 11 * MINUTE), NONE, members(3, 4, 5), None),
        ((members(1, 2), members(3), 9 * MINUTE), members(1), members(2, 3), Reason.SOME_RESOLVED),
        ((members(1, 2), members(3), 9 * MINUTE), NONE, members(1, 2, 3), Reason.ALL_RESOLVED),
    ],
    ids=[
        "1 first",
        "2 nothing fires",
        "3 a new one",
        "4 long ago",
        "5 too soon to repeat",
        "6 repeat",
        "7 only resolved before and now",
        "9 some resolved",
        "11 all resolved",
    ],
)
def test_a_group_speaks_for_one_reason(
    told: tuple[frozenset[Member], frozenset[Member], float] | None,
    firing: frozenset[Member],
    resolved: frozenset[Member],
    reason: Reason | None,
) -> None:
    """Cases 8 and 10 turn `send_resolved` off, which this design does not have: they are 9 and 11 here."""
    entry = None if told is None else Told(told[0], told[1], at(NOW - told[2]))
    assert decide(entry, firing, resolved, at(NOW), route(repeat=10 * MINUTE)) is reason


def test_repeat_is_strict() -> None:
    """Exactly the interval ago is not long enough (2.5)."""
    entry = Told(members(1), NONE, at(NOW - 600))
    assert decide(entry, members(1), NONE, at(NOW), route(repeat=600)) is None
    assert decide(entry, members(1), NONE, at(NOW + 0.001), route(repeat=600)) is Reason.REPEAT_INTERVAL


def test_an_alert_that_fires_again_unheard_is_new() -> None:
    """Members are (alert, episode), which closes the reference's known hole (2.6, DW)."""
    entry = Told(members(1), NONE, at(NOW))
    assert decide(entry, members(1, episode="2"), NONE, at(NOW), route()) is Reason.NEW_ALERTS


def test_a_group_that_told_of_the_end_begins_anew() -> None:
    """After `all_resolved` the next firing is a first notification again."""
    entry = Told(NONE, members(1), at(NOW))
    assert decide(entry, members(2), NONE, at(NOW), route()) is Reason.FIRST_NOTIFICATION
