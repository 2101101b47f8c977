"""A call's arguments, whichever way they come: JSON, form, multipart or query."""

import json
from collections.abc import Mapping

from aiohttp import web

from simulator.slack.refusal import Refusal
from simulator.slack.store import Content, Json

_STRUCTURED = {"blocks": "invalid_blocks_format", "attachments": "invalid_attachments", "metadata": "invalid_metadata"}


class Arguments:
    """The arguments of one call."""

    def __init__(self, values: Mapping[str, object], token: str) -> None:
        self._values = values
        self.token = token or self.text("token")

    def text(self, name: str, default: str = "") -> str:
        """Return an argument as text; `default` where it is missing or null."""
        value = self._values.get(name)
        return default if value is None else str(value)

    def flag(self, name: str) -> bool:
        """Return a yes or no."""
        return self.text(name).lower() in {"true", "1"}

    def number(self, name: str, default: int) -> int:
        """Return a whole number."""
        text = self.text(name, str(default))
        if not (text.isascii() and text.isdigit()):
            raise Refusal("invalid_arguments", [f"must be an integer [json-pointer:/{name}]"])
        return int(text)

    def need(self, name: str) -> str:
        """Return an argument that must be there."""
        text = self.text(name)
        if not text:
            raise Refusal("invalid_arguments", [f"missing required field: {name}"])
        return text

    def content(self) -> Content:
        """Return what the call says; None is what it leaves out."""
        text = self._values.get("text")
        return Content(
            None if text is None else str(text),
            self._structured("blocks"),  # type: ignore[arg-type]  # limits.check_message looks at its shape
            self._structured("attachments"),  # type: ignore[arg-type]  # the same
            self._structured("metadata"),  # type: ignore[arg-type]  # the same
        )

    def objects(self, name: str) -> list[Json]:
        """Return a list of objects, given as JSON or as its text."""
        value = self._values.get(name)
        try:
            parsed = json.loads(value) if isinstance(value, str) else value
        except ValueError as error:
            raise Refusal("invalid_arguments", ["must be valid JSON"]) from error
        return [one for one in parsed if isinstance(one, dict)] if isinstance(parsed, list) else []

    def _structured(self, name: str) -> object:
        value = self._values.get(name)
        if not isinstance(value, str):
            return value
        try:
            return json.loads(value) if value else None
        except ValueError as error:
            raise Refusal(_STRUCTURED[name], ["must be valid JSON"]) from error


async def read_arguments(request: web.Request) -> Arguments:
    """Return a request's arguments.

    Raises:
        Refusal: JSON that is none, or no object.
    """
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    values: dict[str, object] = dict(request.query)
    if request.content_type == "application/json":
        values |= await _json_object(request)
    elif request.method == "POST":
        values |= dict(await request.post())
    return Arguments(values, token if scheme.lower() == "bearer" else "")


async def _json_object(request: web.Request) -> Json:
    text = await request.text()
    try:
        parsed = json.loads(text) if text else {}
    except ValueError as error:
        raise Refusal("invalid_json") from error
    if not isinstance(parsed, dict):
        raise Refusal("json_not_object")
    return parsed
