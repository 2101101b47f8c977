"""What people see of alerts and incidents: silenced and inhibited as of now, not of the last flush. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from alerts.board import Board
from alerts.group import AlertGroup
from alerts.model import Ack, IncidentState, Labels, Severity, Silenced
from alerts.notice import RANK, loudest, severity_of
from alerts.snapshot import AlertSummary
from alerts.state import Firing, Pending, Resolved, State, state_of


@dataclass(frozen=True, slots=True)
class IncidentSummary:
    """One open incident."""

    incident: str
    receiver: str
    state: IncidentState
    severity: Severity
    title: str
    labels: Labels
    firing: int
    over: int
    opened_at: datetime
    ack: Ack | None
    silenced: Silenced | None
    fingerprints: tuple[str, ...]


def alerts(board: Board, at: datetime) -> list[AlertSummary]:
    """Return what is pending or firing, the loudest and newest first."""
    found = []
    for rule, one in board.instances():
        match one.phase:
            case Firing(fired_at=since) | Pending(active_at=since):
                labels = one.labels
                found.append(
                    AlertSummary(
                        labels.get("alertname", ""),
                        labels.get("severity", ""),
                        state_of(one),
                        labels,
                        one.value,
                        since,
                        one.texts.summary,
                        rule,
                        one.fingerprint,
                        one.texts.description,
                        tuple(silence.id for silence in board.muting.silenced_by(labels, at)),
                        board.muting.inhibited_by(labels) or "",
                    )
                )
            case Resolved():
                continue
    found.sort(key=lambda one: one.since, reverse=True)
    return sorted(found, key=lambda one: (one.state != State.FIRING, -RANK.get(one.severity, 0)))


def incidents(board: Board) -> list[IncidentSummary]:
    """Return the open incidents, the loudest and newest first; those that somebody has in hand come last."""
    found = [_incident(board, group) for group in board.groups() if group.told is not None]
    found.sort(key=lambda one: one.opened_at, reverse=True)
    return sorted(found, key=lambda one: (one.state is not IncidentState.FIRING, -RANK[one.severity]))


def _incident(board: Board, group: AlertGroup) -> IncidentSummary:
    alive = board.alive(group)
    names = dict.fromkeys(one.labels.get("alertname", "") for one in (*alive.values(), *group.ended.values()))
    state = IncidentState.FIRING if group.ack is None else IncidentState.ACKNOWLEDGED
    return IncidentSummary(
        group.incident,
        group.receiver,
        IncidentState.SILENCED if group.silenced is not None else state,
        loudest(severity_of(one) for one in alive.values()),
        _title(names, [one.texts.summary for one in alive.values()]),
        group.labels,
        len(alive),
        len(group.ended),
        group.opened_at or group.created_at,
        group.ack,
        group.silenced,
        tuple(one.fingerprint for one in alive.values()),
    )


def _title(names: Iterable[str], summaries: list[str]) -> str:
    name = ", ".join(names)
    return f"{name}: {summaries[0]}" if len(summaries) == 1 and summaries[0] else name
