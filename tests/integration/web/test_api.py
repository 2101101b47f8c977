"""The HTTP API over real sockets. Source: issue 4 items 9 and 10, alert-semantics.md 2.2 and 2.9."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from deskwatch.web.guard import COOKIE, CSRF_HEADER
from tests.integration.web.alert_desk import TOKEN, AlertDesk, alert_desk


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[AlertDesk]:
    """A desk on which one series is hot, and has been told."""
    async with alert_desk(tmp_path) as one:
        one.breaching.add("a")
        await one.step()
        yield one


async def test_alerts_and_rules_in_the_form_of_prometheus(desk: AlertDesk) -> None:
    """The keys that its clients read; `query` is the SQL."""
    status, answer = await desk.read("/api/v1/alerts")
    assert (status, answer["status"]) == (200, "success")
    [alert] = answer["data"]["alerts"]  # type: ignore[index]  # JSON
    assert alert["labels"] == {"alertname": "Hot", "series": "a", "severity": "page"}
    assert (alert["state"], alert["value"], alert["annotations"]["summary"]) == ("firing", "7", "a is hot")
    assert datetime.fromisoformat(alert["activeAt"]).tzinfo is not None
    _, answer = await desk.read("/api/v1/rules")
    [group] = answer["data"]["groups"]  # type: ignore[index]  # JSON
    [rule] = group["rules"]
    assert (group["name"], group["interval"], rule["name"], rule["type"]) == ("g", 1.0, "Hot", "alerting")
    assert (rule["state"], rule["health"], rule["lastError"], rule["duration"]) == ("firing", "ok", "", 0.0)
    assert "Hot" in rule["query"]
    assert rule["alerts"] == [alert]


async def test_actions_on_an_incident(desk: AlertDesk) -> None:
    """Each says what it found; what is over answers 409, what never was 404."""
    name = desk.incident
    assert await desk.act(f"/api/incidents/{name}/ack") == (200, {"result": "done"})
    assert await desk.act(f"/api/incidents/{name}/ack") == (200, {"result": "already"})
    _, answer = await desk.read("/api/incidents")
    assert answer["incidents"][0]["ack"]["actor"] == "ada"  # type: ignore[index]  # JSON
    assert await desk.act(f"/api/incidents/{name}/unack") == (200, {"result": "done"})
    status, answer = await desk.act(f"/api/incidents/{name}/silence", for_="2h", comment="upgrade")
    assert (status, answer["result"]) == (200, "done")
    _, answer = await desk.read("/api/incidents")
    assert answer["incidents"][0]["state"] == "silenced"  # type: ignore[index]  # JSON
    assert await desk.act(f"/api/incidents/{name}/unsilence") == (200, {"result": "done"})
    assert await desk.act(f"/api/incidents/{name}/resolve") == (200, {"result": "done"})
    assert await desk.act(f"/api/incidents/{name}/ack") == (409, {"result": "resolved"})
    assert await desk.act("/api/incidents/nothing/ack") == (404, {"result": "unknown"})


async def test_silences_are_added_listed_and_ended(desk: AlertDesk) -> None:
    """With matchers, an end, an author; one that comes back each week too."""
    status, answer = await desk.act("/api/silences", match=["series = a"], for_="1h", comment="x")
    assert status == 200
    made = answer["silence"]
    _, answer = await desk.act("/api/silences", match=["series = b"], weekly=["sun 02:00-04:00 UTC"], comment="x")
    weekly = answer["silence"]
    _, answer = await desk.read("/api/silences")
    found = {one["id"]: one for one in answer["silences"]}  # type: ignore[attr-defined]  # JSON
    assert found[made["id"]]["state"] == "active"  # type: ignore[index]  # JSON
    assert found[weekly["id"]]["weekly"] == ["sun 02:00-04:00 UTC"]  # type: ignore[index]  # JSON
    assert (await desk.act(f"/api/silences/{made['id']}", "DELETE"))[0] == 200  # type: ignore[index]  # JSON
    assert (await desk.act("/api/silences/nothing", "DELETE"))[0] == 404


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({"match": ["series = a"], "for": "1h"}, "no comment"),
        ({"match": [], "for": "1h", "comment": "x"}, "silence everything"),
        ({"match": ["series"], "comment": "x"}, "matcher"),
        ({"match": ["series = a"], "for": "1", "comment": "x"}, "not a duration"),
        ({"match": ["series = a"], "for": "9999999999d", "comment": "x"}, "too long"),
        ({"match": ["series = a"], "until": "2020-01-01T00:00:00Z", "comment": "x"}, "before it begins"),
        ({"match": ["series = a"], "weekly": ["never"], "comment": "x"}, "time interval"),
        ({"match": ["series = a"], "until": "2030-01-01T00:00:00", "comment": "x"}, "timezone"),
        ({"metch": []}, "metch"),
        ({"match": ["series = a"], "comment": "x", "actor": ""}, "no actor"),
    ],
)
async def test_a_wrong_request_says_what_is_wrong(desk: AlertDesk, body: dict[str, Any], told: str) -> None:
    """400, and nothing has happened."""
    status, answer = await desk.act("/api/silences", **body)
    assert status == 400
    assert told in str(answer["error"])
    assert not desk.service.actions.silences()


async def test_actions_need_the_token(desk: AlertDesk) -> None:
    """Without it, with a wrong one, or with a body that is no JSON: refused, in words."""
    status, answer = await desk.act(f"/api/incidents/{desk.incident}/ack", token="wrong")
    assert status == 401
    assert "token" in str(answer["error"])
    async with desk.http.post(f"{desk.url}/api/incidents/{desk.incident}/ack") as reply:
        assert reply.status == 401
    headers = {"Authorization": f"Bearer {TOKEN}"}
    async with desk.http.post(f"{desk.url}/api/silences", data=b"{", headers=headers) as reply:
        assert reply.status == 400


async def test_a_person_signs_in_with_the_token_and_acts_by_cookie(desk: AlertDesk) -> None:
    """The cookie alone is not enough: another site can send it, and cannot read what the page sends beside it."""
    ack = f"{desk.url}/api/incidents/{desk.incident}/ack"
    async with desk.http.post(f"{desk.url}/api/session", json={"token": "wrong", "actor": "ada"}) as reply:
        assert reply.status == 401
    async with desk.http.post(f"{desk.url}/api/session", json={"token": TOKEN, "actor": "ada"}) as reply:
        assert reply.status == 200
        given = reply.cookies[COOKIE]
        assert (given["httponly"], given["samesite"]) == (True, "Strict")
        csrf = (await reply.json())["csrf"]
    cookies = {COOKIE: given.value}
    async with desk.http.get(f"{desk.url}/api/session", cookies=cookies) as reply:
        assert await reply.json() == {"actor": "ada", "csrf": csrf}
    async with desk.http.post(ack, cookies=cookies) as reply:
        assert reply.status == 401
    forged = {COOKIE: given.value[:-1] + ("0" if given.value[-1] != "0" else "1")}
    async with desk.http.post(ack, cookies=forged, headers={CSRF_HEADER: csrf}) as reply:
        assert reply.status == 401
    async with desk.http.post(ack, cookies=cookies, headers={CSRF_HEADER: csrf}) as reply:
        assert (reply.status, await reply.json()) == (200, {"result": "done"})
    assert desk.service.incidents()[0].ack is not None


async def test_alerts_of_another_program_are_routed_like_ours(desk: AlertDesk) -> None:
    """2.2: as Prometheus sends them; the end that it names is the end."""
    now = datetime.now(UTC)
    alert = {
        "labels": {"alertname": "NodeDown", "severity": "critical", "instance": "a", "empty": ""},
        "annotations": {"summary": "a is down"},
        "startsAt": (now - timedelta(minutes=1)).isoformat(),
        "endsAt": "0001-01-01T00:00:00Z",
        "generatorURL": "http://prometheus/graph",
    }
    async with desk.http.post(f"{desk.url}/api/v2/alerts", json=[alert]) as reply:
        assert (reply.status, await reply.text()) == (200, "")
    [found] = [one for one in desk.service.alerts() if one.alertname == "NodeDown"]
    assert (found.severity, found.labels["sent_severity"], found.summary) == ("page", "critical", "a is down")
    assert "empty" not in found.labels
    assert [one.title for one in desk.service.incidents() if "NodeDown" in one.title] == ["NodeDown: a is down"]
    ended = {**alert, "endsAt": now.isoformat()}
    async with desk.http.post(f"{desk.url}/api/v2/alerts", json=[ended]) as reply:
        assert reply.status == 200
    assert not [one for one in desk.service.alerts() if one.alertname == "NodeDown"]


@pytest.mark.parametrize(
    ("alerts", "told"),
    [
        ([{"labels": {}}], "without labels"),
        (
            [{"labels": {"alertname": "X"}, "startsAt": "2026-01-02T00:00:00Z", "endsAt": "2026-01-01T00:00:00Z"}],
            "ends",
        ),
        ({"labels": {}}, "list"),
        ([{"labels": {"alertname": 1}}], "string"),
    ],
)
async def test_a_wrong_alert_is_refused_alone(desk: AlertDesk, alerts: object, told: str) -> None:
    """The others are taken."""
    good = {"labels": {"alertname": "Good"}}
    body = [*alerts, good] if isinstance(alerts, list) and told != "string" else alerts
    async with desk.http.post(f"{desk.url}/api/v2/alerts", json=body) as reply:
        assert reply.status == 400
        assert told in (await reply.json())["error"]
    taken = any(one.alertname == "Good" for one in desk.service.alerts())
    assert taken is (isinstance(body, list) and good in body)


async def test_a_page_of_another_site_cannot_send_alerts(desk: AlertDesk) -> None:
    """A browser names its origin, or sends no JSON without asking first."""
    body = [{"labels": {"alertname": "X"}}]
    async with desk.http.post(f"{desk.url}/api/v2/alerts", json=body, headers={"Origin": "http://evil"}) as reply:
        assert reply.status == 401
    async with desk.http.post(f"{desk.url}/api/v2/alerts", data=b"[]", headers={"Content-Type": "text/plain"}) as reply:
        assert reply.status == 401
