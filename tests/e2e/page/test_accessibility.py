"""What axe says about the page that the server brings itself."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.axe import grave_findings

from .backend import Backend
from .mounted import mount
from .steps import badge, replies, send
from .test_options import MODELS, TOOLS


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_page_keeps_nobody_out(page: Page, scheme: str) -> None:
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    # The page may have asked for the scheme before, and not be listening for another one yet.
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-scheme", scheme)
    assert grave_findings(page) == []
    for number, text in enumerate(("add Buy milk", "break it", "everything"), start=1):
        send(page, text)
        expect(replies(page).nth(number - 1)).not_to_be_empty()
        expect(page.get_by_role("button", name="Stop")).to_have_count(0)
    expect(badge(page).first).to_be_visible()
    assert grave_findings(page) == []
    page.set_viewport_size({"width": 375, "height": 667})
    assert grave_findings(page) == []
    assert not page.evaluate("document.scrollingElement.scrollWidth > innerWidth")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_element_with_all_its_options_keeps_nobody_out(
    bare: Page, backend: Backend, scheme: str
) -> None:
    bare.evaluate("""() => {
        document.documentElement.lang = 'en';
        window.act = () => {};
    }""")
    threads = [backend.make_thread(title, "hi", "Hello.") for title in ("Groceries", "Travel")]
    options = {
        "theme": {"colorScheme": scheme},
        "header": {"leftAction": {"icon": "menu"}, "rightAction": {"icon": "light-mode"}},
        "composer": {"models": MODELS, "tools": TOOLS},
        "disclaimer": {"text": "May be [wrong](https://example.com)."},
        "threadItemActions": {"feedback": True, "retry": True},
    }
    mount(
        bare,
        {"header.leftAction.onClick": "act", "header.rightAction.onClick": "act"},
        initialThread=threads[0].id,
        **options,
    )
    expect(replies(bare)).to_have_text("Hello.")
    bare.evaluate("chat.setComposerValue({ reply: 'Before.', selectedToolId: 'web' })")
    bare.get_by_role("button", name="Model: Best").click()
    assert grave_findings(bare) == []
    bare.keyboard.press("Escape")
    bare.get_by_role("button", name="History", exact=True).click()
    bare.get_by_role("button", name="Rename “Groceries”").click()
    bare.get_by_role("button", name="Delete “Travel”").click()
    assert grave_findings(bare) == []
