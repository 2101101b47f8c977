"""The dashboard a desk looks at first: what fires, which streams are blind, prices, fills, positions, our own health.

Written for QuestDB 9.3.4 and the data source's macros. Three habits keep it honest: a chart samples with FILL(NULL), so
that a second without rows is a break in the line and never a bridge over a hole; a fact that holds until something
changes (an alert firing since yesterday, a position) is looked for beyond the window; the age of a stream counts on
after its last report. DECIMAL is cast to double, which is what panels draw.
"""

from grafana import alerts, market, orders, services
from grafana.panels import Json, choice_variable, dashboard, query_variable
from grafana.scope import INTERVALS, VENUES, WINDOW

FILE = "desk-overview.json"

PANELS = (
    alerts.FIRING_COUNT,
    market.BLIND,
    market.OPEN_HOLES,
    services.CANARY,
    services.UNSENT,
    services.REFUSED_ROWS,
    alerts.FIRING,
    alerts.HISTORY,
    market.STREAMS,
    market.STREAM_LIFE,
    market.LAG,
    market.AGE,
    market.MID,
    market.SPREAD,
    market.DIVERGENCE,
    market.GAPS,
    orders.FILLS,
    orders.FILL_COUNT,
    orders.REJECTS,
    orders.POSITIONS,
    orders.NOTIONAL,
    services.VENUE_HEALTH,
    services.SERVICES,
    services.LOOP_LAG,
    services.SPOOL,
    alerts.RULES,
)

VARIABLES = (
    query_variable(
        "venue",
        "Venue",
        f"SELECT DISTINCT venue FROM feeds WHERE {WINDOW} ORDER BY venue",  # noqa: S608  our own text
    ),
    query_variable(
        "symbol",
        "Symbol",
        f"SELECT DISTINCT symbol FROM quotes WHERE {WINDOW} AND {VENUES} ORDER BY symbol",  # noqa: S608  as above
    ),
    choice_variable("interval", "Sample", INTERVALS, "5s"),
)

ANNOTATIONS = (alerts.ANNOTATION, market.ANNOTATION)


def build() -> Json:
    """Return the dashboard."""
    return dashboard("deskwatch-desk-overview", "Desk overview", PANELS, VARIABLES, ANNOTATIONS)
