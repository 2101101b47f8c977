"""Who may act: programs by the token, people by a cookie that they get for it and that no other site can use."""

import base64
import hmac
import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from core.errors import Permanent

TOKEN_FILE = "token"  # noqa: S105  a file's name
COOKIE = "deskwatch"
CSRF_HEADER = "X-Deskwatch-CSRF"
SESSION_S = 12 * 3600.0


class NotAllowed(Permanent):
    """This needs the token."""


class Visitor(NamedTuple):
    """Who asks. `actor` is empty for a program, which names a person in its request."""

    actor: str


def load_token(folder: Path, given: str | None) -> str:
    """Return the configured token, or that of the data folder; it is made once, readable by its owner alone."""
    if given:
        return given
    file = folder / TOKEN_FILE
    try:
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return file.read_text().strip()
    with os.fdopen(handle, "w") as opened:
        token = secrets.token_urlsafe(24)
        opened.write(token + "\n")
    return token


class Guard:
    """Times are the clock's seconds; a cookie holds for SESSION_S, and over a restart as long as the token does."""

    def __init__(self, token: str) -> None:
        self._token = token

    def right(self, token: str) -> bool:
        """Whether this is the token."""
        return hmac.compare_digest(token.encode(), self._token.encode())

    def cookie(self, actor: str, now: float) -> str:
        """Return the cookie of a person who has shown the token."""
        name = base64.urlsafe_b64encode(actor.encode()).decode()
        body = f"{name}.{int(now + SESSION_S)}"
        return f"{body}.{self._sign('session', body)}"

    def person(self, cookie: str, now: float) -> str | None:
        """Return whose cookie this is; None: nobody's, or too old."""
        body, _, signature = cookie.rpartition(".")
        name, _, until = body.partition(".")
        if not (body and hmac.compare_digest(signature.encode(), self._sign("session", body).encode())):
            return None
        return base64.urlsafe_b64decode(name).decode() if now < int(until) else None

    def csrf(self, cookie: str) -> str:
        """Return what a page of ours sends with each action: another site can send the cookie and not read this."""
        return self._sign("csrf", cookie)

    def check(self, headers: Mapping[str, str], cookie: str, now: float) -> Visitor:
        """Return who asks for an action.

        Raises:
            NotAllowed: neither the token nor a person's cookie with its CSRF header.
        """
        scheme, _, token = headers.get("Authorization", "").partition(" ")
        if scheme.lower() == "bearer" and self.right(token.strip()):
            return Visitor("")
        actor = self.person(cookie, now)
        if actor is None:
            hint = "Send `Authorization: Bearer TOKEN`; the token is in the file `token` of the data folder"
            raise NotAllowed(hint=hint)
        if not hmac.compare_digest(headers.get(CSRF_HEADER, "").encode(), self.csrf(cookie).encode()):
            raise NotAllowed("the request does not come from the page", hint="Reload the page")
        return Visitor(actor)

    def _sign(self, what: str, body: str) -> str:
        return hmac.new(self._token.encode(), f"{what}|{body}".encode(), "sha256").hexdigest()
