"""Files: an address to upload to, the bytes, and the time that Slack takes until a picture can be shown."""

from dataclasses import dataclass

from aiohttp import web

from core.clock import Clock
from simulator.slack.arguments import Arguments
from simulator.slack.refusal import Refusal
from simulator.slack.store import Json

PROCESSING_S = 0.3
"""Seconds until a completed file has its mimetype."""
PNG = b"\x89PNG\r\n\x1a\n"


@dataclass(slots=True)
class File:
    """One file; `ready_at` in elapsed seconds, None before it is complete."""

    id: str
    name: str
    length: int
    content: bytes = b""
    title: str = ""
    ready_at: float | None = None


class Files:
    """Every file of the workspace."""

    def __init__(self, clock: Clock) -> None:
        self.page_url = ""
        self.files: dict[str, File] = {}
        self._clock = clock

    def add_routes(self, app: web.Application) -> None:
        """Serve the routes."""
        app.router.add_post("/upload/{file}", self._upload)
        app.router.add_get("/files/{file}", self._show)

    def place(self, arguments: Arguments) -> Json:
        """Answer files.getUploadURLExternal."""
        name, length = arguments.need("filename"), arguments.number("length", 0)
        if not length:
            raise Refusal("missing_argument", ["missing required field: length"])
        one = File(f"F0{len(self.files) + 1:08d}", name, length)
        self.files[one.id] = one
        return {"upload_url": f"{self.page_url}upload/{one.id}", "file_id": one.id}

    def complete(self, arguments: Arguments) -> Json:
        """Answer files.completeUploadExternal."""
        done: list[Json] = []
        for given in arguments.objects("files"):
            one = self.files.get(str(given.get("id")))
            if one is None or len(one.content) != one.length:
                raise Refusal("file_not_found")
            one.title, one.ready_at = str(given.get("title") or one.name), self._clock.elapsed() + PROCESSING_S
            done.append({"id": one.id, "title": one.title})
        if not done:
            raise Refusal("invalid_arguments", ["missing required field: files"])
        return {"files": done}

    def info(self, arguments: Arguments) -> Json:
        """Answer files.info; `mimetype` is empty while the file is being processed."""
        one = self.files.get(arguments.need("file"))
        if one is None:
            raise Refusal("file_not_found")
        kind = "image/png" if self.ready(one.id) and one.content.startswith(PNG) else ""
        return {"file": {"id": one.id, "name": one.name, "title": one.title, "mimetype": kind, "size": one.length}}

    def ready(self, name: str) -> bool:
        """Whether a message may show a file."""
        one = self.files.get(name)
        return one is not None and one.ready_at is not None and self._clock.elapsed() >= one.ready_at

    async def _upload(self, request: web.Request) -> web.Response:
        one = self.files.get(request.match_info["file"])
        if one is None:
            return web.Response(status=404, text="no such file")
        one.content = await request.read()
        return web.Response(text=f"OK - {len(one.content)}")

    async def _show(self, request: web.Request) -> web.Response:
        one = self.files.get(request.match_info["file"])
        if one is None:
            return web.Response(status=404, text="no such file")
        return web.Response(body=one.content, content_type="image/png", headers={"Cache-Control": "max-age=3600"})
