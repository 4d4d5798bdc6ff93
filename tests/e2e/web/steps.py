"""What a person does and sees on the site, beside what the chat element's own steps tell."""

from __future__ import annotations

import os
import re
import uuid
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Locator, Page, expect

from tests.e2e.web.people import PASSWORD
from tests.e2e.web.site import Site

PATIENCE_MILLISECONDS = 30_000
CHAT = re.compile(r"/dashboard/chat/[0-9a-f-]{36}$")
#: Where pictures are kept, when somebody wants to look at them.
PICTURES = os.environ.get("VERBATIM_PICTURES")


def open_page(browser: Browser, **options: Any) -> Page:
    page = browser.new_context(viewport={"width": 1100, "height": 760}, **options).new_page()
    page.set_default_timeout(PATIENCE_MILLISECONDS)
    expect.set_options(timeout=PATIENCE_MILLISECONDS)
    return page


def signed_up(site: Site, browser: Browser, name: str) -> Page:
    """A new account, made as a person makes it."""
    page = open_page(browser)
    page.goto(f"{site.url}/dashboard")
    page.get_by_role("link", name="Create an account").click()
    page.get_by_label("Name").fill(name)
    page.get_by_label("E-mail").fill(f"{uuid.uuid4()}@example.org")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Create account").click()
    expect(page.get_by_role("heading", name="Your tasks")).to_be_visible()
    return page


def open_chat(page: Page) -> None:
    page.get_by_role("link", name="Chat").click()
    expect(page.locator("openai-chatkit textarea")).to_be_visible()


def header_badge(page: Page, status: str) -> Locator:
    """running, success, failure, denied or unknown."""
    calls = page.get_by_role("list", name="Tool calls")
    return calls.locator(f"[data-status={status}]")


def picture(page: Page, name: str) -> None:
    if PICTURES:
        page.screenshot(path=Path(PICTURES) / f"site-{name}.png")
