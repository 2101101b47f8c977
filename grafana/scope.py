"""What every query of a dashboard shares: the window, the chosen venues and symbols, the width of a sample."""

VENUES = "$__conditionalAll(venue IN (${venue:sqlstring}), $venue)"
SYMBOLS = "$__conditionalAll(symbol IN (${symbol:sqlstring}), $symbol)"
"""True for all of them while All is chosen, which an empty database cannot turn into `IN ()`."""

WINDOW = "$__timeFilter(ts)"
STANDING = "ts > dateadd('d', -7, $__toTime) AND ts <= $__toTime"
"""For facts that hold until something changes: an alert firing since yesterday still fires in a window of an hour."""

SAMPLED = "SAMPLE BY ${interval} FILL(NULL)"
"""A sample without rows is NULL, which a chart leaves open. Never `$__interval`: this server reads 100ms as 1 s."""

INTERVALS = ("1s", "5s", "10s", "1m", "5m", "1h")
