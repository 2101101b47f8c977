"""Every key of a rule test file, once: the loader and the documentation are made from these."""

from rules.fields import Form, Key

FILE = (
    Key("rules", Form.COLUMNS, "rule files or folders, relative to this file", required=True),
    Key("routing", Form.TEXT, "a routing file; without it everything goes to the receiver `default`, at once"),
    Key("tables", Form.LABELS, "tables that only these tests have: name to columns"),
    Key("tests", Form.RULES, "the tests", required=True),
)
CASE = (
    Key("name", Form.TEXT, "what the test shows", required=True),
    Key("start", Form.TEXT, "the time of the first rows, UTC; 2026-01-01T00:00:00Z unless given"),
    Key("until", Form.DURATION, "groups run at start + phase + n x every, up to here", required=True, positive=True),
    Key("phase", Form.DURATION, "the first evaluation after the start; 0s unless given"),
    Key("only", Form.COLUMNS, "names of the rules that run; all of them unless given"),
    Key("rows", Form.RULES, "what is written to the database"),
    Key("transitions", Form.RULES, "every transition of every alert"),
    Key("states", Form.RULES, "every pending or firing alert of a rule, at a time"),
    Key("sent", Form.RULES, "every message"),
)
ROWS = (
    Key("table", Form.TABLE, "the table", required=True),
    Key("from", Form.DURATION, "the first row, after the start; 0s unless given"),
    Key("every", Form.DURATION, "the time from one row to the next; 1s unless given", positive=True),
    Key("times", Form.COUNT, "how many rows, where `values` does not say so; 1 unless given"),
    Key("set", Form.SECTION, "columns that are the same in every row"),
    Key("values", Form.SECTION, "columns with a value for each row, in the series notation"),
)
_AT = Key("at", Form.DURATION, "the time after the start", required=True)
_ALERT = Key("alert", Form.TEXT, "the rule's name", required=True)
_LABELS = Key("labels", Form.LABELS, "labels that it must have; it may have more")
_VALUE = Key("value", Form.NUMBER, "its value")

STATES = ("pending", "firing")
TRANSITION = (
    _AT,
    _ALERT,
    _LABELS,
    Key("to", Form.CHOICE, "the state after it", required=True, choices=(*STATES, "inactive", "resolved")),
    _VALUE,
    Key("reason", Form.TEXT, "why it ended"),
)
STATE = (_AT, _ALERT, Key("expect", Form.RULES, "its alerts; [] when there is none", required=True))
ALERT = (
    _LABELS,
    Key("state", Form.CHOICE, "pending or firing", required=True, choices=STATES),
    _VALUE,
    Key("summary", Form.TEXT, "its summary, word for word"),
)
MESSAGE = (
    _AT,
    Key("receiver", Form.TEXT, "who is told", required=True),
    Key("status", Form.CHOICE, "firing or resolved", required=True, choices=("firing", "resolved")),
    Key("alerts", Form.COUNT, "how many alerts of this status it shows"),
    Key("text", Form.TEXT, "a regular expression that its text must match somewhere"),
    Key("reason", Form.TEXT, "why it was sent: first_notification, new_alerts …"),
)
