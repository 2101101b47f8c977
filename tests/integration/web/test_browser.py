"""The page in a real browser."""

import shutil
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from playwright.async_api import Page, async_playwright, expect

from tests.conftest import unavailable
from tests.integration.web import desks
from tests.integration.web.test_status_server import Board, page

pytestmark = pytest.mark.browser

CHROMIUM = shutil.which("chromium")
ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip


@pytest.fixture
async def tab() -> AsyncIterator[Page]:
    """An empty tab of a phone's width."""
    if CHROMIUM is None:
        unavailable("there is no Chromium: install the system's package `chromium`")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        try:
            yield await browser.new_page(viewport={"width": 390, "height": 800})
        finally:
            await browser.close()


async def test_the_page_follows_without_a_reload_and_says_when_it_cannot(tab: Page) -> None:
    """An alert appears by itself, what was opened stays open, and a lost connection is said in words."""
    board = Board(desks.quiet())
    errors: list[str] = []
    tab.on("pageerror", lambda error: errors.append(str(error)))
    tab.on("console", lambda message: errors.append(message.text) if "Content Security" in message.text else None)
    async with page(board) as url:
        await tab.goto(url)
        await expect(tab.locator(".headline")).to_contain_text("all quiet")
        await tab.evaluate("window.same = true")
        board.status = desks.storm()
        await expect(tab.locator(".headline")).to_contain_text("35 firing")
        await expect(tab).to_have_title("✕ 35 firing · deskwatch")
        group = tab.locator(".alerts details").first
        await group.locator("summary").click()
        await expect(group.locator("li")).to_have_count(3)
        board.status = desks.broken()
        await expect(tab.locator(".problem").first).to_contain_text("The database does not answer")
        assert await tab.evaluate("window.same") is True
        await expect(tab.locator("#lost")).to_be_hidden()
    await expect(tab.locator("#lost")).to_contain_text("Connection lost. What you see is from 14:05:09 UTC")
    assert errors == []


async def test_what_was_opened_stays_open(tab: Page) -> None:
    """The page is replaced each second; the reader's place in it is not."""
    board = Board(desks.storm())
    async with page(board) as url:
        await tab.goto(url)
        group = tab.locator(".alerts details").first
        await group.locator("summary").click()
        board.status = replace(board.status, version="next")
        await expect(tab.locator("header")).to_contain_text("next")
        await expect(group).to_have_attribute("open", "")


@pytest.mark.parametrize("name", desks.DESKS)
async def test_a_phone_shows_it_without_sideways_scrolling(tab: Page, name: str) -> None:
    """Long symbols wrap, wide tables scroll inside their own box."""
    async with page(Board(desks.DESKS[name]())) as url:
        await tab.goto(url)
        assert await tab.evaluate("document.documentElement.scrollWidth <= innerWidth")
