"""Panels on our own trading: fills and who told us of them, refused orders, positions and what they are worth."""

from grafana.market import LINES
from grafana.panels import BAD, CALM, OK, WARN, Format, Panel, column, words
from grafana.scope import SAMPLED, STANDING, SYMBOLS, VENUES, WINDOW

SIDES = {"buy": OK, "sell": BAD}

FILLS = Panel(
    title="Fills",
    sql=f"""
SELECT ts, venue, account, symbol, side, price::double AS price, qty::double AS qty, fee::double AS fee, fee_asset,
  liquidity, source, datediff('T', ts, received) AS told_after, order_id, trade_id
FROM fills
WHERE {WINDOW} AND {VENUES} AND {SYMBOLS}
ORDER BY ts DESC
LIMIT 500
""",  # noqa: S608  our own text
    kind="table",
    unit="none",
    description="Our executions, newest first. Source rest: the stream never told us, the trade history did.",
    width=24,
    format=Format.TABLE,
    no_value="No fill in this window.",
    overrides=(
        words("source", {"rest": BAD, "ws": OK}),
        column("told_after", unit="ms", steps=((None, OK), (1_000, WARN), (10_000, BAD))),
    ),
)

FILL_COUNT = Panel(
    title="Fills, and those that the stream missed",
    sql=f"""
SELECT ts AS time, venue, count() AS fills, sum(CASE WHEN source = 'rest' THEN 1 ELSE 0 END) AS missed
FROM fills
WHERE {WINDOW} AND {VENUES}
SAMPLE BY ${{interval}} FILL(0, 0)
ORDER BY time
""",  # noqa: S608  as above
    kind="timeseries",
    unit="none",
    description="Executions per sample and venue; missed ones came from the trade history.",
    options=LINES,
    custom={"drawStyle": "bars", "fillOpacity": 60},
    no_value="No fill in this window.",
)

REJECTS = Panel(
    title="Refused orders",
    sql=f"""
SELECT ts, venue, account, symbol, event, side, type, price::double AS price, qty::double AS qty, reason, order_id,
  client_order_id
FROM orders
WHERE {WINDOW} AND {VENUES} AND {SYMBOLS} AND event IN ('rejected', 'cancel_rejected')
ORDER BY ts DESC
LIMIT 500
""",  # noqa: S608  as above
    kind="table",
    unit="none",
    description="Orders and cancels that a venue refused, with its reason.",
    format=Format.TABLE,
    no_value="No order was refused in this window.",
    overrides=(words("event", {"rejected": BAD, "cancel_rejected": WARN}),),
)

POSITIONS = Panel(
    title="Positions",
    sql=f"""
SELECT venue, account, symbol, source, qty::double AS qty, avg_price::double AS avg_price, value AS notional,
  realised::double AS realised, datediff('s', ts, $__toTime) AS stated_ago
FROM (
  SELECT ts, venue, account, symbol, source, qty, avg_price, value, realised
  FROM positions
  WHERE {STANDING} AND {VENUES} AND {SYMBOLS}
  LATEST ON ts PARTITION BY venue, account, symbol, source
)
ORDER BY venue, account, symbol, source
LIMIT 500
""",  # noqa: S608  as above
    kind="table",
    unit="none",
    description="The last statement of each position of the last seven days: ours, and the venue's where it tells one.",
    format=Format.TABLE,
    no_value="No position has been stated in seven days.",
    overrides=(column("stated_ago", unit="s"), words("source", {"ours": CALM})),
)

NOTIONAL = Panel(
    title="Notional per account",
    sql=f"""
SELECT time, account, sum(abs(notional)) AS notional
FROM (
  SELECT ts AS time, venue, account, symbol, last(value) AS notional
  FROM positions
  WHERE {WINDOW} AND {VENUES} AND source = 'ours'
  {SAMPLED}
)
GROUP BY time, account
ORDER BY time
""",  # noqa: S608  as above
    kind="timeseries",
    unit="none",
    description="Sum of the absolute values of an account's positions, in quote assets as they are.",
    options=LINES,
    no_value="No position was stated in this window.",
)
