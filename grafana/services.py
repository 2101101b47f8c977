"""Panels on venues and on deskwatch itself: clock, budget, reconnects, loops, spools, and the canary that ties them."""

from grafana.market import LINES, ONE_FIGURE
from grafana.panels import BAD, OK, WARN, Format, Panel, column, words
from grafana.scope import SAMPLED, VENUES, WINDOW

CANARY = Panel(
    title="Canary age",
    sql=f"SELECT datediff('T', max(ts), $__toTime) AS age FROM canary WHERE {WINDOW}",  # noqa: S608  our own text
    kind="stat",
    unit="ms",
    description="Age of the last row that was written and read back through the whole path: the truth about writing.",
    width=4,
    height=4,
    format=Format.TABLE,
    steps=((None, OK), (5_000, WARN), (15_000, BAD)),
    no_value="no canary: nothing is written",
    options=ONE_FIGURE,
)

UNSENT = Panel(
    title="Oldest row not in the database",
    sql=f"""
SELECT max(oldest_unsent_s) AS oldest FROM (
  SELECT oldest_unsent_s FROM heartbeats WHERE {WINDOW} LATEST ON ts PARTITION BY service, instance
)
""",  # noqa: S608  as above
    kind="stat",
    unit="s",
    description="How long the oldest row waits on disk, over all services. Growing: the database does not take rows.",
    width=4,
    height=4,
    format=Format.TABLE,
    steps=((None, OK), (3, WARN), (10, BAD)),
    no_value="no heartbeat",
    options=ONE_FIGURE,
)

REFUSED_ROWS = Panel(
    title="Rows refused",
    sql=f"""
SELECT sum(rejects) AS refused FROM (
  SELECT rejects FROM heartbeats WHERE {WINDOW} LATEST ON ts PARTITION BY service, instance
)
""",  # noqa: S608  as above
    kind="stat",
    unit="none",
    description="Rows that the schema or the database refused since the services started: `deskwatch rejects list`.",
    width=4,
    height=4,
    format=Format.TABLE,
    steps=((None, OK), (1, BAD)),
    no_value="no heartbeat",
    options=ONE_FIGURE,
)

VENUE_HEALTH = Panel(
    title="Venues",
    sql=f"""
SELECT venue, account, ws_state, clock_offset_ms AS clock_offset, rest_latency_ms AS rest_latency,
  used_weight_pct AS used_weight, reconnects, listen_key_age_s AS listen_key_age,
  datediff('s', ts, $__toTime) AS reported_ago
FROM (SELECT * FROM venues WHERE {WINDOW} AND {VENUES} LATEST ON ts PARTITION BY venue, account)
ORDER BY venue, account
LIMIT 200
""",  # noqa: S608  as above
    kind="table",
    unit="none",
    description="The last report of every venue and account. A clock that is off makes signed requests fail.",
    format=Format.TABLE,
    no_value="No venue has reported in this window.",
    overrides=(
        words("ws_state", {"live": OK, "connecting": WARN, "refused": BAD}),
        column("clock_offset", unit="ms", steps=((None, BAD), (-250, OK), (250, BAD))),
        column("rest_latency", unit="ms", steps=((None, OK), (500, WARN), (2_000, BAD))),
        column("used_weight", unit="percent", steps=((None, OK), (70, WARN), (90, BAD))),
        column("listen_key_age", unit="s"),
        column("reported_ago", unit="s", steps=((None, OK), (30, WARN), (60, BAD))),
    ),
)

SERVICES = Panel(
    title="Services",
    sql=f"""
SELECT service, instance, loop_lag_ms AS loop_lag, cpu, rss AS memory, queue_depth AS queue, spool_rows AS spool,
  oldest_unsent_s AS oldest_unsent, rejects AS refused, datediff('s', ts, $__toTime) AS beat_ago
FROM (SELECT * FROM heartbeats WHERE {WINDOW} LATEST ON ts PARTITION BY service, instance)
ORDER BY service, instance
LIMIT 200
""",  # noqa: S608  as above
    kind="table",
    unit="none",
    description="The last heartbeat of every service. A service beats each second.",
    format=Format.TABLE,
    no_value="No service has beaten in this window: is `deskwatch run` running?",
    overrides=(
        column("loop_lag", unit="ms", steps=((None, OK), (100, WARN), (500, BAD))),
        column("cpu", unit="percent"),
        column("memory", unit="bytes"),
        column("oldest_unsent", unit="s", steps=((None, OK), (3, WARN), (10, BAD))),
        column("refused", steps=((None, OK), (1, BAD))),
        column("beat_ago", unit="s", steps=((None, OK), (5, WARN), (15, BAD))),
    ),
)

LOOP_LAG = Panel(
    title="Event loop lag",
    sql=f"""
SELECT ts AS time, service, instance, max(loop_lag_ms) AS lag
FROM heartbeats
WHERE {WINDOW}
{SAMPLED}
ORDER BY time
""",  # noqa: S608  as above
    kind="timeseries",
    unit="ms",
    description="How late a service's loop is: its busiest moment in each sample.",
    steps=((None, OK), (100, WARN), (500, BAD)),
    options=LINES,
)

SPOOL = Panel(
    title="Rows waiting on disk",
    sql=f"""
SELECT ts AS time, service, instance, max(spool_rows) AS waiting
FROM heartbeats
WHERE {WINDOW}
{SAMPLED}
ORDER BY time
""",  # noqa: S608  as above
    kind="timeseries",
    unit="none",
    description="The spool: it fills while the database is away and empties afterwards; nothing in it is lost.",
    options=LINES,
)
