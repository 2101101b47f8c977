"""From a DeskStatus to HTML: pure."""

from datetime import datetime
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from deskwatch.web.model import DeskStatus
from deskwatch.web.view import Desk, arrange

FOLDER = Path(__file__).parent
_MINUTE, _HOUR, _DAY = 60, 3600, 86_400


def span(seconds: float) -> str:
    """Return a duration for a glance: `3 s`, `4 min`, `2 h 5 min`, `3 d`."""
    whole = max(0, int(seconds))
    if whole < _MINUTE:
        return f"{whole} s"
    if whole < _HOUR:
        return f"{whole // _MINUTE} min"
    if whole < _DAY:
        return f"{whole // _HOUR} h {whole % _HOUR // _MINUTE} min"
    return f"{whole // _DAY} d"


def age(milliseconds: float | None) -> str:
    """Return the age of a message: `–`, `40 ms`, `1.2 s`, `4 min`."""
    if milliseconds is None:
        return "–"
    if milliseconds < 1000:  # noqa: PLR2004  a second
        return f"{milliseconds:.0f} ms"
    seconds = milliseconds / 1000
    return f"{seconds:.1f} s" if seconds < _MINUTE else span(seconds)


def number(value: float | None) -> str:
    """Return a number with as many digits as a glance needs."""
    if value is None:
        return "–"
    return f"{value:.0f}" if value == int(value) or abs(value) >= 100 else f"{value:.1f}"  # noqa: PLR2004  three digits


def measure(value: float | None, unit: str) -> str:
    """Return a number with its unit, a dash without one."""
    return "–" if value is None else f"{number(value)} {unit}"


def clock(moment: datetime | None) -> str:
    """Return the time of day, UTC."""
    return "never" if moment is None else moment.strftime("%H:%M:%S")


_templates = Environment(
    loader=FileSystemLoader(FOLDER / "templates"),
    autoescape=select_autoescape(["j2"], default=True),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_templates.filters |= {"span": span, "age": age, "number": number, "measure": measure, "clock": clock}


def page(status: DeskStatus) -> str:
    """Return the whole page."""
    arranged = arrange(status)
    return _render("page.html.j2", status, arranged, title=f"{arranged.headline} · deskwatch")


def desk(status: DeskStatus) -> str:
    """Return the part of the page that changes."""
    return _render("desk.html.j2", status, arrange(status))


def event(html: str) -> bytes:
    """Return one server-sent event; each line is a field of its own, so that an empty one does not end the event."""
    return ("".join(f"data: {line}\n" for line in html.splitlines() or [""]) + "\n").encode()


def _render(template: str, status: DeskStatus, arranged: Desk, **more: str) -> str:
    return _templates.get_template(template).render(status=status, desk=arranged, **more)
