"""What each option of the published contract does."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from .backend import Backend, Refusal
from .conftest import OpenPage
from .mounted import heard, mount, refusal, wait_for
from .steps import composer, replies, send


@pytest.fixture
def bare(open_page: OpenPage) -> Page:
    page = open_page("/bare")
    page.evaluate("import('/chatkit.js')")
    return page


def test_prompts_have_icons(bare: Page) -> None:
    names = ["lightbulb", "lucide:circle-x", "star-filled", "lucide:no-such", "sidebar-open-right"]
    prompts = [{"label": name, "prompt": "x", "icon": name} for name in names]
    mount(bare, startScreen={"prompts": [*prompts, {"label": "plain", "prompt": "x"}]})
    icons = bare.locator(".prompts .icon")
    drawn = icons.evaluate_all("icons => icons.map((icon) => icon.dataset.icon)")
    assert drawn == ["lightbulb", "circle-x", "star", "dot", "sidebar-right"]
    expect(bare.get_by_role("button", name="plain").locator(".icon")).to_have_count(0)


def test_header_shows_the_title_and_the_ways_on(bare: Page, backend: Backend) -> None:
    thread = backend.make_thread("Groceries", "milk?", "Yes, milk.")
    mount(bare, initialThread=thread.id)
    header = bare.locator(".header")
    expect(header.get_by_role("heading", name="Groceries")).to_be_visible()
    header.get_by_role("button", name="New chat").click()
    expect(header.get_by_role("heading")).to_have_count(0)
    expect(composer(bare)).to_be_focused()
    send(bare, "hello")
    expect(header.get_by_role("heading", name="hello")).to_be_visible()
    bare.evaluate("""() => {
        window.pressed = [];
        window.press = () => pressed.push('left');
        window.fail = () => { throw new Error('page bug') };
    }""")
    actions = {"leftAction": {"icon": "settings-cog"}, "rightAction": {"icon": "home"}}
    functions = {"header.leftAction.onClick": "press", "header.rightAction.onClick": "fail"}
    mount(bare, functions, header=actions | {"title": {"text": "Support"}})
    expect(header.get_by_role("heading", name="Support")).to_be_visible()
    header.get_by_role("button", name="Settings cog").click()
    assert bare.evaluate("pressed") == ["left"]
    header.get_by_role("button", name="Home").click()
    wait_for(bare, "error")
    assert heard(bare, "error") == [["error", {"error": "page bug"}]]
    mount(bare, header={"title": {"enabled": False}}, initialThread=thread.id)
    expect(replies(bare)).to_have_text("Yes, milk.")
    expect(header.get_by_role("heading")).to_have_count(0)
    expect(header.get_by_role("button", name="Settings cog")).to_have_count(0)
    mount(bare, header={"enabled": False}, initialThread=thread.id)
    expect(replies(bare)).to_have_text("Yes, milk.")
    expect(header).to_be_hidden()
    assert len(backend.sent("threads.get_by_id")) == 1


def test_history_is_paged_opened_and_closed_by_keyboard(bare: Page, backend: Backend) -> None:
    for number in range(45):
        backend.make_thread(f"Talk {number}", "hi", f"Answer {number}.")
    mount(bare, locale="de")
    panel, entries = bare.get_by_role("dialog", name="History"), bare.locator(".entry")
    opener = bare.get_by_role("button", name="History", exact=True)
    expect(opener).to_have_attribute("aria-expanded", "false")
    opener.focus()
    bare.keyboard.press("Enter")
    expect(panel).to_be_visible()
    expect(bare.get_by_role("button", name="Close history")).to_be_focused()
    expect(opener).to_have_attribute("aria-expanded", "true")
    expect(entries).to_have_count(30)
    expect(entries.first.locator("time")).to_have_text(re.compile(r"^\d{2}\.\d{2}\.\d{4}$"))
    expect(bare.locator(".composer")).to_have_attribute("inert", "")
    bare.get_by_role("button", name="Show more").focus()
    expect(entries).to_have_count(45)
    bare.keyboard.press("Escape")
    expect(panel).to_be_hidden()
    expect(opener).to_be_focused()
    assert [name for name, _ in heard(bare, "history.open", "history.close")] == [
        "history.open",
        "history.close",
    ]
    bare.evaluate("chat.showHistory()")
    bare.get_by_role("button", name="Talk 44").first.click()
    expect(panel).to_be_hidden()
    expect(replies(bare)).to_have_text("Answer 44.")
    expect(composer(bare)).to_be_focused()
    expect(bare.locator(".header").get_by_role("heading", name="Talk 44")).to_be_visible()
    bare.evaluate("chat.showHistory()")
    expect(panel.locator("[aria-current=true]")).to_contain_text("Talk 44")
    bare.evaluate("chat.hideHistory()")
    expect(panel).to_be_hidden()


def test_history_renames_and_deletes(bare: Page, backend: Backend) -> None:
    kept = backend.make_thread("Travel", "train?", "At nine.")
    gone = backend.make_thread("Groceries", "milk?", "Yes, milk.")
    mount(bare, initialThread=gone.id)
    expect(replies(bare)).to_have_text("Yes, milk.")
    bare.get_by_role("button", name="History", exact=True).click()
    panel = bare.get_by_role("dialog", name="History")
    panel.get_by_role("button", name="Rename “Travel”").click()
    panel.get_by_role("textbox", name="Title").fill("Holiday")
    bare.keyboard.press("Escape")
    expect(panel.get_by_role("button", name="Rename “Travel”")).to_be_focused()
    bare.keyboard.press("Enter")
    panel.get_by_role("textbox", name="Title").fill("Holiday")
    bare.keyboard.press("Enter")
    expect(panel.get_by_role("button", name="Rename “Holiday”")).to_be_focused()
    panel.get_by_role("button", name="Delete “Groceries”").click()
    expect(panel.get_by_role("button", name="Cancel")).to_be_focused()
    bare.keyboard.press("Escape")
    expect(panel.locator(".entry")).to_have_count(2)
    panel.get_by_role("button", name="Delete “Groceries”").click()
    panel.get_by_role("button", name="Delete", exact=True).click()
    expect(panel.locator(".entry")).to_have_count(1)
    assert kept.title == "Holiday"
    assert list(backend.threads) == [kept.id]
    bare.keyboard.press("Escape")
    expect(bare.get_by_role("heading", name="What can I help with today?")).to_be_visible()
    backend.refusals = [Refusal(403, "This list is another user's.")]
    bare.evaluate("chat.showHistory()")
    expect(panel.get_by_role("alert")).to_contain_text("another user's")
    mount(bare, history={"showRename": False, "showDelete": False})
    bare.evaluate("chat.showHistory()")
    expect(panel.locator(".entry")).to_have_count(1)
    expect(panel.locator(".entry button:visible")).to_have_count(1)
    mount(bare, history={"enabled": False})
    expect(bare.get_by_role("button", name="History", exact=True)).to_have_count(0)
    assert "switched off" in refusal(bare, "chat.showHistory()")


def test_what_is_ignored_is_told(bare: Page) -> None:
    fonts = {"typography": {"fontSources": [{"family": "A", "src": "/a.woff2"}]}}
    search = {"entities.onTagSearch": "fetch", "api.getClientSecret": "fetch"}
    mount(bare, search, theme=fonts, commands={"enabled": True}, locale="no locale")
    told = [detail["data"] for _, detail in heard(bare, "log")]
    assert told == [
        {"option": name}
        for name in ("api.getClientSecret", "commands", "entities", "theme.typography.fontSources")
    ]
