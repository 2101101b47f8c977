"""Rules and routes that are changed while we run: loaded when they are right, told of while they are wrong."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from alerts.service import AlertService
from core.clock import Clock
from core.errors import DeskError
from core.log import get_logger
from deskwatch.routebook import load_routes
from deskwatch.rulebook import configured, load_rules
from deskwatch.settings import Settings
from rules.load import files_of
from rules.problems import Problem

log = get_logger(__name__)

EVERY_S = 1.0
RULES, ROUTING = "rules", "routing"


class Stamp(NamedTuple):
    """What tells a file's version from the next."""

    modified: int
    size: int
    inode: int


Stamps = Mapping[Path, Stamp]


class Reloader:
    """Looks at the files each second. State carries over by rule and labels, incidents by receiver."""

    def __init__(self, settings: Settings, alerts: AlertService, clock: Clock) -> None:
        self._settings = settings
        self._alerts = alerts
        self._clock = clock
        self._seen = {RULES: self._rule_files(), ROUTING: self._routing_file()}
        self._broken: dict[str, dict[str, str]] = {}

    async def run(self) -> None:
        """Look for ever."""
        while True:
            await self._clock.sleep(EVERY_S)
            await self.look()

    async def look(self) -> None:
        """Load what has changed since the last look; a file that is wrong changes nothing."""
        now = {
            RULES: await asyncio.to_thread(self._rule_files),
            ROUTING: await asyncio.to_thread(self._routing_file),
        }
        changed = [what for what, stamps in now.items() if stamps != self._seen[what]]
        self._seen = now
        for what in changed:
            await self._load(what)
        if changed or self._broken:
            await self._alerts.config_broken({file: why for one in self._broken.values() for file, why in one.items()})

    async def _load(self, what: str) -> None:
        try:
            if what == RULES:
                await self._alerts.reload(await asyncio.to_thread(load_rules, self._settings))
            else:
                await self._alerts.use_routing(await asyncio.to_thread(load_routes, self._settings))
        except DeskError as error:
            log.error("config.broken", what=what, error=str(error), hint="what was loaded before goes on")
            self._broken[what] = _files(error) or {what: str(error)}
        else:
            if self._broken.pop(what, None):
                log.info("config.mended", what=what)

    def _rule_files(self) -> Stamps:
        return _stamps(files_of(configured(self._settings)))

    def _routing_file(self) -> Stamps:
        return _stamps([self._settings.routing] if self._settings.routing is not None else [])


def _files(error: DeskError) -> dict[str, str]:
    """Return the first mistake of each file."""
    problems: tuple[Problem, ...] = getattr(error, "problems", ())
    found: dict[str, str] = {}
    for one in problems:
        if one.is_error:
            found.setdefault(str(one.file), f"line {one.line}, column {one.column}: {one.message}")
    return found


def _stamps(files: list[Path]) -> Stamps:
    found: dict[Path, Stamp] = {}
    for file in files:
        try:
            stat = file.stat()
        except OSError:
            continue  # it is gone: that is a change too, and loading says what is missing
        found[file] = Stamp(stat.st_mtime_ns, stat.st_size, stat.st_ino)
    return found
