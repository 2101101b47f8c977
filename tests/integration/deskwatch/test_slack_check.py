"""`slack preview` and `slack check`: what would be sent, and whether a workspace would take it."""

import json
from pathlib import Path

import aiohttp
import pytest
from pydantic import SecretStr

from core.clock import SystemClock
from deskwatch.receivers import BadReceiver, Receivers
from deskwatch.routebook import load_routes
from deskwatch.settings import Settings, SlackSettings
from deskwatch.slack_check import NoSuchRule, check, lines, previews
from simulator.slack.limits import check_message
from simulator.slack.workspace import APP_TOKEN, TOKEN, slack_workspace
from tests.fakes.notifications import AT

ROUTING = """receivers:
  desk: {slack: {channel: "#alerts"}}
  lost: {slack: {channel: "#nowhere"}}
  hook: {slack_webhook: {url_file: "%s"}}
  pager: {webhook: {url: "http://127.0.0.1:9/alerts"}}
route:
  receiver: desk
  routes:
    - {match: ['venue = "okx"'], receiver: lost}
    - {match: ['venue = "bybit"'], receiver: hook}
    - {match: ['venue = "kraken"'], receiver: pager}
"""


def settings(folder: Path, slack: SlackSettings | None = None) -> Settings:
    """Return settings with a routing of every kind of receiver."""
    hook = folder / "hook"
    hook.write_text("http://127.0.0.1:9/services/x\n")
    (folder / "routing.yaml").write_text(ROUTING % hook)
    return Settings(data=folder, routing=folder / "routing.yaml", slack=slack or SlackSettings())


def test_every_shipped_rule_sends_what_slack_takes(tmp_path: Path) -> None:
    """With example values, and with its buttons; a terminal can show it too."""
    found = previews(settings(tmp_path), "", AT)
    assert len(found) > 5
    for one in found:
        payload = one.payload
        check_message(payload["text"], None, payload["attachments"], payload["metadata"], lambda _file: False)
        assert "could not be rendered" not in json.dumps(payload)
        assert any("[Acknowledge]" in line for line in lines(payload))


def test_an_unknown_rule_is_told_its_nearest_name(tmp_path: Path) -> None:
    """A typing error is answered, not listed."""
    with pytest.raises(NoSuchRule, match="BookStale"):
        previews(settings(tmp_path), "BookStal", AT)


async def test_a_check_asks_for_every_receiver_and_posts_nothing(tmp_path: Path) -> None:
    """The token, each Slack channel by its receiver, and the buttons."""
    async with slack_workspace(SystemClock()) as workspace:
        slack = SlackSettings(token=SecretStr(TOKEN), app_token=SecretStr(APP_TOKEN), api_url=workspace.api_url)
        found = {one.what: one for one in await check(settings(tmp_path, slack), SystemClock())}
        assert found["token"].ok
        assert (found["receiver desk"].ok, found["receiver desk"].detail) == (True, "#alerts")
        assert not found["receiver lost"].ok
        assert "#nowhere" in found["receiver lost"].detail
        assert found["buttons"].ok
        assert workspace.messages("alerts") == []
        workspace.grant("chat:write")
        found = {one.what: one for one in await check(settings(tmp_path, slack), SystemClock())}
        assert not found["token"].ok
        assert "files:write" in found["token"].detail


async def test_a_wrong_token_is_said_so(tmp_path: Path) -> None:
    """For both tokens, and without one at all."""
    async with slack_workspace(SystemClock()) as workspace:
        slack = SlackSettings(
            token=SecretStr("xoxb-other"), app_token=SecretStr("xapp-other"), api_url=workspace.api_url
        )
        found = await check(settings(tmp_path, slack), SystemClock())
        assert not any(one.ok for one in found)
    [nothing] = await check(settings(tmp_path), SystemClock())
    assert "Set slack.token" in nothing.detail


async def test_each_kind_of_receiver_has_its_adapter(tmp_path: Path) -> None:
    """Without a bot's token the webhooks work all the same; a file that cannot be read is named."""
    given = settings(tmp_path)
    async with aiohttp.ClientSession() as http:
        receivers = Receivers(given, load_routes(given), http, SystemClock())
        assert sorted(receivers) == ["hook", "pager"]
        (tmp_path / "hook").unlink()
        with pytest.raises(BadReceiver, match="hook"):
            receivers.use(load_routes(given))
        assert sorted(receivers) == ["hook", "pager"]
