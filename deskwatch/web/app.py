"""The status server on loopback: the page, its live updates, its JSON, health checks, metrics."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from aiohttp import web
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from core.clock import Clock
from core.errors import UsageError
from deskwatch.output import to_json
from deskwatch.web import render
from deskwatch.web.api import AlertApi
from deskwatch.web.model import DeskStatus

REFRESH_S = 1.0
GUARDS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src data:; "
        "frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
"""Sent with everything: a label that got past the escaping could still run no script and call nobody."""
ADDRESS_FILE = "status-address.txt"
"""In the data folder: where the running page is, for `deskwatch status`."""

Gather = Callable[[], Awaitable[DeskStatus]]


class PortTaken(UsageError):
    """The status page's port is in use."""


class StatusServer:
    """Serves what `gather` returns; one gathering a second feeds every open page."""

    def __init__(self, gather: Gather, clock: Clock, registry: CollectorRegistry, api: AlertApi | None = None) -> None:
        self._gather = gather
        self._clock = clock
        self._registry = registry
        self._api = api
        self._streams: set[asyncio.Task[object]] = set()

    def application(self) -> web.Application:
        """Return the routes."""
        app = web.Application()
        app.on_response_prepare.append(_guard)
        app.on_shutdown.append(self._end_streams)
        app.router.add_get("/", self._page)
        app.router.add_get("/live", self._live)
        app.router.add_get("/api/status", self._json)
        app.router.add_get("/healthz", self._alive)
        app.router.add_get("/readyz", self._ready)
        app.router.add_get("/metrics", self._metrics)
        if self._api is not None:
            self._api.add_to(app)
        app.router.add_static("/static", render.FOLDER / "static")
        return app

    async def _page(self, _: web.Request) -> web.Response:
        return web.Response(text=render.page(await self._gather()), content_type="text/html")

    async def _json(self, _: web.Request) -> web.Response:
        return web.Response(text=to_json((await self._gather()).as_json()), content_type="application/json")

    async def _alive(self, _: web.Request) -> web.Response:
        return web.Response(text="ok\n")

    async def _ready(self, _: web.Request) -> web.Response:
        problems = (await self._gather()).problems
        return web.Response(text="\n".join(problems or ("ready",)) + "\n", status=503 if problems else 200)

    async def _metrics(self, _: web.Request) -> web.Response:
        return web.Response(body=generate_latest(self._registry), headers={"Content-Type": CONTENT_TYPE_LATEST})

    async def _live(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        task = asyncio.current_task()
        assert task is not None  # noqa: S101  for the type checker: a handler runs in a task
        self._streams.add(task)
        try:
            while True:
                await response.write(render.event(render.desk(await self._gather())))
                await self._clock.sleep(REFRESH_S)
        except ConnectionResetError:  # the reader closed the page
            return response
        finally:
            self._streams.discard(task)

    async def _end_streams(self, _: web.Application) -> None:
        """A page left open must not hold up the stop: its stream would never end by itself."""
        for task in self._streams:
            task.cancel()


async def _guard(_: web.Request, response: web.StreamResponse) -> None:
    for name, value in GUARDS.items():
        response.headers.setdefault(name, value)


@asynccontextmanager
async def serving(server: StatusServer, host: str, port: int) -> AsyncIterator[str]:
    """Serve until the block ends; gives the address.

    Raises:
        PortTaken: with the setting to change.
    """
    runner = web.AppRunner(server.application(), access_log=None, shutdown_timeout=0.5)
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port)
        try:
            await site.start()
        except OSError as error:
            raise PortTaken(
                f"{host}:{port}", hint="Stop the other program, or set status.port (0 takes any free one)"
            ) from error
        bound = runner.addresses[0][1]
        yield f"http://{host}:{bound}"
    finally:
        await runner.cleanup()
