"""What axe says about the page that the server brings itself."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.axe import grave_findings

from .steps import badge, replies, send


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_page_keeps_nobody_out(page: Page, scheme: str) -> None:
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
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
