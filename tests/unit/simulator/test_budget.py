"""The REST weight of a simulated venue."""

from simulator.budget import BAN_S, PATIENCE, Budget
from tests.fakes.clock import FakeClock


def test_weight_is_counted_by_the_minute(clock: FakeClock) -> None:
    """What is used is told, and forgotten with the minute."""
    budget = Budget(clock, 100)
    assert budget.spend(60) is None
    assert budget.spend(60) == (429, 60)
    clock.advance(60.0)
    assert budget.spend(60) is None
    assert budget.used == 60


def test_who_goes_on_after_429_is_banned(clock: FakeClock) -> None:
    """The ban outlives the minute, and counts down."""
    budget = Budget(clock, 10)
    answers = [budget.spend(20) for _ in range(PATIENCE + 1)]
    assert answers[-2:] == [(429, 60), (418, BAN_S)]
    clock.advance(90.0)
    assert budget.spend(1) == (418, BAN_S - 90)
    clock.advance(30.0)
    assert budget.spend(1) is None
