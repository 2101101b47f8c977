"""Every receiver of the routing as an adapter, and Slack's buttons."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import aiohttp

from alerts.buttons import Buttons
from alerts.deadman import Deadman
from alerts.notify.base import Notifier
from alerts.notify.slack import SlackNotifier
from alerts.notify.slack_socket import SlackSocket
from alerts.notify.slack_webhook import SlackWebhook
from alerts.notify.webhook import Webhook
from alerts.service import AlertService
from alerts.tree import Kind, Receiver, Routing
from core.clock import Clock
from core.errors import UsageError
from core.log import get_logger
from deskwatch.settings import Settings

log = get_logger(__name__)


class BadReceiver(UsageError):
    """A receiver cannot be set up."""


class Receivers(Mapping[str, Notifier]):
    """Adapters by receiver. `use` takes another routing, `slack` is the bot; without a token there is none."""

    def __init__(self, settings: Settings, routing: Routing, http: aiohttp.ClientSession, clock: Clock) -> None:
        self._external_url = settings.alerts.external_url
        self._http = http
        self._notifiers: dict[str, Notifier] = {}
        given = settings.slack
        self.slack: SlackNotifier | None = None
        if given.token is not None:
            app_token = given.app_token.get_secret_value() if given.app_token else ""
            token = given.token.get_secret_value()
            self.slack = SlackNotifier(token, http, app_token=app_token, api_url=given.api_url, clock=clock)
        self.use(routing)

    def __getitem__(self, name: str) -> Notifier:
        """Return a receiver's adapter."""
        return self._notifiers[name]

    def __iter__(self) -> Iterator[str]:
        """Yield the receivers that can be told."""
        return iter(self._notifiers)

    def __len__(self) -> int:
        """Return how many receivers can be told."""
        return len(self._notifiers)

    def use(self, routing: Routing) -> None:
        """Take the receivers of a routing.

        Raises:
            BadReceiver: a webhook's file cannot be read.
        """
        made = {name: self._adapter(one) for name, one in routing.receivers.items()}
        self._notifiers = {name: one for name, one in made.items() if one is not None}
        if any(one is None for one in made.values()):
            log.warning("slack.off", hint="Set slack.token (DESKWATCH_SLACK__TOKEN_FILE) or nobody hears of an alert")

    def _adapter(self, receiver: Receiver) -> Notifier | None:
        match receiver.kind:
            case Kind.SLACK:
                return self.slack
            case Kind.SLACK_WEBHOOK:
                return SlackWebhook(_read(receiver), self._http, name=receiver.name)
            case Kind.WEBHOOK:
                external = self._external_url
                return Webhook(receiver.address, self._http, name=receiver.name, external_url=external)


def _read(receiver: Receiver) -> str:
    file = Path(receiver.address)
    try:
        url = file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        hint = "Put the webhook's address into that file, readable by deskwatch alone"
        raise BadReceiver(f"{receiver.name}: {file}: {error}", hint=hint) from error
    if not url.startswith(("http://", "https://")):
        raise BadReceiver(f"{receiver.name}: {file} holds no address", hint="It begins with https://")
    return url


def put_beside(
    service: AlertService, receivers: Receivers, settings: Settings, http: aiohttp.ClientSession, clock: Clock
) -> None:
    """Let run with the alert service what is not the service: Slack's buttons, the dead man's switch."""
    service.on_routing(receivers.use)
    service.run_beside("dead man's switch", Deadman(settings.deadman, http, service.unwell, clock))
    if receivers.slack is not None and settings.slack.app_token is not None:
        buttons = Buttons(service.actions, clock)
        socket = SlackSocket(receivers.slack, http, buttons, clock, actors=settings.slack.actors)
        service.run_beside("slack buttons", socket)
