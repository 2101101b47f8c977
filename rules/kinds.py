"""Reads what kind a rule is, and from where on its value is a breach."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise
from typing import TypeVar, cast

import yaml

from rules import fields
from rules.columns import check_labels, check_query, check_section
from rules.document import Document, keys_of
from rules.matcher import Matcher
from rules.model import (
    Absent,
    Alerts,
    Change,
    Compare,
    Condition,
    Distance,
    Empty,
    Kind,
    Level,
    Mismatch,
    Missing,
    Record,
    Side,
    Spike,
    Sql,
    Stale,
    Threshold,
)
from rules.values import Section, check_sql, read_section
from rules.words import Tables

T = TypeVar("T")

ZERO = timedelta()
MIN_SAMPLES = 3
_MATCH_ALL = "every alert would be counted, its own too"


def get(section: Section, name: str, default: T) -> T:
    """Return a value, or what it is when it is not given."""
    given = section.get(name)
    return default if given is None else cast("T", given.value)


@dataclass(frozen=True, slots=True)
class Judged:
    """A kind, and its severities if it has several."""

    kind: Kind
    levels: tuple[Level, ...] = ()


class KindReader:
    """Reads the kinds of one document's rules."""

    def __init__(self, document: Document, tables: Tables | None) -> None:
        self._document = document
        self._tables = tables
        self._levels: tuple[Level, ...] = ()
        self._readers: Mapping[str, Callable[[Section], Kind | None]] = {
            "threshold": self._threshold,
            "stale": self._stale,
            "absent": self._absent,
            "spike": self._spike,
            "change": self._change,
            "mismatch": self._mismatch,
            "alerts": self._alerts,
        }

    def read(self, node: yaml.Node, section: Section) -> Judged | None:
        """Return the kind of an alerting rule; None, with a problem, if there is none."""
        given = [name for name in ("sql", *fields.KINDS) if name in section]
        if len(given) != 1:
            message = f"a rule is of one kind, this one has {' and '.join(given) or 'none'}"
            self._document.complain(node, message, f"give it one of: sql, {', '.join(fields.KINDS)}")
            return None
        self._levels = ()
        kind = self._sql(section) if given[0] == "sql" else self._section(section, given[0])
        return None if kind is None else Judged(kind, self._levels)

    def record(self, section: Section) -> Record:
        """Return the query of a recording rule."""
        return Record(*self._query(section))

    def _section(self, section: Section, name: str) -> Kind | None:
        self._check_outside(section, name)
        inner = read_section(self._document, section[name].node, fields.KINDS[name], name)
        if inner is None:
            return None
        check_labels(self._document, inner)
        check_section(self._document, inner, self._tables)
        self._check_fragments(inner)
        if any(key.required and key.name not in inner for key in fields.KINDS[name]):
            return None
        return self._readers[name](inner)

    def _check_fragments(self, section: Section) -> None:
        for name in ("value", "where"):
            check_sql(self._document, section.get(name), whole=False)

    def _check_outside(self, section: Section, kind: str) -> None:
        for name in ("over", *(key.name for key in (*fields.CONDITION, *fields.LEVELS))):
            if name in section:
                hint = f"put it inside `{kind}`"
                self._document.complain(section[name].node, f"{name!r} beside the rule belongs to `sql` rules", hint)
        numbered = {"threshold", "spike", "mismatch"}
        if kind in numbered and not {"above", "below", *fields.SEVERITIES} & keys_of(section[kind].node):
            self._document.complain(section[kind].node, "the threshold is missing", "add `above: 15` or `below: 3`")

    # --- kinds -------------------------------------------------------------------------------------------------------

    def _query(self, section: Section) -> tuple[str, timedelta | None]:
        over = get(section, "over", None)
        check_sql(self._document, section.get("sql"), whole=True, windowed=over is not None)
        if "sql" in section:
            check_query(self._document, section["sql"], self._tables)
        return get(section, "sql", "").strip(), over

    def _sql(self, section: Section) -> Sql:
        return Sql(*self._query(section), self._condition(section))

    def _threshold(self, inner: Section) -> Threshold | None:
        condition = self._condition(inner)
        if condition is None:
            return None
        return Threshold(*self._source(inner), get(inner, "over", ZERO), _by(inner), get(inner, "where", ""), condition)

    def _source(self, inner: Section) -> tuple[str, str]:
        return get(inner, "table", ""), get(inner, "value", "").strip()

    def _stale(self, inner: Section) -> Stale:
        older, forget = get(inner, "older_than", ZERO), get(inner, "forget_after", ZERO)
        if forget <= older:
            hint = "a key is forgotten before it is stale: raise forget_after"
            self._document.complain(inner["forget_after"].node, "forget_after must be longer than older_than", hint)
        self._need_keys(inner)
        return Stale(get(inner, "table", ""), _by(inner), older, forget, get(inner, "where", ""))

    def _need_keys(self, inner: Section) -> None:
        if not _by(inner):
            hint = "name the columns that tell the keys apart, such as [venue, symbol]"
            self._document.complain(inner["by"].node, "`by` names no column", hint)

    def _absent(self, inner: Section) -> Absent:
        expect = get(inner, "expect", cast("tuple[Mapping[str, str], ...]", ()))
        by = tuple(expect[0]) if expect else ()
        return Absent(get(inner, "table", ""), get(inner, "over", ZERO), by, expect, get(inner, "where", ""))

    def _spike(self, inner: Section) -> Spike | None:
        condition = self._condition(inner)
        over, baseline = get(inner, "over", ZERO), get(inner, "baseline", ZERO)
        samples = get(inner, "min_samples", MIN_SAMPLES)
        if baseline % over or baseline < 2 * over:
            hint = "the usual value is the mean of steps as long as `over`: two of them or more"
            self._document.complain(inner["baseline"].node, "baseline must be a multiple of over", hint)
        elif not 2 <= samples <= baseline // over:  # noqa: PLR2004  one value has no deviation
            place = inner.get("min_samples", inner["baseline"])
            self._document.complain(
                place.node, f"min_samples must be from 2 to {baseline // over}, the baseline's steps"
            )
        if (floor := inner.get("floor")) is not None and cast("float", floor.value) <= 0:
            self._document.complain(floor.node, "floor must be above 0")
        if condition is None:
            return None
        return Spike(
            *self._source(inner),
            over,
            baseline,
            _by(inner),
            get(inner, "where", ""),
            Compare(get(inner, "compare", Compare.RATIO)),
            samples,
            get(inner, "floor", None),
            get(inner, "ignore_below", None),
            Empty(get(inner, "empty", Empty.SKIP)),
            condition,
        )

    def _change(self, inner: Section) -> Change:
        self._need_keys(inner)
        return Change(
            *self._source(inner),
            get(inner, "over", ZERO),
            get(inner, "look_back", ZERO),
            _by(inner),
            get(inner, "where", ""),
            self._condition(inner),
        )

    def _mismatch(self, inner: Section) -> Mismatch | None:
        left, right = (self._side(inner, name) for name in ("left", "right"))
        condition = self._condition(inner)
        ignore = get(inner, "ignore", 0.0)
        if ignore < 0:
            self._document.complain(inner["ignore"].node, "ignore must be 0 or more")
        if left is None or right is None or condition is None:
            return None
        if left == right:
            hint = "give each side a `where` of its own"
            self._document.complain(inner["right"].node, "both sides are the same, so they never differ", hint)
        return Mismatch(
            left,
            right,
            get(inner, "over", ZERO),
            _by(inner),
            Distance(get(inner, "compare", Distance.ABSOLUTE)),
            ignore,
            Missing(get(inner, "missing", Missing.ALERT)),
            condition,
        )

    def _side(self, inner: Section, name: str) -> Side | None:
        section = read_section(self._document, inner[name].node, fields.SIDE, name)
        if section is None:
            return None
        keys = {"by": inner["by"]} if "by" in inner and name == "left" else {}  # a wrong column is told once
        check_section(self._document, {**section, **keys}, self._tables)
        self._check_fragments(section)
        if not {"table", "value"} <= section.keys():
            return None
        return Side(*self._source(section), get(section, "where", ""))

    def _alerts(self, inner: Section) -> Alerts | None:
        match = get(inner, "match", cast("tuple[Matcher, ...]", ()))
        if not inner["match"].node.value:
            self._document.complain(inner["match"].node, _MATCH_ALL, "name one: ['alertname = \"BookStale\"']")
        condition = self._condition(inner, fields.COUNTED)
        return None if condition is None or not match else Alerts(match, _by(inner), condition)

    # --- conditions --------------------------------------------------------------------------------------------------

    def _condition(self, section: Section, keys: Sequence[fields.Key] = fields.CONDITION) -> Condition | None:
        """Return when the value breaches at all, and note the severities that it then has."""
        own = [key.name for key in keys if key.name in section]
        named = [name for name in fields.SEVERITIES if name in section]
        if not named:
            return self._one(section, keys)
        if own:
            hint = f"put it into `{named[0]}:`"
            self._document.complain(section[own[0]].node, f"{own[0]!r} beside {' and '.join(named)}", hint)
        levels = tuple(self._read_levels(section, named, keys))
        self._check_order(section, levels)
        self._levels = levels
        return levels[0].condition if levels else None

    def _read_levels(self, section: Section, named: Sequence[str], keys: Sequence[fields.Key]) -> Iterator[Level]:
        for name in named:
            inner = read_section(self._document, section[name].node, keys, name)
            if inner is None:
                continue
            condition = self._one(inner, keys) if inner else None
            if condition is None:
                hint = f"add `{keys[0].name}: 3`"
                self._document.complain(section[name].node, f"{name} says no threshold", hint)
            else:
                yield Level(name, condition)

    def _check_order(self, section: Section, levels: Sequence[Level]) -> None:
        for quiet, loud in pairwise(levels):
            edges = (
                ("above", 1, quiet.condition.above, loud.condition.above),
                ("below", -1, quiet.condition.below, loud.condition.below),
            )
            for name, sign, first, second in edges:
                if second is not None and (first is None or (second - first) * sign <= 0):
                    message = f"{loud.severity} begins no further {name} than {quiet.severity}"
                    hint = "a louder severity is for what is worse"
                    self._document.complain(section[loud.severity].node, message, hint)

    def _one(self, section: Section, keys: Sequence[fields.Key]) -> Condition | None:
        if keys is fields.COUNTED:
            return self._counted(section)
        numbers: dict[str, float | None] = {key.name: get(section, key.name, None) for key in keys}
        if numbers["above"] is None and numbers["below"] is None:
            return None
        self._check_clear(section, "clear_below", numbers["clear_below"], ("above", numbers["above"]), sign=1)
        self._check_clear(section, "clear_above", numbers["clear_above"], ("below", numbers["below"]), sign=-1)
        return Condition(**numbers)

    def _counted(self, section: Section) -> Condition:
        """Return the condition of a count: at least n is above n - 1."""
        least: int = get(section, "at_least", 1)
        clear: int | None = get(section, "clear_below", None)
        if least < 1:
            self._document.complain(section["at_least"].node, "at_least must be 1 or more")
        if clear is not None and clear > least:
            self._document.complain(section["clear_below"].node, "clear_below lies above at_least", "it clears at once")
        return Condition(above=float(least - 1), clear_below=None if clear is None else float(clear))

    def _check_clear(
        self, section: Section, name: str, edge: float | None, limit: tuple[str, float | None], *, sign: int
    ) -> None:
        if edge is None:
            return
        if limit[1] is None:
            self._document.complain(section[name].node, f"{name} needs `{limit[0]}`")
        elif (edge - limit[1]) * sign > 0:
            self._document.complain(
                section[name].node, f"{name} lies on the wrong side of {limit[0]}", "it clears at once"
            )


def _by(section: Section) -> tuple[str, ...]:
    return get(section, "by", cast("tuple[str, ...]", ()))
