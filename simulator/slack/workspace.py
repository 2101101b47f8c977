"""A whole workspace on a port of this machine."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from aiohttp import web

from core.clock import Clock
from core.errors import UsageError
from simulator.slack.api import Api
from simulator.slack.faults import Fault, FaultKind, Faults
from simulator.slack.files import Files
from simulator.slack.methods import ALL_SCOPES, Methods
from simulator.slack.page import Page
from simulator.slack.sockets import PERSON, PERSON_ID, Sockets
from simulator.slack.store import Message, Store
from simulator.slack.webhook import PATH, SECRET, IncomingWebhook

CHANNELS = ("alerts", "market-data", "execution")
TOKEN = "xoxb-simulated"  # noqa: S105  the password of a workspace that holds nothing
APP_TOKEN = "xapp-simulated"  # noqa: S105  likewise
BURST = 10
"""Posts that a channel takes at once before it wants one a second; real channels took 25 to 30."""

TEAM = "Simulated desk"
HOST = "127.0.0.1"

__all__ = ["Fault", "FaultKind", "Message", "SlackWorkspace", "slack_workspace"]


class PortTaken(UsageError):
    """The Slack workspace cannot listen."""


class SlackWorkspace:
    """What a test or a demo does with the workspace. Channels are named as on Slack: `#alerts`, `alerts` or an id."""

    def __init__(self, store: Store, api: Api, faults: Faults, files: Files, sockets: Sockets, page_url: str) -> None:
        self.faults = faults
        self.sockets = sockets
        self.files = files
        self.page_url = page_url
        self.api_url = f"{page_url}api/"
        self.webhook_url = f"{page_url}{PATH}{SECRET}"
        self._store = store
        self._api = api

    @property
    def calls(self) -> Sequence[tuple[str, int]]:
        """Method and HTTP status of every call so far; status 0 is an answer that was lost."""
        return tuple(self._api.calls)

    def messages(self, channel: str) -> list[Message]:
        """Return a channel's messages as its readers see them, oldest first; replies only where broadcast."""
        return self._store.shown(self._store.channel(channel))

    def replies(self, channel: str, ts: str) -> list[Message]:
        """Return the replies of a message, oldest first."""
        return self._store.replies(self._store.channel(channel), ts)

    def whispers(self) -> list[tuple[str, str]]:
        """Return what one person alone was told: who, and what."""
        return [(user, one.text) for user, one in self._store.whispers]

    async def press(
        self, channel: str, ts: str, action_id: str, option: str = "", *, user: str = PERSON_ID, name: str = PERSON
    ) -> bool:
        """Press a button of a message; return whether the app has acknowledged it."""
        return await self.sockets.press(channel, ts, action_id, option, user=user, name=name)

    def delete(self, channel: str, ts: str) -> None:
        """Delete a message with its thread, as an administrator does."""
        self._store.delete(self._store.channel(channel), ts)

    def archive(self, channel: str) -> None:
        """Archive a channel."""
        self._store.channel(channel).archived = True

    def remove_bot(self, channel: str) -> None:
        """Take the bot out of a channel."""
        self._store.channel(channel).member = False

    def grant(self, *scopes: str) -> None:
        """Leave the token these scopes alone; without any, all."""
        self._api.scopes = frozenset(scopes) or ALL_SCOPES


@asynccontextmanager
async def slack_workspace(
    clock: Clock,
    *,
    port: int = 0,
    channels: Sequence[str] = CHANNELS,
    token: str = TOKEN,
    app_token: str = APP_TOKEN,
    burst: int = BURST,
) -> AsyncIterator[SlackWorkspace]:
    """Serve a workspace on loopback until the block ends; port 0 takes a free one.

    Raises:
        PortTaken: something else listens on the port.
    """
    store, faults = Store(clock, tuple(channels)), Faults()
    files, sockets = Files(clock), Sockets(store, clock)
    methods = Methods(store, files, sockets, clock, burst=burst, team=TEAM)
    api = Api(store, methods, faults, clock, token=token, app_token=app_token)
    app = web.Application(client_max_size=4 * 1024 * 1024)
    api.add_routes(app)
    files.add_routes(app)
    sockets.add_routes(app)
    IncomingWebhook(store, methods.limits, faults).add_routes(app)
    Page(store, TEAM).add_routes(app)

    async def end_watchers(_: web.Application) -> None:
        store.close()
        await sockets.close()

    app.on_shutdown.append(end_watchers)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    try:
        site = web.TCPSite(runner, HOST, port)
        try:
            await site.start()
        except OSError as error:
            hint = "End what listens there, or give another port; 0 takes a free one"
            raise PortTaken(f"{HOST}:{port}: {error.strerror}", hint=hint) from error
        url = f"http://{HOST}:{runner.addresses[0][1]}/"
        methods.page_url = files.page_url = sockets.page_url = url
        yield SlackWorkspace(store, api, faults, files, sockets, url)
    finally:
        await runner.cleanup()
