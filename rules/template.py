"""Texts of alerts: sandboxed Jinja. Rendering never fails: a template that does shows its error in its own place."""

from collections.abc import Mapping
from datetime import timedelta

import jinja2
from jinja2 import meta
from jinja2.sandbox import ImmutableSandboxedEnvironment

CAP = 3000
"""Longer texts are cut: a message has to be read."""
RESERVED = frozenset({"value", "labels"})


def _duration(value: object) -> str:
    seconds = _float(value)
    if seconds is None:
        return "unknown"
    if abs(seconds) < 1:
        return f"{seconds * 1000:.0f} ms"
    if abs(seconds) < 60:  # noqa: PLR2004  a minute
        return f"{seconds:.1f}".rstrip("0").rstrip(".") + " s"
    span = timedelta(seconds=round(abs(seconds)))
    hours, rest = divmod(span.seconds, 3600)
    parts = [(span.days, "d"), (hours, "h"), (rest // 60, "m"), (rest % 60, "s")]
    shown = [f"{count} {unit}" for count, unit in parts if count][:2]
    return ("-" if seconds < 0 else "") + " ".join(shown)


def _number(value: object, digits: int = 4) -> str:
    number = _float(value)
    if number is None:
        return "unknown"
    if number == int(number) and abs(number) < 1e15:  # noqa: PLR2004  exact as a float
        return f"{int(number):,}"
    return f"{number:,.{max(0, min(digits, 12))}g}" if abs(number) < 1 else f"{number:,.{min(digits, 2)}f}"


def _percent(value: object, digits: int = 1) -> str:
    number = _float(value)
    return "unknown" if number is None else f"{number * 100:.{max(0, min(digits, 6))}f} %"


def _float(value: object) -> float | None:
    try:
        return float(str(value))
    except ValueError:
        return None


class _Absent(jinja2.StrictUndefined):
    """A name that is not there; using it is an error that the text shows."""


_environment = ImmutableSandboxedEnvironment(undefined=_Absent, autoescape=False)
_environment.filters.update(duration=_duration, number=_number, percent=_percent)


def syntax_error(text: str) -> str | None:
    """Return what is wrong with a template's form, or None."""
    try:
        _ = _environment.parse(text)
        _ = _environment.from_string(text)
    except jinja2.TemplateError as error:
        return f"not a template: {error.message}"
    return None


def names(text: str) -> set[str]:
    """Return the names that a well-formed template uses."""
    return meta.find_undeclared_variables(_environment.parse(text))


def render(text: str, labels: Mapping[str, str], value: float | None, data: Mapping[str, object]) -> str:
    """Return the text for one alert: its labels, the value and the row's other columns by name."""
    known = {**data, **labels, "labels": dict(labels), "value": "unknown" if value is None else value}
    try:
        rendered = _environment.from_string(text).render(known)
    except Exception as error:  # noqa: BLE001  a template is a user's program: whatever it does, the alert must go out
        rendered = f"{text} [template error: {error}]"
    return rendered if len(rendered) <= CAP else rendered[: CAP - 1] + "…"
