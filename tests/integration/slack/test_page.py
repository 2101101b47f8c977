"""The workspace's page in a real browser."""

from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from playwright.async_api import Page, async_playwright, expect

from alerts.model import AlertStatus
from alerts.notify.slack import SlackNotifier
from core.clock import SystemClock
from simulator.slack.workspace import TOKEN, SlackWorkspace, slack_workspace
from tests.conftest import unavailable
from tests.fakes.notifications import AT, alert, notification

CHROMIUM = Path("/usr/bin/chromium")
INSTALLED = CHROMIUM.exists()
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture
async def workspace() -> AsyncIterator[SlackWorkspace]:
    """A workspace for one test."""
    async with slack_workspace(SystemClock()) as one:
        yield one


@pytest.fixture
async def page(workspace: SlackWorkspace) -> AsyncIterator[Page]:
    """Its page, open in a browser and live."""
    if not INSTALLED:
        unavailable(f"the page is looked at with Chromium, which is not at {CHROMIUM}")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        try:
            one = await browser.new_page()
            await one.goto(workspace.page_url)
            await expect(one.locator("#state.live")).to_be_visible()
            yield one
        finally:
            await browser.close()


@pytest.mark.browser
async def test_a_message_and_its_edit_appear_without_a_reload(workspace: SlackWorkspace, page: Page) -> None:
    """Posted, edited, answered in the thread and deleted, each is seen as it happens; other channels count unread."""
    await page.evaluate("window.loaded = 1")
    async with aiohttp.ClientSession() as http:
        slack = SlackNotifier(TOKEN, http, api_url=workspace.api_url)
        reference = await slack.post("#alerts", slack.render(notification(alert(labels={"tag": "<b>&`"}))))
        message = page.locator("article.message")
        await expect(message).to_contain_text("[FIRING page] OKX BTC-USDT book is 12.4 s old")
        await expect(message.locator("code").first).to_have_text("<b>&'")
        await expect(message.locator(".attachment")).to_have_attribute("style", "--bar: #a30200")

        over = alert(status=AlertStatus.RESOLVED, value_now=0.3, resolved_at=AT)
        incident = notification(over, status=AlertStatus.RESOLVED, closed_at=AT, version=2)
        await slack.update(reference, slack.render(incident))
        await expect(message).to_contain_text("[RESOLVED 3m page]")
        await expect(message.locator(".edited")).to_be_visible()
        await expect(message.locator(".attachment")).to_have_attribute("style", "--bar: #2eb886")

        await slack.reply(reference, "resolved after 3m")
        await expect(message.locator(".thread .reply")).to_contain_text("resolved after 3m")
        await slack.post("#execution", slack.render(notification()))
        await expect(page.locator("nav a", has_text="execution").locator(".unread")).to_have_text("1")
    workspace.delete("alerts", reference.ts)
    await expect(page.locator("#empty")).to_be_visible()
    assert await page.evaluate("window.loaded") == 1
