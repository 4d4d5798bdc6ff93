"""Widgets: what they send, and what happens to them while they change."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from .mounted import heard, logged
from .played import Played, card, drawn, played, widget

__all__ = ["played"]

ACTION = {"type": "go", "payload": {"n": 1}}


def test_action_for_the_server_is_sent_and_held_until_the_reply_ends(played: Played) -> None:
    one = {"type": "Button", "label": "Go", "onClickAction": ACTION | {"handler": "server"}}
    other = {"type": "Button", "label": "Other", "onClickAction": {"type": "other"}}
    here = {"type": "Button", "label": "Here", "onClickAction": {"type": "h", "handler": "client"}}
    played.show(widget(card(one, other, here)))
    page = played.page
    page.get_by_role("button", name="Go").click()
    (request,) = played.wait_for("threads.custom_action")
    assert request["params"] == {"thread_id": "t", "item_id": "w", "action": ACTION}
    expect(page.locator("[data-loading]")).to_have_text("Go")
    expect(page.get_by_role("button", name="Other")).to_be_disabled()
    expect(page.get_by_role("button", name="Here")).to_be_enabled()
    played.end()
    expect(page.get_by_role("button", name="Other")).to_be_enabled()
    expect(page.locator("[data-loading]")).to_have_count(0)
    assert len(played.sent("threads.custom_action")) == 1


def test_action_for_the_page_is_given_to_it(played: Played) -> None:
    root = card({"type": "Button", "label": "Go", "onClickAction": ACTION | {"handler": "client"}})
    played.page.evaluate(
        "() => { window.onAction = async (...given) => { window.given = given;"
        " await new Promise((done) => { window.done = done }) } }"
    )
    played.show(widget(root), functions={"widgets.onAction": "onAction"})
    button = played.page.get_by_role("button", name="Go")
    button.click()
    expect(played.page.locator("[data-loading]")).to_have_text("Go")
    expect(button).to_be_disabled()
    assert played.page.evaluate("given") == [ACTION, {"id": "w", "widget": root}]
    played.page.evaluate("done()")
    expect(button).to_be_enabled()
    assert played.sent("threads.custom_action") == []


@pytest.mark.parametrize("behavior", ["none", "self", "container"])
def test_loading_is_shown_where_the_action_says(played: Played, behavior: str) -> None:
    action = ACTION | {"loadingBehavior": behavior}
    played.show(widget(card({"type": "Button", "label": "Go", "onClickAction": action})))
    played.page.get_by_role("button", name="Go").click()
    played.wait_for("threads.custom_action")
    expected = {"none": 0, "self": 1, "container": 1}[behavior]
    expect(played.page.locator("[data-loading]")).to_have_count(expected)
    found = played.page.locator("[data-loading]")
    assert behavior != "container" or "widget" in (found.get_attribute("class") or "")
    played.end()
    expect(found).to_have_count(0)


def test_action_that_does_not_stream_changes_the_widget_in_place(played: Played) -> None:
    action = ACTION | {"streaming": False}
    played.show(widget(card({"type": "Button", "label": "Go", "onClickAction": action})))
    after = widget(card({"type": "Text", "value": "Gone"}))
    played.page.evaluate(
        "item => { answers['threads.sync_custom_action'] = { updated_item: item } }", after
    )
    played.page.get_by_role("button", name="Go").click()
    expect(drawn(played.page)).to_have_text("Gone")
    (request,) = played.sent("threads.sync_custom_action")
    assert request["params"] == {"thread_id": "t", "item_id": "w", "action": ACTION}
    assert heard(played.page, "response.start") == []


def test_refused_action_is_told_and_can_be_tried_again(played: Played) -> None:
    action = ACTION | {"streaming": False}
    played.show(widget(card({"type": "Button", "label": "Go", "onClickAction": action})))
    played.page.evaluate(
        "answers['threads.sync_custom_action'] = Promise.resolve("
        "new Response(JSON.stringify({ detail: 'Not now.' }), { status: 409 }))"
    )
    played.page.get_by_role("button", name="Go").click()
    expect(played.page.get_by_role("alert")).to_contain_text("Not now.")
    expect(played.page.get_by_role("button", name="Go")).to_be_enabled()


def choices(**labels: str) -> list[dict[str, str]]:
    return [{"value": value, "label": label} for value, label in labels.items()]


SIZES = choices(s="Small", l="Large")
PAYMENT = {"name": "pay", "ariaLabel": "Payment", "options": choices(c="Cash", b="Bank")}
FORM: list[dict[str, Any]] = [
    {"type": "Label", "value": "Your name", "fieldName": "name"},
    {"type": "Input", "name": "name", "required": True, "placeholder": "Ada"},
    {"type": "Textarea", "name": "notes", "defaultValue": "none", "rows": 2},
    {"type": "Select", "name": "size", "options": SIZES},
    {"type": "Checkbox", "name": "gift", "label": "As a gift"},
    {"type": "RadioGroup", "defaultValue": "c", **PAYMENT},
    {"type": "DatePicker", "name": "day", "placeholder": "Day"},
    {"type": "Text", "value": "draft", "editable": {"name": "title"}},
]


def fill_in(page: Page) -> dict[str, Any]:
    page.get_by_label("Your name").fill("Ada")
    page.get_by_label("size").select_option(label="Large")
    page.get_by_label("As a gift").check()
    page.get_by_role("radiogroup", name="Payment").get_by_label("Bank").check()
    page.get_by_label("Day").fill("2026-02-03")
    typed = {"name": "Ada", "notes": "none", "size": "l", "gift": True, "pay": "b"}
    return typed | {"day": "2026-02-03", "title": "draft"}


def test_card_as_form_sends_what_was_filled_in(played: Played) -> None:
    confirm = {"label": "Save", "action": ACTION}
    cancel = {"label": "Forget", "action": {"type": "forget"}}
    played.show(widget(card(*FORM, asForm=True, confirm=confirm, cancel=cancel)))
    page = played.page
    page.get_by_role("button", name="Save").click()
    assert played.sent("threads.custom_action") == []
    typed = fill_in(page)
    page.get_by_role("button", name="Save").click()
    (request,) = played.wait_for("threads.custom_action")
    assert request["params"]["action"] == {"type": "go", "payload": {"n": 1, **typed}}
    expect(page.locator(".widget[data-loading]")).to_have_count(1)
    expect(page.get_by_role("button", name="Forget")).to_be_disabled()
    played.end()
    page.get_by_role("button", name="Forget").click()
    request = played.wait_for("threads.custom_action", 2)[-1]
    assert request["params"]["action"] == {"type": "forget", "payload": typed}


def test_form_is_submitted_by_its_button_and_by_enter(played: Played) -> None:
    form = {"type": "Form", "onSubmitAction": ACTION, "children": [
        {"type": "Input", "name": "q", "pattern": "[a-z]+"},
        {"type": "Button", "label": "Find", "submit": True},
    ]}  # fmt: skip
    played.show(widget(card(form)))
    field = played.page.get_by_label("q")
    field.fill("UPPER")
    field.press("Enter")
    assert played.sent("threads.custom_action") == []
    field.fill("lower")
    field.press("Enter")
    (request,) = played.wait_for("threads.custom_action")
    assert request["params"]["action"]["payload"] == {"n": 1, "q": "lower"}
    played.end()
    played.page.get_by_role("button", name="Find").click()
    assert len(played.wait_for("threads.custom_action", 2)) == 2


def test_change_of_a_control_is_an_action(played: Played) -> None:
    select = {"type": "Select", "name": "size", "options": SIZES, "onChangeAction": ACTION}
    played.show(widget(card(select)))
    played.page.get_by_label("size").select_option("l")
    (request,) = played.wait_for("threads.custom_action")
    assert request["params"]["action"] == {"type": "go", "payload": {"n": 1, "size": "l"}}


def test_list_shows_a_few_and_more_when_asked(played: Played) -> None:
    rows = [
        {"type": "ListViewItem", "children": [{"type": "Text", "value": f"Row {n}"}], "gap": 2}
        for n in range(6)
    ]
    rows[4]["onClickAction"] = ACTION
    played.show(widget({"type": "ListView", "children": rows, "limit": 2, "status": {"text": "S"}}))
    page = played.page
    shown = page.locator(".widget-rows > li:visible")
    expect(shown).to_have_text(["Row 0", "Row 1"])
    page.get_by_role("button", name="Show more").click()
    expect(shown).to_have_count(6)
    page.get_by_role("button", name="Row 4").click()
    assert len(played.wait_for("threads.custom_action")) == 1


def test_widget_changes_while_it_is_streamed(played: Played) -> None:
    played.show()
    page = played.page
    page.evaluate("chat.sendUserMessage({ text: 'go' })")
    played.wait_for("threads.add_user_message")
    text = {"type": "Text", "id": "text", "value": "", "streaming": True}
    rich = {"type": "Markdown", "id": "rich", "value": "", "streaming": True}
    field = {"type": "Input", "id": "field", "name": "q"}
    state = {"type": "Badge", "id": "state", "label": "Writing"}
    started = widget(card(state, text, rich, field))
    played.push({"type": "thread.item.added", "item": started})
    page.get_by_label("q").fill("typed")
    delta = {"type": "widget.streaming_text.value_delta"}
    for word in ("a", "b", "**c"):
        played.update("w", **delta, component_id="text", delta=word, done=False)
        played.update("w", **delta, component_id="rich", delta=word, done=False)
    expect(drawn(page)).to_have_attribute("aria-busy", "true")
    played.update("w", **delta, component_id="rich", delta="**", done=True)
    expect(page.locator(".widget-text")).to_have_text("ab**c")
    expect(page.locator(".markdown strong")).to_have_text("c")
    expect(drawn(page)).to_have_attribute("aria-busy", "false")
    done = {"type": "Badge", "id": "state", "label": "Written", "color": "success"}
    change = {"type": "widget.component.updated"}
    played.update("w", **change, component_id="state", component=done)
    expect(page.locator(".label")).to_have_text("Written")
    expect(page.get_by_label("q")).to_have_value("typed")
    played.update("w", **change, component_id="none", component=done)
    played.update("w", **delta, component_id="none", delta="x", done=True)
    root = card(done, {"type": "Text", "id": "text", "value": "whole"}, field)
    played.update("w", type="widget.root.updated", widget=root)
    expect(page.locator(".widget-text")).to_have_text("whole")
    expect(page.get_by_label("q")).to_have_value("typed")
    played.update("w", **delta, component_id="text", delta=" more", done=True)
    expect(page.locator(".widget-text")).to_have_text("whole more")
    played.push({"type": "thread.item.done", "item": widget(root)})
    expect(page.locator(".widget-text")).to_have_text("whole")
    expect(page.get_by_label("q")).to_have_value("typed")
    played.end()
    assert "event.failed" not in logged(page)
