"""What a user answered between two runs is in the context of the runs after it."""

from __future__ import annotations

from typing import Any

import pytest

from agent.context import Context, build_context
from events import conversation as c
from tests.unit.agent.histories import Story, message
from tests.unit.agent.responses_rules import violations

CALL = {
    "id": "i1",
    "type": "client_tool_call",
    "status": "completed",
    "name": "pick_color",
    "arguments": {"of": ["red", "green"]},
    "output": {"color": "red"},
}
ASKED = {
    "id": "i2",
    "type": "structured_input",
    "status": "answered",
    "inputs": [
        {"question": "Which?", "answer": {"values": ["red", "green"], "skipped": False}},
        {"question": "Why?", "answer": {"values": [], "skipped": True}},
    ],
}
HIDDEN = {"id": "i3", "type": "hidden_context_item", "content": {"action": {"type": "press"}}}
CALL_TEXT = (
    'The tool pick_color was carried out for the user with {"of":["red","green"]} '
    'and answered: {"color":"red"}'
)
ASKED_TEXT = "Which?\nred, green\n\nWhy?\n(skipped)"
HIDDEN_TEXT = (
    "Hidden context for the agent (not shown to the user):\n"
    '<HiddenContext>\n{"action":{"type":"press"}}\n</HiddenContext>'
)


def context_of(story: Story, run_id: str, limit: int = 15) -> Context:
    context = build_context(story.recorded, run_id, limit)
    assert violations(list(context.items)) == []
    return context


def texts_of(story: Story, run_id: str, limit: int = 15) -> list[str]:
    return [item["content"][0]["text"] for item in context_of(story, run_id, limit).items]


def put(story: Story, item: dict[str, Any]) -> str:
    """Records the item; answers the id of the event."""
    story.record(c.ThreadItemPut(item=item))
    return story.recorded[-1].event_id


@pytest.mark.parametrize(
    ("item", "text"), [(CALL, CALL_TEXT), (ASKED, ASKED_TEXT), (HIDDEN, HIDDEN_TEXT)]
)
def test_answer_is_told_to_the_run_that_replies_to_it(item: dict[str, Any], text: str) -> None:
    story = Story()
    story.exchange("one", "first")
    event_id = put(story, item)
    run_id = story.request()
    assert texts_of(story, run_id) == ["one", "first", text]
    assert event_id in context_of(story, run_id).event_ids


def test_answer_stays_where_it_was_given() -> None:
    story = Story()
    story.exchange("one", "first")
    put(story, CALL)
    again = story.request()
    story.start(again)
    story.respond(again, message("red it is"))
    story.complete(again)
    last = story.post("thanks")
    assert texts_of(story, last) == ["one", "first", CALL_TEXT, "red it is", "thanks"]


def test_answer_during_a_run_is_told_to_the_next_one() -> None:
    story = Story()
    first = story.post("one")
    put(story, HIDDEN)
    assert texts_of(story, first) == ["one"]
    story.start(first)
    story.respond(first, message("first"))
    story.complete(first)
    assert texts_of(story, story.post("two")) == ["one", "first", HIDDEN_TEXT, "two"]


def test_answer_alone_does_not_make_an_unanswered_message_look_answered() -> None:
    story = Story()
    story.post("one")
    put(story, HIDDEN)
    assert texts_of(story, story.post("two")) == ["two"]


def test_answer_of_a_branch_that_was_left_is_forgotten() -> None:
    story = Story()
    story.exchange("one", "first")
    put(story, CALL)
    assert texts_of(story, story.retry("m1")) == ["one"]


def test_answer_is_no_message_of_the_limit() -> None:
    story = Story()
    story.exchange("one", "first")
    for _ in range(5):
        put(story, HIDDEN)
    assert len(texts_of(story, story.post("two"), limit=3)) == 8


def test_long_answer_is_cut() -> None:
    story = Story()
    story.exchange("one", "first")
    put(story, {**HIDDEN, "content": "x" * 1_000})
    context = build_context(story.recorded, story.request(), 15, 100)
    assert context.items[-1]["content"][0]["text"].endswith("characters cut]")


@pytest.mark.parametrize(
    "item",
    [
        {**CALL, "status": "pending"},
        {**ASKED, "status": "pending"},
        {"id": "w", "type": "widget", "widget": {}},
        {"id": "s", "type": "sdk_hidden_context", "content": "for the SDK"},
        {"id": "t", "type": "task", "task": {}},
        {},
    ],
)
def test_other_items_are_not_told(item: dict[str, Any]) -> None:
    story = Story()
    story.exchange("one", "first")
    put(story, item)
    assert texts_of(story, story.post("two")) == ["one", "first", "two"]
