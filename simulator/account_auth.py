"""The venue's door: is this key known, is the request fresh, does the signature hold? Pure; native codes.

REST signs the query string and the body as they are sent; the WS API signs its parameters sorted by name.
"""

import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from http import HTTPStatus
from urllib.parse import quote, unquote_plus

from core.types import MILLISECOND, Nanos
from simulator.account_model import VenueRefuses

DEFAULT_WINDOW = Decimal(5000)
LARGEST_WINDOW = Decimal(60_000)
AHEAD_MS = 1000
_KEY = re.compile(r"[A-Za-z0-9-]{1,128}")
_SIGNATURE = re.compile(r"(^|&)signature=[^&]*")
BAD_SIGNATURE = (-1022, "Signature for this request is not valid.")
_STATUS = {-2014: HTTPStatus.UNAUTHORIZED, -2015: HTTPStatus.UNAUTHORIZED}


def http_status(code: int) -> int:
    """Return the HTTP status that comes with a native code."""
    return _STATUS.get(code, HTTPStatus.BAD_REQUEST)


@dataclass(frozen=True, slots=True)
class Door:
    """Checks requests against one key and its secret."""

    key: str
    secret: str

    def check_query(self, key: str | None, query: str, body: str, now: Nanos) -> dict[str, str]:
        """Return the parameters of a signed REST request; query and body as they were sent.

        Raises:
            VenueRefuses: -2014, -2015, -1102, -1021, -1131 or -1022.
        """
        self._check_key(key)
        pairs = [pair.partition("=") for part in (query, body) for pair in part.split("&") if pair]
        params = {name: unquote_plus(value) for name, _, value in pairs}
        _check_time(params, now)
        signature = params.pop("signature", "")
        if any(value != quote(unquote_plus(value), safe="") for _, _, value in pairs):
            raise VenueRefuses(*BAD_SIGNATURE)
        self._check_signature(_SIGNATURE.sub("", query) + _SIGNATURE.sub("", body), signature)
        return params

    def check_message(self, params: Mapping[str, object], now: Nanos) -> None:
        """Check the parameters of a signed WS API request; raises like `check_query`."""
        text = {name: str(value) for name, value in params.items()}
        self._check_key(text.get("apiKey"))
        _check_time(text, now)
        signature = text.pop("signature", "")
        self._check_signature("&".join(f"{name}={text[name]}" for name in sorted(text)), signature)

    def _check_key(self, key: str | None) -> None:
        if not key or not _KEY.fullmatch(key):
            raise VenueRefuses(-2014, "API-key format invalid.")
        if key != self.key:
            raise VenueRefuses(-2015, "Invalid API-key, IP, or permissions for action.")

    def _check_signature(self, payload: str, signature: str) -> None:
        right = hmac.new(self.secret.encode(), payload.encode(), hashlib.sha256).hexdigest()
        if not hmac.compare_digest(right.encode(), signature.encode()):
            raise VenueRefuses(*BAD_SIGNATURE)


def _check_time(params: Mapping[str, str], now: Nanos) -> None:
    stamp = params.get("timestamp", "")
    if not stamp.isascii() or not stamp.isdigit():
        raise VenueRefuses(-1102, "Mandatory parameter 'timestamp' was not sent, was empty/null, or malformed.")
    try:
        window = Decimal(params.get("recvWindow", DEFAULT_WINDOW))
    except InvalidOperation as error:
        raise VenueRefuses(-1102, "Mandatory parameter 'recvWindow' was malformed.") from error
    if not 0 <= window <= LARGEST_WINDOW:
        raise VenueRefuses(-1131, "recvWindow must be less than 60000.")
    server = now // MILLISECOND
    if int(stamp) >= server + AHEAD_MS:
        raise VenueRefuses(-1021, "Timestamp for this request was 1000ms ahead of the server's time.")
    if server - int(stamp) > window:
        raise VenueRefuses(-1021, "Timestamp for this request is outside of the recvWindow.")
