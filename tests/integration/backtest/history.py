"""Half an hour of a desk's rows with trouble in it, and rules of every kind over them."""

import random
from collections.abc import Iterable
from pathlib import Path

from core.rows import Row, Value
from core.types import SECOND, Nanos

VENUE = "backtest"
SECONDS = 1800
RULES = Path(__file__).parent / "rules.yaml"


def rows(start: Nanos, seconds: int = SECONDS, seed: int = 7) -> Iterable[Row]:
    """Yield rows: calm, with stretches in which one symbol or all of them are in trouble."""
    rng = random.Random(seed)
    trouble: dict[str, tuple[str, int]] = {}
    for second in range(seconds):
        if rng.random() < 0.02:
            kind = rng.choice(["wide", "gaps", "broken", "silent", "lag", "negative", "all"])
            trouble[rng.choice("ABC")] = (kind, second + rng.randint(2, 40))
        trouble = {symbol: one for symbol, one in trouble.items() if one[1] > second}
        # D fires twice, further apart than a resolved alert is remembered.
        half = 0.004 if second % 1300 in range(60, 75) else 0.0001
        values: dict[str, Value] = {"venue": VENUE, "symbol": "D", "bid": 100 * (1 - half), "ask": 100 * (1 + half)}
        yield Row("quotes", start + second * SECOND + 900_000_000, values)
        if any(kind == "all" for kind, _ in trouble.values()):
            continue
        for number, symbol in enumerate("ABC"):
            kind = trouble.get(symbol, ("", 0))[0]
            ts = start + second * SECOND + number * 250_000_000 + rng.randint(0, 10_000_000)
            yield from _second(ts, symbol, kind, rng)


def _second(ts: Nanos, symbol: str, kind: str, rng: random.Random) -> Iterable[Row]:
    half = (0.002 if kind == "wide" else 0.0003) * (0.5 + rng.random())
    values: dict[str, Value] = {"venue": VENUE, "symbol": symbol}
    yield Row("quotes", ts, {**values, "bid": 100 * (1 - half), "ask": 100 * (1 + half)})
    if kind == "silent":
        return
    values |= {"channel": "books", "connection": "c", "state": "broken" if kind == "broken" else "live"}
    values |= {"age_ms": 1000 * rng.random(), "gaps": int(kind == "gaps"), "messages": 5}
    values |= {"lag_p99_ms": 500 * rng.random() if kind == "lag" else 20 * rng.random()}
    values |= {"lag_p50_ms": -5.0 if kind == "negative" else 10 * rng.random()}
    yield Row("feeds", ts, values)
