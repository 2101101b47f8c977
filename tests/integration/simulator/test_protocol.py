"""The venues' own words: acknowledgements, refusals, heartbeats, REST answers and the control address."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any, cast

import aiohttp
import pytest

from simulator.okx import checksum
from simulator.server import SimulatedVenue
from simulator.world import UnknownVenue, World, simulating
from tests.integration.simulator.watching import QuickClock, until

SPEED = 50.0
SECONDS = 10.0
"""How long the venue is waited for."""
Json = dict[str, Any]


@pytest.fixture
async def world() -> AsyncIterator[World]:
    """Three venues with one pair; their minute passes in about a second."""
    async with simulating(QuickClock(SPEED), symbols=("BTC-USDT",), every=1.0) as made:
        yield made


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    """A plain client."""
    async with aiohttp.ClientSession() as session:
        yield session


async def answer(socket: aiohttp.ClientWebSocketResponse, sent: object) -> Json:
    """Send a request; return the first frame that is no data."""
    await socket.send_str(sent if isinstance(sent, str) else json.dumps(sent))
    while True:
        frame: Json = await socket.receive_json(timeout=SECONDS)
        if not {"stream", "e", "u", "action", "data"} & frame.keys():
            return frame


async def data(socket: aiohttp.ClientWebSocketResponse) -> Json:
    """Return the next frame that is data."""
    while True:
        frame: Json = await socket.receive_json(timeout=SECONDS)
        if {"stream", "e", "u", "data"} & frame.keys():
            return frame


async def get(http: aiohttp.ClientSession, venue: SimulatedVenue, path: str) -> tuple[int, Json]:
    """Return status and body of a request."""
    async with http.get(venue.rest_url + path) as response:
        return response.status, cast("Json", await response.json())


def subscribe(*streams: str, number: int = 1) -> Json:
    """Return Binance's request."""
    return {"method": "SUBSCRIBE", "params": list(streams), "id": number}


async def test_binance_acknowledges_with_null_and_lists_what_it_holds(
    world: World, http: aiohttp.ClientSession
) -> None:
    """An unknown symbol is acknowledged too, and stays silent, as at the venue."""
    async with http.ws_connect(f"{world.venues['binance'].ws_url}/ws") as socket:
        streams = ["btcusdt@depth@100ms", "nosuch@trade"]
        assert await answer(socket, subscribe(*streams)) == {"result": None, "id": 1}
        listed = await answer(socket, {"method": "LIST_SUBSCRIPTIONS", "id": 2})
        assert listed == {"result": streams, "id": 2}
        assert (await data(socket))["e"] == "depthUpdate"
        assert await answer(socket, {"method": "UNSUBSCRIBE", "params": streams, "id": 3}) == {"result": None, "id": 3}
        assert await answer(socket, {"method": "LIST_SUBSCRIPTIONS", "id": 4}) == {"result": [], "id": 4}


@pytest.mark.parametrize(
    ("request_", "code", "words"),
    [
        ("{", 3, "Invalid JSON"),
        ("[" * 100_000, 3, "Invalid JSON"),
        ({"method": "JUMP", "params": [], "id": 1}, 2, "unknown variant `JUMP`"),
        ({"method": "SUBSCRIBE", "params": ["btcusdt@trade"], "id": "x"}, 2, "must be an unsigned integer"),
        ({"method": "SUBSCRIBE", "id": 1}, 2, "missing field `params`"),
        (subscribe("BTC-USDT@trade"), 2, "invalid stream"),
    ],
)
async def test_binance_refuses_in_its_own_words(
    world: World, http: aiohttp.ClientSession, request_: object, code: int, words: str
) -> None:
    """A bad request costs an answer, not the socket."""
    async with http.ws_connect(f"{world.venues['binance'].ws_url}/ws") as socket:
        refusal = (await answer(socket, request_))["error"]
        assert (refusal["code"], words in refusal["msg"]) == (code, True)
        assert (await answer(socket, subscribe("btcusdt@trade", number=9)))["id"] == 9


async def test_binance_streams_of_the_address_come_in_envelopes(world: World, http: aiohttp.ClientSession) -> None:
    """/stream?streams= names each frame's stream, /ws/ does not."""
    url = world.venues["binance"].ws_url
    async with http.ws_connect(f"{url}/stream?streams=btcusdt@depth@100ms") as combined:
        frame = await data(combined)
        assert (frame["stream"], frame["data"]["s"]) == ("btcusdt@depth@100ms", "BTCUSDT")
    async with http.ws_connect(f"{url}/ws/btcusdt@depth@100ms") as raw:
        assert (await data(raw))["s"] == "BTCUSDT"


async def test_futures_are_silent_on_the_wrong_path(world: World, http: aiohttp.ClientSession) -> None:
    """Trades live on /market since 2026-03: on /public they are acknowledged and never come."""
    url = world.venues["binance_futures"].ws_url
    async with http.ws_connect(f"{url}/public/ws") as socket:
        request = subscribe("btcusdt@aggTrade", "btcusdt@depth@100ms")
        assert await answer(socket, request) == {"result": None, "id": 1}
        assert {(await data(socket))["e"] for _ in range(20)} == {"depthUpdate"}
    async with http.ws_connect(f"{url}/market/ws") as socket:
        _ = await answer(socket, request)
        assert {(await data(socket))["e"] for _ in range(5)} == {"aggTrade"}


async def test_binance_pings_and_cuts_who_does_not_answer(world: World, http: aiohttp.ClientSession) -> None:
    """A ping frame comes every 20 s; without its pong the socket ends after another minute."""
    async with http.ws_connect(f"{world.venues['binance'].ws_url}/ws", autoping=False) as socket:
        kinds = [(await socket.receive(timeout=SECONDS)).type]
        while not socket.closed:
            kinds.append((await socket.receive(timeout=SECONDS)).type)
        assert kinds.count(aiohttp.WSMsgType.PING) >= 3
        assert kinds[-1] in {aiohttp.WSMsgType.ERROR, aiohttp.WSMsgType.CLOSED}


async def test_binance_ends_who_talks_too_much(world: World, http: aiohttp.ClientSession) -> None:
    """Five messages a second are taken, the sixth is one too many."""
    async with http.ws_connect(f"{world.venues['binance'].ws_url}/ws") as socket:
        for number in range(400):
            if socket.closed:
                break
            await socket.send_json({"method": "LIST_SUBSCRIPTIONS", "id": number})
        while not socket.closed:
            _ = await socket.receive(timeout=SECONDS)
        assert socket.close_code == 1008


async def test_okx_acknowledges_each_stream_and_starts_books_with_an_image(
    world: World, http: aiohttp.ClientSession
) -> None:
    """An image says prevSeqId -1 and carries its checksum; updates chain to it."""
    arg = {"channel": "books", "instId": "BTC-USDT"}
    async with http.ws_connect(f"{world.venues['okx'].ws_url}/ws/v5/public") as socket:
        told = await answer(socket, {"op": "subscribe", "args": [arg]})
        assert (told["event"], told["arg"]) == ("subscribe", arg)
        image, update = await data(socket), await data(socket)
    (before,), (after,) = image["data"], update["data"]
    assert (image["action"], before["prevSeqId"]) == ("snapshot", -1)
    assert (update["action"], after["prevSeqId"]) == ("update", before["seqId"])
    assert checksum(before["bids"], before["asks"]) == before["checksum"]


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        ("{", "60012"),
        ("[" * 100_000, "60012"),
        ({"op": "jump", "args": [{}]}, "60012"),
        ({"op": "subscribe", "args": []}, "60012"),
        ({"op": "subscribe", "args": [1]}, "60018"),
        ({"op": "subscribe", "args": [{"channel": "book", "instId": "BTC-USDT"}]}, "60018"),
        ({"op": "subscribe", "args": [{"channel": "books", "instId": "NO-SUCH"}]}, "60018"),
        ({"op": "subscribe", "args": [{"channel": "funding-rate", "instId": "BTC-USDT"}]}, "60018"),
    ],
)
async def test_okx_refuses_in_its_own_words(
    world: World, http: aiohttp.ClientSession, request_: object, code: str
) -> None:
    """A bad request costs an answer, not the socket."""
    async with http.ws_connect(f"{world.venues['okx'].ws_url}/ws/v5/public") as socket:
        refusal = await answer(socket, request_)
        assert (refusal["event"], refusal["code"]) == ("error", code)
        await socket.send_str("ping")
        assert (await socket.receive(timeout=SECONDS)).data == "pong"


async def test_okx_closes_on_who_is_silent(world: World, http: aiohttp.ClientSession) -> None:
    """Thirty seconds without a word from the client end the socket, with code 4004."""
    async with http.ws_connect(f"{world.venues['okx'].ws_url}/ws/v5/public") as socket:
        while not socket.closed:
            _ = await socket.receive(timeout=SECONDS)
        assert socket.close_code == 4004


@pytest.mark.parametrize(
    ("venue", "path", "status", "part"),
    [
        ("binance", "/api/v3/depth", 400, {"code": -1102}),
        ("binance", "/api/v3/depth?symbol=NOSUCH", 400, {"code": -1121, "msg": "Invalid symbol."}),
        ("binance", "/api/v3/exchangeInfo?symbol=NOSUCH", 400, {"code": -1121}),
        ("binance", "/api/v3/exchangeInfo?symbols=%5B", 400, {"code": -1100}),
        ("binance", "/api/v3/ping", 200, {}),
        ("binance", "/api/v3/ticker/bookTicker?symbol=BTCUSDT", 200, {"symbol": "BTCUSDT"}),
        ("binance_futures", "/fapi/v1/depth?symbol=NOSUCH", 400, {"code": -1121}),
        ("binance_futures", "/fapi/v1/premiumIndex?symbol=BTCUSDT", 200, {"symbol": "BTCUSDT"}),
        ("okx", "/api/v5/public/instruments", 400, {"code": "50014"}),
        ("okx", "/api/v5/public/instruments?instType=SPOT&instId=NO-SUCH", 200, {"code": "51001"}),
        ("okx", "/api/v5/public/instruments?instType=FUTURES", 200, {"code": "0", "data": []}),
        ("okx", "/api/v5/market/books?instId=NO-SUCH", 200, {"code": "51001"}),
    ],
)
async def test_rest_answers_as_the_venue_does(
    world: World, http: aiohttp.ClientSession, venue: str, path: str, status: int, part: Json
) -> None:
    """Codes, texts and status, of success and of refusal."""
    got, body = await get(http, world.venues[venue], path)
    assert (got, body | part) == (status, body)


async def test_weight_is_told_and_beyond_it_comes_429(world: World, http: aiohttp.ClientSession) -> None:
    """A depth of 1000 costs 50 a minute; Retry-After counts the rest of the minute."""
    venue = world.venues["binance"]
    path = f"{venue.rest_url}/api/v3/depth?symbol=BTCUSDT&limit=1000"
    async with http.get(path) as response:
        assert (response.status, response.headers["X-MBX-USED-WEIGHT-1M"]) == (200, "50")
    venue.budget.per_minute = 40
    async with http.get(path) as response:
        assert (response.status, (await response.json())["code"]) == (429, -1003)
        assert int(response.headers["X-MBX-USED-WEIGHT-1M"]) >= 50
        assert 0 < int(response.headers["Retry-After"]) <= 60


async def test_a_rate_limit_comes_with_the_venues_words(world: World, http: aiohttp.ClientSession) -> None:
    """Binance says -1003 and how long to wait, OKX 50011."""
    for venue, path, code in (("binance", "/api/v3/time", -1003), ("okx", "/api/v5/public/time", "50011")):
        world.venues[venue].faults.rate_limit(600.0)
        async with http.get(world.venues[venue].rest_url + path) as response:
            assert (response.status, (await response.json())["code"]) == (429, code)
            assert 0 < int(response.headers["Retry-After"]) <= 600


async def test_faults_are_told_over_http(world: World, http: aiohttp.ClientSession) -> None:
    """POST adds, GET shows, DELETE clears; nonsense is refused with the reason."""
    venue = world.venues["okx"]
    url = f"{venue.rest_url}/control/faults"
    fault = {"fault": "stall", "channel": "books", "symbol": "BTC-USDT", "seconds": None}
    async with http.post(url, json=fault) as response:
        assert (response.status, await response.json()) == (200, [fault])
    for wrong, words in (
        ({"fault": "explode"}, "Invalid value 'explode'"),
        ({"fault": "drop", "channel": "books", "symbol": "BTC-USDTT"}, "Did you mean BTC-USDT"),
    ):
        async with http.post(url, json=wrong) as response:
            assert (response.status, words in (await response.json())["error"]) == (400, True)
    async with http.delete(url) as response:
        assert await response.json() == []
    assert venue.faults.active() == []


async def test_venues_agree_on_the_price_and_jump_together(world: World) -> None:
    """They share one mid price: what moves it moves them all."""
    markets = [market for venue in world.venues.values() for market in venue.markets.values()]
    await until(lambda: all(one.mid != one.index for one in markets))
    assert len(markets) == 4
    before = [float(one.best_bid) for one in markets]
    assert max(before) / min(before) < 1.003
    world.jump("BTC-USDT", 10.0)
    await until(lambda: all(float(one.best_bid) > 1.08 * was for one, was in zip(markets, before, strict=True)))


async def test_an_unknown_venue_is_refused_with_the_nearest() -> None:
    """A typo is answered before anything is served."""
    with pytest.raises(UnknownVenue, match="Did you mean okx"):
        async with simulating(QuickClock(SPEED), venues=("okxx",)):
            pass


async def test_nothing_is_left_when_the_world_ends() -> None:
    """Tasks, sockets and ports are gone."""
    before = asyncio.all_tasks()
    async with simulating(QuickClock(SPEED), symbols=("BTC-USDT",)) as world:
        url = world.venues["binance"].rest_url
        assert len(asyncio.all_tasks()) > len(before)
    async with aiohttp.ClientSession() as session:
        with pytest.raises(aiohttp.ClientConnectionError):
            _ = await session.get(f"{url}/api/v3/time")
    assert asyncio.all_tasks() == before
