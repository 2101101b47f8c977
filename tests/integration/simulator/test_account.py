"""The simulated account over its native protocol, asked by a client that shares no code with our connectors."""

import asyncio
import hashlib
import hmac
from collections.abc import AsyncIterator
from decimal import Decimal
from random import Random
from typing import Any
from urllib.parse import urlencode

import aiohttp
import pytest

from core.clock import SystemClock
from core.types import MILLISECOND, SECOND, Side
from simulator.account_model import NewOrder, Top, TradingRules
from simulator.account_server import SimulatedAccount, serving
from simulator.exchange import Exchange
from simulator.faults import Faults

CLOCK = SystemClock()
RULES = TradingRules("BTCUSDT", "BTC", "USDT", lot=Decimal("0.001"), levels=5)
TOP = Top(Decimal("99.99"), Decimal(1), Decimal("100.00"), Decimal(1))


class Client:
    """Asks as the venue's documentation says."""

    def __init__(self, account: SimulatedAccount, http: aiohttp.ClientSession) -> None:
        self.account = account
        self._http = http

    def sign(self, payload: str, secret: str | None = None) -> str:
        """Return the signature of a payload."""
        return hmac.new((secret or self.account.secret).encode(), payload.encode(), hashlib.sha256).hexdigest()

    async def ask(
        self, method: str, path: str, *, secret: str | None = None, key: str | None = None, **params: object
    ) -> tuple[int, Any]:
        """Return status and body of a signed request; a POST carries its parameters in the body."""
        query = urlencode({"timestamp": CLOCK.now() // MILLISECOND, **params})
        query = f"{query}&signature={self.sign(query, secret)}"
        headers = {"X-MBX-APIKEY": key if key is not None else self.account.key}
        url = f"{self.account.rest_url}/api/v3/{path}"
        if method == "POST":
            headers["Content-Type"] = "application/x-www-form-urlencoded"
            request = self._http.post(url, data=query, headers=headers)
        else:
            request = self._http.request(method, f"{url}?{query}", headers=headers)
        async with request as response:
            self.headers = response.headers
            return response.status, await response.json(content_type=None)

    async def refused(self, method: str, path: str, **params: Any) -> tuple[int, int]:
        """Return status and native code of a request that is refused."""
        status, body = await self.ask(method, path, **params)
        return status, body["code"]

    def socket(self) -> Any:
        """Open the WS API."""
        return self._http.ws_connect(self.account.ws_url)

    def subscribe(self, *, secret: str | None = None, late: int = 0) -> dict[str, object]:
        """Return the signed request for the user stream, `late` ms old."""
        params: dict[str, object] = {"apiKey": self.account.key, "timestamp": CLOCK.now() // MILLISECOND - late}
        payload = "&".join(f"{name}={params[name]}" for name in sorted(params))
        params["signature"] = self.sign(payload, secret)
        return {"id": "s1", "method": "userDataStream.subscribe.signature", "params": params}


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    """A client of a served account."""
    exchange = Exchange([RULES], {"BTC": Decimal(500), "USDT": Decimal(50_000)}, Random(5))
    account = SimulatedAccount(exchange, Faults(CLOCK, ["BTC-USDT"]), CLOCK, "a" * 64, "s" * 64)
    exchange.quote("BTCUSDT", TOP, CLOCK.now())
    async with serving(account), aiohttp.ClientSession() as http:
        yield Client(account, http)


async def test_the_door_refuses_with_the_native_codes(client: Client) -> None:
    """Form, key, signature, time: as the venue answers each."""
    assert await client.refused("GET", "account", key="no key!") == (401, -2014)
    assert await client.refused("GET", "account", key="b" * 64) == (401, -2015)
    assert await client.refused("GET", "account", secret="other") == (400, -1022)
    now = CLOCK.now() // MILLISECOND
    assert await client.refused("GET", "account", timestamp=now - 6000) == (400, -1021)
    assert await client.refused("GET", "account", timestamp=now + 2000) == (400, -1021)
    assert await client.refused("GET", "account", timestamp="soon") == (400, -1102)
    assert await client.refused("GET", "account", recvWindow=60_001) == (400, -1131)
    status, body = await client.ask("GET", "account", recvWindow=60_000, timestamp=now - 6000)
    assert (status, body["accountType"]) == (200, "SPOT")
    client.account.faults.key_expired = True
    assert await client.refused("GET", "account") == (401, -2015)


async def test_orders_are_placed_listed_and_canceled(client: Client) -> None:
    """The whole life of two orders over REST."""
    order = {"symbol": "BTCUSDT", "side": "BUY", "newClientOrderId": "mine-1"}
    status, placed = await client.ask(
        "POST", "order", **order, type="LIMIT", timeInForce="GTC", quantity="2", price="99.5"
    )
    assert (status, placed["status"], placed["fills"]) == (200, "NEW", [])
    _, listed = await client.ask("GET", "openOrders")
    assert [one["clientOrderId"] for one in listed] == ["mine-1"]
    _, canceled = await client.ask("DELETE", "order", symbol="BTCUSDT", orderId=placed["orderId"])
    assert (canceled["origClientOrderId"], canceled["status"]) == ("mine-1", "CANCELED")
    assert canceled["clientOrderId"] != "mine-1"
    again = {"symbol": "BTCUSDT", "origClientOrderId": "mine-1"}
    assert await client.refused("DELETE", "order", **again) == (400, -2011)
    assert (await client.ask("GET", "order", **again))[1]["status"] == "CANCELED"
    assert await client.refused("GET", "order", symbol="BTCUSDT", orderId=1) == (400, -2013)
    assert await client.refused("DELETE", "openOrders", symbol="BTCUSDT") == (400, -2011)
    _, taken = await client.ask("POST", "order", symbol="BTCUSDT", side="SELL", type="MARKET", quantity="2")
    assert [(one["price"], one["qty"]) for one in taken["fills"]] == [
        ("99.99000000", "1.00000000"), ("99.98000000", "1.00000000"),
    ]  # fmt: skip
    _, everything = await client.ask("GET", "allOrders", symbol="BTCUSDT")
    assert [one["status"] for one in everything] == ["CANCELED", "FILLED"]


async def test_my_trades_turns_pages_as_the_venue_does(client: Client) -> None:
    """By id, by window of at most a day, and no other combination."""
    exchange, now = client.account.exchange, CLOCK.now()
    for hours in (60, 30, 0):
        sell = NewOrder("BTCUSDT", Side.SELL, "MARKET", Decimal(2))
        _ = exchange.place(sell, now - hours * 3600 * SECOND)
    ids = [fill.trade_id for fill in client.account.ledger.fills]

    async def trades(**params: Any) -> list[int]:
        status, rows = await client.ask("GET", "myTrades", symbol="BTCUSDT", **params)
        assert status == 200
        return [row["id"] for row in rows]

    begin = (now - 61 * 3600 * SECOND) // MILLISECOND
    assert await trades() == ids
    assert await trades(limit=2) == ids[-2:]
    assert await trades(startTime=begin) == ids[:2]
    assert await trades(startTime=begin, limit=1) == ids[:1]
    assert await trades(fromId=ids[1] + 1, limit=3) == ids[2:5]
    assert await trades(endTime=now // MILLISECOND) == ids[4:]
    assert await client.refused("GET", "myTrades", symbol="BTCUSDT", startTime=1, fromId=1) == (400, -1128)
    assert await client.refused("GET", "myTrades", symbol="BTCUSDT", startTime=1, endTime=10**9) == (400, -1127)
    assert await client.refused("GET", "myTrades") == (400, -1102)
    assert await client.refused("GET", "myTrades", symbol="DOGEUSDT") == (400, -1121)


async def test_weight_is_told_and_counted(client: Client) -> None:
    """Beyond 6000 a minute the venue says 429 and how long to wait."""
    _ = await client.ask("GET", "account")
    first = int(client.headers["X-MBX-USED-WEIGHT-1M"])
    _ = await client.ask("GET", "openOrders")
    assert int(client.headers["X-MBX-USED-WEIGHT-1M"]) in {first + 80, 80}
    client.account.weight_a_minute = 100
    _ = await client.ask("GET", "openOrders")
    status, body = await client.ask("GET", "openOrders")
    assert (status, body["code"], client.headers["Retry-After"]) == (429, -1003, "5")


async def test_the_user_stream_wants_a_good_signature_and_wraps_its_events(client: Client) -> None:
    """Subscribed, listed, told, ended; the answers carry the ids of their requests."""
    async with client.socket() as socket:
        for bad, code in ((client.subscribe(secret="x"), -1022), (client.subscribe(late=9000), -1021)):
            await socket.send_json(bad)
            answer = await socket.receive_json(timeout=5)
            assert (answer["id"], answer["status"], answer["error"]["code"]) == ("s1", 400, code)
        await socket.send_json(client.subscribe())
        assert (await socket.receive_json(timeout=5))["result"] == {"subscriptionId": 0}
        await socket.send_json({"id": 7, "method": "session.subscriptions"})
        assert (await socket.receive_json(timeout=5))["result"] == [{"subscriptionId": 0}]
        client.account.exchange.move("USDT", Decimal(10), CLOCK.now())
        moved = await socket.receive_json(timeout=5)
        assert (moved["subscriptionId"], moved["event"]["e"], moved["event"]["d"]) == (
            0, "balanceUpdate", "10.00000000",
        )  # fmt: skip
        assert (await socket.receive_json(timeout=5))["event"]["e"] == "outboundAccountPosition"
        client.account.end_streams()
        assert (await socket.receive_json(timeout=5))["event"]["e"] == "eventStreamTerminated"
        client.account.exchange.move("USDT", Decimal(10), CLOCK.now())
        await socket.send_json({"id": 8, "method": "session.subscriptions"})
        assert (await socket.receive_json(timeout=5))["result"] == []


async def test_a_key_that_expires_is_told_to_nobody_in_particular(client: Client) -> None:
    """`id` is null, the status 401."""
    async with client.socket() as socket:
        await socket.send_json(client.subscribe())
        _ = await socket.receive_json(timeout=5)
        client.account.expire_key()
        told = await socket.receive_json(timeout=5)
        assert (told["id"], told["status"], told["error"]["code"]) == (None, 401, -2015)


@pytest.mark.parametrize("frame", ["", "[]", "{", '"x"', '{"method":7}', '{"id":1,"method":"no.such"}', "[" * 50_000])
async def test_a_bad_request_gets_an_error_and_the_socket_lives(client: Client, frame: str) -> None:
    """Whatever a client sends."""
    async with client.socket() as socket:
        await socket.send_str(frame)
        assert (await socket.receive_json(timeout=5))["status"] == 400
        await socket.send_json({"id": 1, "method": "ping"})
        assert (await socket.receive_json(timeout=5))["result"] == {}


async def test_a_stalled_stream_tells_everything_later_and_a_cut_one_nothing(client: Client) -> None:
    """What was lost with the socket stays lost."""
    async with client.socket() as socket:
        await socket.send_json(client.subscribe())
        _ = await socket.receive_json(timeout=5)
        client.account.faults.stalled = True
        client.account.exchange.move("USDT", Decimal(10), CLOCK.now())
        with pytest.raises(asyncio.TimeoutError):
            _ = await socket.receive(timeout=0.1)
        client.account.faults.stalled = False
        assert (await socket.receive_json(timeout=5))["event"]["e"] == "balanceUpdate"
        _ = await socket.receive_json(timeout=5)
        client.account.cut()
        assert (await socket.receive(timeout=5)).type in {aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR}
