from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, ViewportSize, expect

from api.joined_element import join_element
from api.page import STATIC

from .backend import Backend
from .conftest import OpenPage
from .steps import badge, composer, replies, send, thinking

PHONE: ViewportSize = {"width": 390, "height": 844}
CONTRAST = """
(element) => {
    const channels = (color) => color.match(/[\\d.]+/g).map(Number);
    const luminance = (color) => channels(color).slice(0, 3).map((part) => part / 255)
        .map((part) => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4)
        .reduce((sum, part, index) => sum + part * [0.2126, 0.7152, 0.0722][index], 0);
    let behind = element;
    while (channels(getComputedStyle(behind).backgroundColor)[3] === 0)
        behind = behind.parentElement ?? behind.getRootNode().host;
    const pair = [getComputedStyle(element).color, getComputedStyle(behind).backgroundColor];
    const [light, dark] = pair
        .map(luminance).sort((one, other) => other - one);
    return (light + 0.05) / (dark + 0.05);
}
"""
READABLE = 4.5
TEXTS = [
    ".badge.success .check",
    ".badge.failure .cross",
    ".badge .name",
    ".markdown a",
    ".markdown blockquote",
    ".user .bubble",
    ".note.danger .text",
    ".note.danger > .icon",
    ".action",
    ".send:not(:disabled)",
    ".detail",
    ".banner",
    ".chip",
    ".row-title",
    ".row-time",
    ".new svg",
]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_has_enough_contrast(page: Page, scheme: str) -> None:
    page.get_by_role("radio", name=scheme.title()).check()
    for text in ("add Buy milk", "break it", "markdown", "error please"):
        send(page, text)
        expect(page.get_by_role("button", name="Send")).to_be_visible()
    expect(page.get_by_role("alert")).to_be_visible()
    composer(page).fill("next")
    page.mouse.move(0, 0)
    found = {text: page.locator(text).first.evaluate(CONTRAST) for text in TEXTS}
    assert {text: ratio for text, ratio in found.items() if ratio < READABLE} == {}


def test_accent_is_the_documented_one(page: Page) -> None:
    colors = "element => getComputedStyle(element).getPropertyValue('--accent-text')"
    frame = page.locator(".frame")
    page.get_by_role("radio", name="Light").check()
    assert frame.evaluate(colors) == "#067a2c"
    page.get_by_role("radio", name="Dark").check()
    assert frame.evaluate(colors).lower() == "#0fff50"


def test_theme_follows_the_choice_and_survives_a_refresh(page: Page) -> None:
    root, frame = page.locator("html"), page.locator(".frame")
    expect(root).to_have_attribute("data-scheme", "light")
    page.emulate_media(color_scheme="dark")
    expect(root).to_have_attribute("data-scheme", "dark")
    expect(frame).to_have_attribute("data-scheme", "dark")
    page.get_by_role("radio", name="Light").check()
    expect(frame).to_have_attribute("data-scheme", "light")
    page.reload()
    expect(frame).to_have_attribute("data-scheme", "light")
    expect(page.get_by_role("radio", name="Light")).to_be_checked()


def test_keyboard_alone_is_enough(open_page: OpenPage, backend: Backend) -> None:
    backend.make_thread("Groceries", "milk?", "Yes, milk.")
    page = open_page()
    expect(composer(page)).to_be_focused()
    page.keyboard.type("add Buy milk")
    page.keyboard.press("Enter")
    expect(badge(page)).to_have_text("add_task: succeeded")
    expect(composer(page)).to_be_focused()

    focus_by_tabbing(page, ".badge", backwards=True)
    page.keyboard.press("Enter")
    expect(page.locator(".detail")).to_be_visible()

    focus_by_tabbing(page, ".skip", backwards=True)
    expect(page.get_by_role("link", name="Skip to the message box")).to_be_in_viewport()
    page.keyboard.press("Enter")
    expect(composer(page)).to_be_focused()

    focus_by_tabbing(page, "[data-action=delete]", backwards=True)
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Cancel")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.locator(".row")).to_have_count(2)
    focus_by_tabbing(page, ".row-link", backwards=True)
    page.keyboard.press("Enter")
    expect(replies(page)).to_have_text("Yes, milk.")


def test_stopping_by_keyboard_keeps_the_focus_useful(page: Page, backend: Backend) -> None:
    backend.hold("middle")
    composer(page).fill("count")
    page.keyboard.press("Enter")
    expect(replies(page)).to_contain_text("n20")
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Stop")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_text("You stopped this reply.")).to_be_visible()
    expect(composer(page)).to_be_focused()


def test_focus_is_visible(page: Page) -> None:
    expect(composer(page)).to_be_focused()
    for _ in range(8):
        page.keyboard.press("Shift+Tab")
        outline = page.evaluate("""() => {
            let element = document.activeElement;
            while (element.shadowRoot?.activeElement) element = element.shadowRoot.activeElement;
            const shown = element.matches('.theme input') ? element.parentElement : element;
            return element === document.body ? 'body' : getComputedStyle(shown).outlineStyle;
        }""")
        assert outline != "none"


def test_reply_is_announced_once_it_is_whole(page: Page, backend: Backend) -> None:
    backend.hold("middle")
    send(page, "count")
    expect(replies(page)).to_contain_text("n20")
    log = page.get_by_role("log", name="Messages")
    expect(log).to_have_attribute("aria-live", "polite")
    expect(page.locator(".assistant")).to_have_attribute("aria-busy", "true")
    backend.release("middle")
    expect(page.locator(".assistant")).to_have_attribute("aria-busy", "false")
    expect(page.get_by_role("heading", name="Assistant said")).to_be_attached()
    expect(page.get_by_role("heading", name="You said")).to_be_attached()


def test_motion_is_reduced_on_request(page: Page, backend: Backend) -> None:
    backend.hold("answer")
    send(page, "hello")
    expect(thinking(page)).to_be_visible()
    dot = page.locator(".dots i").first
    expect(dot).to_have_css("animation-name", "none")
    page.emulate_media(reduced_motion="no-preference")
    expect(dot).to_have_css("animation-name", "pulse")
    backend.release("answer")


def test_phone_shows_everything_without_scrolling_sideways(
    open_page: OpenPage, backend: Backend
) -> None:
    backend.make_thread("A rather long title that must be cut somewhere near here", "x", "Yes.")
    page = open_page()
    page.set_viewport_size(PHONE)
    for text in ("add " + "x" * 200, "break it", "markdown", "hostile"):
        send(page, text)
        expect(page.get_by_role("button", name="Send")).to_be_visible()
    widths = "() => [document.documentElement.scrollWidth, innerWidth]"
    assert page.evaluate(widths) == [PHONE["width"], PHONE["width"]]
    scroller = page.get_by_role("region", name="Conversation", exact=True)
    assert scroller.evaluate("element => element.scrollWidth - element.clientWidth") == 0
    expect(composer(page)).to_be_in_viewport()


def test_phone_list_is_a_drawer(open_page: OpenPage, backend: Backend) -> None:
    backend.make_thread("Groceries", "milk?", "Yes, milk.")
    page = open_page()
    page.set_viewport_size(PHONE)
    link = page.get_by_role("link", name="Groceries")
    menu = page.locator("#menu")
    expect(link).to_be_hidden()
    menu.click()
    expect(menu).to_have_attribute("aria-expanded", "true")
    expect(page.get_by_role("button", name="New conversation")).to_be_focused()
    page.keyboard.press("Escape")
    expect(link).to_be_hidden()
    expect(menu).to_be_focused()
    menu.click()
    link.click()
    expect(replies(page)).to_have_text("Yes, milk.")
    expect(link).to_be_hidden()


def focus_by_tabbing(page: Page, selector: str, backwards: bool) -> None:
    target = page.locator(selector).last
    for _ in range(30):
        page.keyboard.press("Shift+Tab" if backwards else "Tab")
        if target.evaluate("element => element.getRootNode().activeElement === element"):
            return
    raise AssertionError(f"{selector} cannot be reached by Tab")


def test_breach_of_the_policy_would_be_noticed(page: Page, violations: list[str]) -> None:
    page.evaluate("document.body.setAttribute('style', 'color: red')")
    page.wait_for_function("document.body.getAttribute('style')")
    assert [text.partition(":")[0] for text in violations] == ["style-src-attr"]
    violations.clear()


def test_static_files_ask_nobody_else() -> None:
    served = [file.read_text() for file in STATIC.iterdir()]
    for text in (*served, join_element().decode()):
        addresses = re.findall(r"https?://[^\s\"'`)]+", text)
        assert {a for a in addresses if not a.startswith("http://www.w3.org/")} == set()


def test_html_has_no_inline_script_or_style() -> None:
    html = (STATIC / "index.html").read_text()
    assert re.findall(r"<script(?![^>]*\ssrc=)|<style|\sstyle=|\son\w+=", html) == []
