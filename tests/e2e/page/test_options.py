"""What each option of the published contract does."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from .conftest import OpenPage
from .mounted import mount


@pytest.fixture
def bare(open_page: OpenPage) -> Page:
    page = open_page("/bare")
    page.evaluate("import('/chatkit.js')")
    return page


def test_prompts_have_icons(bare: Page) -> None:
    names = ["lightbulb", "lucide:circle-x", "star-filled", "lucide:no-such", "sidebar-open-right"]
    prompts = [{"label": name, "prompt": "x", "icon": name} for name in names]
    mount(bare, startScreen={"prompts": [*prompts, {"label": "plain", "prompt": "x"}]})
    drawn = [
        bare.get_by_role("button", name=name).locator(".icon").get_attribute("class")
        for name in names
    ]
    assert drawn == [
        "icon lightbulb",
        "icon circle-x",
        "icon star filled",
        "icon dot",
        "icon sidebar-right",
    ]
    expect(bare.get_by_role("button", name="plain").locator(".icon")).to_have_count(0)
