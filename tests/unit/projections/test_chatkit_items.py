from __future__ import annotations

from typing import Any

import msgspec
import pytest
from chatkit.types import ThreadItem
from pydantic import TypeAdapter

from events.conversation import AssistantMessagePosted, Attachment
from projections.chatkit_items import (
    OUTCOME_CHARACTERS,
    assistant_item,
    failure_item,
    outcome_text,
    tool_item,
    user_message_item,
)
from projections.messages import ToolCall
from tests.unit.projections.histories import NOON, posted

_chatkit: TypeAdapter[Any] = TypeAdapter(ThreadItem)


def call(status: str, **fields: Any) -> ToolCall:
    return ToolCall(call_id="k1", name="add_task", arguments="{}", status=status, **fields)


@pytest.mark.parametrize(
    "item",
    [
        user_message_item("c1", posted("m1"), NOON),
        user_message_item(
            "c1",
            posted(
                "m1",
                content=({"type": "input_text", "text": "hello"},),
                attachments=(
                    Attachment(
                        attachment_id="f1", name="a.txt", mime_type="text/plain", size_bytes=1
                    ),
                ),
                quoted_text="before",
                inference_options={"model": "m"},
            ),
            NOON,
        ),
        assistant_item(
            "c1", AssistantMessagePosted(run_id="r1", message_id="a1", text="Done."), NOON
        ),
        tool_item("c1", call("running"), NOON, run_id="r1"),
        tool_item("c1", call("requested", subject="Milk"), NOON, run_id="r1"),
        tool_item("c1", call("success", output="ok"), NOON, run_id="r1"),
        tool_item("c1", call("error", error="broken"), NOON, run_id="r1"),
        failure_item("c1", "r1", "It broke.", NOON),
    ],
)
def test_item_is_what_chatkit_itself_would_send(item: dict[str, Any]) -> None:
    parsed = _chatkit.validate_python(item)
    sent = _chatkit.dump_json(parsed, by_alias=True, exclude_none=True)
    assert msgspec.json.decode(sent) == item


def test_created_at_is_aware_and_in_utc() -> None:
    item = failure_item("c1", "r1", "It broke.", NOON)
    assert item["created_at"] == "2026-01-01T12:00:00Z"


@pytest.mark.parametrize(
    ("status", "indicator", "icon"),
    [
        ("running", "loading", None),
        ("success", "complete", "check-circle"),
        ("error", "complete", "lucide:circle-x"),
        ("denied", "complete", "lucide:circle-x"),
        ("interrupted", "complete", "lucide:circle-x"),
        ("unknown", "complete", "lucide:circle-x"),
    ],
)
def test_tool_item_shows_its_status(status: str, indicator: str, icon: str | None) -> None:
    task = tool_item("c1", call(status), NOON, run_id="r1")["task"]
    assert (task["status_indicator"], task.get("icon")) == (indicator, icon)


@pytest.mark.parametrize(
    ("output", "text"),
    [
        ("plain words", "plain words"),
        ('{"title":"Milk","status":"pending","task_id":"t1"}', "Milk (pending)"),
        ('{"title":"Milk"}', "Milk"),
        ('{"message":"Nothing to do."}', "Nothing to do."),
        ('{"tasks":[{"title":"Milk"},{"title":"Bread"}]}', "2 tasks"),
        ("[1]", "1 item"),
        ('"quoted"', "quoted"),
        ("42", "42"),
        ('{"a":1}', '{"a":1}'),
        ("", ""),
    ],
)
def test_outcome_of_a_success_is_its_gist(output: str, text: str) -> None:
    assert outcome_text(call("success", output=output)) == text


def test_outcome_is_cut() -> None:
    for long in (call("success", output="x" * 999), call("error", error="x" * 999)):
        text = outcome_text(long)
        assert len(text) == OUTCOME_CHARACTERS
        assert text.endswith("…")


def test_outcome_of_a_denial_says_why() -> None:
    assert outcome_text(call("denied", error="Too risky.")) == "Not approved. Too risky."
