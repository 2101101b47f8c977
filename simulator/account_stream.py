"""One socket of the simulated WS API: signed subscription of the user stream, `session.subscriptions`, events.

https://developers.binance.com/docs/binance-spot-api-docs/websocket-api/user-data-stream-requests
"""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass

from aiohttp import WSMsgType, web

from core.clock import Clock
from core.tasks import start
from core.types import Channel
from simulator.account_auth import Door, http_status
from simulator.account_faults import AccountFaults
from simulator.account_model import Executed, News, VenueRefuses
from simulator.account_wire import Json, event, ms
from simulator.exchange import Exchange
from simulator.faults import Faults

LOOK_EVERY = 0.02
"""How often a stalled socket looks whether it may go on."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a socket needs of its account: `door` tells which key is good now."""

    exchange: Exchange
    door: Callable[[], Door]
    faults: AccountFaults
    venue: Faults
    clock: Clock


class UserSocket:
    """One connection; made per request, `serve` lasts as long as the socket."""

    def __init__(self, around: Surroundings, request: web.Request) -> None:
        self._around = around
        self._request = request
        self._socket = web.WebSocketResponse(compress=False, max_msg_size=1 << 20)
        self._frames: asyncio.Queue[tuple[float, str]] = asyncio.Queue()
        self._held: str | None = None
        self._subscription: int | None = None
        self._next = 0
        self._mute: Callable[[], None] = lambda: None

    async def serve(self) -> web.WebSocketResponse:
        """Answer requests and send events until either side ends it."""
        _ = await self._socket.prepare(self._request)
        async with asyncio.TaskGroup() as group:
            sender = start(group, "user socket sender", self._send())
            try:
                async for message in self._socket:
                    if message.type in {WSMsgType.TEXT, WSMsgType.BINARY}:
                        self._put(json.dumps(self._answer(message.data)))
            finally:
                self._unsubscribe()
                sender.cancel()
        return self._socket

    @property
    def subscribed(self) -> bool:
        """Whether events go out here."""
        return self._subscription is not None

    # --- what the venue does to it -----------------------------------------------------------------------------------

    def cut(self) -> None:
        """Break the connection off, without a close frame."""
        if self._request.transport is not None:
            self._request.transport.abort()

    def end_stream(self) -> None:
        """End the subscription, as the venue does; the socket lives on."""
        if self._subscription is not None:
            ended: Json = {"e": "eventStreamTerminated", "E": ms(self._around.venue.venue_now())}
            self._put(json.dumps({"subscriptionId": self._subscription, "event": ended}))
            self._unsubscribe()

    def refuse_key(self) -> None:
        """Say that the key is no longer good; the answer has no id, since nobody asked."""
        self._put(json.dumps(_error(None, -2015, "Invalid API-key, IP, or permissions for action.")))
        self.end_stream()

    # --- requests ----------------------------------------------------------------------------------------------------

    def _answer(self, text: str | bytes) -> Json:
        try:
            request = json.loads(text)
        except (ValueError, RecursionError):
            return _error(None, -1100, "Illegal characters found in a parameter.")
        if not isinstance(request, dict) or not isinstance(request.get("method"), str):
            return _error(None, -1102, "Mandatory parameter 'method' was not sent, was empty/null, or malformed.")
        number, params = request.get("id"), request.get("params", {})
        try:
            result = self._result(request["method"], params if isinstance(params, dict) else {})
        except VenueRefuses as refusal:
            return _error(number, refusal.code, refusal.text)
        return {"id": number, "status": 200, "result": result, "rateLimits": []}

    def _result(self, method: str, params: Json) -> object:
        match method:
            case "ping":
                return {}
            case "time":
                return {"serverTime": ms(self._around.venue.venue_now())}
            case "session.subscriptions":
                return [] if self._subscription is None else [{"subscriptionId": self._subscription}]
            case "userDataStream.subscribe.signature":
                return self._subscribe(params)
            case "userDataStream.unsubscribe":
                self._unsubscribe()
                return {}
            case _:
                raise VenueRefuses(-1000, f"Unknown method '{method[:50]}'.")

    def _subscribe(self, params: Json) -> Json:
        self._around.door().check_message(params, self._around.venue.venue_now())
        if self._subscription is not None:
            raise VenueRefuses(-2035, "User Data Stream subscription already active.")
        self._subscription, self._next = self._next, self._next + 1
        self._mute = self._around.exchange.listen(self._hear)
        return {"subscriptionId": self._subscription}

    def _unsubscribe(self) -> None:
        self._mute()
        self._mute = lambda: None
        self._subscription = None

    # --- events ------------------------------------------------------------------------------------------------------

    def _hear(self, news: News) -> None:
        if self._around.faults.forget_subscriptions:
            self._unsubscribe()
            return
        if self._around.faults.drop_fills and isinstance(news, Executed) and news.fill is not None:
            return
        plan = self._around.venue.plan(Channel.ACCOUNT, self._symbol(news))
        told = event(news, self._around.venue.venue_now())
        frame = json.dumps({"subscriptionId": self._subscription, "event": told})
        if plan.corrupt:
            frame = frame[: len(frame) // 2]
        if plan.swap and self._held is None:
            self._held = frame
            return
        for _ in range(plan.copies):
            self._put(frame, plan.late)
        if self._held is not None:
            self._put(self._held, plan.late)
            self._held = None

    def _symbol(self, news: News) -> str | None:
        """Return the symbol that news is about, as faults name it."""
        if not isinstance(news, Executed):
            return None
        rules = self._around.exchange.rules[news.order.symbol]
        return f"{rules.base}-{rules.quote}"

    def _put(self, frame: str, late: float = 0.0) -> None:
        self._frames.put_nowait((self._around.clock.elapsed() + late, frame))

    async def _send(self) -> None:
        clock = self._around.clock
        while True:
            due, frame = await self._frames.get()
            while self._around.faults.stalled or self._around.venue.mute or clock.elapsed() < due:
                await clock.sleep(LOOK_EVERY)
            try:
                await self._socket.send_str(frame)
            except ConnectionError:
                self.cut()  # the reader sees the end
                _ = await asyncio.Event().wait()


def _error(number: object, code: int, text: str) -> Json:
    return {"id": number, "status": http_status(code), "error": {"code": code, "msg": text}, "rateLimits": []}
