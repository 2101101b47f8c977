"""The command line's side of the HTTP API: it finds the running desk by the data folder, and the token there."""

import getpass
import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from core.errors import Permanent
from deskwatch.settings import Settings, load
from deskwatch.status import NotRunning, status_url
from deskwatch.web.guard import TOKEN_FILE

TIMEOUT_S = 10.0


class Refused(Permanent):
    """The desk says no."""


class DeskApi:
    """One running desk."""

    def __init__(self, config: Path | None) -> None:
        self._settings: Settings = load(config)
        self._url = status_url(self._settings)

    def get(self, *path: str, **query: str) -> Any:  # noqa: ANN401  JSON
        """Return what a path answers.

        Raises:
            NotRunning, Refused: nothing answers; or the desk does, and says no.
        """
        tail = "&".join(f"{name}={quote(value)}" for name, value in query.items())
        return self._call("GET", "/".join(quote(one, safe="") for one in path) + (f"?{tail}" if tail else ""), None)[1]

    def act(self, method: str, *path: str, **body: object) -> tuple[int, Any]:
        """Do something as this user; return status and answer: an incident that is over or unknown is an answer too.

        Raises:
            NotRunning, Refused: nothing answers; or the desk does, and says no.
        """
        given = {name.rstrip("_"): value for name, value in body.items() if value}
        given.setdefault("actor", getpass.getuser())
        return self._call(method, "/".join(quote(one, safe="") for one in path), given)

    def _call(self, method: str, path: str, body: Mapping[str, object] | None) -> tuple[int, Any]:
        url = f"{self._url}/api/{path}"
        headers = {"Content-Type": "application/json"}
        if method != "GET":
            headers["Authorization"] = f"Bearer {self._token()}"
        data = json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(url, data, headers, method=method)  # noqa: S310  our own settings' address
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:  # noqa: S310  as above
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            document = _document(error)
            if "result" in document:
                return error.code, document
            raise Refused(str(document.get("error", error))) from error
        except (urllib.error.URLError, TimeoutError, json.JSONDecodeError) as error:
            hint = "Start `deskwatch run`, or name its configuration with -c"
            raise NotRunning(f"{url}: {error}", hint=hint) from error

    def _token(self) -> str:
        if self._settings.status.token is not None:
            return self._settings.status.token.get_secret_value()
        file = self._settings.data / TOKEN_FILE
        try:
            return file.read_text().strip()
        except OSError as error:
            raise Refused(f"{file}: {error.strerror}", hint="Run it as the user that runs the desk") from error


def _document(error: urllib.error.HTTPError) -> dict[str, Any]:
    try:
        found = json.load(error)
    except json.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}
