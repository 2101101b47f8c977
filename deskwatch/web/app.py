"""The status server on loopback: the page, its live updates, its JSON, health checks, metrics."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from aiohttp import web
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import generate_latest

from core.clock import Clock
from core.errors import UsageError
from deskwatch.output import to_json
from deskwatch.web import render
from deskwatch.web.model import DeskStatus

REFRESH_S = 1.0
ADDRESS_FILE = "status-address.txt"
"""In the data folder: where the running page is, for `deskwatch status`."""

Gather = Callable[[], Awaitable[DeskStatus]]


class PortTaken(UsageError):
    """The status page's port is in use."""


class StatusServer:
    """Serves what `gather` returns; one gathering a second feeds every open page."""

    def __init__(self, gather: Gather, clock: Clock, registry: CollectorRegistry) -> None:
        self._gather = gather
        self._clock = clock
        self._registry = registry

    def application(self) -> web.Application:
        """Return the routes."""
        app = web.Application()
        app.router.add_get("/", self._page)
        app.router.add_get("/live", self._live)
        app.router.add_get("/api/status", self._json)
        app.router.add_get("/healthz", self._alive)
        app.router.add_get("/readyz", self._ready)
        app.router.add_get("/metrics", self._metrics)
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
        return web.Response(body=generate_latest(self._registry), content_type="text/plain")

    async def _live(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"})
        await response.prepare(request)
        while True:
            lines = render.desk(await self._gather()).splitlines()
            try:
                await response.write(("".join(f"data: {line}\n" for line in lines) + "\n").encode())
            except ConnectionResetError:  # the reader closed the page
                return response
            await self._clock.sleep(REFRESH_S)


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
