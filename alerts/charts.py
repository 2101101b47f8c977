"""Charts for open incidents: after the text, by an edit. A chart that fails costs nothing but itself."""

import asyncio
import importlib.util
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from alerts import outbox
from alerts.actions import Actions
from alerts.board import Board
from alerts.evaluate import key_of, labels_of
from alerts.notify.base import Notifier
from alerts.state import Firing, Instance
from alerts.store import Store
from core.clock import Clock, to_datetime
from core.errors import DeskError, Transient
from core.log import get_logger
from core.ports import RowReader
from rules import findings
from rules.compile import compile_rule
from rules.model import Group, Rule, Sql, Threshold

log = get_logger(__name__)

SPAN, POINTS = timedelta(minutes=15), 45
LIMIT_S = 10.0
"""Seconds that drawing may take, the start of its process included."""
MOST = 20
"""Incidents that may wait for a chart; in a storm the rest has none."""
BUSY_ROWS = 2_000


class NoChart(Transient):
    """The chart cannot be drawn."""


class Charts:
    """Run it with `run`; `want` an incident's chart once its message has arrived."""

    def __init__(
        self,
        board: Board,
        actions: Actions,
        groups: Callable[[], Sequence[Group]],
        store: Store,
        reader: RowReader,
        finder: Callable[[str], Notifier | None],
        clock: Clock,
    ) -> None:
        self._board = board
        self._actions = actions
        self._groups = groups
        self._store = store
        self._reader = reader
        self._finder = finder
        self._clock = clock
        self._wanted: asyncio.Queue[str] = asyncio.Queue(MOST)

    def want(self, incident: str) -> None:
        """Ask for a chart; when too many wait, there is none."""
        if not self._wanted.full():
            self._wanted.put_nowait(incident)

    async def run(self) -> None:
        """Draw one after the other, for ever."""
        if importlib.util.find_spec("matplotlib") is None:
            log.info("charts.off", hint="Install deskwatch[charts] for charts in Slack")
        while True:
            incident = await self._wanted.get()
            if importlib.util.find_spec("matplotlib") is None:
                continue
            try:
                await self._make(incident)
            except DeskError as error:
                log.warning("chart.failed", incident=incident, error=str(error))

    async def _make(self, incident: str) -> None:
        group = self._board.group_of(incident)
        alive = self._board.alive(group) if group is not None else {}
        notifier = self._finder(group.receiver) if group is not None else None
        if notifier is None or not alive:
            return
        key, alert = next(iter(alive.items()))
        found = next(((g, r) for g in self._groups() for r in g.rules if g.identity(r) == key.rule), None)
        if found is None:
            return
        document = await self._document(*found, alert)
        if document is None:
            return
        file = await notifier.upload(await drawn(document), found[1].name)
        if file:
            await self._store.run(lambda db: outbox.set_chart(db, incident, file))
            await self._actions.show(incident, to_datetime(self._clock.now()))

    async def _document(self, group: Group, rule: Rule, alert: Instance) -> Mapping[str, Any] | None:
        """Return what is drawn: the rule's own query, asked at moments of the past; None: it has no numbers."""
        query, now = compile_rule(group, rule), to_datetime(self._clock.now())
        if query is None:
            return None
        points: list[tuple[float, float | None]] = []
        for number in range(POINTS + 1):
            at = now - SPAN + SPAN / POINTS * number
            result = await self._reader.query(query.driver_sql, query.parameters(at), limit=BUSY_ROWS)
            points.append((at.timestamp(), _value(group, rule, alert, result.columns, result.rows)))
        if sum(value is not None for _, value in points) < 2:  # noqa: PLR2004  a line needs two
            return None
        fired = alert.phase.fired_at if isinstance(alert.phase, Firing) else now
        return {
            "title": alert.texts.summary or rule.name,
            "points": points,
            "threshold": _threshold(rule),
            "fired_at": max(fired, now - SPAN).timestamp(),
        }


def _value(
    group: Group, rule: Rule, alert: Instance, columns: Sequence[str], rows: Sequence[Sequence[object]]
) -> float | None:
    for one in findings.read(rule, columns, rows):
        if key_of(rule, labels_of(group, rule, one.labels)) == alert.fingerprint:
            return one.value
    return None


def _threshold(rule: Rule) -> float | None:
    if isinstance(rule.kind, Threshold | Sql) and rule.kind.condition is not None:
        return rule.kind.condition.above if rule.kind.condition.above is not None else rule.kind.condition.below
    return None


async def drawn(document: Mapping[str, Any]) -> bytes:
    """Return the picture, drawn by a process of its own.

    Raises:
        NoChart: it failed, or took too long and was ended.
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "alerts.chart",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(LIMIT_S):
            out, err = await process.communicate(json.dumps(document).encode())
    except TimeoutError as error:
        raise NoChart(f"not drawn within {LIMIT_S:.0f} s", hint="The message has none") from error
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode:
        last = err.decode(errors="replace").strip().splitlines()[-1:]
        raise NoChart(" ".join(last), hint="The message has none")
    return out
