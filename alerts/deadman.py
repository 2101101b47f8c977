"""The dead man's switch: a heartbeat to somebody outside, who raises the alarm when it stays away.

It goes out only while rules run and data arrives: a desk that is up and sees nothing is as bad as one that is down.
"""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Literal

import aiohttp
from pydantic import BaseModel, ConfigDict, Field, SecretStr

from core.clock import Clock
from core.errors import Transient
from core.log import get_logger

log = get_logger(__name__)

TIMEOUT = 10.0
WELL = 400
"""HTTP statuses below this say that the heartbeat was taken."""


class HeartbeatRefused(Transient):
    """The dead man's switch does not take our heartbeat."""


class DeadmanSettings(BaseModel):
    """A heartbeat to a service that raises the alarm when it stays away."""

    model_config = ConfigDict(extra="forbid")

    url: SecretStr | None = Field(default=None, description="address of the check; none: no heartbeat goes out")
    every: timedelta = Field(default=timedelta(seconds=30), description="how often it goes out")
    method: Literal["GET", "POST"] = Field(default="GET", description="GET or POST, as that service wants it")


class Deadman:
    """Run it with `run`. `unwell` says why we are not to be trusted now, "" if all is well."""

    def __init__(
        self, settings: DeadmanSettings, http: aiohttp.ClientSession, unwell: Callable[[], str], clock: Clock
    ) -> None:
        self._settings = settings
        self._http = http
        self._unwell = unwell
        self._clock = clock
        self._trouble = ""

    def problems(self) -> list[str]:
        """Return what is wrong with the heartbeat."""
        return [self._trouble] if self._trouble else []

    async def run(self) -> None:
        """Send heartbeats, for ever; without an address, none."""
        while True:
            await self.beat()
            await self._clock.sleep(self._settings.every.total_seconds())

    async def beat(self) -> None:
        """Send one, if all is well; that it cannot be sent is a problem line, and no more."""
        if self._settings.url is None:
            return
        why = self._unwell()
        if why:
            self._trouble = f"The heartbeat to the dead man's switch is held back: {why}"
            log.warning("deadman.held", why=why)
            return
        try:
            await self._send(self._settings.url.get_secret_value())
        except HeartbeatRefused as error:
            self._trouble = str(error)
            log.warning("deadman.failed", error=str(error))
        else:
            self._trouble = ""

    async def _send(self, url: str) -> None:
        hint = "Check deadman.url; that service raises the alarm soon"
        try:
            async with asyncio.timeout(TIMEOUT), self._http.request(self._settings.method, url) as answer:
                status = answer.status
        except (aiohttp.ClientError, TimeoutError, ValueError) as trouble:
            # The address is a password and stays out of the text.
            raise HeartbeatRefused(type(trouble).__name__, hint=hint) from None
        if status >= WELL:
            raise HeartbeatRefused(f"HTTP status {status}", hint=hint)
