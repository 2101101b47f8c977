"""A marked test alert through the real path of the running desk: routes, groups, store, outbox, sender, answer."""

import json
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from core.clock import Clock, to_datetime
from core.errors import UsageError
from deskwatch.settings import load
from deskwatch.status import NotRunning, fetch_status, status_url

NAME = "Drill"
LOOK_S = 0.25
TIMEOUT_S = 5.0
CONFIRMED = "sent"


class NoReceiver(UsageError):
    """The drill reaches nobody of that name."""


@dataclass(frozen=True, slots=True)
class Step:
    """One message of the drill: who was told what, what became of it, and after how many seconds."""

    receiver: str
    channel: str
    status: str
    state: str
    seconds: float | None

    @property
    def confirmed(self) -> bool:
        """Whether the receiver has said that it has it."""
        return self.state == CONFIRMED


async def run_drill(
    config: Path | None,
    receiver: str,
    labels: Mapping[str, str],
    limit_s: float,
    clock: Clock,
    told: Callable[[str], None],
) -> list[Step]:
    """Fire, wait until all who hear of it have confirmed, resolve, wait again; return what was seen.

    Raises:
        NotRunning: no desk answers.
        NoReceiver: the routes lead it to nobody of that name.
    """
    settings = load(config)
    url = status_url(settings)
    began = to_datetime(clock.now())
    marked = {"alertname": NAME, "severity": "info", "drill": f"{began:%Y%m%dT%H%M%S}", **labels}
    told("firing")
    _post(url, marked, began, None)
    fired = await _wait(config, marked["drill"], "firing", receiver, limit_s, clock)
    told("resolving")
    _post(url, marked, began, to_datetime(clock.now()))
    over = await _wait(config, marked["drill"], "resolved", receiver, limit_s, clock)
    if receiver and not any(one.receiver == receiver for one in fired):
        known = ", ".join(sorted({one.receiver for one in fired})) or "nobody"
        hint = f"It reached {known}; add labels that its route wants, such as --label severity=page"
        raise NoReceiver(receiver, hint=hint)
    return [*fired, *over]


async def _wait(config: Path | None, mark: str, status: str, receiver: str, limit_s: float, clock: Clock) -> list[Step]:
    """Return the drill's messages of one kind: when all are confirmed, or when the time is over."""
    began = clock.elapsed()
    while True:
        found = _found(fetch_status(config), mark, status, clock.elapsed() - began)
        wanted = [one for one in found if receiver in {"", one.receiver}]
        if wanted and all(one.confirmed for one in wanted):
            return found
        if clock.elapsed() - began > limit_s:
            return found or [Step(receiver or "nobody", "", status, "no message", None)]
        await clock.sleep(LOOK_S)


def _found(status: Mapping[str, Any], mark: str, wanted: str, seconds: float) -> list[Step]:
    return [
        Step(one["receiver"], one["channel"], one["status"], one["state"], round(seconds, 2))
        for one in status["messages"]
        if mark in one["text"] and one["status"] == wanted
    ]


def _post(url: str, labels: Mapping[str, str], began: datetime, ended: datetime | None) -> None:
    alert: dict[str, object] = {
        "labels": dict(labels),
        "annotations": {
            "summary": f"DRILL {labels['drill']}: a test of the alert path, nothing is wrong",
            "description": "Somebody ran `deskwatch drill`. It resolves by itself.",
        },
        "startsAt": began.astimezone(UTC).isoformat(),
    }
    if ended is not None:
        alert["endsAt"] = ended.astimezone(UTC).isoformat()
    body = json.dumps([alert]).encode()
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(f"{url}/api/v2/alerts", body, headers, method="POST")  # noqa: S310  our own address
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_S):  # noqa: S310  as above
            return
    except (urllib.error.URLError, TimeoutError) as error:
        raise NotRunning(f"{url}: {error}", hint="Start `deskwatch run`, or name its configuration with -c") from error
