from __future__ import annotations

import dataclasses
import json
import uuid
from typing import Any

import orjson
import pytest

from agent.context import build_context, context_hash
from agent.input_items import DENIED, NO_RESULT, UNKNOWN_OUTCOME
from commands.errors import NotFound
from commands.lost_calls import LOST_REASON
from events import conversation as c
from events.cipher import DataKey, NoEncryption
from tests.unit.agent.histories import KEY, Story, call, message, reasoning
from tests.unit.agent.responses_rules import violations


def items_of(story: Story, run_id: str, limit: int = 15, **options: Any) -> list[dict[str, Any]]:
    items = build_context(story.recorded, run_id, limit, **options).items
    assert violations(items) == []
    return list(items)


def texts_of(story: Story, run_id: str, limit: int = 15) -> list[str]:
    """Messages by their text, calls and outputs by their type."""
    return [
        item["content"][0]["text"] if item["type"] == "message" else item["type"]
        for item in items_of(story, run_id, limit)
    ]


def outputs_of(story: Story, run_id: str, **options: Any) -> list[str]:
    items = items_of(story, run_id, **options)
    return [item["output"] for item in items if item["type"] == "function_call_output"]


def test_context_of_a_first_message_is_that_message() -> None:
    story = Story()
    run_id = story.post("Grüße")
    context = build_context(story.recorded, run_id, 15)
    content = [{"type": "input_text", "text": "Grüße"}]
    assert context.items == ({"type": "message", "role": "user", "content": content},)
    assert context.event_ids == ("e2",)


def test_context_tokens_are_a_quarter_of_the_json_characters_rounded_up() -> None:
    story = Story()
    run_id = story.post("Grüße 🥛")
    context = build_context(story.recorded, run_id, 15)
    characters = len(orjson.dumps(context.items).decode())
    assert characters / 4 <= context.tokens < characters / 4 + 1


def test_user_message_carries_its_quote_and_its_attachments_as_text() -> None:
    story = Story()
    attachment = c.Attachment(
        attachment_id="f", name="my\nlist.txt", mime_type="text/plain", size_bytes=12
    )
    run_id = story.post("And this?", quoted_text="one\ntwo", attachments=(attachment,))
    assert texts_of(story, run_id) == [
        "> one\n> two\n\nAnd this?\n\n[attachment: my list.txt (text/plain, 12 bytes)]"
    ]


def test_context_has_earlier_turns_in_order() -> None:
    story = Story()
    story.exchange("one", "first")
    story.exchange("two", "second")
    run_id = story.post("three")
    assert texts_of(story, run_id) == ["one", "first", "two", "second", "three"]


@pytest.mark.parametrize(
    ("limit", "expected"),
    [
        (0, ["three"]),
        (1, ["three"]),
        (2, ["three"]),
        (3, ["two", "second", "three"]),
        (4, ["two", "second", "three"]),
        (5, ["one", "first", "two", "second", "three"]),
    ],
)
def test_limit_cuts_at_a_turn_boundary(limit: int, expected: list[str]) -> None:
    story = Story()
    story.exchange("one", "first")
    story.exchange("two", "second")
    assert texts_of(story, story.post("three"), limit) == expected


def test_own_turn_is_whole_even_when_it_alone_exceeds_the_limit() -> None:
    story = Story()
    story.exchange("one", "first")
    run_id = story.post("two")
    story.start(run_id)
    for number in range(3):
        story.respond(run_id, message(f"reply {number}", f"msg_{number}"))
    assert texts_of(story, run_id, 2) == ["two", "reply 0", "reply 1", "reply 2"]


def test_queued_messages_stand_in_their_own_turns() -> None:
    story = Story()
    one, two = story.post("one"), story.post("two")
    story.start(one)
    story.respond(one, message("first"))
    story.complete(one)
    assert texts_of(story, one) == ["one", "first"]
    assert texts_of(story, two) == ["one", "first", "two"]


def test_items_of_runs_side_by_side_do_not_interleave() -> None:
    story = Story()
    one, two = story.post("one"), story.post("two")
    story.start(one)
    story.start(two)
    story.respond(one, call("call_1", "ours1"))
    story.respond(two, message("second", "msg_2"))
    story.finish_tool(one, "ours1", "added")
    story.complete(two)
    story.respond(one, message("first", "msg_1"))
    story.complete(one)
    three = story.post("three")
    calls = ["function_call", "function_call_output"]
    assert texts_of(story, three) == ["one", *calls, "first", "two", "second", "three"]


def test_earlier_message_that_is_still_being_answered_is_left_out() -> None:
    story = Story()
    story.exchange("zero", "nothing")
    story.start(story.post("one"))
    two = story.post("two")
    assert texts_of(story, two) == ["zero", "nothing", "two"]


def test_failed_run_without_output_leaves_its_message() -> None:
    story = Story()
    one = story.post("one")
    story.start(one)
    story.fail(one)
    assert texts_of(story, story.post("two")) == ["one", "two"]


def test_retry_drops_the_old_reply_and_all_later_turns() -> None:
    story = Story()
    later = story.exchange("one", "first") and story.exchange("two", "second")
    new = story.retry("m1")
    assert texts_of(story, new) == ["one"]
    assert texts_of(story, later) == ["one", "first", "two", "second"]
    story.start(new)
    story.respond(new, message("better"))
    story.complete(new)
    assert texts_of(story, story.post("three")) == ["one", "better", "three"]


def test_edit_puts_another_message_in_the_place_of_one_and_drops_all_after_it() -> None:
    story = Story()
    story.exchange("one", "first")
    edited = story.recorded[-1].stream_version + 1
    story.exchange("two", "second")
    (message_id,) = (m for m, version in story.state.messages.items() if version == edited)
    assert texts_of(story, story.edit(message_id, "too")) == ["one", "first", "too"]


def test_edit_of_the_first_message_begins_anew() -> None:
    story = Story()
    story.exchange("one", "first")
    assert texts_of(story, story.edit("m1", "uno")) == ["uno"]


def test_switch_brings_back_what_was_said_on_the_branch_and_nothing_else() -> None:
    story = Story()
    story.exchange("one", "first")
    story.cancel(story.retry("m1"), "other")
    story.cancel(story.post("two"))
    story.switch("main")
    assert texts_of(story, story.post("three")) == ["one", "first", "three"]


def test_fork_to_a_message_older_than_the_events_drops_all_that_came_before_it() -> None:
    story = Story()
    story.exchange("one", "first")
    story.exchange("two", "second")
    retried = story.retry("m1")
    story.cancel(retried)
    run_id = story.post("three")
    since_two = [one for one in story.recorded if one.stream_version > 6]
    assert len(build_context(since_two, run_id, 15).items) == 1


def test_second_run_of_a_message_follows_the_first() -> None:
    story = Story()
    first = story.post("one")
    story.start(first)
    story.respond(first, message("first"))
    story.complete(first)
    assert texts_of(story, story.request()) == ["one", "first"]
    assert texts_of(story, first) == ["one", "first"]


def test_unfinished_run_of_the_same_message_is_not_shown() -> None:
    story = Story()
    first = story.post("one")
    story.start(first)
    story.respond(first, message("first"))
    story.record(c.RunRequested(run_id="again", message_id="m1", trigger="tool_output"))
    assert texts_of(story, "again") == ["one"]
    assert texts_of(story, first) == ["one", "first"]


def test_unknown_run_is_not_found() -> None:
    story = Story()
    story.post("one")
    with pytest.raises(NotFound, match="r9"):
        build_context(story.recorded, "r9", 15)


def test_partial_reply_is_an_incomplete_assistant_message() -> None:
    story = Story()
    one = story.post("one")
    story.start(one)
    story.cancel(one, "Well, I")
    partial = items_of(story, story.post("two"))[1]
    assert partial["status"] == "incomplete"
    assert partial["id"].startswith("msg_")
    assert partial["content"][0]["text"] == "Well, I"


def test_cancelled_run_keeps_its_items_and_its_open_call_is_closed() -> None:
    story = Story()
    one = story.post("one")
    story.start(one)
    story.respond(one, call("call_1", "ours1"))
    story.cancel(one, "Well, I")
    two = story.post("two")
    expected = ["one", "function_call", "function_call_output", "Well, I", "two"]
    assert texts_of(story, two) == expected
    assert outputs_of(story, two) == [f"{UNKNOWN_OUTCOME} ({LOST_REASON})"]


def test_resumed_run_continues_from_its_own_items() -> None:
    story = Story()
    one = story.post("one")
    story.start(one)
    story.respond(one, call("call_1", "ours1"), call("call_2", "ours2"))
    story.finish_tool(one, "ours2", "second")
    story.resume(one)
    assert outputs_of(story, one) == [NO_RESULT, "second"]
    story.finish_tool(one, "ours1", "first")
    assert outputs_of(story, one) == ["first", "second"]


def test_every_kind_of_result_becomes_an_output() -> None:
    story = Story()
    one = story.post("one")
    story.start(one)
    story.respond(one, *(call(f"call_{n}", f"ours{n}") for n in range(6)))
    story.finish_tool(one, "ours0", "added")
    story.fail_tool(one, "ours1", "no such task")
    story.lose_tool(one, "ours2", "the server went away")
    story.deny(one, "ours3", "not now")
    story.lose_tool(one, "ours4")
    story.deny(one, "ours5")
    assert outputs_of(story, one) == [
        "added",
        "no such task",
        f"{UNKNOWN_OUTCOME} (the server went away)",
        f"{DENIED} (not now)",
        UNKNOWN_OUTCOME,
        DENIED,
    ]


def test_call_id_used_in_two_responses_pairs_with_the_right_result() -> None:
    story = Story()
    one = story.post("one")
    story.start(one)
    story.respond(one, call("call_1", "ours1"))
    story.finish_tool(one, "ours1", "first")
    story.respond(one, call("call_1", "ours2"), call("call_1", "ours3"))
    story.finish_tool(one, "ours3", "third")
    story.finish_tool(one, "ours2", "second")
    calls = [item for item in items_of(story, one) if item["type"] == "function_call"]
    assert [item["call_id"] for item in calls] == ["call_1", "call_1_2", "call_1_3"]
    assert outputs_of(story, one) == ["first", "second", "third"]


def test_call_id_used_by_two_runs_is_given_a_suffix_within_the_length_allowed() -> None:
    story = Story()
    for number in range(2):
        run_id = story.post()
        story.start(run_id)
        story.respond(run_id, call("c" * 64, f"ours{number}"))
        story.finish_tool(run_id, f"ours{number}", f"result {number}")
        story.complete(run_id)
    run_id = story.post()
    assert outputs_of(story, run_id) == ["result 0", "result 1"]


def test_oversized_output_is_cut_with_a_marker() -> None:
    story = Story()
    one = story.post("one")
    story.start(one)
    story.respond(one, call("call_1", "ours1"), call("call_2", "ours2"), call("call_3", "ours3"))
    story.finish_tool(one, "ours1", "x" * 10)
    story.finish_tool(one, "ours2", "x" * 11)
    story.fail_tool(one, "ours3", "y" * 30)
    assert outputs_of(story, one, output_characters=10) == [
        "x" * 10,
        "x" * 10 + "… [1 characters cut]",
        "y" * 10 + "… [20 characters cut]",
    ]


def test_items_carry_only_what_is_valid_as_input() -> None:
    story = Story()
    one = story.post("one")
    story.start(one)
    said = message("first", status="in_progress", phase="final_answer", internal=True)
    story.respond(one, reasoning(), said, call("call_1", item_id="fc_1", caller=None, extra=1))
    _, thought, reply, called, _ = items_of(story, one)
    assert thought == {
        "type": "reasoning",
        "id": "rs_1",
        "summary": [],
        "encrypted_content": "c2VjcmV0",
    }
    assert reply == {
        "type": "message",
        "role": "assistant",
        "id": "msg_1",
        "status": "incomplete",
        "phase": "final_answer",
        "content": [{"type": "output_text", "text": "first", "annotations": []}],
    }
    assert called.keys() == {"type", "id", "call_id", "name", "arguments"}


def test_refusal_is_passed_on() -> None:
    story = Story()
    one = story.post("one")
    story.start(one)
    refused = message("")
    refused["content"] = [{"type": "refusal", "refusal": "I cannot do that."}]
    refused_event = c.ModelResponded(run_id=one, attempt=1, response_id="resp", items=(refused,))
    story.record(refused_event)
    assert items_of(story, one)[1]["content"] == refused["content"]


def test_provider_data_is_kept_for_hosts_that_need_it_back() -> None:
    story = Story()
    one = story.post("one")
    story.start(one)
    signed = {"provider_data": {"thought_signature": "c2ln"}}
    story.respond(one, reasoning(encrypted_content=None) | signed, call("call_1") | signed)
    assert [i.get("provider_data") for i in items_of(story, one)] == [
        None,
        signed["provider_data"],
        signed["provider_data"],
        None,
    ]


@pytest.mark.parametrize(
    "alone",
    [
        [reasoning()],
        [reasoning("rs_1"), reasoning("rs_2")],
        [reasoning(), {"type": "web_search_call", "id": "ws_1", "status": "completed"}],
        [reasoning(), {"type": "web_search_call", "id": "ws_1"}, message("found it", "msg_2")],
        [reasoning(), message("") | {"content": []}],
        [reasoning(), {"type": "function_call", "call_id": "c", "name": "n", "arguments": None}],
    ],
)
def test_reasoning_without_its_following_item_is_dropped(alone: list[dict[str, Any]]) -> None:
    story = Story()
    one = story.post("one")
    story.start(one)
    event = c.ModelResponded(run_id=one, attempt=1, response_id="resp", items=tuple(alone))
    story.record(event)
    story.respond(one, message("first"))
    assert "reasoning" not in texts_of(story, one)
    assert texts_of(story, one)[-1] == "first"


@pytest.mark.parametrize("unusable", [None, "", "c2Vj… [9 characters cut]"])
def test_reasoning_that_a_host_could_not_read_is_dropped_alone(unusable: str | None) -> None:
    story = Story()
    one = story.post("one")
    story.start(one)
    story.respond(one, reasoning("rs_1"), reasoning("rs_2", unusable), message("first"))
    assert [i.get("id") for i in items_of(story, one)] == [None, "rs_1", "msg_1_alone"]


def test_call_whose_reasoning_is_dropped_goes_without_its_id() -> None:
    story = Story()
    one = story.post("one")
    story.start(one)
    (ours,) = story.respond(one, reasoning("rs_1", None), call("call_1", item_id="fc_1"))
    story.finish_tool(one, ours)
    (called,) = [item for item in items_of(story, one) if item["type"] == "function_call"]
    assert called["call_id"] == "call_1"
    assert "id" not in called


def test_reasoning_under_an_id_used_before_is_dropped_rather_than_renamed() -> None:
    story = Story()
    one = story.post("one")
    story.start(one)
    story.respond(one, reasoning("rs_1"), message("first", "msg_1"))
    story.respond(one, reasoning("rs_1"), message("second", "msg_1"))
    ids = [item.get("id") for item in items_of(story, one)]
    assert ids == [None, "rs_1", "msg_1", "msg_1_alone"]


def test_reasoning_in_plain_text_is_kept() -> None:
    story = Story()
    one = story.post("one")
    story.start(one)
    thought = reasoning(encrypted_content=None) | {
        "summary": [{"type": "summary_text", "text": "in short", "extra": 1}, "odd"],
        "content": [{"type": "reasoning_text", "text": "at length"}],
    }
    story.respond(one, thought, message("first"))
    kept = items_of(story, one)[1]
    assert kept["summary"] == [{"type": "summary_text", "text": "in short"}]
    assert kept["content"] == [{"type": "reasoning_text", "text": "at length"}]


def test_event_ids_name_messages_responses_calls_and_results() -> None:
    story = Story()
    one = story.post("one")
    story.start(one)
    (ours,) = story.respond(one, call("call_1"))
    story.record(c.ToolApprovalGranted(run_id=one, call_id=ours))
    story.finish_tool(one, ours)
    story.respond(one, message("first"))
    by_id = {recorded.event_id: recorded.event for recorded in story.recorded}
    names = [type(by_id[i]).__name__ for i in build_context(story.recorded, one, 15).event_ids]
    assert names == [
        "UserMessagePosted",
        "ModelResponded",
        "ToolCalled",
        "ToolCompleted",
        "ModelResponded",
        "AssistantMessagePosted",
    ]


def test_building_changes_nothing_in_the_events() -> None:
    story = Story()
    one = story.post("one")
    story.start(one)
    story.respond(one, reasoning(), call("call_1"), call("call_1"), message("first"))
    before = json.dumps([repr(recorded.event) for recorded in story.recorded])
    build_context(story.recorded, one, 15)
    assert json.dumps([repr(recorded.event) for recorded in story.recorded]) == before


def test_hash_depends_on_key_and_content_and_not_on_the_order_of_fields() -> None:
    story = Story()
    context = build_context(story.recorded, story.post("one"), 15)
    turned = dataclasses.replace(
        context, items=tuple(dict(reversed(item.items())) for item in context.items)
    )
    other = build_context(story.recorded, story.post("two"), 15)
    foreign = DataKey(uuid.UUID(int=1), "ada", b"o" * 32)
    assert context_hash(KEY, context) == context_hash(KEY, turned)
    assert len(context_hash(KEY, context)) == len(context_hash(NoEncryption("ada"), context)) == 64
    assert context_hash(KEY, other) != context_hash(KEY, context)
    assert context_hash(foreign, context) != context_hash(KEY, context)
