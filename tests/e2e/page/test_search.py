from __future__ import annotations

import os

from playwright.sync_api import Locator, Page, expect

from tests.e2e.axe import grave_findings

from .backend import Backend
from .conftest import DESKTOP, OpenPage

#: Where pictures are kept, when somebody wants to look at them.
PICTURES = os.environ.get("VERBATIM_PICTURES")


def field(page: Page) -> Locator:
    return page.get_by_role("searchbox", name="Search conversations")


def titles(page: Page) -> Locator:
    return page.locator(".row-title")


def picture(page: Page, name: str) -> None:
    if PICTURES:
        page.wait_for_timeout(300)  # colours and drawers move
        page.screenshot(path=f"{PICTURES}/{name}.png")


def filled(open_page: OpenPage, backend: Backend) -> Page:
    backend.make_thread("Groceries", "buy milk?", "Yes, milk and bread.")
    backend.make_thread("Travel", "train?", "At nine, with milk.")
    backend.make_thread("Party", "balloons?", "Forty.")
    return open_page()


def test_list_shows_what_is_found_and_all_again(open_page: OpenPage, backend: Backend) -> None:
    page = filled(open_page, backend)
    expect(titles(page)).to_have_text(["Party", "Travel", "Groceries"])
    field(page).press_sequentially("milk", delay=20)
    expect(titles(page)).to_have_text(["Travel", "Groceries"])
    assert backend.searches == ["milk"]
    expect(page.locator("#found")).to_have_text("2 conversations found.")
    picture(page, "search-found")
    field(page).fill("milk bread")
    expect(titles(page)).to_have_text(["Groceries"])
    field(page).fill("mil")
    expect(
        page.get_by_text("Nothing found for “mil”. Search looks for whole words")
    ).to_be_visible()
    expect(titles(page)).to_have_count(0)
    picture(page, "search-empty")
    field(page).press("Escape")
    expect(field(page)).to_have_value("")
    expect(titles(page)).to_have_text(["Party", "Travel", "Groceries"])
    expect(page.get_by_text("Nothing found")).to_have_count(0)


def test_arrow_keys_lead_from_the_field_into_the_list_and_back(
    open_page: OpenPage, backend: Backend
) -> None:
    page = filled(open_page, backend)
    field(page).fill("milk")
    field(page).press("Enter")
    expect(titles(page)).to_have_count(2)
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("link", name="Groceries")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator(".row-link[aria-current=page]")).to_contain_text("Groceries")
    page.get_by_role("link", name="Groceries").focus()
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowUp")
    expect(field(page)).to_be_focused()


def test_late_answer_to_a_former_search_changes_nothing(
    open_page: OpenPage, backend: Backend
) -> None:
    page = filled(open_page, backend)
    backend.hold("search")
    field(page).fill("slow")
    field(page).press("Enter")
    field(page).fill("forty")
    expect(titles(page)).to_have_text(["Party"])
    with page.expect_response(lambda response: "q=slow" in response.url):
        backend.release("search")
    expect(titles(page)).to_have_text(["Party"])
    assert backend.searches == ["slow", "forty"]


def test_refused_search_says_why(open_page: OpenPage, backend: Backend) -> None:
    page = filled(open_page, backend)
    field(page).fill("a b c d e f g h i j k")
    expect(page.get_by_text("A search takes at most 10 words.")).to_be_visible()
    expect(titles(page)).to_have_count(0)
    field(page).fill("")
    expect(titles(page)).to_have_count(3)


def test_search_keeps_nobody_out_in_light_and_dark(open_page: OpenPage, backend: Backend) -> None:
    page = filled(open_page, backend)
    field(page).fill("nothing of the kind")
    expect(page.get_by_text("Nothing found")).to_be_visible()
    assert grave_findings(page) == []
    page.emulate_media(color_scheme="dark")
    expect(page.locator("html")).to_have_attribute("data-scheme", "dark")
    assert grave_findings(page) == []
    picture(page, "search-dark-empty")
    field(page).fill("milk")
    expect(titles(page)).to_have_count(2)
    picture(page, "search-dark")
    page.emulate_media(color_scheme="light")


def test_first_escape_clears_the_field_and_the_second_closes_the_drawer(
    open_page: OpenPage, backend: Backend
) -> None:
    page = filled(open_page, backend)
    page.set_viewport_size({"width": 375, "height": 667})
    page.get_by_role("button", name="Conversations").click()
    field(page).fill("milk")
    expect(titles(page)).to_have_count(2)
    picture(page, "search-phone")
    page.keyboard.press("Escape")
    expect(titles(page)).to_have_count(3)
    expect(field(page)).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Conversations")).to_be_focused()
    page.set_viewport_size(DESKTOP)
