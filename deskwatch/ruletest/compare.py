"""What a rule test wants against what happened: one missing and one too many both fail. Pure."""

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar

from alerts.drive import Step, Trouble
from alerts.model import Notification
from alerts.notify.base import Payload
from alerts.state import Instance, state_of
from core import durations
from rules.cases import Case, Place, WantedAlert, WantedMessage, WantedStates, WantedTransition

W = TypeVar("W")
G = TypeVar("G")
NOTHING = "nothing"
TOLERANCE = 1e-9


@dataclass(frozen=True, slots=True)
class Failure:
    """One difference; `at` is after the test's start."""

    place: Place
    at: timedelta
    expected: str
    got: str


def compare_transitions(case: Case, steps: Sequence[Step]) -> list[Failure]:
    """Return the differences of a test's transitions; that a resolved alert is forgotten is none."""
    if case.transitions is None:
        return []
    return _differences(
        case.place,
        sorted(case.transitions, key=lambda one: -len(one.labels)),
        steps,
        lambda want, got: _step_fits(case.start, want, got),
        _Words(
            lambda want: (want.at, want.place, show_wanted_step(want)),
            lambda got: (got.at - case.start, show_step(got)),
            lambda want, got: want.alert == got.alert and _within(want.labels, got.labels),
        ),
    )


def _step_fits(start: datetime, want: WantedTransition, got: Step) -> bool:
    return (
        got.at == start + want.at
        and got.alert == want.alert
        and want.to in (got.after, got.end)
        and _within(want.labels, got.labels)
        and _same(want.value, got.value)
        and want.reason in (None, got.reason)
    )


def compare_sent(case: Case, sent: Sequence[tuple[Notification, Payload]]) -> list[Failure]:
    """Return the differences of a test's messages."""
    if case.sent is None:
        return []
    return _differences(
        case.place,
        sorted(case.sent, key=lambda one: -len(one.text or "")),
        sent,
        lambda want, got: _message_fits(case.start, want, *got),
        _Words(
            lambda want: (want.at, want.place, show_wanted_message(want)),
            lambda got: (got[0].at - case.start, show_message(*got)),
            lambda want, got: want.receiver == got[0].receiver,
        ),
    )


def _message_fits(start: datetime, want: WantedMessage, got: Notification, payload: Payload) -> bool:
    return (
        got.at == start + want.at
        and got.receiver == want.receiver
        and got.status == want.status
        and want.alerts in (None, _count(got))
        and want.reason in (None, got.reason)
        and (want.text is None or re.search(want.text, plain(payload)) is not None)
    )


def compare_states(want: WantedStates, instances: Iterable[Instance]) -> list[Failure]:
    """Return the differences of an alert's states at a time."""
    active = [one for one in instances if one.active and one.labels.get("alertname") == want.alert]
    return _differences(
        want.place,
        sorted(want.alerts, key=lambda one: -len(one.labels)),
        active,
        _state_fits,
        _Words(
            lambda one: (want.at, want.place, f"{want.alert}{show_labels(one.labels)} {_show_alert(one)}"),
            lambda one: (want.at, show_instance(one)),
            lambda one, got: _within(one.labels, got.labels),
        ),
    )


def _state_fits(want: WantedAlert, got: Instance) -> bool:
    return (
        state_of(got) == want.state
        and _within(want.labels, got.labels)
        and _same(want.value, got.value)
        and want.summary in (None, got.texts.summary)
    )


def compare_troubles(case: Case, troubles: Sequence[Trouble]) -> list[Failure]:
    """Return a failure for each rule whose query failed, the first time it did."""
    first: dict[str, Trouble] = {}
    for one in troubles:
        first.setdefault(one.rule, one)
    return [
        Failure(case.place, one.at - case.start, f"{one.rule} can be evaluated", one.error) for one in first.values()
    ]


# --- matching --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Words:
    """How the two sides are shown, and which of them are probably meant for each other."""

    wanted: Callable[[Any], tuple[timedelta, Place, str]]
    got: Callable[[Any], tuple[timedelta, str]]
    near: Callable[[Any, Any], bool]


def _differences(
    place: Place, wanted: Sequence[W], got: Sequence[G], fits: Callable[[W, G], bool], words: _Words
) -> list[Failure]:
    missing: list[W] = []
    extra = list(got)
    for want in wanted:
        found = next((i for i, one in enumerate(extra) if fits(want, one)), None)
        if found is None:
            missing.append(want)
        else:
            del extra[found]
    failures = []
    for want in missing:
        at, where, text = words.wanted(want)
        near = [one for one in extra if words.near(want, one)]
        best = min(near, key=lambda one: abs(words.got(one)[0] - at), default=None)
        shown = NOTHING
        if best is not None:
            extra.remove(best)
            moment, shown = words.got(best)
            shown += f", at {durations.show(moment)}" if moment != at else ""
        failures.append(Failure(where, at, text, shown))
    failures += [Failure(place, words.got(one)[0], NOTHING, words.got(one)[1]) for one in extra]
    return sorted(failures, key=lambda one: one.at)


def _within(want: Mapping[str, str], got: Mapping[str, str]) -> bool:
    return want.items() <= got.items()


def _same(want: float | None, got: float | None) -> bool:
    return want is None or (got is not None and math.isclose(want, got, rel_tol=TOLERANCE, abs_tol=TOLERANCE))


def _count(notification: Notification) -> int:
    return sum(one.status is notification.status for one in notification.alerts)


# --- for a person ----------------------------------------------------------------------------------------------------


def show_labels(labels: Mapping[str, str]) -> str:
    """Return `{venue=okx}`; the rule's name and severity are known."""
    shown = ", ".join(f"{name}={text}" for name, text in labels.items() if name not in ("alertname", "severity"))
    return f"{{{shown}}}" if shown else ""


def _number(value: float | None) -> str:
    return "no value" if value is None else f"value {value:.12g}"


def show_step(step: Step) -> str:
    """Return one transition in a line."""
    why = f" ({step.reason})" if step.reason else ""
    return f"{step.alert}{show_labels(step.labels)} {step.before} → {step.end}{why}, {_number(step.value)}"


def show_wanted_step(want: WantedTransition) -> str:
    """Return a wanted transition in a line."""
    value = "" if want.value is None else f", {_number(want.value)}"
    why = f" ({want.reason})" if want.reason else ""
    return f"{want.alert}{show_labels(want.labels)} → {want.to}{why}{value}"


def show_message(notification: Notification, payload: Payload) -> str:
    """Return one message in some lines: whom, why, and what it says."""
    count = f"{_count(notification)} {notification.status}"
    return f"to {notification.receiver}, {count}, {notification.reason}:\n{plain(payload)}"


def show_wanted_message(want: WantedMessage) -> str:
    """Return a wanted message in a line."""
    parts = [f"to {want.receiver}", f"{'' if want.alerts is None else f'{want.alerts} '}{want.status}"]
    parts += [want.reason] if want.reason else []
    return ", ".join(parts) + (f", text like {want.text!r}" if want.text else "")


def _show_alert(want: WantedAlert) -> str:
    value = "" if want.value is None else f", {_number(want.value)}"
    return f"{want.state}{value}" + (f", {want.summary!r}" if want.summary is not None else "")


def show_instance(one: Instance) -> str:
    """Return one alert in a line."""
    name = one.labels.get("alertname", "")
    return f"{name}{show_labels(one.labels)} {state_of(one)}, {_number(one.value)}, {one.texts.summary!r}"


def plain(payload: Payload) -> str:
    """Return every text of a Slack message, in reading order."""
    texts = [str(payload.get("text", ""))]
    for attachment in payload.get("attachments", ()):
        for block in attachment.get("blocks", ()):
            parts = [block.get("text"), *block.get("fields", ()), *block.get("elements", ())]
            texts += [str(part["text"]) for part in parts if part and part.get("type") == "mrkdwn"]
    return "\n".join(texts)
