"""Where a database is and who we are there; an embedded server leaves this in a private file for its neighbours."""

import json
import os
import secrets
from dataclasses import asdict, dataclass
from pathlib import Path

from core.errors import UsageError


class NoDatabase(UsageError):
    """There is no database to talk to."""


@dataclass(frozen=True, slots=True)
class Address:
    """How to reach a QuestDB server: one writer (HTTP), one reader (PostgreSQL wire, read-only)."""

    host: str
    http_port: int
    pg_port: int
    user: str
    password: str
    reader_user: str
    reader_password: str

    @property
    def http_url(self) -> str:
        """The base of the HTTP API."""
        return f"http://{self.host}:{self.http_port}"

    def __repr__(self) -> str:
        """Show no password."""
        return f"Address({self.host}, http {self.http_port}, pg {self.pg_port})"


@dataclass(frozen=True, slots=True)
class Credentials:
    """The passwords of an embedded server, made at its first start."""

    password: str
    reader_password: str


def credentials(file: Path) -> Credentials:
    """Return the passwords in a file of mode 600, making them first if there are none."""
    if not file.exists():
        _write_private(file, asdict(Credentials(secrets.token_urlsafe(24), secrets.token_urlsafe(24))))
    return Credentials(**json.loads(file.read_text()))


def save(file: Path, address: Address) -> None:
    """Leave an address for other processes of this user."""
    _write_private(file, asdict(address))


def find(file: Path) -> Address:
    """Return the address that a running embedded server left.

    Raises:
        NoDatabase: there is none.
    """
    try:
        return Address(**json.loads(file.read_text()))
    except FileNotFoundError as error:
        raise NoDatabase(
            f"nothing runs on {file.parent}", hint="Start `deskwatch run` first, or set database.host to your server"
        ) from error


def _write_private(file: Path, content: dict[str, object]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w") as out:
        json.dump(content, out)
