"""The HTTP API of the alert side: what programs ask and do, and what the page's buttons do."""

import ipaddress
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from aiohttp import web
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from alerts.actions import Done
from alerts.intervals import read_weekly, show_weekly
from alerts.labels import read_matcher
from alerts.service import AlertService
from alerts.silence import Silence, Window
from core import durations
from core.clock import Clock, to_datetime
from core.errors import DeskError, UsageError
from deskwatch.history import History
from deskwatch.output import to_json
from deskwatch.web import interop
from deskwatch.web.guard import COOKIE, SESSION_S, Guard, NotAllowed, Visitor

STATUS_OF = {Done.DONE: 200, Done.ALREADY: 200, Done.RESOLVED: 409, Done.UNKNOWN: 404}
SILENCE_FOR = timedelta(hours=1)
LONGEST_SILENCE = timedelta(days=365)


class BadRequest(UsageError):
    """The request is wrong."""


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    actor: str = ""
    comment: str = ""
    until: AwareDatetime | None = None
    span: str = Field(default="", alias="for")
    starts_at: AwareDatetime | None = None
    match: list[str] = Field(default_factory=list)
    weekly: list[str] = Field(default_factory=list)
    token: str = ""


Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class AlertApi:
    """Reads need nothing, actions need the token or a signed-in person."""

    def __init__(self, alerts: AlertService, history: History, guard: Guard, clock: Clock) -> None:
        self._alerts = alerts
        self._history = history
        self._guard = guard
        self._clock = clock

    def add_to(self, app: web.Application) -> None:
        """Add the routes to an application."""
        app.middlewares.append(_answer_errors)
        for path, read in (
            ("/api/v1/alerts", self._v1_alerts),
            ("/api/v1/rules", self._v1_rules),
            ("/api/incidents", self._incidents),
            ("/api/silences", self._silences),
            ("/api/why/{id}", self._why),
            ("/api/history", self._past),
            ("/api/session", self._session),
        ):
            app.router.add_get(path, read)
        app.router.add_post("/api/v2/alerts", self._take)
        app.router.add_post("/api/session", self._sign_in)
        app.router.add_post("/api/incidents/{id}/{action:ack|unack|resolve|silence|unsilence}", self._act)
        app.router.add_post("/api/silences", self._add_silence)
        app.router.add_delete("/api/silences/{id}", self._expire)

    async def _v1_alerts(self, _: web.Request) -> web.Response:
        return _json(interop.alerts_v1(self._alerts.alerts()))

    async def _v1_rules(self, _: web.Request) -> web.Response:
        runs = {(one.group, one.rule): one for one in self._alerts.rules()}
        return _json(interop.rules_v1(self._alerts.groups(), self._alerts.alerts(), runs))

    async def _incidents(self, _: web.Request) -> web.Response:
        return _json({"incidents": [asdict(one) for one in self._alerts.incidents()]})

    async def _silences(self, _: web.Request) -> web.Response:
        now = self._now()
        return _json({"silences": [silence_json(one, now) for one in self._alerts.actions.silences()]})

    async def _why(self, request: web.Request) -> web.Response:
        return _json({"events": await self._history.why(request.match_info["id"])})

    async def _past(self, request: web.Request) -> web.Response:
        since = _span(request.query.get("for", "1d"))
        return _json({"events": await self._history.transitions(self._now() - since, self._now())})

    async def _session(self, request: web.Request) -> web.Response:
        cookie = request.cookies.get(COOKIE, "")
        actor = self._guard.person(cookie, self._seconds())
        return _json({"actor": actor, "csrf": self._guard.csrf(cookie) if actor else ""})

    async def _sign_in(self, request: web.Request) -> web.Response:
        body = await _body(request)
        if not self._guard.right(body.token):
            raise NotAllowed("that is not the token", hint="It is in the file `token` of the data folder")
        if not body.actor.strip():
            raise BadRequest("no name", hint="Say who you are: it is shown to the others")
        cookie = self._guard.cookie(body.actor.strip(), self._seconds())
        response = _json({"actor": body.actor.strip(), "csrf": self._guard.csrf(cookie)})
        response.set_cookie(
            COOKIE, cookie, httponly=True, samesite="Strict", max_age=int(SESSION_S), secure=request.secure
        )
        return response

    async def _take(self, request: web.Request) -> web.Response:
        """Alerts of another program. One on this machine needs no token; a browser's page never gets this far."""
        foreign = not _local(request.remote) or "Origin" in request.headers
        if foreign or request.content_type != "application/json":
            self._check(request)
        try:
            posted = interop.read_posted(await request.read())
        except ValidationError as error:
            raise BadRequest(_first(error), hint="Send a list of alerts in Alertmanager's form") from error
        refused = await self._alerts.external.post(posted, self._now())
        if refused:
            raise BadRequest("; ".join(refused), hint="The other alerts were taken")
        return web.Response()

    async def _act(self, request: web.Request) -> web.Response:
        visitor, body = self._check(request), await _body(request)
        incident, actor, now = request.match_info["id"], _actor(visitor, body), self._now()
        actions = self._alerts.actions
        match request.match_info["action"]:
            case "ack":
                done = await actions.acknowledge(incident, actor, now)
            case "unack":
                done = await actions.unacknowledge(incident, actor, now)
            case "resolve":
                done = await actions.resolve(incident, actor, now)
            case "unsilence":
                done = await actions.unsilence(incident, actor, now)
            case _:
                quiet = await actions.silence(incident, _until(body, now), actor, body.comment, now)
                return _done(quiet.done, quiet.silence, now)
        return _done(done)

    async def _add_silence(self, request: web.Request) -> web.Response:
        visitor, body, now = self._check(request), await _body(request), self._now()
        matchers = [read_matcher(text) for text in body.match]
        weekly = tuple(read_weekly(text) for text in body.weekly)
        until = body.until or (now + LONGEST_SILENCE if weekly and not body.span else _until(body, now))
        window = Window(until, body.starts_at, weekly)
        quiet = await self._alerts.actions.add_silence(matchers, window, _actor(visitor, body), body.comment, now)
        return _done(quiet.done, quiet.silence, now)

    async def _expire(self, request: web.Request) -> web.Response:
        visitor, body = self._check(request), await _body(request)
        return _done(await self._alerts.actions.expire(request.match_info["id"], _actor(visitor, body), self._now()))

    def _check(self, request: web.Request) -> Visitor:
        return self._guard.check(request.headers, request.cookies.get(COOKIE, ""), self._seconds())

    def _now(self) -> datetime:
        return to_datetime(self._clock.now())

    def _seconds(self) -> float:
        return self._clock.now() / 1e9


def silence_json(one: Silence, at: datetime) -> dict[str, object]:
    """Return a silence for programs."""
    return {
        "id": one.id,
        "state": one.state(at),
        "match": [str(matcher) for matcher in one.matchers],
        "starts_at": one.starts_at,
        "ends_at": one.ends_at,
        "weekly": [show_weekly(interval) for interval in one.weekly],
        "author": one.author,
        "comment": one.comment,
        "incident": one.incident,
    }


@web.middleware
async def _answer_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except NotAllowed as error:
        return _error(401, error)
    except UsageError as error:
        return _error(400, error)
    except DeskError as error:
        return _error(503, error)


def _error(status: int, error: DeskError) -> web.Response:
    response = _json({"error": str(error)})
    response.set_status(status)
    return response


def _json(value: object) -> web.Response:
    return web.Response(text=to_json(value), content_type="application/json")


def _done(done: Done, silence: Silence | None = None, at: datetime | None = None) -> web.Response:
    document: dict[str, object] = {"result": done}
    if silence is not None and at is not None:
        document["silence"] = silence_json(silence, at)
    response = _json(document)
    response.set_status(STATUS_OF[done])
    return response


async def _body(request: web.Request) -> _Body:
    text = await request.text()
    try:
        given: Mapping[str, Any] = json.loads(text) if text.strip() else {}
        return _Body.model_validate(given)
    except json.JSONDecodeError as error:
        raise BadRequest(f"no JSON: {error}", hint="docs/api.md shows each request") from error
    except ValidationError as error:
        raise BadRequest(_first(error), hint="docs/api.md shows each request") from error


def _first(error: ValidationError) -> str:
    one = error.errors(include_url=False)[0]
    return f"{'.'.join(str(part) for part in one['loc'])}: {one['msg']}".lstrip(": ")


def _actor(visitor: Visitor, body: _Body) -> str:
    actor = visitor.actor or body.actor.strip()
    if not actor:
        raise BadRequest("no actor", hint="Say who does it: it is shown to the others")
    return actor


def _until(body: _Body, now: datetime) -> datetime:
    if body.until is not None:
        return body.until
    until: datetime = (body.starts_at or now) + (_span(body.span) if body.span else SILENCE_FOR)
    return until


def _span(text: str) -> timedelta:
    try:
        span = durations.parse(text)
    except OverflowError as error:
        raise BadRequest(f"{text}: too long", hint=f"At most {LONGEST_SILENCE.days} days") from error
    if span > LONGEST_SILENCE:
        raise BadRequest(f"{text}: too long", hint=f"At most {LONGEST_SILENCE.days} days")
    return span


def _local(remote: str | None) -> bool:
    return remote is not None and ipaddress.ip_address(remote.partition("%")[0]).is_loopback
