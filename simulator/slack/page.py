"""The page at `/`: the workspace as a trader sees it, live through server-sent events."""

import json
from collections.abc import Iterator
from contextlib import suppress

from aiohttp import web

from simulator.slack import view
from simulator.slack.sockets import PERSON_ID
from simulator.slack.store import Change, Store

_RETRY_MS = 1000
_NO_STORE = {"Cache-Control": "no-store"}


class Page:
    """The page, its files and its stream of events."""

    def __init__(self, store: Store, team: str) -> None:
        self._store = store
        self._team = team

    def add_routes(self, app: web.Application) -> None:
        """Serve the routes."""
        app.router.add_get("/", self._page)
        app.router.add_get("/archives/{channel}/{message}", self._page)
        app.router.add_get("/events", self._events)
        app.router.add_static("/static", view.STATIC)

    async def _page(self, _: web.Request) -> web.Response:
        return web.Response(text=view.page(self._store, self._team), content_type="text/html", headers=_NO_STORE)

    async def _events(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream", **_NO_STORE})
        await response.prepare(request)
        # A reader who closes the page ends only his own stream.
        with self._store.watch() as changes, suppress(ConnectionResetError):
            # Whatever the reader missed, before and between two connections, comes first.
            channels = {one.id: view.channel_messages(self._store, one) for one in self._store.channels.values()}
            await _send(response, "sync", {"channels": channels})
            while change := await changes.get():
                for event in self._shown(change):
                    await _send(response, "message", event)
        return response

    def _shown(self, change: Change) -> Iterator[dict[str, str]]:
        """Yield what a change alters on the page: the message itself, and the parent of a reply."""
        channel = self._store.channels[change.message.channel]
        if change.kind == "whisper" and (PERSON_ID, change.message.ts) in self._store.whispered():
            html = view.message(self._store, channel, change.message, private=True)
            yield {"kind": "whisper", "channel": channel.id, "ts": change.message.ts, "html": html}
        if change.kind == "deleted":
            yield {"kind": "deleted", "channel": channel.id, "ts": change.message.ts, "html": ""}
        parent = channel.messages.get(change.message.thread_ts)
        if parent:
            html = view.message(self._store, channel, parent)
            yield {"kind": "thread", "channel": channel.id, "ts": parent.ts, "html": html}
        one = channel.messages.get(change.message.ts)
        if one and (not one.thread_ts or one.broadcast):
            html = view.message(self._store, channel, one)
            yield {"kind": change.kind, "channel": channel.id, "ts": one.ts, "html": html}


async def _send(response: web.StreamResponse, event: str, data: object) -> None:
    await response.write(f"retry: {_RETRY_MS}\nevent: {event}\ndata: {json.dumps(data)}\n\n".encode())
