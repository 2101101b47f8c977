"""What the status page shows, as plain values: the page, `/api/status` and `deskwatch status` all read this."""

from dataclasses import asdict, dataclass, field
from datetime import datetime
from enum import StrEnum


class Light(StrEnum):
    """The colour of a thing: fine, worth a look, broken, or not known."""

    OK = "ok"
    WARN = "warn"
    BAD = "bad"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class FeedCell:
    """One stream: its state, the age of its last message and how many came in the last sample."""

    venue: str
    channel: str
    symbol: str
    state: str
    age_ms: float | None
    messages: int
    lag_p99_ms: float | None
    light: Light


@dataclass(frozen=True, slots=True)
class VenueLine:
    """One venue, or one account at it."""

    venue: str
    account: str
    ws_state: str
    clock_offset_ms: float | None
    rest_latency_ms: float | None
    used_weight_pct: float | None
    reconnects: int


@dataclass(frozen=True, slots=True)
class ServiceLine:
    """One service's last heartbeat."""

    service: str
    instance: str
    age_s: float
    loop_lag_ms: float | None
    rss_mb: float | None
    cpu_pct: float | None
    queue_depth: int | None
    spool_rows: int | None
    rejects: int | None
    light: Light


@dataclass(frozen=True, slots=True)
class AlertLine:
    """One alert that is pending or firing."""

    alertname: str
    severity: str
    state: str
    labels: dict[str, str]
    value: float | None
    since: datetime
    summary: str
    held: str = ""
    """silenced or inhibited, if it is."""


@dataclass(frozen=True, slots=True)
class IncidentLine:
    """One open incident, and who has it in hand."""

    incident: str
    state: str
    severity: str
    title: str
    receiver: str
    firing: int
    opened_at: datetime
    acknowledged: bool
    silenced: bool
    note: str


@dataclass(frozen=True, slots=True)
class SilenceLine:
    """One silence that is not over."""

    id: str
    state: str
    match: str
    ends_at: datetime
    author: str
    comment: str
    weekly: bool


@dataclass(frozen=True, slots=True)
class MessageLine:
    """One message that left, or is about to."""

    at: datetime
    receiver: str
    channel: str
    status: str
    text: str
    state: str


@dataclass(frozen=True, slots=True)
class RuleLine:
    """One rule: when it last ran, how long it took, and what came of it."""

    group: str
    rule: str
    state: str
    last_evaluation: datetime | None
    duration_ms: float | None
    error: str


@dataclass(frozen=True, slots=True)
class DeskStatus:
    """The whole page at one moment. `problems` is what is wrong with deskwatch itself, each with what to do."""

    at: datetime
    started_at: datetime
    version: str
    problems: tuple[str, ...] = ()
    canary_age_ms: float | None = None
    feeds: tuple[FeedCell, ...] = ()
    venues: tuple[VenueLine, ...] = ()
    services: tuple[ServiceLine, ...] = ()
    alerts: tuple[AlertLine, ...] = ()
    messages: tuple[MessageLine, ...] = ()
    rules: tuple[RuleLine, ...] = ()
    links: dict[str, str] = field(default_factory=dict)
    incidents: tuple[IncidentLine, ...] = ()
    silences: tuple[SilenceLine, ...] = ()

    def as_json(self) -> dict[str, object]:
        """Return JSON-able values."""
        return asdict(self)
