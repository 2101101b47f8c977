"""Socket Mode: presses of buttons, over a socket that we open, so no address of ours has to be public.

The socket is ours and not the SDK's: that one reconnects for ever in tasks without an owner, and says nothing of it.
Alerts never depend on it. When it is down, the command line does what the buttons do.
"""

import asyncio
import json
from collections import deque
from collections.abc import Awaitable, Callable, Collection
from typing import Any

import aiohttp

from alerts.notify.base import CredentialsRefused
from alerts.notify.slack import SlackNotifier
from alerts.notify.slack_buttons import Press, Verb, presses
from core.clock import Clock
from core.errors import DeskError, Transient
from core.log import get_logger
from core.tasks import start

log = get_logger(__name__)

PING_S = 5.0
SILENT_S = 20.0
"""Seconds without a frame after which the socket counts as dead: Slack answers each ping."""
AGAIN_S = (1.0, 5.0, 10.0, 30.0, 60.0)
SELDOM_S = 600.0
"""Seconds until something is tried again that only a person can mend."""
REMEMBERED = 1000
"""Presses that are known when Slack tells of them again."""

NOT_ALLOWED = "You may not act on incidents. Ask for a place in `slack.actors`."

Hear = Callable[[Press], Awaitable[str]]
"""Carries a press out; returns why it did not, for that person alone, or ""."""


class SocketGone(Transient):
    """The Socket Mode connection has ended."""


class LinkDisabled(Transient):
    """Socket Mode is switched off for the app."""


class SlackSocket:
    """Run it with `run`. `actors`: the ids or names of those who may act; none: everybody in the channel."""

    def __init__(
        self,
        slack: SlackNotifier,
        http: aiohttp.ClientSession,
        hear: Hear,
        clock: Clock,
        *,
        actors: Collection[str] = (),
        ping_s: float = PING_S,
        silent_s: float = SILENT_S,
    ) -> None:
        self._slack = slack
        self._http = http
        self._hear = hear
        self._clock = clock
        self._actors = frozenset(actors)
        self._ping_s = ping_s
        self._silent_s = silent_s
        self._presses: asyncio.Queue[Press] = asyncio.Queue()
        self._known: deque[str] = deque(maxlen=REMEMBERED)
        self._trouble = ""
        self.connected = False

    def problems(self) -> list[str]:
        """Return what keeps the buttons from working, and what to do."""
        if not self._trouble:
            return []
        return [f"Slack's buttons do nothing, `deskwatch alerts` does the same: {self._trouble}"]

    async def run(self) -> None:
        """Listen, for ever."""
        async with asyncio.TaskGroup() as group:
            start(group, "slack socket", self._stay())
            start(group, "slack presses", self._act())

    async def _stay(self) -> None:
        attempt = 0
        while True:
            pause = AGAIN_S[min(attempt, len(AGAIN_S) - 1)]
            try:
                await self._listen()
                pause = AGAIN_S[0]  # Slack asked for another connection
            except DeskError as error:
                pause = SELDOM_S if isinstance(error, CredentialsRefused | LinkDisabled) else pause
                self._trouble = str(error)
                log.warning("slack.socket", error=str(error), again_s=pause)
            attempt = 0 if self.connected else attempt + 1
            self.connected = False
            await self._clock.sleep(pause)

    async def _listen(self) -> None:
        """Serve one connection; returns when Slack wants another.

        Raises:
            Transient: it cannot be opened, it broke, or nothing came for too long.
        """
        url = await self._slack.open_socket()
        closing = aiohttp.ClientWSTimeout(ws_close=1.0)
        try:
            async with asyncio.timeout(self._silent_s):
                socket = await self._http.ws_connect(url, autoping=False, timeout=closing)
            async with socket:
                await self._serve(socket)
        except (aiohttp.ClientError, ConnectionError, TimeoutError, ValueError) as trouble:
            raise SocketGone(repr(trouble), hint="It is opened again; check the network if it lasts") from trouble

    async def _serve(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        heard = self._clock.elapsed()
        while True:
            try:
                frame = await socket.receive(timeout=self._ping_s)
            except TimeoutError:
                silent = self._clock.elapsed() - heard
                if silent >= self._silent_s:
                    raise SocketGone(f"nothing came for {silent:.0f} s", hint="It is opened again") from None
                await socket.ping()
                continue
            heard = self._clock.elapsed()
            if frame.type is aiohttp.WSMsgType.PING:
                await socket.pong(frame.data)
            elif frame.type is aiohttp.WSMsgType.TEXT:
                if await self._take(socket, frame.data):
                    return
            elif frame.type is not aiohttp.WSMsgType.PONG:
                raise SocketGone(f"closed with {socket.close_code}", hint="It is opened again")

    async def _take(self, socket: aiohttp.ClientWebSocketResponse, text: str) -> bool:
        """Take one envelope; return whether Slack wants another connection."""
        envelope = json.loads(text)
        if not isinstance(envelope, dict):
            raise SocketGone("a frame that is no envelope", hint="Ask what proxy stands before Slack")
        match envelope.get("type"):
            case "hello":
                self.connected, self._trouble = True, ""
                log.info("slack.listening")
            case "disconnect":
                if envelope.get("reason") == "link_disabled":
                    raise LinkDisabled(hint="Switch Socket Mode on in the app's page (docs/slack.md)")
                return True
            case _ if "envelope_id" in envelope:
                # Slack wants to hear within three seconds that it has arrived, whatever comes of it.
                await socket.send_json({"envelope_id": envelope["envelope_id"]})
                self._keep(envelope.get("payload"))
            case kind:
                log.debug("slack.envelope", kind=kind)
        return False

    def _keep(self, payload: Any) -> None:  # noqa: ANN401  what the wire says
        for press in presses(payload) if isinstance(payload, dict) else []:
            if press.verb is not Verb.OPEN and press.key not in self._known:
                self._known.append(press.key)
                self._presses.put_nowait(press)

    async def _act(self) -> None:
        while True:
            press = await self._presses.get()
            try:
                answer = await self._heard(press)
                if answer:
                    await self._slack.whisper(press.channel, press.user, answer)
            except DeskError as error:
                log.warning("slack.press", verb=press.verb, incident=press.incident, error=str(error))

    async def _heard(self, press: Press) -> str:
        if self._actors and not self._actors & {press.user, press.name}:
            log.warning("slack.not_allowed", user=press.user, name=press.name, incident=press.incident)
            return NOT_ALLOWED
        try:
            answer = await self._hear(press)
        except DeskError as error:
            return str(error)
        log.info("slack.pressed", verb=press.verb, incident=press.incident, user=press.user, answer=answer)
        return answer
