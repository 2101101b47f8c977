"""The HTTP door for rows: one request, one verdict."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import TypeAlias

import aiohttp

from storage.address import Address

PIECE = 2**20
"""A larger body goes out in pieces of this size: each is a turn of the loop, and waits behind its other work."""
ACCEPTED, BAD_LINE, UNAUTHORISED, READ_ONLY = 204, 400, 401, 421


@dataclass(frozen=True, slots=True)
class Accepted:
    """Every row is in the server's log."""


@dataclass(frozen=True, slots=True)
class BadLine:
    """Nothing was stored, because of this row (the first is 1)."""

    line: int
    reason: str


@dataclass(frozen=True, slots=True)
class TryAgain:
    """It may or may not be stored: send the same bytes again. `hint` is set when a person must act first."""

    reason: str
    hint: str = ""


Verdict: TypeAlias = Accepted | BadLine | TryAgain


class Door:
    """POST /write with our credentials."""

    def __init__(self, at: Address, http: aiohttp.ClientSession, timeout_s: float) -> None:
        self._url = f"{at.http_url}/write"
        self._headers = {"Authorization": aiohttp.encode_basic_auth(at.user, at.password)}
        self._http = http
        self._timeout = aiohttp.ClientTimeout(total=timeout_s)

    async def deliver(self, payload: bytes) -> Verdict:
        """Send a batch and return the verdict; never raises for what the network or the server does."""
        body = _pieces(payload) if len(payload) > PIECE else payload
        headers = self._headers | {"Content-Length": str(len(payload))}
        try:
            async with self._http.post(self._url, data=body, headers=headers, timeout=self._timeout) as reply:
                if reply.status == ACCEPTED:
                    return Accepted()
                return _refusal(reply.status, await reply.text())
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            return TryAgain(f"{type(error).__name__}: {error}")


async def _pieces(payload: bytes) -> AsyncIterator[memoryview]:
    view = memoryview(payload)
    for start in range(0, len(view), PIECE):
        yield view[start : start + PIECE]


def _refusal(status: int, text: str) -> Verdict:
    if status == BAD_LINE:
        try:
            answer = json.loads(text)
            return BadLine(int(answer["line"]), str(answer["message"]))
        except (ValueError, KeyError, TypeError):
            return TryAgain(f"400 {text[:200]}", "The server refuses the batch and names no row: see its log")
    if status == UNAUTHORISED:
        return TryAgain("401 the server refuses our name or password", "Mend database.user and database.password")
    if status == READ_ONLY:
        return TryAgain("421 the server does not accept writes", "Set http.security.readonly=false on the server")
    return TryAgain(f"{status} {text[:200]}")
