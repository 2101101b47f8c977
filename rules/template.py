"""Texts of alerts: sandboxed Jinja. Rendering never fails: a template that does shows its error in its own place."""

from collections.abc import Callable, Mapping
from functools import lru_cache

import jinja2
from jinja2 import meta
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment

from rules.show import FILTERS

CAP = 3000
"""Longer texts are cut: a message has to be read."""
RESERVED = frozenset({"value", "labels"})
_KEPT = ("default", "round", "int", "float", "abs", "upper", "lower", "title", "trim", "join", "length", "sort")
_METHODS = ("items", "keys", "values", "get")


class _Absent(jinja2.StrictUndefined):
    """A name that is not there; using it is an error that the text shows."""


class _Sandbox(ImmutableSandboxedEnvironment):
    """Reads labels and numbers; has no way to take long or to make a text of gigabytes."""

    intercepted_binops = frozenset({"*", "**", "%"})

    def is_safe_attribute(self, obj: object, attr: str, value: object) -> bool:
        """Let through what reads a mapping of labels."""
        del value
        return isinstance(obj, Mapping) and attr in _METHODS

    def wrap_str_format(self, value: object) -> None:
        """Treat `format` as any other method of a text: not for templates, its widths have no bound."""
        del value

    def call_binop(self, context: Context, operator: str, left: object, right: object) -> object:
        """Multiply numbers, and nothing else."""
        if operator == "**" or not isinstance(left, int | float) or not isinstance(right, int | float):
            raise jinja2.TemplateRuntimeError(f"{operator} is for numbers here, and ** is not for texts of alerts")
        return super().call_binop(context, operator, left, right)


_environment = _Sandbox(undefined=_Absent, autoescape=False)
_environment.globals.clear()
_kept: dict[str, Callable[..., object]] = {name: _environment.filters[name] for name in _KEPT}
_environment.filters = {**_kept, **FILTERS}


@lru_cache(maxsize=4096)
def _compiled(text: str) -> jinja2.Template:
    return _environment.from_string(text)


def syntax_error(text: str) -> str | None:
    """Return what is wrong with a template's form, or None."""
    try:
        _ = _compiled(text)
    except jinja2.TemplateError as error:
        return f"not a template: {error.message}"
    except RecursionError:
        return "not a template that a person wrote: nested too deeply"
    return None


def names(text: str) -> set[str]:
    """Return the names that a well-formed template uses."""
    return meta.find_undeclared_variables(_environment.parse(text))


def render(text: str, labels: Mapping[str, str], value: float | None, data: Mapping[str, object]) -> str:
    """Return the text for one alert: its labels, the value and the row's other columns by name."""
    known = {**data, **labels, "labels": dict(labels), "value": "unknown" if value is None else value}
    try:
        rendered = _compiled(text).render(known)
    except Exception as error:  # noqa: BLE001  a template is a user's program: whatever it does, the alert must go out
        rendered = f"{text} [template error: {error}]"
    return rendered if len(rendered) <= CAP else rendered[: CAP - 1] + "…"


def render_label(text: str, labels: Mapping[str, str]) -> str:
    """Return a label's text for a row with these labels."""
    return render(text, labels, None, {}) if "{" in text else text
