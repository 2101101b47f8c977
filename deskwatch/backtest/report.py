"""What a backtest found, for a person and for a program: episodes, a summary for each rule, gains and losses. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from alerts.drive import Step
from alerts.model import Notification
from alerts.state import RETENTION, State
from deskwatch.backtest.engine import Outcome
from deskwatch.backtest.run import Found
from deskwatch.ruletest.compare import plain, show_labels

DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Episode:
    """One time that an alert fired; `ended` None: it still did at the end."""

    alert: str
    fingerprint: str
    labels: Mapping[str, str]
    active: datetime
    fired: datetime
    ended: datetime | None

    @property
    def key(self) -> tuple[str, str]:
        """What it is about: the same whatever its severity."""
        return self.alert, show_labels(dict(sorted(self.labels.items())))

    def overlaps(self, other: "Episode", end: datetime) -> bool:
        """Whether two fired at one time; `end` is when the history ends."""
        return self.fired <= (other.ended or end) and other.fired <= (self.ended or end)


def episodes(steps: Sequence[Step]) -> list[Episode]:
    """Return every time that an alert fired, in the order of firing."""
    active: dict[str, datetime] = {}
    open_ones: dict[str, Episode] = {}
    found: dict[int, Episode] = {}
    numbers: dict[str, int] = {}
    for step in steps:
        key = step.fingerprint
        if step.after == State.PENDING:
            active[key] = step.at
        elif step.after == State.FIRING and key in open_ones:
            pass  # it got louder or quieter
        elif step.after == State.FIRING:
            numbers[key] = len(found)
            one = Episode(step.alert, key, step.labels, active.pop(key, step.at), step.at, None)
            found[numbers[key]] = open_ones[key] = one
        elif key in open_ones:
            one = open_ones.pop(key)
            found[numbers[key]] = Episode(one.alert, key, one.labels, one.active, one.fired, step.at)
    return [found[number] for number in sorted(found)]


def summary(outcome: Outcome, rules: Sequence[str]) -> list[dict[str, object]]:
    """Return a line for each rule: incidents, minutes firing, flaps (again within 15 minutes), messages a day."""
    fired = episodes(outcome.record.steps())
    days = max((outcome.end - outcome.start) / DAY, 1e-9)
    return [
        {
            "rule": rule,
            "incidents": sum(one.alert == rule for one in fired),
            "minutes_firing": round(_minutes([one for one in fired if one.alert == rule], outcome.end), 2),
            "flaps": _flaps([one for one in fired if one.alert == rule]),
            "messages": (count := sum(_about(told, rule) for told, _ in outcome.record.sent)),
            "messages_per_day": round(count / days, 2),
        }
        for rule in rules
    ]


def _minutes(fired: Sequence[Episode], end: datetime) -> float:
    return sum(((one.ended or end) - one.fired).total_seconds() for one in fired) / 60


def _flaps(fired: Sequence[Episode]) -> int:
    last: dict[str, datetime] = {}
    count = 0
    for one in fired:
        before = last.get(one.fingerprint)
        count += before is not None and one.fired - before <= RETENTION
        if one.ended is not None:
            last[one.fingerprint] = one.ended
    return count


def _about(told: Notification, rule: str) -> bool:
    return any(alert.alertname == rule for alert in told.alerts)


def difference(now: Outcome, other: Outcome) -> tuple[list[Episode], list[Episode]]:
    """Return the episodes that the other rules gain and those that they lose: fired with one, at no time with both."""
    ours, theirs = episodes(now.record.steps()), episodes(other.record.steps())
    gained = [one for one in theirs if not _among(one, ours, now.end)]
    return gained, [one for one in ours if not _among(one, theirs, now.end)]


def _among(one: Episode, others: Sequence[Episode], end: datetime) -> bool:
    return any(one.key == other.key and one.overlaps(other, end) for other in others)


# --- JSON and lines --------------------------------------------------------------------------------------------------


def as_json(outcome: Outcome, rules: Sequence[str]) -> dict[str, object]:
    """Return what `-o json` prints."""
    return {
        "from": outcome.start,
        "to": outcome.end,
        "evaluations": outcome.evaluations,
        "queries": outcome.queries,
        "seconds": round(outcome.seconds, 3),
        "rules": summary(outcome, rules),
        "transitions": [
            {
                "at": step.at,
                "alert": step.alert,
                "labels": step.labels,
                "from": step.before,
                "to": step.after,
                "value": step.value,
                "reason": step.reason,
            }
            for step in outcome.record.steps()
        ],
        "messages": [
            {
                "at": told.at,
                "receiver": told.receiver,
                "status": told.status,
                "severity": told.severity,
                "reason": told.reason,
                "incident": told.incident,
                "version": told.version,
                "text": plain(payload),
            }
            for told, payload in outcome.record.sent
        ],
        "errors": [{"at": one.at, "rule": one.rule, "error": one.error} for one in outcome.record.troubles],
    }


def episode_json(one: Episode) -> dict[str, object]:
    """Return one episode."""
    return {"alert": one.alert, "labels": one.labels, "fired": one.fired, "ended": one.ended}


def message_lines(outcome: Outcome) -> Iterator[str]:
    """Yield the messages as the desk would have had them: time, receiver, what a phone shows."""
    for told, payload in outcome.record.sent:
        text = str(payload.get("text", "")).split("\n")[0]
        yield f"{_time(told.at)}  {told.receiver}  {text}"


def difference_lines(gained: Sequence[Episode], lost: Sequence[Episode], other: str) -> Iterator[str]:
    """Yield what other rules gain and lose, in time order."""
    yield f"with {other}: {len(gained)} more, {len(lost)} fewer"
    both = [("+", one) for one in gained] + [("-", one) for one in lost]
    for mark, one in sorted(both, key=lambda pair: pair[1].fired):
        until = "still firing" if one.ended is None else f"to {_time(one.ended)}"
        yield f"{mark} {_time(one.fired)} {until}  {one.alert}{show_labels(one.labels)}"


def _time(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S}"


COLUMNS = ("rule", "incidents", "minutes_firing", "flaps", "messages", "messages_per_day")


def document(found: Found) -> dict[str, object]:
    """Return the whole of what `-o json` prints."""
    shown = as_json(found.outcome, found.names)
    if found.other is not None:
        gained, lost = difference(found.outcome, found.other)
        shown["against"] = {
            "rules": summary(found.other, found.other_names),
            "gained": [episode_json(one) for one in gained],
            "lost": [episode_json(one) for one in lost],
        }
    return shown


def closing_lines(found: Found, other: str) -> Iterator[str]:
    """Yield what the other rules would change, what went wrong, and how long it took."""
    outcome = found.outcome
    if found.other is not None:
        yield from difference_lines(*difference(outcome, found.other), other)
    first = {one.rule: one for one in reversed(outcome.record.troubles)}
    yield from (f"{one.rule} failed, first at {_time(one.at)}: {one.error}" for one in first.values())
    speed = (outcome.end - outcome.start).total_seconds() / max(outcome.seconds, 1e-9)
    yield (
        f"{_time(outcome.start)} to {_time(outcome.end)} UTC: {outcome.evaluations:,} evaluations "
        f"in {outcome.seconds:.1f} s, {speed:,.0f} x real time"
    )
