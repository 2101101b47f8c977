"""SQL that runs and means something else. A ¦ stands before the place that is named, BOUND for the bounds of `ts`."""

from collections.abc import Mapping


def bounded(sql: str) -> str:
    """Return the SQL with its bounds."""
    return sql.replace("BOUND", "ts > :start AND ts <= :now")


ERRORS: Mapping[str, tuple[str, str]] = {
    "a threshold beside LATEST ON": (
        "SELECT venue FROM feeds WHERE BOUND AND ¦age_ms > 500 LATEST ON ts PARTITION BY venue, symbol",
        "WHERE comes before LATEST ON",
    ),
    "in an inner query": (
        (
            "SELECT venue FROM (SELECT venue FROM feeds WHERE BOUND AND (¦gaps = 1 OR state = 'x')"
            " LATEST ON ts PARTITION BY venue) WHERE venue = 'a'"
        ),
        "WHERE comes before LATEST ON",
    ),
    "no lower bound": ("SELECT venue FROM ¦quotes WHERE ts <= :now", "every row ever stored in quotes"),
    "no lower bound in an inner query": (
        "SELECT venue FROM quotes WHERE BOUND AND venue IN (SELECT venue FROM ¦feeds WHERE state = 'live')",
        "every row ever stored in feeds",
    ),
    "no lower bound on one side of a union": (
        "SELECT venue FROM quotes WHERE BOUND UNION ALL SELECT venue FROM ¦trades WHERE :now >= ts",
        "every row ever stored in trades",
    ),
    "a text and a number": ("SELECT venue FROM quotes WHERE BOUND AND ¦venue > 5", "'venue' is a SYMBOL"),
    "a number and a text": ("SELECT venue FROM quotes WHERE BOUND AND ¦bid = 'high'", "'bid' is a DOUBLE"),
    "a decimal and a float": ("SELECT venue FROM fills WHERE BOUND AND ¦price > 100.5", "'price' is a DECIMAL"),
    "a literal first": ("SELECT venue FROM quotes WHERE BOUND AND 5 < ¦symbol", "'symbol' is a SYMBOL"),
    "a list of numbers": ("SELECT venue FROM quotes WHERE BOUND AND ¦venue IN (1, 2)", "'venue' is a SYMBOL"),
    "a sum of texts": ("SELECT venue, sum(¦symbol) AS value FROM quotes WHERE BOUND", "sum of 'symbol'"),
}
WARNINGS: Mapping[str, tuple[str, str]] = {
    "ASOF without TOLERANCE": (
        "SELECT f.venue FROM fills f ¦ASOF JOIN books b ON (venue, symbol) WHERE f.ts > :start AND f.ts <= :now",
        "ASOF JOIN takes the last row",
    ),
    "a price for a label": (
        "SELECT venue, cast(¦bid AS string) AS price FROM quotes WHERE BOUND",
        "this label changes with 'bid'",
    ),
    "another cast": ("SELECT venue, ¦bid::varchar AS price FROM quotes WHERE BOUND", "changes with 'bid'"),
    "a time for a label": ("SELECT venue, to_str(¦ts, 'HH:mm') AS t FROM quotes WHERE BOUND", "changes with 'ts'"),
    "a word for a number": ("SELECT venue, 'at ' || ¦bid AS t FROM quotes WHERE BOUND", "changes with 'bid'"),
    "a state beside LATEST ON": (
        "SELECT venue FROM feeds WHERE BOUND AND ¦state <> 'live' LATEST ON ts PARTITION BY venue",
        "WHERE comes before LATEST ON",
    ),
    "a state that is none of some": (
        "SELECT venue FROM feeds WHERE BOUND AND ¦state NOT IN ('live') LATEST ON ts PARTITION BY venue",
        "WHERE comes before LATEST ON",
    ),
}
FINE = (
    "SELECT venue FROM feeds WHERE BOUND AND venue <> 'x' LATEST ON ts PARTITION BY venue, symbol",
    "SELECT venue FROM feeds WHERE BOUND AND channel = 'books' LATEST ON ts PARTITION BY venue, symbol",
    "SELECT venue FROM (SELECT venue, age_ms FROM feeds WHERE BOUND LATEST ON ts PARTITION BY venue) WHERE age_ms > 5",
    "SELECT venue FROM quotes WHERE ts BETWEEN dateadd('m', -5, :now) AND :now",
    "SELECT venue FROM quotes WHERE ts <= :now AND dateadd('h', -1, :now) < ts",
    "WITH q AS (SELECT venue, bid FROM quotes WHERE BOUND) SELECT venue FROM q WHERE bid > 5",
    "SELECT venue FROM quotes WHERE BOUND AND venue > 'a' AND bid > 5 AND symbol IN ('x', 'y')",
    "SELECT venue, sum(price) AS value FROM fills WHERE BOUND AND price > 100.5m AND qty > 3",
    "SELECT f.venue FROM fills f ASOF JOIN books b ON (venue) TOLERANCE 5s WHERE f.ts > :start AND f.ts <= :now",
    "SELECT venue, bid::double AS value, cast(venue AS string) AS v FROM quotes WHERE BOUND AND bid::string <> 'x'",
    "SELECT venue -- sum(venue) > 5\nFROM quotes WHERE BOUND AND symbol <> 'a > 5'",
    "SELECT name AS venue FROM wal_tables() WHERE :now > '2020'",
    "SELECT 'is' AS state FROM quotes WHERE BOUND AND (bid > 5 OR (ask < 3))",
)
