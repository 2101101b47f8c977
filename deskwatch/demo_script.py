"""The demo's incidents: what goes wrong on the simulated venues, and when. It starts over until the demo ends."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from core.clock import Clock
from simulator.world import World


@dataclass(frozen=True, slots=True)
class Incident:
    """One thing that goes wrong, `after` seconds after the one before."""

    after: float
    told: str
    happen: Callable[[World], None]
    times: int = 1
    """How often it happens, `EVERY_S` apart."""


EVERY_S = 1.5


def _book_stalls(world: World) -> None:
    world.venues["okx"].faults.stall("books", "BTC-USDT", 20.0)


def _spread_widens(world: World) -> None:
    world.venues["binance"].faults.widen("ETH-USDT", 40.0, 20.0)


def _fills_hide(world: World) -> None:
    world.venues["binance"].faults.stall("account", None, 15.0)


def _venue_is_cut(world: World) -> None:
    faults = world.venues["binance_futures"].faults
    faults.refuse(15.0)
    faults.disconnect()


def _updates_are_lost(world: World) -> None:
    world.venues["binance"].faults.drop("books", "BTC-USDT")


def _book_crosses(world: World) -> None:
    world.venues["okx"].faults.cross("ETH-USDT", 8.0)


INCIDENTS: Sequence[Incident] = (
    Incident(8.0, "okx stops sending the BTC-USDT book; its socket lives on", _book_stalls),
    Incident(18.0, "binance's ETH-USDT spread goes wide", _spread_widens),
    Incident(15.0, "binance's private stream goes mute while the account trades", _fills_hide),
    Incident(20.0, "binance_futures cuts its sockets and refuses new ones", _venue_is_cut),
    Incident(20.0, "binance loses BTC-USDT book updates on the way, four times", _updates_are_lost, times=4),
    Incident(10.0, "okx's ETH-USDT book is crossed", _book_crosses),
)


async def play(world: World, incidents: Sequence[Incident], clock: Clock, tell: Callable[[str], None]) -> None:
    """Let the incidents happen in turn, for ever."""
    while True:
        for incident in incidents:
            await clock.sleep(incident.after)
            tell(f"incident: {incident.told}")
            for number in range(incident.times):
                if number:
                    await clock.sleep(EVERY_S)
                incident.happen(world)
