"""The simulated workspace over HTTP, called as any client of Slack's calls it."""

import json
from collections.abc import AsyncIterator, Mapping
from typing import Any

import aiohttp
import pytest

from core.clock import SystemClock
from simulator.slack.workspace import TOKEN, PortTaken, SlackWorkspace, slack_workspace
from tests.fakes.clock import FakeClock

Answer = dict[str, Any]


class Caller:
    """Calls methods."""

    def __init__(self, workspace: SlackWorkspace, http: aiohttp.ClientSession) -> None:
        self.workspace = workspace
        self.http = http
        self.headers: Mapping[str, str] = {}

    async def __call__(self, method: str, token: str = TOKEN, **arguments: object) -> Answer:
        """Call with a JSON body and return the answer's."""
        url = self.workspace.api_url + method
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        async with self.http.post(url, json=arguments, headers=headers) as response:
            self.headers = response.headers
            return dict(await response.json())


@pytest.fixture
async def call() -> AsyncIterator[Caller]:
    """A caller of a new workspace whose clock stands still."""
    async with slack_workspace(FakeClock(), burst=3) as workspace, aiohttp.ClientSession() as http:
        yield Caller(workspace, http)


async def test_a_token_is_asked_for_and_looked_at(call: Caller) -> None:
    """With the right one the workspace says who calls."""
    assert (await call("auth.test", token=""))["error"] == "not_authed"
    assert (await call("auth.test", token="xoxb-other"))["error"] == "invalid_auth"
    answer = await call("auth.test")
    assert (answer["ok"], answer["user"], answer["team"]) == (True, "deskwatch", "Simulated desk")
    assert "chat:write" in call.headers["X-OAuth-Scopes"]


async def test_an_unknown_method_is_refused(call: Caller) -> None:
    """A typing error must not look like success."""
    assert (await call("chat.postMesage"))["error"] == "unknown_method"


async def test_a_missing_scope_is_named(call: Caller) -> None:
    """The operator reads which one to add."""
    call.workspace.grant("chat:write")
    answer = await call("conversations.history", channel="C1")
    assert (answer["error"], answer["needed"], answer["provided"]) == (
        "missing_scope",
        "channels:history",
        "chat:write",
    )


async def test_form_bodies_and_queries_work_as_json_does(call: Caller) -> None:
    """Structured arguments are then JSON texts."""
    attachments = [{"color": "good", "blocks": [{"type": "divider"}]}]
    form = {"token": TOKEN, "channel": "alerts", "text": "by form", "attachments": json.dumps(attachments)}
    async with call.http.post(call.workspace.api_url + "chat.postMessage", data=form) as response:
        posted = await response.json()
    assert posted["message"]["attachments"][0]["color"] == "good"
    query = {"channel": posted["channel"], "message_ts": posted["ts"], "token": TOKEN}
    async with call.http.get(call.workspace.api_url + "chat.getPermalink", params=query) as response:
        link = (await response.json())["permalink"]
    assert link.startswith(call.workspace.page_url)
    async with call.http.get(link) as response:
        assert response.status == 200


@pytest.mark.parametrize("name", ["alerts", "#alerts"])
async def test_a_post_takes_a_channels_name_and_an_edit_only_its_id(call: Caller, name: str) -> None:
    """As on Slack."""
    posted = await call("chat.postMessage", channel=name, text="x")
    assert posted["channel"].startswith("C0")
    assert (await call("chat.update", channel=name, ts=posted["ts"], text="y"))["error"] == "channel_not_found"
    assert (await call("chat.update", channel=posted["channel"], ts=posted["ts"], text="y"))["ok"]


async def test_an_edit_keeps_what_it_leaves_out_and_an_empty_list_removes(call: Caller) -> None:
    """So a client that edits only the text leaves the old buttons there."""
    divider = [{"type": "divider"}]
    posted = await call("chat.postMessage", channel="alerts", text="x", blocks=divider)
    place = {"channel": posted["channel"], "ts": posted["ts"]}
    kept = await call("chat.update", text="y", **place)
    assert kept["message"]["blocks"] == divider
    assert kept["message"]["edited"]
    assert "blocks" not in (await call("chat.update", text="y", blocks=[], **place))["message"]
    assert [one.edits for one in call.workspace.messages("alerts")] == [["x", "y"]]


async def test_a_refused_block_is_answered_as_slack_answers(call: Caller) -> None:
    """Code, errors and messages, HTTP 200."""
    bad = {"type": "section", "text": {"type": "mrkdwn", "text": "x" * 3001}}
    answer = await call("chat.postMessage", channel="alerts", attachments=[{"blocks": [bad]}])
    pointer = "must be less than 3001 characters [json-pointer:/attachments/0/blocks/0/text/text]"
    assert answer == {
        "ok": False,
        "error": "invalid_attachments",
        "errors": [pointer],
        "response_metadata": {"messages": [f"[ERROR] {pointer}"]},
    }


async def test_replies_stay_in_the_thread_unless_broadcast(call: Caller) -> None:
    """History shows what the channel shows, the thread everything."""
    posted = await call("chat.postMessage", channel="alerts", text="parent")
    await call("chat.postMessage", channel="alerts", text="quiet", thread_ts=posted["ts"])
    await call("chat.postMessage", channel="alerts", text="loud", thread_ts=posted["ts"], reply_broadcast=True)
    history = await call("conversations.history", channel=posted["channel"])
    assert [one["text"] for one in history["messages"]] == ["loud", "parent"]
    thread = await call("conversations.replies", channel=posted["channel"], ts=posted["ts"])
    assert [one["text"] for one in thread["messages"]] == ["parent", "quiet", "loud"]
    assert thread["messages"][0]["reply_count"] == 2


async def test_metadata_is_shown_only_to_who_asks(call: Caller) -> None:
    """`include_all_metadata` is what finds a lost post."""
    metadata = {"event_type": "deskwatch_incident", "event_payload": {"incident": "I", "version": 1}}
    posted = await call("chat.postMessage", channel="alerts", text="x", metadata=metadata)
    plain = await call("conversations.history", channel=posted["channel"])
    asked = await call("conversations.history", channel=posted["channel"], include_all_metadata=True)
    assert "metadata" not in plain["messages"][0]
    assert asked["messages"][0]["metadata"] == metadata


async def test_channels_are_listed_page_by_page(call: Caller) -> None:
    """An archived one only to who does not exclude it."""
    call.workspace.archive("execution")
    first = await call("conversations.list", limit=1, exclude_archived=True)
    cursor = first["response_metadata"]["next_cursor"]
    second = await call("conversations.list", limit=1, exclude_archived=True, cursor=cursor)
    assert [one["name"] for one in first["channels"] + second["channels"]] == ["alerts", "market-data"]
    assert second["response_metadata"]["next_cursor"] == ""
    assert (await call("chat.postMessage", channel="execution", text="x"))["error"] == "is_archived"
    call.workspace.remove_bot("market-data")
    assert (await call("chat.postMessage", channel="market-data", text="x"))["error"] == "not_in_channel"


async def test_a_channel_takes_a_burst_and_then_asks_to_wait(call: Caller) -> None:
    """HTTP 429 with whole seconds, and nothing stored."""
    for _ in range(3):
        assert (await call("chat.postMessage", channel="alerts", text="x"))["ok"]
    assert await call("chat.postMessage", channel="alerts", text="x") == {"ok": False, "error": "ratelimited"}
    assert call.headers["Retry-After"] == "1"
    assert call.workspace.calls[-1] == ("chat.postMessage", 429)
    assert len(call.workspace.messages("alerts")) == 3
    assert (await call("chat.postMessage", channel="execution", text="x"))["ok"]


async def test_trouble_is_ordered_over_http(call: Caller) -> None:
    """What the demo's script does; a wrong order says what is known."""
    url = f"{call.workspace.page_url}control/faults"
    order = {"kind": "refuse", "method": "chat.postMessage", "channel": "alerts", "error": "msg_too_long", "times": 2}
    async with call.http.post(url, json=order) as response:
        assert (await response.json())["waiting"] == [{"kind": "refuse", "method": "chat.postMessage", "times": 2}]
    assert (await call("chat.postMessage", channel="execution", text="x"))["ok"]
    for _ in range(2):
        assert (await call("chat.postMessage", channel="alerts", text="x"))["error"] == "msg_too_long"
    assert (await call("chat.postMessage", channel="alerts", text="x"))["ok"]
    wrong: list[object] = [{"kind": "refuze"}, {"kind": "busy", "second": 1}, [], {"kind": "busy", "times": "many"}]
    for bad in wrong:
        async with call.http.post(url, json=bad) as response:
            assert response.status == 400
    async with call.http.post(url, json={"kind": "revoke_token"}) as response:
        assert (await response.json())["token_revoked"]
    assert (await call("auth.test"))["error"] == "token_revoked"
    async with call.http.delete(url) as response:
        assert (await response.json())["ok"]
    assert (await call("auth.test"))["ok"]


async def test_bad_bodies_are_refused(call: Caller) -> None:
    """None of them ends the workspace."""
    url, headers = call.workspace.api_url + "chat.postMessage", {"Authorization": f"Bearer {TOKEN}"}
    for body, error in ((b"{", "invalid_json"), (b"[]", "json_not_object"), (b"", "invalid_arguments")):
        typed = {**headers, "Content-Type": "application/json"}
        async with call.http.post(url, data=body, headers=typed) as response:
            assert (await response.json())["error"] == error


async def test_a_taken_port_says_so() -> None:
    """The message tells what to do."""
    async with slack_workspace(SystemClock()) as workspace:
        port = int(workspace.page_url.rsplit(":", 1)[1].strip("/"))
        with pytest.raises(PortTaken, match="give another port"):
            async with slack_workspace(SystemClock(), port=port):
                pass
