"""Panels and annotations on alerts: what fires, since when, what was said of it, and which rules run late or fail."""

from grafana.panels import BAD, CALM, OK, WARN, Format, Panel, annotation, column, words
from grafana.scope import STANDING, WINDOW

SEVERITIES = {"page": BAD, "warn": WARN, "info": CALM}
STATES = {"firing": BAD, "pending": WARN, "inactive": OK, "resolved": OK}

_LAST = f"""
  SELECT ts, alertname, severity, to_state, value, labels, fingerprint FROM alert_events
  WHERE {STANDING} AND event = 'transition'
  LATEST ON ts PARTITION BY fingerprint
"""  # noqa: S608  our own text

FIRING_COUNT = Panel(
    title="Firing",
    sql=f"SELECT sum(CASE WHEN to_state = 'firing' THEN 1 ELSE 0 END) AS firing FROM ({_LAST})",  # noqa: S608  as above
    kind="stat",
    unit="none",
    description="Alerts that fire now, whatever the window: each alert's last transition of the last seven days.",
    width=4,
    height=4,
    format=Format.TABLE,
    steps=((None, OK), (1, BAD)),
    no_value="0",
    options={"colorMode": "background", "reduceOptions": {"calcs": ["lastNotNull"]}},
)

FIRING = Panel(
    title="Firing alerts",
    sql=f"""
SELECT severity, alertname AS alert, value, datediff('s', ts, $__toTime) AS firing_for, labels, ts AS since
FROM ({_LAST})
WHERE to_state = 'firing'
ORDER BY since DESC
LIMIT 200
""",  # noqa: S608  as above
    kind="table",
    unit="none",
    description="Each alert that fires now, newest first. The incident's Slack thread has its history and buttons.",
    format=Format.TABLE,
    no_value="Nothing fires.",
    overrides=(
        words("severity", SEVERITIES),
        column("severity", custom__width=90),
        column("firing_for", unit="s"),
        column("since", unit="dateTimeAsIso"),
    ),
)

HISTORY = Panel(
    title="What the alerts did",
    sql=f"""
SELECT ts, severity, alertname AS alert, event, from_state, to_state, receiver, reason, value, labels
FROM alert_events
WHERE {WINDOW}
ORDER BY ts DESC
LIMIT 500
""",  # noqa: S608  as above
    kind="table",
    unit="none",
    description="Every transition and every message of the window, with the reason it was sent or held.",
    format=Format.TABLE,
    no_value="No alert changed in this window.",
    overrides=(words("severity", SEVERITIES), words("to_state", STATES), words("from_state", STATES)),
)

RULES = Panel(
    title="Rules",
    width=24,
    sql=f"""
SELECT rule_group, rule, count() AS runs, sum(CASE WHEN outcome = 'error' THEN 1 ELSE 0 END) AS errors,
  sum(CASE WHEN outcome = 'skipped' THEN 1 ELSE 0 END) AS skipped,
  approx_percentile(greatest(duration_ms, 0.0), 0.99, 3) AS p99, max(lateness_ms) AS latest,
  last(outcome) AS outcome, last_not_null(error) AS last_error
FROM rule_evaluations
WHERE {WINDOW}
GROUP BY rule_group, rule
ORDER BY errors DESC, p99 DESC
LIMIT 500
""",  # noqa: S608  as above
    kind="table",
    unit="none",
    description="Evaluations per rule: those that failed first, then the slowest. A rule that fails sees nothing.",
    format=Format.TABLE,
    no_value="No rule ran in this window: is `deskwatch run alerts` running?",
    overrides=(
        words("outcome", {"error": BAD, "limit": WARN, "skipped": WARN, "held": WARN, "no_data": CALM}),
        column("p99", unit="ms", steps=((None, OK), (500, WARN), (2000, BAD))),
        column("latest", unit="ms"),
        column("errors", steps=((None, OK), (1, BAD))),
        column("skipped", steps=((None, OK), (1, WARN))),
    ),
)

ANNOTATION = annotation(
    "Alerts",
    f"""
SELECT time, coalesce(ended, $__toTime) AS timeEnd, title, text, tags
FROM (
  SELECT ts AS time, fingerprint, to_state, alertname AS title, labels AS text,
    concat(severity, ',', alertname) AS tags, lead(ts) OVER (PARTITION BY fingerprint ORDER BY ts) AS ended
  FROM alert_events
  WHERE {STANDING} AND event = 'transition'
)
WHERE to_state = 'firing' AND (ended IS NULL OR ended >= $__fromTime)
ORDER BY time
LIMIT 1000
""",  # noqa: S608  as above
    BAD,
)
