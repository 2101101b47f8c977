"""Socket Mode: connections of the app, envelopes to one of them, and what a press of a button sends."""

import asyncio
import json
from collections.abc import Mapping
from contextlib import suppress

from aiohttp import WSMsgType, web

from core.clock import Clock
from simulator.slack.refusal import Refusal
from simulator.slack.store import Json, Message, Store

CONNECTIONS = 10
"""An app may have as many at once."""
ACK_S = 3.0
"""Seconds in which an envelope must be acknowledged, or it is sent again."""
DELIVERIES = 3

APP_ID = "A0DESKWATCH"
PERSON_ID, PERSON = "U0TRADER", "trader"
"""Who sits before the page."""


class Sockets:
    """The open connections. `frozen`: they are open and dead, as some get; `answered`: envelopes acknowledged."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self.page_url = ""
        self.frozen = False
        self.answered: list[str] = []
        self._store = store
        self._clock = clock
        self._open: list[web.WebSocketResponse] = []
        self._tickets: set[str] = set()
        self._acks: dict[str, asyncio.Event] = {}
        self._count = 0

    def __len__(self) -> int:
        return len(self._open)

    def add_routes(self, app: web.Application) -> None:
        """Serve the routes."""
        app.router.add_get("/link/", self._connect)
        app.router.add_post("/press", self._press)

    def address(self) -> str:
        """Return where the next connection may be opened, once."""
        self._count += 1
        ticket = f"{self._count:08x}"
        self._tickets.add(ticket)
        return f"{self.page_url.replace('http://', 'ws://', 1)}link/?ticket={ticket}&app_id={APP_ID}"

    async def disconnect(self, reason: str) -> None:
        """Ask every connection to go: `warning`, `refresh_requested`, `link_disabled`, `too_many_websockets`."""
        for socket in list(self._open):
            await socket.send_json({"type": "disconnect", "reason": reason, "debug_info": {"host": "simulated"}})

    async def close(self) -> None:
        """Close every connection."""
        for socket in list(self._open):
            await socket.close(code=1001, message=b"going away")

    async def _connect(self, request: web.Request) -> web.StreamResponse:
        ticket = request.query.get("ticket", "")
        if ticket not in self._tickets:
            return web.Response(status=404, text="no such ticket")
        self._tickets.discard(ticket)
        socket = web.WebSocketResponse(autoping=False, timeout=1.0)
        await socket.prepare(request)
        if len(self._open) >= CONNECTIONS:
            await socket.send_json({"type": "disconnect", "reason": "too_many_websockets"})
            await socket.close()
            return socket
        self._open.append(socket)
        hello = {"type": "hello", "num_connections": len(self._open), "connection_info": {"app_id": APP_ID}}
        try:
            await socket.send_json(hello)
            await self._listen(socket)
        finally:
            self._open.remove(socket)
        return socket

    async def _listen(self, socket: web.WebSocketResponse) -> None:
        async for frame in socket:
            if self.frozen:
                continue
            if frame.type is WSMsgType.PING:
                await socket.pong(frame.data)
            elif frame.type is WSMsgType.TEXT:
                name = str(json.loads(frame.data).get("envelope_id"))
                if name in self._acks:
                    self._acks[name].set()

    async def _press(self, request: web.Request) -> web.Response:
        """Take a press from the page; the answer tells whether the app has heard of it."""
        given = await request.json()
        try:
            heard = await self.press(
                str(given["channel"]), str(given["ts"]), str(given["action_id"]), str(given.get("option") or "")
            )
        except Refusal as refusal:
            return web.json_response({"ok": False, "error": refusal.code}, status=400)
        return web.json_response({"ok": heard}, status=200 if heard else 504)

    async def press(
        self, channel: str, ts: str, action_id: str, option: str = "", *, user: str = PERSON_ID, name: str = PERSON
    ) -> bool:
        """Press a button of a message, or choose an option; return whether the app has acknowledged it.

        Raises:
            Refusal: there is no such button.
        """
        place = self._store.channel(channel)
        message = self._store.get(place, ts)
        block, element = _find(message, action_id)
        action: Json = {"type": element["type"], "action_id": action_id, "block_id": block.get("block_id", "")}
        action["action_ts"] = self._store.next_ts()
        if element["type"] == "button":
            action |= {"value": element.get("value", ""), "text": element.get("text")}
        else:
            action["selected_option"] = _option(element, option)
        payload: Json = {
            "type": "block_actions",
            "user": {"id": user, "username": name, "name": name, "team_id": "T0DESK"},
            "api_app_id": APP_ID,
            "container": _container(message, place.id),
            "channel": {"id": place.id, "name": place.name},
            "actions": [action],
        }
        return await self._deliver(payload)

    async def _deliver(self, payload: Mapping[str, object]) -> bool:
        """Send an envelope to one connection; to another, once more, where it is not acknowledged in time."""
        self._count += 1
        name = f"envelope-{self._count}"
        acknowledged = self._acks[name] = asyncio.Event()
        envelope = {"type": "interactive", "envelope_id": name, "accepts_response_payload": False, "payload": payload}
        try:
            for attempt in range(DELIVERIES):
                if not self._open:
                    return False
                socket = self._open[(self._count + attempt) % len(self._open)]
                body = {**envelope, "retry_attempt": attempt, "retry_reason": "timeout" if attempt else ""}
                with suppress(ConnectionError):
                    await socket.send_json(body)
                with suppress(TimeoutError):
                    async with asyncio.timeout(ACK_S):
                        await acknowledged.wait()
                    self.answered.append(name)
                    return True
        finally:
            del self._acks[name]
        return False


def _find(message: Message, action_id: str) -> tuple[Json, Json]:
    blocks = [*message.blocks, *(block for one in message.attachments for block in _list(one.get("blocks")))]
    for block in blocks:
        for element in _list(block.get("elements")):
            if element.get("action_id") == action_id:
                return block, element
    raise Refusal("no_such_button")


def _option(element: Json, value: str) -> Json:
    for one in _list(element.get("options")):
        if value in {str(one.get("value")), str(one.get("value")).rpartition(":")[2]}:
            return one
    raise Refusal("no_such_option")


def _container(message: Message, channel: str) -> Json:
    base: Json = {"message_ts": message.ts, "channel_id": channel, "is_ephemeral": False}
    if message.blocks:
        return {"type": "message", **base}
    return {"type": "message_attachment", "attachment_id": 1, "is_app_unfurl": False, **base}


def _list(value: object) -> list[Json]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []
