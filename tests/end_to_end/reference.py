"""What the frames of a recording say, read a second time without the product's code: trades, quotes, books."""

import json
from typing import Any, NamedTuple

from tests.end_to_end.capture_venue import CaptureVenue

Levels = tuple[tuple[tuple[float, float], ...], tuple[tuple[float, float], ...]]
TOP = 20


class TradeRow(NamedTuple):
    """A trade as the table has it; `ts` in ms."""

    native: str
    trade_id: str
    side: str
    price: float
    qty: float
    ts: int


def trades(venue: CaptureVenue) -> set[TradeRow]:
    """Return every trade of the recording."""
    found = set()
    for frame in venue.data():
        if frame.get("stream", "").endswith("aggTrade"):
            one = frame["data"]
            side = "sell" if one["m"] else "buy"
            found.add(TradeRow(one["s"], str(one["a"]), side, float(one["p"]), float(one["q"]), one["T"]))
        elif frame.get("arg", {}).get("channel") == "trades":
            for one in frame["data"]:
                row = (one["tradeId"], one["side"], float(one["px"]), float(one["sz"]), int(one["ts"]))
                found.add(TradeRow(one["instId"], *row))
    return found


def quotes(venue: CaptureVenue) -> dict[tuple[str, int], tuple[float, float, float, float]]:
    """Return (bid, size, ask, size), the last of each instrument and ms, where the venue stamps them."""
    found = {}
    for frame in venue.data():
        if frame.get("stream", "").endswith("bookTicker") and "T" in frame["data"]:
            one = frame["data"]
            found[(one["s"], one["T"])] = (float(one["b"]), float(one["B"]), float(one["a"]), float(one["A"]))
        elif frame.get("arg", {}).get("channel") == "tickers":
            for one in frame["data"]:
                best = (float(one["bidPx"]), float(one["bidSz"]), float(one["askPx"]), float(one["askSz"]))
                found[(one["instId"], int(one["ts"]))] = best
    return found


def books(venue: CaptureVenue) -> dict[tuple[str, int], Levels]:
    """Return the top of each book after the last update of each ms."""
    sides: dict[str, tuple[dict[float, float], dict[float, float]]] = {}
    from_update: dict[str, int] = {}
    for url, body in venue.answers.items():
        if "depth?symbol=" in url:
            native = url.partition("symbol=")[2].partition("&")[0]
            image = json.loads(body)
            from_update[native] = image["lastUpdateId"]
            sides[native] = (_side(image["bids"]), _side(image["asks"]))
    found = {}
    for frame in venue.data():
        for native, last, ts, bids, asks in _updates(frame):
            if frame.get("action") == "snapshot":
                sides[native] = ({}, {})
            if last is not None and last <= from_update[native]:
                continue
            for side, changes in zip(sides[native], (bids, asks), strict=True):
                side.update(_side(changes))
            found[(native, ts)] = _top(*sides[native])
    return found


def _updates(frame: Any) -> list[tuple[str, int | None, int, Any, Any]]:
    if "@depth" in frame.get("stream", ""):
        one = frame["data"]
        return [(one["s"], one["u"], one.get("T", one["E"]), one["b"], one["a"])]
    if frame.get("arg", {}).get("channel") == "books":
        return [(frame["arg"]["instId"], None, int(one["ts"]), one["bids"], one["asks"]) for one in frame["data"]]
    return []


def _side(levels: Any) -> dict[float, float]:
    return {float(level[0]): float(level[1]) for level in levels}


def _top(bids: dict[float, float], asks: dict[float, float]) -> Levels:
    best_bids = sorted(((at, size) for at, size in bids.items() if size), reverse=True)[:TOP]
    best_asks = sorted((at, size) for at, size in asks.items() if size)[:TOP]
    return tuple(best_bids), tuple(best_asks)
