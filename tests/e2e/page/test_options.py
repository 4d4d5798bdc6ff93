"""What each option of the published contract does."""

from __future__ import annotations

import re
from typing import Any

from playwright.sync_api import Page, expect

from .backend import Backend, Refusal
from .conftest import OpenPage
from .mounted import heard, mount, refusal, wait_for
from .steps import composer, replies, send


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


MODELS = [
    {"id": "small", "label": "Fast", "description": "For short questions"},
    {"id": "large", "label": "Best", "default": True},
    {"id": "none", "label": "Soon", "disabled": True},
]
TOOLS = [
    {"id": "web", "label": "Search the web", "shortLabel": "Search", "icon": "globe"},
    {"id": "note", "label": "Add a note", "icon": "write", "pinned": True, "persistent": True},
]
TOOLS[0]["placeholderOverride"] = "What to search for?"


def asked_for(backend: Backend, index: int) -> Any:
    created, added = backend.sent("threads.create"), backend.sent("threads.add_user_message")
    return [*created, *added][index].params["input"]["inference_options"]


def test_model_is_picked_by_keyboard_and_sent(bare: Page, backend: Backend) -> None:
    mount(bare, composer={"models": [*MODELS, {"label": "broken"}]})
    picker = bare.get_by_role("button", name="Model: Best")
    picker.focus()
    bare.keyboard.press("ArrowUp")
    menu = bare.get_by_role("menu", name="Model: Best")
    expect(menu.get_by_role("menuitemradio")).to_have_count(3)
    expect(menu.get_by_role("menuitemradio", name="Best")).to_be_focused()
    expect(menu.get_by_role("menuitemradio", checked=True)).to_have_text("Best")
    bare.keyboard.press("ArrowDown")
    bare.keyboard.press("Enter")  # cannot be selected
    expect(menu).to_be_visible()
    bare.keyboard.press("Escape")
    expect(menu).to_be_hidden()
    expect(picker).to_be_focused()
    send(bare, "hello")
    expect(replies(bare)).to_have_text("You said: hello")
    assert asked_for(backend, 0) == {"model": "large"}
    picker.click()
    bare.get_by_role("menuitemradio", name="Fast For short questions").click()
    expect(bare.get_by_role("button", name="Model: Fast")).to_be_focused()
    send(bare, "again")
    expect(replies(bare)).to_have_count(2)
    assert asked_for(backend, 1) == {"model": "small"}


def test_page_offers_the_models_of_its_server(open_page: OpenPage, backend: Backend) -> None:
    backend.assistant = {"kind": "openai", "model": "large", "models": ["large", "small"]}
    page = open_page()
    page.get_by_role("button", name="Model: large").click()
    page.get_by_role("menuitemradio", name="small").click()
    send(page, "hello")
    expect(replies(page)).to_have_text("You said: hello")
    assert asked_for(backend, 0) == {"model": "small"}


def test_tool_is_for_one_message_unless_it_persists(bare: Page, backend: Backend) -> None:
    mount(bare, composer={"tools": TOOLS, "placeholder": "Ask"})
    box, pinned = composer(bare), bare.get_by_role("button", name="Add a note")
    expect(box).to_have_attribute("placeholder", "Ask")
    expect(pinned).to_have_attribute("aria-pressed", "false")
    bare.get_by_role("button", name="Tools").click()
    bare.get_by_role("menuitemradio", name="Search the web").click()
    chosen = bare.get_by_role("button", name="Search the web")
    expect(chosen).to_have_text("Search")
    expect(chosen).to_have_attribute("aria-pressed", "true")
    expect(box).to_have_attribute("placeholder", "What to search for?")
    send(bare, "hello")
    expect(replies(bare)).to_have_text("You said: hello")
    expect(chosen).to_have_count(0)
    expect(box).to_have_attribute("placeholder", "Ask")
    pinned.click()
    for text in ("one", "two"):
        expect(pinned).to_have_attribute("aria-pressed", "true")
        send(bare, text)
        expect(replies(bare).last).to_have_text(f"You said: {text}")
    pinned.click()
    expect(pinned).to_be_focused()
    tools = [asked_for(backend, index).get("tool_choice", {}).get("id") for index in range(3)]
    assert tools == ["web", "note", "note"]
    told = [detail["toolId"] for _, detail in heard(bare, "tool.change")]
    assert told == ["web", None, "note", None]
    bare.evaluate("chat.setComposerValue({ selectedToolId: 'web' })")
    bare.evaluate("chat.setOptions({ api: { url: '/chatkit' } })")
    expect(chosen).to_have_count(0)
    assert heard(bare, "tool.change")[-1] == ["tool.change", {"toolId": None}]


def test_actions_of_replies_are_shown_when_they_are_wanted(bare: Page, backend: Backend) -> None:
    thread = backend.make_thread("Old", "hello", "Hi.")
    mount(bare, initialThread=thread.id)
    expect(replies(bare)).to_have_text("Hi.")
    names = ("Good reply", "Bad reply", "Answer again")
    for name in names:
        expect(bare.get_by_role("button", name=name)).to_be_hidden()
    mount(bare, initialThread=thread.id, threadItemActions={"feedback": True, "retry": True})
    for name in names:
        expect(bare.get_by_role("button", name=name)).to_be_visible()
    bare.get_by_role("button", name="Good reply").click()
    bare.get_by_role("button", name="Answer again").click()
    expect(replies(bare).last).to_have_text("You said: hello")
    assert [sent.params["item_id"] for sent in backend.sent("threads.retry_after_item")] == [
        thread.items[0]["id"]
    ]
    assert [sent.params["kind"] for sent in backend.sent("items.feedback")] == ["positive"]


def test_reply_is_followed_when_the_page_wants_it(bare: Page, backend: Backend) -> None:
    bare.set_viewport_size({"width": 700, "height": 320})
    bare.evaluate("document.body.style.height = '300px'")
    scroller = bare.get_by_role("region", name="Conversation", exact=True)
    left = "element => element.scrollHeight - element.scrollTop - element.clientHeight"
    for follows, is_at_end in ((True, True), (False, False)):
        mount(bare, header={"enabled": False}, thread={"autoScroll": follows})
        send(bare, "markdown")
        expect(replies(bare)).to_contain_text("snake_case_name stays.")
        expect(bare.locator(".latest")).to_have_css(
            "visibility", "hidden" if is_at_end else "visible"
        )
        assert (scroller.evaluate(left) < 5) is is_at_end


def test_theme_in_its_two_forms(bare: Page) -> None:
    frame = bare.locator(".frame")
    mount(bare, theme="dark")
    expect(frame).to_have_attribute("data-scheme", "dark")
    expect(frame).to_have_css("background-color", "rgb(11, 15, 12)")
    grey = {"hue": 220, "tint": 5, "shade": 1}
    mount(bare, theme={"color": {"grayscale": grey}, "radius": "sharp", "density": "compact"})
    expect(frame).to_have_attribute("data-scheme", "light")
    value = "(frame, name) => frame.style.getPropertyValue(name)"
    assert frame.evaluate(value, "--bubble") == "hsl(220 15% 93.25%)"
    expect(frame).to_have_attribute("data-radius", "sharp")
    expect(frame).to_have_attribute("data-density", "compact")
    surface = {"background": "#102040", "foreground": "white"}
    typography = {"baseSize": 18, "fontFamily": "Serif"}
    mount(bare, theme={"color": {"surface": surface}, "typography": typography})
    expect(frame).to_have_css("background-color", "rgb(16, 32, 64)")
    expect(frame).to_have_css("font-size", "18px")
    assert frame.evaluate(value, "--font") == "Serif"
    shades = []
    for level in range(4):
        mount(bare, theme={"color": {"accent": {"primary": "#7733ff", "level": level}}})
        shades.append(frame.evaluate(value, "--own"))
    assert shades[0] == "#edf1ee"
    assert len(set(shades)) == 4


def test_words_around_the_conversation(bare: Page) -> None:
    disclaimer = {"text": "May be **wrong**.", "highContrast": True}
    mount(bare, frameTitle="Helpdesk", disclaimer=disclaimer, locale="pt-BR")
    expect(bare.get_by_role("group", name="Helpdesk")).to_be_visible()
    expect(bare.locator(".disclaimer strong")).to_have_text("wrong")
    expect(bare.locator(".disclaimer")).to_have_css("color", "rgb(23, 33, 27)")
    expect(bare.locator(".log")).to_have_attribute("lang", "pt-BR")
    expect(composer(bare)).to_have_attribute("lang", "pt-BR")
