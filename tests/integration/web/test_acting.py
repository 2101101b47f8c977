"""Acting on the page, in a real browser. Source: issue 4, shown by: the page driven in headless Chromium."""

from pathlib import Path

from playwright.async_api import Page, expect

from tests.integration.web.alert_desk import TOKEN, alert_desk
from tests.integration.web.test_browser import pytestmark, tab

__all__ = ["pytestmark", "tab"]


def errors_of(tab: Page) -> list[str]:
    """Return a list that fills with what goes wrong in a tab."""
    errors: list[str] = []
    tab.on("pageerror", lambda error: errors.append(str(error)))
    tab.on("console", lambda message: errors.append(message.text) if "Content Security" in message.text else None)
    return errors


async def test_a_person_acknowledges_silences_and_resolves(tab: Page, tmp_path: Path) -> None:
    """The token is asked for once; the page shows each step without a reload."""
    errors = errors_of(tab)
    async with alert_desk(tmp_path) as desk:
        desk.breaching.add("a")
        await desk.step()
        await tab.goto(desk.url)
        await tab.evaluate("window.same = true")
        incident = tab.locator(".incidents li")
        await expect(incident).to_contain_text("Hot: a is hot")

        await incident.get_by_text("Acknowledge").click()
        await tab.get_by_label("Your name").fill("ada")
        await tab.get_by_label("Token").fill("wrong")
        await tab.get_by_role("button", name="Sign in").click()
        await expect(tab.locator("#sign-in .error")).to_contain_text("not the token")
        await tab.get_by_label("Token").fill(TOKEN)
        await tab.get_by_role("button", name="Sign in").click()
        await expect(incident).to_contain_text("acknowledged by ada")

        await incident.get_by_role("button", name="Silence", exact=True).click()
        await tab.get_by_label("Why").fill("upgrade")
        await tab.locator("#silence").get_by_role("button", name="Silence").click()
        await expect(incident).to_contain_text("silenced by ada until")
        await expect(tab.locator(".silences li")).to_contain_text('alertname = "Hot"')

        await tab.locator(".silences").get_by_role("button", name="End").click()
        await expect(tab.locator(".silences")).to_contain_text("Nothing is kept quiet.")
        await incident.get_by_role("button", name="Resolve").click()
        await expect(incident).to_have_count(0)
        assert await tab.evaluate("window.same") is True
        assert await tab.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert errors == []
