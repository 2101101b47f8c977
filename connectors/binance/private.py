"""One Binance spot account: the user stream over the WS API, and the history over signed REST. Read-only keys do.

The stream is `userDataStream.subscribe.signature` on the WS API; listen keys are gone since 2026-02-20.
https://developers.binance.com/docs/binance-spot-api-docs/user-data-stream
"""

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from random import Random

import aiohttp
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException

from connectors.base.account import AccountKeys
from connectors.base.backoff import Backoff
from connectors.base.clock_offset import ClockOffset
from connectors.base.contract import Control, Names, Notice, Unknown
from connectors.base.rest import ClockRefused, KnownError, Refused, RestDoor, Trouble, millis
from connectors.binance.account import (
    VENUE,
    AccountMeaning,
    Answer,
    BalanceMoved,
    StreamEnded,
    parse_account,
    parse_balances,
    parse_order,
    parse_orders,
    parse_trades,
)
from connectors.binance.connector import DIALECT
from connectors.binance.signing import BinanceSigner
from core.account import AccountEvent, Balance, Fill, OrderReport, StreamDown, StreamUp
from core.clock import Clock
from core.errors import BadMessage, DeskError, Permanent, Transient
from core.log import get_logger
from core.tasks import start
from core.types import Nanos, Symbol

WS_API_URL = "wss://ws-api.binance.com:443/ws-api/v3"
PAGE = 1000
DAY_MS = 24 * 3600 * 1000
NO_SUCH_ORDER = "-2013"
ANSWER_WITHIN = 10.0
PROBE_EVERY = 30.0
"""The venue is asked whether our subscription still stands: a socket can live on after it has ended."""
LIFE = 23.5 * 3600
KEY_PAUSE = 30.0
"""A refused key is tried again this seldom: repeated failures get an address banned."""
FRAME_CAP = 4 * 1024 * 1024

KNOWN: Mapping[str, KnownError] = {
    "-1003": KnownError(Trouble.RATE, "Requests resume by themselves"),
    "-1007": KnownError(Trouble.UNKNOWN_OUTCOME, "Query the order by its client id; never send it again"),
    "-1008": KnownError(Trouble.BUSY, "The venue sheds load; it is tried again"),
    "-1021": KnownError(
        Trouble.CLOCK, "The offset to the venue's clock is measured again; is this host's NTP running?"
    ),
    "-1022": KnownError(Trouble.KEY, "The secret does not belong to this key: copy both again"),
    "-2014": KnownError(Trouble.KEY, "The key has not the form of a Binance key: copy it again"),
    "-2015": KnownError(Trouble.KEY, "Check the key, its rights (reading is enough) and its allowed addresses"),
}

log = get_logger(__name__)

Publish = Callable[[AccountEvent], None]


class StreamLost(Transient):
    """The private stream ended."""


class BinanceAccount:
    """The `AccountVenue` of Binance spot."""

    venue = VENUE

    def __init__(
        self,
        name: str,
        keys: AccountKeys,
        http: aiohttp.ClientSession,
        clock: Clock,
        rng: Random,
        *,
        page: int = PAGE,
    ) -> None:
        self.account = name
        self._page = page
        self._clock = clock
        self._url = keys.ws_url or WS_API_URL
        self._backoff = Backoff(rng)
        self._signer = BinanceSigner(keys.key, keys.secret)
        self._rest = RestDoor(VENUE, keys.rest_url or DIALECT.rest_url, http, clock, DIALECT.rest, known=KNOWN)
        self._offset = ClockOffset(VENUE, clock, self._ask_time)
        self._names: Names | None = None

    # --- history -----------------------------------------------------------------------------------------------------

    async def fills(self, symbol: Symbol, start: Nanos) -> Sequence[Fill]:
        """Return every fill since `start`; see `AccountVenue`.

        A start alone reaches one day at this venue, so the first fill is looked for day by day; from there on the ids
        lead, which no two fills share.
        """
        names = await self._instruments()
        native = names.native(symbol)
        begin = millis(start) + min(0, round(self._offset.ms or 0.0))  # a clock that is behind stamps fills earlier
        first: list[Fill] = []
        while not first:
            window = {"startTime": str(begin), "endTime": str(begin + DAY_MS)}
            first = await self._trades({"symbol": native, **window}, names)
            begin += DAY_MS
            if begin > millis(self._offset.venue_now()):
                break
        found = last = first
        while last:
            last = await self._trades({"symbol": native, "fromId": str(int(last[-1].trade_id) + 1)}, names)
            found = [*found, *last]
        return found

    async def _trades(self, params: Mapping[str, str], names: Names) -> list[Fill]:
        body = await self._signed("/api/v3/myTrades", {**params, "limit": str(self._page)}, weight=20)
        return parse_trades(body, self._clock.now(), names, self.account)

    async def order(self, symbol: Symbol, order_id: str) -> OrderReport | None:
        """Return one order; see `AccountVenue`."""
        names = await self._instruments()
        params = {"symbol": names.native(symbol), "orderId": order_id}
        try:
            body = await self._signed("/api/v3/order", params, weight=4)
        except Refused as refused:
            if refused.code == NO_SUCH_ORDER:
                return None
            raise
        return parse_order(body, self._clock.now(), names, self.account)

    async def open_orders(self) -> Sequence[OrderReport]:
        """Return every working order; see `AccountVenue`."""
        names = await self._instruments()
        body = await self._signed("/api/v3/openOrders", {}, weight=80)
        return parse_orders(body, self._clock.now(), names, self.account)

    async def balances(self) -> Sequence[Balance]:
        """Return every asset that is not zero; see `AccountVenue`."""
        body = await self._signed("/api/v3/account", {"omitZeroBalances": "true"}, weight=20)
        return parse_balances(body, self._clock.now(), self.account)

    async def _signed(self, path: str, params: Mapping[str, str], weight: int) -> bytes:
        if self._offset.offset is None:
            _ = await self._offset.measure()
        try:
            return await self._rest.signed("GET", path, params, self._signer, self._offset, weight)
        except ClockRefused:
            _ = await self._offset.measure()
            return await self._rest.signed("GET", path, params, self._signer, self._offset, weight)

    async def _ask_time(self) -> Nanos:
        return DIALECT.parse_time(await self._rest.get(DIALECT.time_path))

    async def _instruments(self) -> Names:
        if self._names is None:
            body = await self._rest.get(DIALECT.instruments_paths[0], weight=20)
            self._names = Names(DIALECT.parse_instruments(body, self._clock.now()))
        return self._names

    # --- the stream --------------------------------------------------------------------------------------------------

    async def stream(self, publish: Publish) -> None:
        """Publish everything the stream says, for ever; see `AccountVenue`."""
        while True:
            wait = 0.0
            try:
                await self._connected(publish)
            except Permanent as error:
                log.error("account.refused", venue=VENUE, account=self.account, error=str(error))
                publish(StreamDown(VENUE, self.account, self._clock.now(), str(error)))
                wait = KEY_PAUSE
            except DeskError as error:
                log.warning("account.stream_lost", venue=VENUE, account=self.account, reason=str(error))
                publish(StreamDown(VENUE, self.account, self._clock.now(), str(error)))
                wait = getattr(error, "after", None) or 0.0
            await self._clock.sleep(self._backoff.next(wait))

    async def _connected(self, publish: Publish) -> None:
        names = await self._instruments()
        _ = await self._offset.measure()
        try:
            async with connect(
                self._url, compression=None, max_size=FRAME_CAP, proxy=None, close_timeout=1.0
            ) as socket:
                await _UserStream(self, socket, names, publish, self._clock).run()
        except InvalidStatus as refused:
            raise StreamLost(f"the venue refused the connection: HTTP {refused.response.status_code}") from refused
        except (OSError, WebSocketException) as error:
            raise StreamLost(f"{type(error).__name__}: {error}") from error

    def subscribe_request(self) -> str:
        """Return the signed request that subscribes the user stream; its id is `subscribe`."""
        params = self._signer.sign_message({}, self._offset.venue_now())
        return json.dumps({"id": "subscribe", "method": "userDataStream.subscribe.signature", "params": params})

    def proved(self) -> None:
        """Note that the subscription was granted: the next failure is the first in a row."""
        self._backoff.good()


class _UserStream:
    """One socket's life: subscribe, be acknowledged, publish, and ask now and then whether it still stands."""

    def __init__(
        self, owner: BinanceAccount, socket: ClientConnection, names: Names, publish: Publish, clock: Clock
    ) -> None:
        self._owner = owner
        self._socket = socket
        self._names = names
        self._publish = publish
        self._clock = clock
        self._subscription: int | None = None
        self._probed = False

    async def run(self) -> None:
        """Serve until the stream ends.

        Raises:
            StreamLost: it ended, or the venue did not answer.
            Permanent: the key is refused.
        """
        try:
            async with asyncio.TaskGroup() as group:
                await self._send(self._owner.subscribe_request())
                _ = start(group, "user stream reader", self._read())
                _ = start(group, "user stream probe", self._probe())
                _ = start(group, "user stream life", self._live())
        except BaseExceptionGroup as several:
            raise _first(several) from several

    async def _send(self, text: str) -> None:
        try:
            await self._socket.send(text)
        except ConnectionClosed as closed:
            raise StreamLost(str(closed)[:300]) from closed

    async def _read(self) -> None:
        while True:
            try:
                frame = await self._socket.recv(decode=False)
            except ConnectionClosed as closed:
                raise StreamLost(str(closed)[:300]) from closed
            received = self._clock.now()
            try:
                meanings = parse_account(frame, received, self._names, self._owner.account)
            except BadMessage as error:
                log.error("account.frame_bad", venue=VENUE, account=self._owner.account, error=str(error))
                continue
            for meaning in meanings:
                self._take(meaning, received)

    def _take(self, meaning: AccountMeaning, received: Nanos) -> None:
        match meaning:
            case Answer():
                self._answered(meaning, received)
            case StreamEnded(reason=reason) | Control(notice=Notice.RECONNECT_SOON, text=reason):
                raise StreamLost(reason)
            case Unknown(text=text):
                log.warning("account.unknown", venue=VENUE, account=self._owner.account, frame=text)
            case BalanceMoved():
                log.info("account.moved", venue=VENUE, asset=meaning.asset, delta=str(meaning.delta))
            case OrderReport() | Fill() | Balance():
                self._publish(meaning)
            case _:
                pass  # known and not used

    def _answered(self, answer: Answer, received: Nanos) -> None:
        if answer.id == "probe":
            self._probed = True
            if answer.subscriptions is not None and self._subscription not in answer.subscriptions:
                raise StreamLost("the venue does not know our subscription any more")
            return
        if answer.code:
            raise _refusal(answer)
        if answer.id != "subscribe" or self._subscription is not None:
            return
        self._subscription = answer.subscription
        self._owner.proved()
        self._publish(StreamUp(VENUE, self._owner.account, received))

    async def _probe(self) -> None:
        await self._clock.sleep(ANSWER_WITHIN)
        if self._subscription is None:
            raise StreamLost(f"no answer to the subscription within {ANSWER_WITHIN:g} s")
        while True:
            self._probed = False
            await self._send(json.dumps({"id": "probe", "method": "session.subscriptions", "params": {}}))
            await self._clock.sleep(PROBE_EVERY)
            if not self._probed:
                raise StreamLost(f"the venue did not answer within {PROBE_EVERY:g} s")

    async def _live(self) -> None:
        await self._clock.sleep(LIFE)
        raise StreamLost("its life is over; a new connection takes over and the history fills the seam")


def _refusal(answer: Answer) -> DeskError:
    known = KNOWN.get(str(answer.code))
    detail = f"code {answer.code}: {answer.text}"
    if known is not None and known.trouble is Trouble.KEY:
        return Permanent(f"{VENUE} subscription, {detail}", hint=known.hint)
    return StreamLost(f"subscription refused, {detail}", hint=known.hint if known else "")


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
