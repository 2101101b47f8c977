"""The incoming webhook: one address, one channel, bare texts for answers."""

import json

from aiohttp import web

from simulator.slack.faults import Faults
from simulator.slack.limits import check_message
from simulator.slack.rate import Limits
from simulator.slack.refusal import Refusal
from simulator.slack.store import Content, Store

PATH = "services/T0DESK/B0HOOK/"
SECRET = "simulated"  # noqa: S105  the address is the password, of a workspace that holds nothing


class IncomingWebhook:
    """Takes what is posted to the address into the first channel."""

    def __init__(self, store: Store, limits: Limits, faults: Faults) -> None:
        self._store = store
        self._limits = limits
        self._faults = faults

    def add_routes(self, app: web.Application) -> None:
        """Serve the route."""
        app.router.add_post(f"/{PATH}{{secret}}", self._post)

    async def _post(self, request: web.Request) -> web.Response:
        if request.match_info["secret"] != SECRET or self._faults.token_revoked:
            return web.Response(status=404, text="no_service")
        channel = next(iter(self._store.channels.values()))
        try:
            given = json.loads(await request.text())
            text, blocks, attachments = given.get("text"), given.get("blocks"), given.get("attachments")
            check_message(text or "", blocks, attachments, None, lambda _file: False)
            self._limits.post(channel.id)
        except (ValueError, AttributeError):
            return web.Response(status=400, text="invalid_payload")
        except Refusal as refusal:
            headers = {"Retry-After": str(refusal.retry_after)} if refusal.retry_after else {}
            status = refusal.status if refusal.retry_after else 400
            return web.Response(status=status, text=refusal.code, headers=headers)
        self._store.post(channel, Content(text, blocks, attachments, None), "", broadcast=False)
        return web.Response(text="ok")
