"""The OMS: the accounts of this process, each on its own; one that fails is started again and takes no other along."""

import asyncio
from collections.abc import Callable, Mapping

from core.clock import Clock
from core.errors import DeskError
from core.heartbeat import Load, beat
from core.log import get_logger
from core.ports import RowWriter
from core.tasks import start
from oms.account import AccountService

RESTART_S = (1.0, 2.0, 5.0, 15.0, 30.0)

log = get_logger(__name__)


class Oms:
    """Runs the accounts."""

    def __init__(
        self,
        accounts: Mapping[str, Callable[[], AccountService]],
        writer: RowWriter,
        waiting: Callable[[], Load],
        clock: Clock,
        instance: str,
    ) -> None:
        self._accounts = accounts
        self._writer = writer
        self._waiting = waiting
        self._clock = clock
        self._instance = instance
        self._running: dict[str, AccountService] = {}

    async def run(self) -> None:
        """Run until cancelled."""
        async with asyncio.TaskGroup() as group:
            _ = start(group, "oms heartbeat", self._beat())
            for name, build in self._accounts.items():
                _ = start(group, f"account {name}", self._keep(name, build))

    async def _beat(self) -> None:
        def load() -> Load:
            return self._waiting()._replace(queue_depth=sum(one.waiting for one in self._running.values()))

        await beat("oms", self._instance, self._writer, load, self._clock)

    async def _keep(self, name: str, build: Callable[[], AccountService]) -> None:
        """Run one account for ever."""
        attempt = 0
        while True:
            began = self._clock.elapsed()
            try:
                self._running[name] = build()
                await self._running[name].run()
            except DeskError as error:
                log.error("account.failed", account=name, error=str(error))
            except Exception as error:  # noqa: BLE001  the supervised boundary of an account: it must not stop the others
                log.error("account.crashed", account=name, error=repr(error), hint="this is a defect: please report it")
            if self._clock.elapsed() - began > 2 * RESTART_S[-1]:
                attempt = 0
            await self._clock.sleep(RESTART_S[min(attempt, len(RESTART_S) - 1)])
            attempt += 1
