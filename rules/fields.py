"""Every key of a rule file, once: the loader, the JSON Schema and the documentation are made from these."""

from dataclasses import dataclass
from enum import StrEnum

from rules.model import Compare, Distance, Empty, Missing, NoData, OnError


class Form(StrEnum):
    """What a value looks like."""

    TEXT = "text"
    TEMPLATE = "template"
    SQL = "SQL"
    DURATION = "duration, such as 30s or 5m"
    NUMBER = "number"
    COUNT = "whole number"
    COLUMNS = "list of column names"
    LABELS = "mapping of label to text"
    KEYS = "list of mappings of column to text"
    MATCHERS = "list of matchers"
    TABLE = "table name"
    CHOICE = "one of"
    SECTION = "mapping"
    RULES = "list of rules"


@dataclass(frozen=True, slots=True)
class Key:
    """One key of a mapping."""

    name: str
    form: Form
    meaning: str
    required: bool = False
    choices: tuple[str, ...] = ()
    positive: bool = False
    """Of a duration: 0s makes no sense."""


SEVERITIES = ("info", "warn", "page")
RESERVED_LABELS = {"alertname": "alert", "severity": "severity"}
"""Labels that every alert has from its rule, and the key that sets them."""

CONDITION = (
    Key("above", Form.NUMBER, "breaches when the value is greater"),
    Key("below", Form.NUMBER, "breaches when the value is less"),
    Key("clear_below", Form.NUMBER, "with `above`: once firing, ends only when the value is less than this"),
    Key("clear_above", Form.NUMBER, "with `below`: once firing, ends only when the value is greater than this"),
)
LEVELS = tuple(
    Key(severity, Form.SECTION, f"instead of `above` and `below`: when the alert is of severity {severity}")
    for severity in SEVERITIES
)
"""Each a mapping of CONDITION; of `alerts`, of COUNTED."""
COUNTED = (
    Key("at_least", Form.COUNT, "breaches when so many match; 1 unless given"),
    Key("clear_below", Form.COUNT, "once firing, ends only when fewer match"),
)
_TABLE = Key("table", Form.TABLE, "the table to look at", required=True)
_WHERE = Key("where", Form.SQL, "a further condition on rows")
_OVER = Key("over", Form.DURATION, "the window: rows with :now - over < ts <= :now", required=True, positive=True)
_BY = Key("by", Form.COLUMNS, "one value and one alert for each combination of these columns")
SIDE = (_TABLE, Key("value", Form.SQL, "an aggregate, such as last(qty)", required=True), _WHERE)

KINDS: dict[str, tuple[Key, ...]] = {
    "threshold": (
        _TABLE,
        Key("value", Form.SQL, "an aggregate, such as avg(ask - bid)", required=True),
        _OVER,
        _BY,
        _WHERE,
        *CONDITION,
        *LEVELS,
    ),
    "stale": (
        _TABLE,
        Key("by", Form.COLUMNS, "the key whose silence is an alert", required=True),
        Key("older_than", Form.DURATION, "the age of the last row that is too old", required=True, positive=True),
        Key(
            "forget_after",
            Form.DURATION,
            "a key without a row for so long is no longer expected",
            required=True,
            positive=True,
        ),
        _WHERE,
    ),
    "absent": (
        _TABLE,
        Key("over", Form.DURATION, "the window in which a row must come", required=True, positive=True),
        Key("expect", Form.KEYS, "the keys that must have rows; without it: any row will do"),
        _WHERE,
    ),
    "spike": (
        _TABLE,
        Key("value", Form.SQL, "an aggregate, such as sum(messages)", required=True),
        _OVER,
        Key(
            "baseline",
            Form.DURATION,
            "the time before the window, cut into steps as long as it",
            required=True,
            positive=True,
        ),
        _BY,
        _WHERE,
        Key(
            "compare",
            Form.CHOICE,
            "the window over the usual step, or standard deviations from it",
            choices=tuple(Compare),
        ),
        Key("min_samples", Form.COUNT, "fewer steps of the baseline with a value: no verdict; 3 unless given"),
        Key("floor", Form.NUMBER, "what is divided by (the usual step, or the deviation) is taken for no less"),
        Key("ignore_below", Form.NUMBER, "a usual step of less than this is too little to judge by: no verdict"),
        Key("empty", Form.CHOICE, "a step without rows: not looked at, or 0", choices=tuple(Empty)),
        *CONDITION,
        *LEVELS,
    ),
    "change": (
        _TABLE,
        Key("value", Form.SQL, "a column, or an expression of one row", required=True),
        Key(
            "over", Form.DURATION, "the window: the last value against that of before it", required=True, positive=True
        ),
        Key(
            "look_back", Form.DURATION, "how far before the window the old value may be; else the window's first counts"
        ),
        Key("by", Form.COLUMNS, "one value and one alert for each combination of these columns", required=True),
        _WHERE,
        *CONDITION,
        *LEVELS,
    ),
    "mismatch": (
        Key("left", Form.SECTION, "one source: table, value, where", required=True),
        Key("right", Form.SECTION, "the other source", required=True),
        _OVER,
        Key("by", Form.COLUMNS, "the columns that both sources are joined on"),
        Key("compare", Form.CHOICE, "the difference, or basis points of the larger", choices=tuple(Distance)),
        Key("ignore", Form.NUMBER, "values that differ by no more than this do not differ"),
        Key("missing", Form.CHOICE, "a key that only one source has: an alert, nothing, or 0", choices=tuple(Missing)),
        *CONDITION,
        *LEVELS,
    ),
    "alerts": (
        Key("match", Form.MATCHERS, "what a firing alert must have to be counted; all of them", required=True),
        Key("by", Form.COLUMNS, "one count and one alert for each combination of these labels"),
        *COUNTED,
        *LEVELS,
    ),
}

_QUERY = (
    Key("sql", Form.SQL, "a SELECT with :now (and :start); text columns are labels, `value` is the number"),
    Key("over", Form.DURATION, "with `sql`: :start is :now less this", positive=True),
)
_COMMON = (
    Key("offset", Form.DURATION, "instead of the group's: evaluate as of now less this"),
    Key("labels", Form.LABELS, "labels added to each alert, or to what is recorded; templates of other labels"),
)

RULE = (
    Key("alert", Form.TEXT, "the alert's name", required=True),
    *_QUERY[:1],
    Key("threshold", Form.SECTION, "an aggregate over a window against a threshold"),
    Key("stale", Form.SECTION, "keys whose last row is too old"),
    Key("absent", Form.SECTION, "expected keys without rows"),
    Key("spike", Form.SECTION, "a window against the time before it"),
    Key("change", Form.SECTION, "a value that is not what it was"),
    Key("mismatch", Form.SECTION, "two sources that must agree"),
    Key("alerts", Form.SECTION, "other alerts that fire"),
    *_QUERY[1:],
    *(Key(key.name, key.form, f"with `sql`: {key.meaning}") for key in (*CONDITION, *LEVELS)),
    Key("for", Form.DURATION, "how long it must breach before it fires"),
    Key("keep_firing_for", Form.DURATION, "how long it stays firing after the last breach"),
    Key("no_data", Form.CHOICE, "a threshold, spike or mismatch without any row", choices=tuple(NoData)),
    Key("on_error", Form.CHOICE, "a query that fails", choices=tuple(OnError)),
    Key("limit", Form.COUNT, "at most so many alerts; more are counted and told in one alert"),
    Key("severity", Form.CHOICE, "how loud: page wakes somebody", choices=SEVERITIES),
    *_COMMON,
    Key("summary", Form.TEMPLATE, "one line, shown on the phone", required=True),
    Key("description", Form.TEMPLATE, "more lines"),
    Key("runbook", Form.TEXT, "page that says what to do"),
    Key("dashboard", Form.TEXT, "link to the dashboard"),
)

RECORD = (
    Key("record", Form.TEXT, "the name that the values are stored under", required=True),
    Key("sql", Form.SQL, "a SELECT with :now (and :start); text columns are labels, `value` is stored", required=True),
    *_QUERY[1:],
    *_COMMON,
)

GROUP = (
    Key("name", Form.TEXT, "the group's name", required=True),
    Key("every", Form.DURATION, "how often its rules run", required=True, positive=True),
    Key("offset", Form.DURATION, "evaluate as of now less this"),
    Key("labels", Form.LABELS, "labels added to each alert of the group"),
    Key("rules", Form.RULES, "the rules, run in this order", required=True),
)
