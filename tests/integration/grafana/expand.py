"""What Grafana and the data source do to a query before the server sees it: macros and variables."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

_CONDITIONAL = re.compile(r"\$__conditionalAll\(((?:[^()]|\([^()]*\))*), \$(\w+)\)")
_FILTER = re.compile(r"\$__timeFilter\((\w+)\)")
_LEFT_OVER = re.compile(r"\$\{?\w+")


@dataclass(frozen=True)
class View:
    """What a person looks at: the window (microseconds), the chosen values of each variable; None means All."""

    start_us: int
    end_us: int
    chosen: Mapping[str, Sequence[str] | None]
    interval: str = "5s"


def expand(sql: str, view: View) -> str:
    """Return the SQL that the server gets; a macro or a variable that nobody knows fails the test."""
    start, end = (f"cast({at} as timestamp)" for at in (view.start_us, view.end_us))

    def condition(match: re.Match[str]) -> str:
        return "1=1" if view.chosen[match[2]] is None else match[1]

    text = _CONDITIONAL.sub(condition, sql)
    for name, values in view.chosen.items():
        text = text.replace(f"${{{name}:sqlstring}}", ",".join(f"'{one}'" for one in values or ()))
    text = text.replace("${interval}", view.interval)
    text = _FILTER.sub(lambda match: f"{match[1]} >= {start} AND {match[1]} <= {end}", text)
    text = text.replace("$__fromTime", start).replace("$__toTime", end)
    assert not _LEFT_OVER.search(text), text
    return text
