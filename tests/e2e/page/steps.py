"""What a person does and sees on the page."""

from __future__ import annotations

from playwright.sync_api import Locator, Page

QUICK = "timings.firstRetry = 0.02; timings.longestRetry = 0.05"


def send(page: Page, text: str) -> None:
    composer(page).fill(text)
    composer(page).press("Enter")


def composer(page: Page) -> Locator:
    return page.get_by_role("textbox", name="Message")


def replies(page: Page) -> Locator:
    return page.locator(".assistant .markdown")


def badge(page: Page) -> Locator:
    return page.locator(".badge")


def thinking(page: Page) -> Locator:
    return page.locator(".status").get_by_text("Thinking")


def hurry(page: Page, also: str = "") -> None:
    """Retry within milliseconds, so that a test need not wait as a network does."""
    page.evaluate(f"import('/chatkit.js').then(({{ timings }}) => {{ {QUICK}; {also} }})")


def conversation_id(page: Page) -> str:
    page.wait_for_url("**/?c=*")
    return page.url.partition("?c=")[2]
