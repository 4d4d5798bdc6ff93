"""Questions that an agent asks in a form: how they are drawn, and what is sent back."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import expect

from .mounted import heard
from .played import Played, played

__all__ = ["played"]


def choice(input_id: str, question: str, *values: str, **fields: Any) -> dict[str, Any]:
    options = [{"value": value} for value in values]
    about = {"id": input_id, "type": "multiple_choice", "question": question}
    return about | {"options": options, **fields}


WHY = {"type": "freeform", "question": "Why?", "description": "One sentence will do."}
INPUTS: list[dict[str, Any]] = [
    choice("one", "Which colour?", "red", "green"),
    choice("many", "Which days?", "Mon", "Tue", multiple=True),
    {"id": "free", **WHY},
]


def asked(**fields: Any) -> dict[str, Any]:
    return {"id": "q", "type": "structured_input", "status": "pending", "inputs": INPUTS, **fields}


def test_answers_are_sent_as_the_protocol_has_them(played: Played) -> None:
    played.show(asked())
    page = played.page
    send = page.get_by_role("button", name="Send answers")
    expect(send).to_be_disabled()
    which = page.get_by_role("group", name="Which colour?")
    expect(which.get_by_role("radio")).to_have_count(3)
    which.get_by_label("green", exact=True).check()
    days = page.get_by_role("group", name="Which days?")
    days.get_by_label("Mon").check()
    days.get_by_label("another answer").fill("New Year's Eve")
    expect(days.get_by_role("checkbox", name="Other")).to_be_checked()
    why = page.get_by_role("group", name="Why?").get_by_role("textbox")
    expect(why).to_have_accessible_description("One sentence will do.")
    expect(send).to_be_enabled()
    send.click()
    (request,) = played.wait_for("threads.add_structured_input")
    answers = {
        "one": {"values": ["green"], "skipped": False},
        "many": {"values": ["Mon", "New Year's Eve"], "skipped": False},
        "free": {"values": [], "skipped": True},
    }
    assert request["params"] == {
        "thread_id": "t",
        "item_id": "q",
        "input": {"status": "answered", "answers": answers},
    }
    expect(send).to_be_disabled()
    expect(why).to_be_disabled()
    filled = [{**one, "answer": answers[one["id"]]} for one in INPUTS]
    played.push({"type": "thread.item.replaced", "item": asked(status="answered", inputs=filled)})
    expect(page.locator(".asked dd")).to_have_text(["green", "Mon, New Year's Eve", "Skipped"])
    expect(page.get_by_role("button", name="Skip")).to_have_count(0)
    played.end()


def test_questions_can_be_skipped_and_are_open_again_after_a_refusal(played: Played) -> None:
    played.show(asked())
    page = played.page
    page.evaluate(
        "answers['threads.add_structured_input'] = Promise.resolve("
        "new Response(JSON.stringify({ detail: 'This no longer waits.' }), { status: 409 }))"
    )
    page.get_by_role("group", name="Why?").get_by_role("textbox").fill("Because")
    page.get_by_role("button", name="Skip").click()
    expect(page.get_by_role("alert")).to_contain_text("This no longer waits.")
    (request,) = played.sent("threads.add_structured_input")
    nothing = {"values": [], "skipped": True}
    assert request["params"]["input"] == {
        "status": "skipped",
        "answers": {"one": nothing, "many": nothing, "free": nothing},
    }
    expect(page.get_by_role("button", name="Send answers")).to_be_enabled()
    expect(page.get_by_role("group", name="Why?").get_by_role("textbox")).to_have_value("Because")


def test_broken_questions_harm_nothing(played: Played) -> None:
    junk: list[Any] = [None, 1, "x", {}, {"options": [None, 1, {}], "type": "multiple_choice"}]
    played.show(
        asked(inputs=junk),
        asked(id="r", inputs="x"),
        asked(id="s", status="answered", inputs=[{"answer": {"values": [1, None]}}, *junk]),
        asked(id="last", status="skipped", inputs=[{"question": "End?"}]),
    )
    expect(played.page.get_by_text("End?")).to_be_visible()
    assert heard(played.page, "error") == []
