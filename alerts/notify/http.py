"""One POST to a receiver that speaks plain HTTP, and what its answer comes to."""

import asyncio
from collections.abc import Mapping
from typing import Any

import aiohttp

from alerts.notify.base import (
    ChannelBusy,
    CredentialsRefused,
    MessageRefused,
    OutcomeUnknown,
    ReceiverDown,
)

TIMEOUT = 10.0
"""Seconds that one call may take, connecting included."""
TOLD = 200
"""Characters of an answer that an error shows."""

_GONE_AT = frozenset({404, 410})
_CREDENTIALS = frozenset({401, 403})


async def post(http: aiohttp.ClientSession, url: str, body: Mapping[str, Any], *, name: str, time_out: float) -> str:
    """POST a JSON object and return the text of the answer; `name` stands for the address, which may be secret.

    Raises:
        ChannelBusy, ReceiverDown, OutcomeUnknown: it may work later.
        CredentialsRefused, MessageRefused: a person must look at it.
    """
    try:
        async with asyncio.timeout(time_out), http.post(url, json=body, allow_redirects=False) as answer:
            status, headers = answer.status, answer.headers
            text = (await answer.text(errors="replace"))[:TOLD]
    except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, aiohttp.InvalidURL) as trouble:
        raise ReceiverDown(f"{name}: {_why(trouble, url)}", hint="Check the address and the network") from None
    except (TimeoutError, aiohttp.ClientError) as trouble:
        raise OutcomeUnknown(f"{name}: {_why(trouble, url)}", hint="It is sent again, and may arrive twice") from None
    if 200 <= status < 300:  # noqa: PLR2004  Success
        return text
    _refuse(name, status, text, headers.get("Retry-After", ""))
    return ""


def _why(trouble: Exception, url: str) -> str:
    """Return what happened without the address: a webhook's is a password."""
    return (str(trouble) or type(trouble).__name__).replace(url, "the address")


def _refuse(name: str, status: int, text: str, retry_after: str) -> None:
    said = f"{name}: HTTP status {status}{f', {text}' if text else ''}"
    if status == 429:  # noqa: PLR2004  Too Many Requests
        wait = float(retry_after) if retry_after.isascii() and retry_after.isdigit() else 1.0
        raise ChannelBusy(said, hint="Nothing is lost meanwhile", after=max(wait, 1.0))
    if status >= 500:  # noqa: PLR2004  Server errors
        raise ReceiverDown(said, hint="It is tried again; look at the receiver's own log")
    if status in _CREDENTIALS or status in _GONE_AT:
        raise CredentialsRefused(said, hint="Make the webhook again and put its address into the file")
    raise MessageRefused(said, hint="Its answer names what it does not take")
