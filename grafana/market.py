"""Panels and annotations on market data: which streams are blind, how late they are, prices, spreads, divergence."""

from grafana.panels import BAD, OK, WARN, Format, Panel, annotation, column, words
from grafana.scope import SAMPLED, SYMBOLS, VENUES, WINDOW

STREAM_STATES = {"live": OK, "syncing": WARN, "connecting": WARN, "broken": BAD, "silent": BAD, "refused": BAD}
HOLES = {"disconnect": BAD, "sequence": WARN, "checksum": WARN, "stale": WARN, "overflow": BAD}
LINES = {"legend": {"displayMode": "list", "placement": "bottom"}, "tooltip": {"mode": "multi", "sort": "desc"}}
ONE_FIGURE = {"colorMode": "background", "reduceOptions": {"calcs": ["lastNotNull"]}}

_STREAMS = f"""
  SELECT ts, venue, channel, symbol, state, age_ms + datediff('T', ts, $__toTime) AS age, messages, lag_p99_ms, gaps,
    resyncs, datediff('s', ts, $__toTime) AS reported_ago
  FROM feeds
  WHERE {WINDOW} AND {VENUES}
  LATEST ON ts PARTITION BY venue, channel, symbol, connection
"""  # noqa: S608  our own text

BLIND = Panel(
    title="Streams not live",
    sql=f"""
SELECT sum(CASE WHEN state <> 'live' OR reported_ago > 10 THEN 1 ELSE 0 END) AS blind FROM ({_STREAMS})
""",  # noqa: S608  as above
    kind="stat",
    unit="none",
    description="Streams whose last report says anything but live, or that have not reported for ten seconds.",
    width=4,
    height=4,
    format=Format.TABLE,
    steps=((None, OK), (1, BAD)),
    no_value="no stream",
    options=ONE_FIGURE,
)

OPEN_HOLES = Panel(
    title="Holes in this window",
    sql=f"SELECT count() AS holes FROM gaps WHERE {WINDOW} AND {VENUES}",  # noqa: S608  as above
    kind="stat",
    unit="none",
    description="Disconnects, sequence gaps, failed checksums, silences and overflows; the table below lists them.",
    width=4,
    height=4,
    format=Format.TABLE,
    steps=((None, OK), (1, WARN), (20, BAD)),
    no_value="0",
    options=ONE_FIGURE,
)

STREAMS = Panel(
    title="Streams",
    sql=f"""
SELECT venue, channel, symbol, state, age, messages, lag_p99_ms AS lag_p99, gaps, resyncs, reported_ago
FROM ({_STREAMS})
ORDER BY age DESC
LIMIT 1000
""",  # noqa: S608  as above
    kind="table",
    unit="none",
    description="The last report of every stream, the oldest data first. `age` counts on after the last report.",
    height=10,
    format=Format.TABLE,
    no_value="No stream has reported in this window: is `deskwatch run collector` running?",
    overrides=(
        words("state", STREAM_STATES),
        column("age", unit="ms", steps=((None, OK), (5_000, WARN), (10_000, BAD))),
        column("lag_p99", unit="ms", steps=((None, OK), (250, WARN), (1_000, BAD))),
        column("reported_ago", unit="s", steps=((None, OK), (5, WARN), (10, BAD))),
    ),
)

STREAM_LIFE = Panel(
    title="Stream states",
    sql=f"""
SELECT ts AS time, concat(venue, ' ', channel, ' ', symbol) AS stream,
  max(CASE state WHEN 'live' THEN 0 WHEN 'syncing' THEN 1 WHEN 'connecting' THEN 1 ELSE 2 END) AS state
FROM feeds
WHERE {WINDOW} AND {VENUES} AND {SYMBOLS}
{SAMPLED}
ORDER BY time
""",  # noqa: S608  as above
    kind="state-timeline",
    unit="none",
    description="The worst state of every stream in each sample; an empty place means that nobody reported.",
    height=10,
    steps=((None, OK), (1, WARN), (2, BAD)),
    no_value="No stream has reported in this window.",
    options={"mergeValues": True, "showValue": "never", "legend": {"showLegend": False}},
    mappings={"0": ("live", OK), "1": ("starting", WARN), "2": ("blind", BAD)},
    custom={"spanNulls": False},
)

LAG = Panel(
    title="Lag, 99th percentile",
    sql=f"""
SELECT ts AS time, venue, max(lag_p99_ms) AS lag
FROM feeds
WHERE {WINDOW} AND {VENUES}
{SAMPLED}
ORDER BY time
""",  # noqa: S608  as above
    kind="timeseries",
    unit="ms",
    description="Receipt minus the venue's event time: the worst stream of each venue. Negative means clock offset.",
    steps=((None, OK), (250, WARN), (1_000, BAD)),
    options=LINES,
)

AGE = Panel(
    title="Age of the last message",
    sql=f"""
SELECT ts AS time, venue, channel, max(age_ms) AS age
FROM feeds
WHERE {WINDOW} AND {VENUES} AND {SYMBOLS}
{SAMPLED}
ORDER BY time
""",  # noqa: S608  as above
    kind="timeseries",
    unit="ms",
    description="The oldest stream of each venue and channel.",
    steps=((None, OK), (5_000, WARN), (10_000, BAD)),
    options=LINES,
)

GAPS = Panel(
    title="Holes",
    sql=f"""
SELECT ts, venue, channel, symbol, kind, datediff('T', ts, ended) AS lasted, missing, connection,
  CASE WHEN ended = ts THEN 'open' ELSE 'closed' END AS state
FROM gaps
WHERE {WINDOW} AND {VENUES}
ORDER BY ts DESC
LIMIT 500
""",  # noqa: S608  as above
    kind="table",
    unit="none",
    description="Every hole in a stream. Nothing is known of the market there; charts leave these times open.",
    format=Format.TABLE,
    no_value="No hole in this window.",
    overrides=(words("kind", HOLES), words("state", {"open": BAD}), column("lasted", unit="ms")),
)

MID = Panel(
    title="Mid price",
    sql=f"""
SELECT ts AS time, venue, symbol, last((bid + ask) / 2) AS mid
FROM quotes
WHERE {WINDOW} AND {VENUES} AND {SYMBOLS}
{SAMPLED}
ORDER BY time
""",  # noqa: S608  as above
    kind="timeseries",
    unit="none",
    description="The last mid of each sample; open where no quote came.",
    options=LINES,
)

SPREAD = Panel(
    title="Spread",
    sql=f"""
SELECT ts AS time, venue, symbol, avg((ask - bid) / (ask + bid) * 20000) AS bps
FROM quotes
WHERE {WINDOW} AND {VENUES} AND {SYMBOLS}
{SAMPLED}
ORDER BY time
""",  # noqa: S608  as above
    kind="timeseries",
    unit="suffix: bps",
    description="Average of ask minus bid over the mid, in basis points. Negative: the book is crossed.",
    steps=((None, OK), (25, WARN)),
    options=LINES,
)

DIVERGENCE = Panel(
    title="Divergence between venues",
    sql=f"""
SELECT time, symbol, CASE WHEN count(mid) > 1 THEN (max(mid) - min(mid)) / avg(mid) * 10000 END AS bps
FROM (
  SELECT ts AS time, venue, symbol, last((bid + ask) / 2) AS mid
  FROM quotes
  WHERE {WINDOW} AND {VENUES} AND {SYMBOLS}
  {SAMPLED}
)
GROUP BY time, symbol
ORDER BY time
""",  # noqa: S608  as above
    kind="timeseries",
    unit="suffix: bps",
    description="Highest minus lowest mid of one symbol, in basis points of the average; open unless two venues quote.",
    steps=((None, OK), (15, WARN), (30, BAD)),
    options=LINES,
)

ANNOTATION = annotation(
    "Holes",
    f"""
SELECT ts AS time, ended AS timeEnd, concat(kind, ' ', venue, ' ', channel) AS title,
  concat(symbol, ' ', connection) AS text, concat(kind, ',', venue, ',', channel) AS tags
FROM gaps
WHERE {WINDOW} AND {VENUES} AND {SYMBOLS}
ORDER BY time
LIMIT 1000
""",  # noqa: S608  as above
    WARN,
)
