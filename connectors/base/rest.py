"""The only door to a venue's REST: requests go through its budget, and its errors become ours here, once."""

from collections.abc import Mapping
from enum import StrEnum
from http import HTTPStatus
from typing import NamedTuple, Protocol

import aiohttp
import msgspec
from yarl import URL

from connectors.base.contract import RestRules
from connectors.base.limits import WeightLimiter
from core.clock import Clock
from core.errors import BadMessage, Permanent, Transient
from core.types import MILLISECOND, Nanos, VenueName

BODY_CAP = 64 * 1024 * 1024
TIMEOUT = aiohttp.ClientTimeout(total=10.0, connect=5.0)
DEFAULT_PAUSE = {HTTPStatus.TOO_MANY_REQUESTS: 10.0, HTTPStatus.IM_A_TEAPOT: 120.0}
"""Seconds to stay away when the venue gives no Retry-After; a ban lasts two minutes at least (Binance)."""


class RateLimited(Transient):
    """The venue refuses because we asked too much."""


class VenueDown(Transient):
    """The venue did not answer, or answered that it cannot."""


class OutcomeUnknown(Transient):
    """The request may have been carried out; its answer was lost."""


class ClockRefused(Transient):
    """The venue refuses our timestamp."""


class Refused(Permanent):
    """The venue refuses the request."""

    def __init__(self, detail: str = "", *, hint: str = "", code: str = "") -> None:
        """Carry the venue's own error code."""
        super().__init__(detail, hint=hint)
        self.code = code


class KeyRefused(Refused):
    """The venue refuses the API key."""


class Trouble(StrEnum):
    """What one of a venue's error codes comes to."""

    CLOCK = "clock"
    KEY = "key"
    RATE = "rate"
    UNKNOWN_OUTCOME = "unknown outcome"
    BUSY = "busy"


class KnownError(NamedTuple):
    """A venue's error code that needs more than the general answer."""

    trouble: Trouble
    hint: str


class Signer(Protocol):
    """Signs requests for one account."""

    def sign(self, params: Mapping[str, str], now: Nanos) -> tuple[str, Mapping[str, str]]:
        """Return the encoded query with its signature, and the headers to send; `now` is the venue's time."""


class VenueClock(Protocol):
    """Tells what time it is at the venue."""

    def venue_now(self) -> Nanos:
        """Return the venue's time."""


class _Error(msgspec.Struct):
    """The error body that Binance and OKX share: a code and a text."""

    code: int | str | None = None
    msg: str | None = None


class RestDoor:
    """REST of one venue at one address; `public` requests, and `signed` ones where a signer is given."""

    def __init__(
        self,
        venue: VenueName,
        url: str,
        http: aiohttp.ClientSession,
        clock: Clock,
        rules: RestRules,
        *,
        limiter: WeightLimiter | None = None,
        known: Mapping[str, KnownError] | None = None,
    ) -> None:
        self.venue = venue
        self.limiter = limiter or WeightLimiter(clock, rules.weight_per_minute)
        self.latency_ms: float | None = None
        self._url = url.rstrip("/")
        self._http = http
        self._clock = clock
        self._rules = rules
        self._known = known or {}

    async def get(self, path: str, *, weight: int = 1) -> bytes:
        """GET a public path (with its query, already encoded) and return the body.

        Raises:
            Transient: RateLimited, Throttled or VenueDown; try later, not before `after` seconds.
            Permanent: Refused with the venue's code, or BadMessage for a body beyond the cap.
        """
        return await self._request("GET", path, {}, weight)

    async def signed(
        self,
        method: str,
        path: str,
        params: Mapping[str, str],
        signer: Signer,
        venue_clock: VenueClock,
        weight: int = 1,
    ) -> bytes:
        """Send a signed request and return the body; raises like `get`, and besides.

        Raises:
            KeyRefused: the key is unknown, has not this right, or may not come from this address.
            ClockRefused: our timestamp is off; measure the offset again.
            OutcomeUnknown: an order request whose answer was lost; query it, never send it again.
        """
        await self.limiter.take(weight)  # before signing: a signature that waits grows old
        query, headers = signer.sign(params, venue_clock.venue_now())
        return await self._send(method, f"{path}?{query}", headers)

    async def _request(self, method: str, path: str, headers: Mapping[str, str], weight: int) -> bytes:
        await self.limiter.take(weight)
        return await self._send(method, path, headers)

    async def _send(self, method: str, path: str, headers: Mapping[str, str]) -> bytes:
        began = self._clock.elapsed()
        url = URL(self._url + path, encoded=True)  # a signature holds for these very bytes
        where = f"{self.venue} {method} {path.partition('?')[0]}"
        try:
            async with self._http.request(
                method, url, headers=headers, timeout=TIMEOUT, allow_redirects=False
            ) as response:
                body = await _read(response, where)
                self.latency_ms = (self._clock.elapsed() - began) * 1000
                self._heed(response.headers)
                if response.status != HTTPStatus.OK:
                    self._fail(method, where, response, body)
                return body
        except (TimeoutError, aiohttp.ClientError) as error:
            raise _lost(method, where, type(error).__name__) from error

    def _heed(self, headers: Mapping[str, str]) -> None:
        name = self._rules.used_weight_header
        used = headers.get(name, "") if name else ""
        if used.isascii() and used.isdigit():
            self.limiter.venue_says(int(used[:9]))

    def _fail(self, method: str, where: str, response: aiohttp.ClientResponse, body: bytes) -> None:
        """Raise what this answer means."""
        code, text = _read_error(body)
        detail = f"{where}: HTTP {response.status}" + (f", code {code}: {text}" if code else "")
        known = self._known.get(code)
        status = response.status
        if status == HTTPStatus.TOO_MANY_REQUESTS or status in self._rules.banned_statuses:
            raise self._slow_down(detail, status, response.headers)
        if known is not None:
            raise self._named(known, code, detail)
        if status == HTTPStatus.UNAUTHORIZED:
            raise KeyRefused(detail, hint="Check key, secret and the key's allowed addresses", code=code)
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status == HTTPStatus.REQUEST_TIMEOUT:
            raise _lost(method, where, detail.removeprefix(f"{where}: "))
        hint = "This address may be blocked by the venue's firewall" if status == HTTPStatus.FORBIDDEN else ""
        raise Refused(detail, hint=hint or "See the venue's list of error codes", code=code)

    def _slow_down(self, detail: str, status: int, headers: Mapping[str, str]) -> RateLimited:
        given = headers.get("Retry-After", "")
        after = float(given[:9]) if given.isascii() and given.isdigit() else DEFAULT_PAUSE.get(HTTPStatus(status), 10.0)
        self.limiter.pause(after)
        banned = status in self._rules.banned_statuses
        hint = "This address is banned for that long" if banned else "Requests resume by themselves"
        return RateLimited(f"{detail}; wait {after:.0f} s", hint=hint, after=after)

    def _named(self, known: KnownError, code: str, detail: str) -> Transient | Permanent:
        match known.trouble:
            case Trouble.CLOCK:
                return ClockRefused(detail, hint=known.hint)
            case Trouble.KEY:
                return KeyRefused(detail, hint=known.hint, code=code)
            case Trouble.RATE:
                self.limiter.pause(DEFAULT_PAUSE[HTTPStatus.TOO_MANY_REQUESTS])
                return RateLimited(detail, hint=known.hint, after=self.limiter.paused_for())
            case Trouble.UNKNOWN_OUTCOME:
                return OutcomeUnknown(detail, hint=known.hint)
            case Trouble.BUSY:
                return VenueDown(detail, hint=known.hint)


def _lost(method: str, where: str, what: str) -> Transient:
    if method == "GET":
        return VenueDown(f"{where}: {what}", hint="It is tried again")
    return OutcomeUnknown(f"{where}: {what}", hint="Query the order by its client id; never send it again")


async def _read(response: aiohttp.ClientResponse, where: str) -> bytes:
    parts, size = [], 0
    async for part in response.content.iter_any():
        size += len(part)
        if size > BODY_CAP:
            raise BadMessage(f"{where}: a body of more than {BODY_CAP >> 20} MiB", hint="Is this address the venue's?")
        parts.append(part)
    return b"".join(parts)


def _read_error(body: bytes) -> tuple[str, str]:
    """Return the venue's code and text; both empty if the body is something else, such as a proxy's page."""
    try:
        error = msgspec.json.decode(body, type=_Error)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return "", ""
    return ("" if error.code is None else str(error.code)), (error.msg or "")[:200]


def millis(moment: Nanos) -> int:
    """Return a moment in ms since the epoch, as the venues' parameters want it."""
    return moment // MILLISECOND
