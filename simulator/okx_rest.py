"""The public REST of simulated OKX v5, and how it writes numbers: no zeros at the end, times as text."""

from collections.abc import Sequence
from typing import Any

from aiohttp import web

from core.types import MILLISECOND
from simulator.market import Level, Listing, Market
from simulator.server import SimulatedVenue

Json = dict[str, Any]
KINDS = ("SPOT", "SWAP", "FUTURES", "OPTION", "MARGIN")
LISTED = "1548133413000"


def text(steps: int, places: int) -> str:
    """Return a number of steps as the venue writes it: `30238.8`, `30316`, `0`."""
    number = f"{steps / 10.0**places:.{places}f}"
    return number.rstrip("0").rstrip(".") if "." in number else number


def ms(venue: SimulatedVenue) -> str:
    """Return the venue's time in milliseconds."""
    return str(venue.now() // MILLISECOND)


def answer(rows: Sequence[Json]) -> web.Response:
    """Return an answer that went well."""
    return web.json_response({"code": "0", "msg": "", "data": list(rows)})


def refusal(code: str, words: str, status: int = 200) -> web.Response:
    """Return the venue's error; many of them come with status 200."""
    return web.json_response({"code": code, "msg": words, "data": []}, status=status)


def routes(venue: SimulatedVenue) -> Sequence[web.RouteDef]:
    """Return time, instruments, the book and the venue's status."""

    async def time(_: web.Request) -> web.Response:
        return answer([{"ts": ms(venue)}])

    async def instruments(request: web.Request) -> web.Response:
        return _instruments(venue, request)

    async def books(request: web.Request) -> web.Response:
        market = venue.by_native.get(request.query.get("instId", ""))
        if market is None:
            return refusal("51001", "Instrument ID doesn't exist.")
        size = request.query.get("sz", "1")
        count = int(size) if size.isascii() and size.isdigit() else 1
        bids, asks = _rows(market, market.bids(count)), _rows(market, market.asks(count))
        return answer([{"asks": asks, "bids": bids, "ts": ms(venue)}])

    async def status(_: web.Request) -> web.Response:
        return answer([])

    return [
        web.get("/api/v5/public/time", time),
        web.get("/api/v5/public/instruments", instruments),
        web.get("/api/v5/market/books", books),
        web.get("/api/v5/system/status", status),
    ]


def _rows(market: Market, levels: Sequence[Level]) -> list[tuple[str, str, str, str]]:
    listing = market.listing
    return [(text(one.ticks, listing.price_places), text(one.lots, listing.size_places), "0", "1") for one in levels]


def _instruments(venue: SimulatedVenue, request: web.Request) -> web.Response:
    kind = request.query.get("instType", "")
    if not kind:
        return refusal("50014", "Parameter instType can not be empty.", 400)
    if kind not in KINDS:
        return refusal("51000", "Parameter instType error.", 400)
    wanted = request.query.get("instId")
    listed = [one.listing for one in venue.markets.values() if ("SWAP" if one.listing.perpetual else "SPOT") == kind]
    rows = [_instrument(one) for one in listed if wanted in (None, one.native)]
    if wanted is not None and not rows:
        return refusal("51001", "Instrument ID doesn't exist.")
    return answer(rows)


def _instrument(listing: Listing) -> Json:
    swap = listing.perpetual
    pair = f"{listing.base}-{listing.quote}"
    lot = text(1, listing.size_places)
    return {
        "alias": "",
        "baseCcy": "" if swap else listing.base,
        "category": "1",
        "ctMult": "1" if swap else "",
        "ctType": "linear" if swap else "",
        "ctVal": f"{listing.contract_size:f}" if swap else "",
        "ctValCcy": listing.base if swap else "",
        "expTime": "",
        "instFamily": pair if swap else "",
        "instId": listing.native,
        "instType": "SWAP" if swap else "SPOT",
        "lever": "100" if swap else "10",
        "listTime": LISTED,
        "lotSz": lot,
        "minSz": lot,
        "optType": "",
        "quoteCcy": "" if swap else listing.quote,
        "ruleType": "normal",
        "settleCcy": listing.quote if swap else "",
        "state": "live",
        "stk": "",
        "tickSz": text(1, listing.price_places),
        "uly": pair if swap else "",
    }
