"""Nothing that a model, a user or a server says becomes markup, an address to run, or a script.

The page has no content security policy here: whatever the element let through would run.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Dialog, Page, expect

from .conftest import OpenPage
from .mounted import heard
from .played import Played, card, widget

HOSTILE: list[str] = json.loads((Path(__file__).parent / "hostile.json").read_text())
BARE = "<!doctype html><title>bare</title><body>"

#: All that the element ever makes.
ELEMENTS = set(
    "a article aside blockquote br button code dd details div dl dt em fieldset form h2 h3 h4 h5"
    " h6 header hr i img input label legend li nav ol option p path pre progress s section select"
    " small span strong summary svg table tbody td textarea th thead tr ul".split()
)
#: The frame's own style comes from the page's options.
INSPECT = """
() => {
    const all = [...chat.shadowRoot.querySelectorAll('*')];
    const names = all.flatMap((one) => one.getAttributeNames());
    const addresses = all.flatMap((one) => ['href', 'src', 'action', 'data', 'srcset']
        .filter((name) => one.hasAttribute(name))
        .map((name) => new URL(one.getAttribute(name), document.baseURI).protocol));
    const styled = all.filter((one) => one.hasAttribute('style') && !one.matches('.frame'));
    return {
        elements: [...new Set(all.map(({ localName }) => localName))],
        attributes: [...new Set(names)],
        addresses: [...new Set(addresses)],
        styles: [...new Set(styled.map((one) => one.getAttribute('style')))],
    };
}
"""


@pytest.fixture
def page(open_page: OpenPage) -> Iterator[Page]:
    page = open_page("/bare")
    page.route("**/bare", lambda route: route.fulfill(body=BARE, content_type="text/html"))
    page.route("**/evil.example/**", lambda route: route.abort())
    page.reload()
    dialogs: list[str] = []

    def note(dialog: Dialog) -> None:
        dialogs.append(dialog.message)
        dialog.dismiss()

    page.on("dialog", note)
    yield page
    page.remove_listener("dialog", note)
    assert dialogs == []


def check(page: Page) -> None:
    found = page.evaluate(INSPECT)
    assert set(found["elements"]) <= ELEMENTS
    assert [name for name in found["attributes"] if name.startswith("on")] == []
    assert {"srcdoc", "xlink:href", "formaction"}.isdisjoint(found["attributes"])
    assert set(found["addresses"]) <= {"http:", "https:", "mailto:"}
    assert [style for style in found["styles"] if "url(" in style or "script" in style] == []
    # Some of it would only run after a moment.
    page.evaluate("new Promise((done) => setTimeout(done, 50))")
    assert page.evaluate("window.__xss ?? null") is None


def everywhere(text: str, number: int) -> list[dict[str, Any]]:
    """One string in every place of a conversation that shows text."""
    source = {"type": "url", "url": text, "title": text, "description": text}
    annotation = {"type": "annotation", "source": source, "index": 0}
    file = {"id": text, "name": text, "mime_type": text, "type": "image", "preview_url": text}
    task = {"type": "custom", "title": text, "content": text, "icon": text}
    search = {"type": "web_search", "title": text, "queries": [text], "sources": [source]}
    asking = [{"id": text, "type": "multiple_choice", "question": text,
               "options": [{"value": text}]},
              {"id": "f", "type": "freeform", "question": text, "description": text,
               "answer": {"values": [text]}}]  # fmt: skip
    items: list[dict[str, Any]] = [
        {"type": "user_message", "content": [{"type": "input_text", "text": text}],
         "quoted_text": text, "attachments": [file], "inference_options": {}},
        {"type": "user_message", "content": [{"type": "input_tag", "id": text, "text": text}]},
        {"type": "assistant_message",
         "content": [{"type": "output_text", "text": text, "annotations": [annotation]}]},
        {"type": "task", "task": task},
        {"type": "workflow", "workflow": {"type": "custom", "tasks": [task, search],
                                          "summary": {"title": text, "icon": text}}},
        widget(hostile_widget(text)),
        {"type": "structured_input", "status": "pending", "inputs": asking},
        {"type": "structured_input", "status": "answered", "inputs": asking},
        {"type": text},
    ]  # fmt: skip
    return [item | {"id": f"{number}-{place}"} for place, item in enumerate(items)]


def hostile_widget(text: str) -> dict[str, Any]:
    values = (
        "value label color size weight textAlign name fieldName placeholder src alt icon".split()
    )
    layout = "gap padding border background align justify wrap radius margin width flex".split()
    controls = "defaultValue pattern inputType variant iconStart iconEnd theme ariaLabel".split()
    properties = dict.fromkeys([*values, *layout, *controls], text)
    action = {"type": text, "payload": {text: text}}
    more = {"options": [{"value": text, "label": text}], "onClickAction": action}
    kinds = (
        "Text Title Caption Markdown Badge Icon Image Button Divider Spacer Row Col Box Form Input"
        " Textarea Select DatePicker Checkbox RadioGroup Label Table Chart ListView"
    ).split()
    parts = [{"type": kind, **properties, **more} for kind in kinds]
    border = {"size": text, "color": text, "style": text}
    look = {"background": {"light": text, "dark": text}, "border": {"top": border}}
    answer = {"label": text, "action": action}
    status = {"text": text, "icon": text, "favicon": text}
    return card(*parts, {"type": text}, **look, status=status, confirm=answer, cancel=answer)


def test_hostile_strings_stay_text_wherever_they_stand(page: Page) -> None:
    assert len(HOSTILE) >= 100
    played = Played(page)
    items = [item for n, text in enumerate(HOSTILE) for item in everywhere(text, n)]
    played.show(*items)
    check(page)
    expect(page.locator("[data-type=user_message]")).to_have_count(2 * len(HOSTILE))
    shown = page.locator("[data-id$='-1'] .tag").all_text_contents()
    assert shown == HOSTILE
    titles = page.locator("[data-id$='-3'] .name").all_text_contents()
    assert titles == HOSTILE
    assert heard(page, "error") == []


def test_hostile_strings_stay_text_while_they_are_streamed(page: Page) -> None:
    """Markdown in pieces may look like something else in every moment."""
    played = Played(page)
    played.show()
    page.evaluate("chat.sendUserMessage({ text: 'go' })")
    played.wait_for("threads.add_user_message")
    delta = {"type": "assistant_message.content_part.text_delta", "content_index": 0}
    for number, text in enumerate(HOSTILE):
        item = {"id": f"a{number}", "type": "assistant_message", "content": []}
        frames: list[dict[str, Any]] = [{"type": "thread.item.added", "item": item}]
        frames += [
            {
                "type": "thread.item.updated",
                "item_id": item["id"],
                "update": delta | {"delta": char},
            }
            for char in text
        ]
        played.push(*frames)
    for text in HOSTILE:
        thread = {
            "id": "t",
            "title": text,
            "created_at": "",
            "status": {"type": "locked", "reason": text},
        }
        played.push(
            {"type": "thread.updated", "thread": thread},
            {"type": "progress_update", "text": text, "icon": text},
            {"type": "notice", "level": text, "title": text, "message": text},
            {"type": "error", "code": text, "message": text, "allow_retry": True},
            {"type": text, "item": {"id": text, "type": text}},
        )
    expect(page.get_by_role("alert")).to_have_count(len(HOSTILE))
    expect(page.locator(".assistant")).to_have_count(len(HOSTILE))
    check(page)
    expect(page.locator(".header")).to_contain_text(HOSTILE[-1])


def test_hostile_options_stay_text(page: Page) -> None:
    played = Played(page)
    for text in HOSTILE[:: len(HOSTILE) // 12]:
        model = {"id": text, "label": text, "description": text}
        prompt = {"label": text, "prompt": text, "icon": text}
        tool = {"id": text, "label": text, "shortLabel": text, "icon": text, "pinned": True}
        played.show(
            frameTitle=text,
            disclaimer={"text": text},
            header={"title": {"text": text}},
            startScreen={"greeting": text, "prompts": [prompt]},
            composer={"placeholder": text, "models": [model], "tools": [tool]},
            theme={"typography": {"fontFamily": text}, "color": {"accent": {"primary": text}}},
        )
        check(page)
