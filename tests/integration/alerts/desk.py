"""A small desk that can be killed at any step, run as a process: `python -m tests.integration.alerts.desk FOLDER`.

It forks a child that kills itself at the n-th step of its I/O, for each n in turn, then another that goes on to the
end; what people see and what is stored must be what the undisturbed run shows. Prints one JSON object.
"""

import asyncio
import json
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from alerts.model import Notification
from alerts.notify.base import Extras, MessageGone, Payload, Reference, Storm
from alerts.route import Receiver, Routing
from alerts.service import AlertService
from alerts.settings import AlertSettings
from alerts.store import Store
from core.clock import to_nanos
from core.heartbeat import Load
from core.ports import Result
from core.rows import Row
from rules.model import Ruleset, Sql
from tests.fakes.clock import FakeClock
from tests.fakes.reader import FakeRowReader
from tests.unit.alerts.timeline import T0, at, group_of, route, rule

SCRIPT = ("a", "ab", "ab", "", "", "c", "c", "")
"""Which series breach at each second; the rule fires at the second evaluation."""


class Points:
    """Counts the steps that change something outside; at the last one this process kills itself, by its id."""

    def __init__(self, last: int) -> None:
        self.count = 0
        self._last = last

    def __call__(self) -> None:
        self.count += 1
        if self.count == self._last:
            os.kill(os.getpid(), signal.SIGKILL)

    def around(self, work: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        """Return the work with a point before and one after it."""

        async def pointed(*given: Any, **named: Any) -> Any:
            self()
            result = await work(*given, **named)
            self()
            return result

        return pointed


class FileWorkspace:
    """A receiver that outlives its callers: a JSON line for each call that it carried out."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def _lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self._file.read_text().splitlines()] if self._file.exists() else []

    def _add(self, **line: Any) -> None:
        with self._file.open("a") as file:
            file.write(json.dumps(line) + "\n")

    def render(self, notification: Notification) -> Payload:
        alerts = sorted(f"{one.labels['series']} {one.status}" for one in notification.alerts)
        text = f"{notification.status} {notification.at.isoformat()} {alerts}"
        return {"text": text, "incident": notification.incident, "version": notification.version}

    async def post(self, channel: str, payload: Payload) -> Reference:
        ts = str(len(self._lines()))
        self._add(call="post", ts=ts, **payload)
        return Reference(channel, ts)

    async def update(self, reference: Reference, payload: Payload) -> Reference:
        if not any(one["ts"] == reference.ts for one in self._lines()):
            raise MessageGone(reference.ts)
        self._add(call="update", ts=reference.ts, **payload)
        return reference

    def sum_up(self, storm: Storm) -> Payload | None:  # noqa: ARG002  each is told
        return None

    def dress(self, payload: Payload, extras: Extras) -> Payload:  # noqa: ARG002  text alone
        return payload

    async def reply(self, reference: Reference, text: str, *, key: str = "", broadcast: bool = False) -> None:
        self._add(call="reply", ts=reference.ts, text=text, key=key, broadcast=broadcast)

    async def replied(self, reference: Reference, key: str) -> bool:
        return any(one["call"] == "reply" and (one["ts"], one["key"]) == (reference.ts, key) for one in self._lines())

    async def link(self, reference: Reference) -> str:  # noqa: ARG002  a file has no address
        return ""

    async def upload(self, png: bytes, title: str) -> str:  # noqa: ARG002  text alone
        return ""

    async def find(self, channel: str, incident: str, version: int) -> Reference | None:
        for one in self._lines():
            if (one.get("incident"), one.get("version")) == (incident, version):
                return Reference(channel, one["ts"])
        return None


class FileWriter:
    """Rows are lost unless they were flushed."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._open: list[Row] = []

    def write(self, rows: Iterable[Row]) -> None:
        self._open += rows

    async def flush(self) -> None:
        with self._file.open("a") as file:
            file.writelines(json.dumps([row.table, row.ts, dict(row.values)]) + "\n" for row in self._open)
        self._open.clear()


class Desk:
    """The service on a clock that only steps move; `progress` names the next second."""

    def __init__(self, folder: Path, points: Points) -> None:
        self._folder = folder
        self._points = points
        self._now = 0
        self._clock = FakeClock(to_nanos(T0))
        self._workspace = FileWorkspace(folder / "workspace.jsonl")
        self._writer = FileWriter(folder / "rows.jsonl")
        for name in ("post", "update"):
            setattr(self._workspace, name, points.around(getattr(self._workspace, name)))
        setattr(self._writer, "flush", points.around(self._writer.flush))  # noqa: B010  mypy knows that methods stay

    async def run(self) -> None:
        """Go on from where the progress says, to the end."""
        progress = self._folder / "progress"
        start = int(progress.read_text()) if progress.exists() else 0
        store = await Store.open(self._folder)
        for name in ("save", "attempt", "confirm", "forget_events"):
            setattr(store, name, self._points.around(getattr(store, name)))
        group = group_of(replace(rule(hold=1), kind=Sql("breaching", None, None)))
        service = self._service(store, Ruleset((group,)))
        await service.restore(at(start))
        for second in range(start, len(SCRIPT)):
            self._now = second
            await service.evaluate(group, at(second))
            for part in (0.0, 0.5):
                await service.flush(at(second + part))
                await self._deliver(service)
            progress.write_text(str(second + 1))
        await store.close()

    def _service(self, store: Store, rules: Ruleset) -> AlertService:
        reader = FakeRowReader(lambda *_: Result(("series", "value"), [(name, 1.0) for name in SCRIPT[self._now]]))
        tree = Routing(route(wait=0.5, interval=1), {"desk": Receiver("desk", "#desk")})
        settings = AlertSettings(path_late=timedelta(seconds=5))
        return AlertService(
            rules, tree, store, reader, self._writer, self._workspace, self._clock, settings, "desk", Load
        )

    async def _deliver(self, service: AlertService) -> None:
        pause: float | None = 0.0
        while pause is not None:
            pause = await service.deliver("#desk")
            self._clock.advance(pause or 0.0)
        while await service.hand_on():
            pass


def forked(folder: Path, last: int) -> int:
    """Run a desk in a child of its own; return how many points it passed, or -1 if it was killed."""
    child = os.fork()
    if child == 0:
        points = Points(last)
        asyncio.run(Desk(folder, points).run())
        (folder / "points").write_text(str(points.count))
        os._exit(0)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        return -1
    if status:
        sys.exit(f"the desk ended with {status}")
    return int((folder / "points").read_text())


def seen(folder: Path) -> dict[str, Any]:
    """Return what people see, how often each incident and each line was posted, and the events but for deliveries."""
    shown: dict[str, str] = {}
    posts: dict[str, int] = {}
    threads: dict[str, int] = {}
    for line in map(json.loads, (folder / "workspace.jsonl").read_text().splitlines()):
        if line["call"] == "reply":
            threads[line["key"]] = threads.get(line["key"], 0) + 1
            continue
        shown[line["incident"]] = line["text"]
        posts[line["incident"]] = posts.get(line["incident"], 0) + (line["call"] == "post")
    rows = map(json.loads, (folder / "rows.jsonl").read_text().splitlines())
    told = [(ts, values) for table, ts, values in rows if table == "alert_events" and values["event"] != "delivery"]
    events = sorted({json.dumps(one, sort_keys=True) for one in told})
    delivered = {values["incident"] for _, _, values in _rows(folder) if values.get("event") == "delivery"}
    return {"shown": shown, "posts": posts, "threads": threads, "events": events, "delivered": sorted(delivered)}


def _rows(folder: Path) -> list[Any]:
    return [json.loads(line) for line in (folder / "rows.jsonl").read_text().splitlines()]


def main(folder: Path) -> None:
    """Kill at every point, and report what differs from the undisturbed run."""
    (folder / "whole").mkdir()
    points = forked(folder / "whole", 0)
    expected = seen(folder / "whole")
    differing = {}
    for last in range(1, points + 1):
        here = folder / str(last)
        here.mkdir()
        killed = forked(here, last) == -1
        _ = forked(here, 0)
        found = seen(here)
        if found != expected or not killed:
            differing[last] = {"killed": killed, **found}
    print(json.dumps({"points": points, "expected": expected, "differing": differing}))  # noqa: T201  its only output


if __name__ == "__main__":
    main(Path(sys.argv[1]))
