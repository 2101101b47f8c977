"""Every key of a rule file, once: the loader, the JSON Schema and the documentation are made from these."""

from dataclasses import dataclass
from enum import StrEnum

from rules.model import NoData, OnError


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
_TABLE = Key("table", Form.TABLE, "the table to look at", required=True)
_WHERE = Key("where", Form.SQL, "a further condition on rows")

KINDS: dict[str, tuple[Key, ...]] = {
    "threshold": (
        _TABLE,
        Key("value", Form.SQL, "an aggregate, such as avg(ask - bid)", required=True),
        Key("over", Form.DURATION, "the window: rows with :now - over < ts <= :now", required=True, positive=True),
        Key("by", Form.COLUMNS, "one value and one alert for each combination of these columns"),
        _WHERE,
        *CONDITION,
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
}

RULE = (
    Key("alert", Form.TEXT, "the alert's name", required=True),
    Key("sql", Form.SQL, "a SELECT with :now (and :start); text columns are labels, `value` is the number"),
    Key("threshold", Form.SECTION, "an aggregate over a window against a threshold"),
    Key("stale", Form.SECTION, "keys whose last row is too old"),
    Key("absent", Form.SECTION, "expected keys without rows"),
    Key("over", Form.DURATION, "with `sql`: :start is :now less this", positive=True),
    *(Key(key.name, key.form, f"with `sql`: {key.meaning}") for key in CONDITION),
    Key("for", Form.DURATION, "how long it must breach before it fires"),
    Key("keep_firing_for", Form.DURATION, "how long it stays firing after the last breach"),
    Key("no_data", Form.CHOICE, "a threshold without any row", choices=tuple(NoData)),
    Key("on_error", Form.CHOICE, "a query that fails", choices=tuple(OnError)),
    Key("limit", Form.COUNT, "at most so many alerts; more are counted and told in one alert"),
    Key("severity", Form.CHOICE, "how loud: page wakes somebody", choices=SEVERITIES),
    Key("labels", Form.LABELS, "labels added to each alert"),
    Key("summary", Form.TEMPLATE, "one line, shown on the phone", required=True),
    Key("description", Form.TEMPLATE, "more lines"),
    Key("runbook", Form.TEXT, "page that says what to do"),
    Key("dashboard", Form.TEXT, "link to the dashboard"),
)

GROUP = (
    Key("name", Form.TEXT, "the group's name", required=True),
    Key("every", Form.DURATION, "how often its rules run", required=True, positive=True),
    Key("offset", Form.DURATION, "evaluate as of now less this"),
    Key("labels", Form.LABELS, "labels added to each alert of the group"),
    Key("rules", Form.RULES, "the rules, run in this order", required=True),
)
