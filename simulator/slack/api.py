"""The Web API over HTTP: who may call, what goes wrong on command, and how an answer looks on the wire."""

import json

from aiohttp import web

from core.clock import Clock
from simulator.slack.arguments import Arguments, read_arguments
from simulator.slack.faults import BadFault, Fault, FaultKind, Faults, read_fault
from simulator.slack.methods import ALL_SCOPES, SCOPES, Methods
from simulator.slack.rate import limited
from simulator.slack.refusal import Refusal
from simulator.slack.store import Json, Store

_WITHOUT_TOKEN = frozenset({"api.test"})
_APP_TOKEN = frozenset({"apps.connections.open"})


class Api:
    """The routes below `/api/` and `/control/`."""

    def __init__(
        self, store: Store, methods: Methods, faults: Faults, clock: Clock, *, token: str, app_token: str
    ) -> None:
        self.scopes = ALL_SCOPES
        self.calls: list[tuple[str, int]] = []
        """Method and HTTP status of every call so far; status 0 is an answer that was lost."""
        self._store = store
        self._methods = methods
        self._faults = faults
        self._clock = clock
        self._token = token
        self._app_token = app_token

    def add_routes(self, app: web.Application) -> None:
        """Serve the routes."""
        app.router.add_route("*", "/api/{method}", self._call)
        app.router.add_post("/control/faults", self._add_fault)
        app.router.add_delete("/control/faults", self._clear_faults)
        app.router.add_get("/control/faults", self._show_faults)

    async def _call(self, request: web.Request) -> web.StreamResponse:
        method = request.match_info["method"]
        try:
            arguments = await read_arguments(request)
            self._authorise(method, arguments)
            fault = self._faults.take(method, self._channel_of(arguments))
            _meet(fault)
            body = self._methods.answer(method, arguments)
        except Refusal as refusal:
            return self._answer(method, refusal.body(), refusal)
        if fault and fault.kind is FaultKind.LOSE_ANSWER:
            return self._cut(method, request)
        if fault and fault.kind is FaultKind.SLOW:
            await self._clock.sleep(fault.seconds)
        return self._answer(method, body)

    def _authorise(self, method: str, arguments: Arguments) -> None:
        if method in _WITHOUT_TOKEN:
            return
        if not arguments.token:
            raise Refusal("not_authed")
        if method in _APP_TOKEN and arguments.token == self._app_token:
            return
        if arguments.token not in {self._token, self._app_token}:
            raise Refusal("invalid_auth")
        if (method in _APP_TOKEN) != (arguments.token == self._app_token):
            raise Refusal("not_allowed_token_type")
        if self._faults.token_revoked:
            raise Refusal("token_revoked")
        needed = SCOPES.get(method, "")
        if needed and needed not in self.scopes:
            raise Refusal("missing_scope", needed=needed, provided=",".join(sorted(self.scopes)))

    def _channel_of(self, arguments: Arguments) -> str:
        """Return the name of a call's channel, for the faults."""
        try:
            return self._store.channel(arguments.text("channel")).name
        except Refusal:
            return ""

    def _answer(self, method: str, body: Json, refusal: Refusal | None = None) -> web.Response:
        status = refusal.status if refusal else 200
        self.calls.append((method, status))
        if refusal and status >= 500:  # noqa: PLR2004  a server error has no JSON
            return web.Response(
                status=status, text="<html><body>upstream error</body></html>", content_type="text/html"
            )
        headers = {"X-OAuth-Scopes": ",".join(sorted(self.scopes))}
        if refusal and refusal.retry_after:
            headers["Retry-After"] = str(refusal.retry_after)
        return web.json_response(body, status=status, headers=headers)

    def _cut(self, method: str, request: web.Request) -> web.Response:
        self.calls.append((method, 0))
        if request.transport:
            request.transport.abort()
        return web.Response()

    async def _add_fault(self, request: web.Request) -> web.Response:
        try:
            body = json.loads(await request.text())
            if not isinstance(body, dict):
                raise BadFault("send one JSON object")  # noqa: TRY301  one way out for every bad fault
            if body.get("kind") == "revoke_token":
                self._faults.token_revoked = True
            else:
                self._faults.add(read_fault(body))
        except (BadFault, ValueError) as error:
            return web.json_response({"ok": False, "error": str(error)}, status=400)
        return await self._show_faults(request)

    async def _clear_faults(self, request: web.Request) -> web.Response:
        self._faults.clear()
        return await self._show_faults(request)

    async def _show_faults(self, _: web.Request) -> web.Response:
        waiting = [{"kind": one.kind, "method": one.method, "times": one.times} for one in self._faults.waiting]
        return web.json_response({"ok": True, "waiting": waiting, "token_revoked": self._faults.token_revoked})


def _meet(fault: Fault | None) -> None:
    """Raise what a fault does to a call before it has any effect."""
    match fault:
        case Fault(kind=FaultKind.REFUSE):
            raise Refusal(fault.error)
        case Fault(kind=FaultKind.SERVER_ERROR):
            raise Refusal("internal_error", status=fault.status)
        case Fault(kind=FaultKind.BUSY):
            raise limited(fault.seconds)
        case _:
            return
