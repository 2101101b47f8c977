"""The workspace's page in a real browser."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
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
from tests.integration.slack.desk import slack_desk

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


@asynccontextmanager
async def browsing(url: str) -> AsyncIterator[Page]:
    """Open a page in a browser, and wait until it is live."""
    if not INSTALLED:
        unavailable(f"the page is looked at with Chromium, which is not at {CHROMIUM}")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        try:
            one = await browser.new_page()
            await one.goto(url)
            await expect(one.locator("#state.live")).to_be_visible()
            yield one
        finally:
            await browser.close()


@pytest.fixture
async def workspace() -> AsyncIterator[SlackWorkspace]:
    """A workspace for one test."""
    async with slack_workspace(SystemClock()) as one:
        yield one


@pytest.fixture
async def page(workspace: SlackWorkspace) -> AsyncIterator[Page]:
    """Its page, open in a browser and live."""
    async with browsing(workspace.page_url) as one:
        yield one


@pytest.mark.browser
async def test_a_press_of_acknowledge_is_seen_without_a_reload(tmp_path: Path) -> None:
    """From the page through Socket Mode to the alert service and back; then silence, its end, and Resolve."""
    async with slack_desk(tmp_path) as desk, browsing(desk.workspace.page_url) as page:
        await page.evaluate("window.loaded = 1")
        desk.breaching.add("BookStale")
        message = page.locator("article.message").first
        await expect(message).to_contain_text("[FIRING page] okx BTC-USDT book is 12.4 s old")
        await message.get_by_role("button", name="Acknowledge", exact=True).click()
        await expect(message).to_contain_text("[ACK page]")
        await expect(message).to_contain_text("trader")
        await expect(message.locator(".attachment")).to_have_attribute("style", "--bar: #daa038")
        await expect(message.locator(".thread")).to_contain_text("Acknowledged by trader")
        await message.locator("select.press").select_option(label="1 hour")
        await expect(message).to_contain_text("[SILENCED page]")
        await message.get_by_role("button", name="End silence").click()
        await expect(message).to_contain_text("[ACK page]")
        await message.get_by_role("button", name="Resolve", exact=True).click()
        await page.locator("dialog").get_by_role("button", name="Resolve").click()
        await expect(message).to_contain_text("[RESOLVED")
        await expect(message.locator(".attachment")).to_have_attribute("style", "--bar: #2eb886")
        assert await page.evaluate("window.loaded") == 1


@pytest.mark.browser
async def test_a_press_that_nobody_hears_says_so(workspace: SlackWorkspace) -> None:
    """As Slack's own warning beside a button."""
    async with aiohttp.ClientSession() as http, browsing(workspace.page_url) as page:
        slack = SlackNotifier(TOKEN, http, app_token="xapp-x", api_url=workspace.api_url)
        await slack.post("#alerts", slack.render(notification()))
        await page.get_by_role("button", name="Acknowledge").click()
        await expect(page.locator(".failed")).to_contain_text("did not answer")


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
