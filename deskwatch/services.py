"""Which parts of the desk a process runs: all of them, or one shard."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class Service(StrEnum):
    """A service that can run alone; each is restartable without the others."""

    ALL = "all"
    DATABASE = "database"
    COLLECTOR = "collector"
    OMS = "oms"
    ALERTS = "alerts"


@dataclass(frozen=True, slots=True)
class Shard:
    """What one process runs. Empty `venues` or `accounts`: every configured one."""

    service: Service = Service.ALL
    venues: tuple[str, ...] = ()
    accounts: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The shard's name: of its spool folder, and of its heartbeats."""
        return "-".join((self.service, *self.venues, *self.accounts))

    def runs(self, service: Service) -> bool:
        """Whether this process runs a service."""
        return self.service in (Service.ALL, service)

    def wanted(self, known: Sequence[str], chosen: Sequence[str]) -> list[str]:
        """Return the chosen ones of what is configured; without a choice, everything."""
        return [name for name in known if not chosen or name in chosen]
