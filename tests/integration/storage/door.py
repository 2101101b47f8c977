"""A database's door that answers as a test says, on a real socket: refusals, silence, a cut connection."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web

from storage.address import Address

NOWHERE = Address("127.0.0.1", 9, 9, "writer", "secret", "reader", "secret")
"""Nobody listens there."""


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer; `after` seconds late, and status 0 cuts the connection instead."""

    status: int
    text: str = ""
    after: float = 0.0


OK = Reply(204)
Answer = Callable[[bytes], Reply]


@dataclass
class ScriptedDoor:
    """Takes bodies. Answers from `replies` first, then as `answer` says, which is to accept."""

    replies: deque[Reply] = field(default_factory=deque)
    answer: Answer = lambda _body: OK
    seen: list[bytes] = field(default_factory=list)
    accepted: list[bytes] = field(default_factory=list)
    address: Address = NOWHERE

    async def write(self, request: web.Request) -> web.Response:
        """Answer POST /write."""
        body = await request.read()
        self.seen.append(body)
        reply = self.replies.popleft() if self.replies else self.answer(body)
        if reply.after:
            await asyncio.sleep(reply.after)
        if not reply.status:
            assert request.transport is not None
            request.transport.abort()
        if reply.status == OK.status:
            self.accepted.append(body)
        return web.Response(status=reply.status or 500, text=reply.text)

    @property
    def lines(self) -> list[bytes]:
        """Every line that was accepted, in order."""
        return [line for body in self.accepted for line in body.splitlines()]


@asynccontextmanager
async def scripted(*replies: Reply) -> AsyncIterator[ScriptedDoor]:
    """Serve a door on loopback."""
    door = ScriptedDoor(deque(replies))
    app = web.Application(client_max_size=2**30)
    app.router.add_post("/write", door.write)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    door.address = Address("127.0.0.1", runner.addresses[0][1], 9, "writer", "secret", "reader", "secret")
    try:
        yield door
    finally:
        await runner.cleanup()


async def until(true: Callable[[], bool]) -> None:
    """Wait until something holds; the test's own time-out ends it otherwise."""
    while not true():  # noqa: ASYNC110  a figure has no event
        await asyncio.sleep(0.005)
