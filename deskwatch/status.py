"""`deskwatch status`: asks the running status page, and lays its answer out for a terminal."""

import json
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

from core.errors import Permanent
from deskwatch.settings import Settings, load
from deskwatch.web.app import ADDRESS_FILE

TIMEOUT_S = 5.0

Section: TypeAlias = tuple[str, Sequence[str], Sequence[Mapping[str, object]]]
"""A heading, the columns to show, the rows."""


class NotRunning(Permanent):
    """No status page answers."""


def fetch_status(config: Path | None) -> dict[str, Any]:
    """Return what `/api/status` says.

    Raises:
        NotRunning: nothing answers; the text says where it was looked for.
    """
    url = status_url(load(config)) + "/api/status"
    try:
        with urllib.request.urlopen(url, timeout=TIMEOUT_S) as answer:  # noqa: S310  the address is from our own settings
            status: dict[str, Any] = json.load(answer)
            return status
    except (urllib.error.URLError, TimeoutError, json.JSONDecodeError) as error:
        raise NotRunning(f"{url}: {error}", hint="Start `deskwatch run`, or name its configuration with -c") from error


def status_url(settings: Settings) -> str:
    """Return where the status page of this data folder is: where it said so itself, else where it would be."""
    try:
        return (settings.data / ADDRESS_FILE).read_text().strip()
    except FileNotFoundError:
        return f"http://{settings.status.host}:{settings.status.port}"


def sections(status: Mapping[str, Any]) -> Iterator[Section]:
    """Yield the tables of a status, problems first."""
    if status["problems"]:
        yield "problems", ["problem"], [{"problem": text} for text in status["problems"]]
    firing = [one for one in status["alerts"] if one["state"] == "firing"]
    yield "alerts firing", ["severity", "alertname", "summary", "since"], firing
    yield "feeds", ["venue", "channel", "symbol", "state", "age_ms", "messages", "lag_p99_ms"], status["feeds"]
    venue_columns = [
        "venue",
        "account",
        "ws_state",
        "clock_offset_ms",
        "rest_latency_ms",
        "used_weight_pct",
        "reconnects",
    ]
    yield "venues", venue_columns, status["venues"]
    service_columns = [
        "service",
        "instance",
        "age_s",
        "loop_lag_ms",
        "rss_mb",
        "cpu_pct",
        "queue_depth",
        "spool_rows",
        "rejects",
    ]
    yield "services", service_columns, status["services"]
    yield "last messages", ["at", "channel", "status", "state", "text"], status["messages"][:10]
