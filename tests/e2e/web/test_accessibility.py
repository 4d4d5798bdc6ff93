"""The site on a phone, by keyboard, and for those who hear it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.axe import grave_findings
from tests.e2e.page.steps import badge, composer, replies, send
from tests.e2e.web.people import Person
from tests.e2e.web.site import Site
from tests.e2e.web.steps import header_badge, open_chat, open_page

pytestmark = [pytest.mark.slow, pytest.mark.browser, pytest.mark.timeout(600)]

PHONE = {"width": 375, "height": 667}
OUTLINED = "getComputedStyle(deepest(document.activeElement)).outlineStyle !== 'none'"
DEEPEST = """
    window.deepest = (e) => e?.shadowRoot?.activeElement ? deepest(e.shadowRoot.activeElement) : e;
    window.nameOf = (e) => e.getAttribute('aria-label') ?? (e.innerText || e.tagName).trim();
    null;
"""


@pytest.fixture
def stranger(site: Site, browser: Browser) -> Iterator[Page]:
    page = open_page(browser)
    page.goto(f"{site.url}/sign-in")
    yield page
    page.context.close()


def fill_chat(page: Page) -> None:
    """A success, a failure, and a question that waits for an answer."""
    open_chat(page)
    for text in ("add buy bread", "finish a task that is not there", "delete buy bread"):
        expect(page.get_by_role("button", name="Stop")).to_have_count(0)
        send(page, text)
        expect(page.get_by_text(text, exact=True)).to_be_visible()
    expect(page.locator(".widget-card").last).to_contain_text("buy bread")
    expect(header_badge(page, "failure")).to_be_visible()


def test_strangers_pages_keep_nobody_out(site: Site, stranger: Page) -> None:
    for path in ("/sign-in", "/sign-up", "/nowhere"):
        stranger.goto(f"{site.url}{path}")
        for scheme in ("light", "dark"):
            stranger.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
            assert grave_findings(stranger) == [], (path, scheme)
            assert not is_wider_than_the_screen(stranger), path
    stranger.set_viewport_size(PHONE)  # type: ignore[arg-type]
    for path in ("/sign-in", "/sign-up"):
        stranger.goto(f"{site.url}{path}")
        assert not is_wider_than_the_screen(stranger), path
        assert grave_findings(stranger) == []
    expect(stranger.get_by_role("button", name="Create account")).to_be_in_viewport()


def test_tasks_and_chat_keep_nobody_out(ada: Page) -> None:
    fill_chat(ada)
    for scheme in ("light", "dark"):
        ada.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        expect(ada.locator("html")).to_have_attribute("data-theme", scheme)
        expect(ada.locator("openai-chatkit .frame")).to_have_attribute("data-scheme", scheme)
        assert grave_findings(ada) == [], scheme
        ada.get_by_role("link", name="Tasks").click()
        expect(ada.get_by_role("listitem").filter(has_text="buy bread").first).to_be_visible()
        assert grave_findings(ada) == [], scheme
        ada.get_by_role("link", name="Chat").click()
        expect(replies(ada).last).to_be_visible()
    ada.set_viewport_size(PHONE)  # type: ignore[arg-type]
    expect(composer(ada)).to_be_in_viewport(ratio=1)
    expect(ada.get_by_role("button", name="Sign out")).to_be_in_viewport(ratio=1)
    expect(header_badge(ada, "failure")).to_be_in_viewport(ratio=0.9)
    assert not is_wider_than_the_screen(ada)
    assert grave_findings(ada) == []
    ada.get_by_role("button", name="Deny").click()
    expect(badge(ada).last).to_contain_text("failed")
    ada.get_by_role("link", name="Tasks").click()
    expect(ada.get_by_role("listitem").filter(has_text="buy bread").first).to_be_visible()
    assert not is_wider_than_the_screen(ada)
    assert grave_findings(ada) == []


def is_wider_than_the_screen(page: Page) -> bool:
    wider: bool = page.evaluate("document.scrollingElement.scrollWidth > innerWidth")
    return wider


def test_everything_is_reached_by_keyboard(site: Site, ada: Page) -> None:
    expect(ada.get_by_role("status").filter(has_text="Loading")).to_have_count(0)
    ada.evaluate(DEEPEST)
    names = []
    for _ in range(6):
        ada.keyboard.press("Tab")
        assert ada.evaluate(OUTLINED)
        names.append(ada.evaluate("nameOf(document.activeElement)"))
    assert names[:4] == ["Skip to the content", "Verbatim", "Tasks", "Chat"]
    assert names[4].startswith("Theme")
    assert names[5] == "Sign out"
    ada.get_by_role("link", name="Chat").focus()
    ada.keyboard.press("Enter")
    expect(composer(ada)).to_be_visible()
    ada.get_by_role("link", name="Skip to the content").focus()
    expect(ada.get_by_role("link", name="Skip to the content")).to_be_in_viewport(ratio=1)
    ada.keyboard.press("Enter")
    for _ in range(20):
        ada.keyboard.press("Tab")
        if ada.evaluate("deepest(document.activeElement).tagName") == "TEXTAREA":
            break
    ada.keyboard.type("count to twenty")
    ada.keyboard.press("Enter")
    expect(replies(ada).last).to_contain_text("word19")


def test_screen_reader_is_told_where_it_is_and_what_is_said(ada: Page) -> None:
    open_chat(ada)
    expect(ada.get_by_role("banner")).to_have_count(1)
    expect(ada.get_by_role("navigation", name="Pages")).to_have_count(1)
    expect(ada.get_by_role("main")).to_have_count(1)
    expect(ada.get_by_role("heading", level=1)).to_have_text("Chat")
    expect(ada.get_by_role("link", name="Chat")).to_have_attribute("aria-current", "page")
    send(ada, "add buy candles")
    log = ada.get_by_role("log")
    expect(log).to_have_attribute("aria-live", "polite")
    expect(log).to_contain_text("Assistant said")
    expect(log).to_contain_text("add_task: succeeded")


def test_system_theme_is_shown_before_any_script_has_run(
    site: Site, browser: Browser, ada_person: Person
) -> None:
    page = open_page(
        browser,
        storage_state=ada_person.state(),
        color_scheme="dark",
        java_script_enabled=False,
    )
    page.goto(f"{site.url}/dashboard")
    background = "getComputedStyle(document.body).backgroundColor"
    assert page.evaluate(background) == "rgb(11, 15, 12)"
    page.context.close()
