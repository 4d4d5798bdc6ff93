from __future__ import annotations

import json
import time
from typing import Any

import pytest
from agents import Agent, FunctionTool, ModelSettings, RunConfig, Runner, function_tool
from agents.models.interface import ModelTracing
from hypothesis import given, settings
from hypothesis import strategies as st
from openai.types.responses import (
    Response,
    ResponseCompletedEvent,
    ResponseFunctionToolCall,
    ResponseTextDeltaEvent,
)

from agent.input_items import DENIED
from agent.offline.history import read
from agent.offline.model import MODEL_NAME, OfflineModel
from agent.offline.planning import MAX_CALLS_PER_MESSAGE, next_step
from agent.offline.tasks import CHANGES, LIST

from .task_box import Conversation, TaskBox, filled

MOST_MODEL_TURNS = 4
TOOL_NAMES = [*CHANGES, LIST]


async def stream_events(
    text: str, tools: list[FunctionTool], delay_seconds: float = 0.0
) -> list[Any]:
    stream = OfflineModel(delay_seconds).stream_response(
        "You keep a task list.",
        [{"role": "user", "content": text}],
        ModelSettings(),
        [*tools],
        None,
        [],
        ModelTracing.DISABLED,
        previous_response_id=None,
        conversation_id=None,
        prompt=None,
    )
    return [event async for event in stream]


def response_of(events: list[Any]) -> Response:
    assert isinstance(events[-1], ResponseCompletedEvent)
    return events[-1].response


async def test_model_streams_a_message_word_by_word() -> None:
    events = await stream_events("hello", [])
    kinds = [event.type for event in events]
    deltas = [event.delta for event in events if isinstance(event, ResponseTextDeltaEvent)]
    assert kinds[:4] == [
        "response.created",
        "response.in_progress",
        "response.output_item.added",
        "response.content_part.added",
    ]
    assert set(kinds[4:-4]) == {"response.output_text.delta"}
    assert kinds[-4:] == [
        "response.output_text.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.completed",
    ]
    message = events[-2].item
    assert "".join(deltas) == message.content[0].text
    assert all(len(delta.split()) == 1 for delta in deltas)
    assert {event.item_id for event in events[3:-2]} == {message.id}
    assert response_of(events).output == [message]


async def test_model_streams_two_calls_with_their_own_ids() -> None:
    events = await stream_events("add buy milk and call mum", TaskBox().tools())
    calls: list[Any] = response_of(events).output
    each = [
        "response.output_item.added",
        "response.function_call_arguments.delta",
        "response.function_call_arguments.done",
        "response.output_item.done",
    ]
    assert [event.type for event in events] == [
        "response.created",
        "response.in_progress",
        *each,
        *each,
        "response.completed",
    ]
    assert all(isinstance(call, ResponseFunctionToolCall) for call in calls)
    assert [json.loads(call.arguments) for call in calls] == [
        {"title": "buy milk"},
        {"title": "call mum"},
    ]
    assert len({call.call_id for call in calls} | {call.id for call in calls}) == 4


async def test_model_numbers_its_events_without_a_gap() -> None:
    events = await stream_events("help", [])
    assert [event.sequence_number for event in events] == list(range(len(events)))


async def test_model_starts_items_empty_and_reports_its_name_and_usage() -> None:
    events = await stream_events("hello", [])
    assert events[0].response.output == []
    assert events[0].response.usage is None
    assert events[2].item.content == []
    usage = response_of(events).usage
    assert response_of(events).model == MODEL_NAME == "offline-rules"
    assert usage is not None
    assert usage.input_tokens == len("You keep a task list. hello".split())
    assert usage.output_tokens == len(events[-2].item.content[0].text.split())
    assert usage.total_tokens == usage.input_tokens + usage.output_tokens


async def test_model_waits_before_every_word() -> None:
    started = time.perf_counter()
    events = await stream_events("thanks", [], delay_seconds=0.02)
    words = [event for event in events if isinstance(event, ResponseTextDeltaEvent)]
    assert time.perf_counter() - started >= 0.02 * len(words)


async def test_model_never_mints_the_same_id_twice() -> None:
    answers = [response_of(await stream_events("add milk", TaskBox().tools())) for _ in range(20)]
    calls = [call for answer in answers for call in answer.output]
    assert len({answer.id for answer in answers}) == 20
    assert len({getattr(call, "call_id", "") for call in calls}) == 20


async def test_agent_adds_lists_completes_and_undoes_in_a_streamed_run() -> None:
    box = TaskBox()
    agent = Agent(name="Assistant", model=OfflineModel(delay_seconds=0), tools=[*box.tools()])
    items: list[Any] = []
    replies = []
    for text in ("add buy milk and call mum", "what's left?", "mark 1 as done", "undo that"):
        asked: list[Any] = [*items, {"role": "user", "content": text}]
        result = Runner.run_streamed(agent, asked, run_config=RunConfig(tracing_disabled=True))
        events = [event.type async for event in result.stream_events()]
        items = result.to_input_list()
        replies.append(result.final_output)
        assert "raw_response_event" in events
        if text == "mark 1 as done":
            assert box.titles("completed") == ["buy milk"]
    assert box.titles() == ["buy milk", "call mum"]
    assert box.titles("completed") == []
    assert replies == [
        "Added “buy milk” and “call mum”.",
        "You have 2 tasks left:\n\n1. buy milk\n2. call mum",
        "Done: “buy milk”. 1 left.",
        "“buy milk” is open again.",
    ]


async def test_undo_brings_a_finished_task_back_as_finished() -> None:
    talk = Conversation(filled([{"title": "milk", "notes": "oat", "status": "completed"}]))
    await talk.say("delete milk")
    assert talk.box.tasks == {}
    await talk.say("undo that")
    (task,) = talk.box.tasks.values()
    assert (task["title"], task["notes"], task["status"]) == ("milk", "oat", "completed")
    assert talk.model_turns == 3


async def test_a_task_brought_back_is_still_known_by_its_number() -> None:
    talk = Conversation(filled(["milk", "bread"]))
    for text in ("delete bread", "undo", "what's left?", "done with 2"):
        await talk.say(text)
    assert talk.box.titles("completed") == ["bread"]


async def test_what_the_user_denied_is_left_alone_and_said_so() -> None:
    talk = Conversation(filled(["milk", "bread"]))
    talk.box.failures["delete_task"] = f"{DENIED} (Not now.)"
    reply = await talk.say("delete milk")
    assert "did not approve" in reply
    assert "milk" in reply
    assert talk.box.titles() == ["milk", "bread"]


async def test_it_never_deletes_another_task_than_the_one_spoken_of() -> None:
    talk = Conversation(filled(["milk", "bread"]))
    await talk.say("delete milk")
    assert "1. bread" in await talk.say("delete it")
    assert talk.box.titles() == ["bread"]


async def test_undo_twice_takes_two_changes_back() -> None:
    talk = Conversation(TaskBox())
    for text in ("add milk", "add bread", "undo", "undo"):
        await talk.say(text)
    assert talk.box.titles() == []
    assert "nothing to undo" in await talk.say("undo")


@pytest.mark.parametrize(
    ("tool", "text"),
    [
        ("add_task", "add eggs"),
        ("list_tasks", "what's left?"),
        ("list_tasks", "done with milk"),
        ("complete_task", "done with milk"),
        ("delete_task", "delete milk"),
        ("update_task", "rename milk to oat milk"),
    ],
)
@pytest.mark.parametrize("answer", ['{"error": "The disk is full."}', "Error: The disk is full."])
async def test_a_failing_tool_is_told_and_nothing_claimed(
    tool: str, text: str, answer: str
) -> None:
    talk = Conversation(filled(["milk"]))
    talk.box.failures[tool] = answer
    reply = await talk.say(text)
    assert "The disk is full." in reply
    assert reply.startswith("I could not")
    assert not any(claim in reply for claim in ("Added", "Done", "Deleted", "Renamed", "You have"))


async def test_one_failure_among_several_is_told_apart() -> None:
    talk = Conversation(TaskBox())
    await talk.say("add milk and bread, eggs")
    del talk.box.tasks["task-1"]
    reply = await talk.say("undo that")
    assert talk.box.titles() == []
    assert reply.splitlines() == [
        "“eggs” is off your list again.",
        "",
        "I could not delete “milk and bread”: There is no such task.",
    ]


async def test_a_number_whose_task_is_gone_changes_nothing_else() -> None:
    box = filled(["milk", "bread"])
    talk = Conversation(box)
    await talk.say("what's left?")
    del box.tasks["task-2"]
    box.put("eggs")
    reply = await talk.say("done with 1 and 2")
    assert box.titles("completed") == ["milk"]
    assert "“bread” is no longer on your list." in reply


async def test_without_tools_it_says_that_tasks_are_not_available() -> None:
    for text in ("add milk", "what's left?", "done with milk"):
        events = await stream_events(text, [])
        assert "not available" in events[-2].item.content[0].text


async def test_a_missing_tool_is_noticed_before_anything_is_claimed() -> None:
    tools = [tool for tool in filled(["milk"]).tools() if tool.name == "list_tasks"]
    agent = Agent(name="Assistant", model=OfflineModel(0), tools=[*tools])
    result = await Runner.run(agent, "delete milk", run_config=RunConfig(tracing_disabled=True))
    assert "not available" in result.final_output


async def test_clear_all_deletes_only_what_was_shown() -> None:
    talk = Conversation(filled(["a", "b"]))
    await talk.say("clear all")
    talk.box.put("came later")
    await talk.say("yes")
    assert talk.box.titles() == ["came later"]


async def test_equal_titles_are_told_apart_by_number() -> None:
    talk = Conversation(filled(["milk", "bread", "milk"]))
    assert "2. milk" in await talk.say("delete milk")
    await talk.say("the second")
    assert list(talk.box.tasks) == ["task-1", "task-2"]


async def test_a_long_list_is_added_in_bounded_steps_and_said_so() -> None:
    talk = Conversation(TaskBox())
    reply = await talk.say("\n".join(f"- task {n}" for n in range(MAX_CALLS_PER_MESSAGE + 5)))
    assert len(talk.box.tasks) == MAX_CALLS_PER_MESSAGE
    assert f"first {MAX_CALLS_PER_MESSAGE}" in reply


async def test_the_model_remembers_nothing_outside_its_input() -> None:
    talk = Conversation(filled(["a", "b"]))
    await talk.say("clear all")
    stranger = Conversation(talk.box)
    await stranger.say("yes")
    assert talk.box.titles() == ["a", "b"]


TEXTS = st.sampled_from(
    [
        "add milk", "done with milk and delete bread", "undo", "clear all", "yes", "what's left?",
        "rename milk to bread", "2", "both", "add a, b, c and show my list", "reopen milk",
        "done with milk, then show me what's left", "delete everything", "find milk", "???",
    ]
)  # fmt: skip
OUTPUTS = st.one_of(
    st.text(max_size=20),
    st.sampled_from(
        [
            '{"tasks": []}',
            '{"tasks": [{"task_id": "t1", "title": "milk"}, {"task_id": "t2", "title": "bread"}]}',
            '{"tasks": [{"task_id": "t1", "title": "milk", "status": "completed"}, {"task_id"',
            '{"task_id": "t1", "title": "milk", "status": "pending"}',
            '{"task_id": "t2", "title": "bread", "status": "deleted"}',
            '{"error": "no"}',
            '{"tasks": "what"}',
            "null",
            "[]",
        ]
    ),
)


@settings(max_examples=200)
@given(texts=st.lists(TEXTS, min_size=1, max_size=5), answers=st.data())
def test_a_message_takes_four_model_turns_at_most_whatever_the_tools_answer(
    texts: list[str], answers: st.DataObject
) -> None:
    items: list[Any] = []
    for text in texts:
        items.append({"role": "user", "content": text})
        for _ in range(MOST_MODEL_TURNS):
            step = next_step(read(items), TOOL_NAMES)
            if not step.requests:
                break
            for place, request in enumerate(step.requests):
                call_id = f"call-{len(items)}-{place}"
                output = answers.draw(OUTPUTS)
                items += [
                    {
                        "type": "function_call",
                        "call_id": call_id,
                        "name": request.name,
                        "arguments": json.dumps(request.arguments),
                    },
                    {"type": "function_call_output", "call_id": call_id, "output": output},
                ]
        assert step.text, f"no reply to {text!r} after {MOST_MODEL_TURNS} model turns"
        items.append({"role": "assistant", "content": step.text})


async def test_a_tool_that_raises_is_told() -> None:
    @function_tool
    async def add_task(title: str, notes: str = "") -> str:
        raise RuntimeError("no disk")

    agent = Agent(name="Assistant", model=OfflineModel(0), tools=[add_task])
    result = await Runner.run(agent, "add milk", run_config=RunConfig(tracing_disabled=True))
    assert result.final_output.startswith("I could not add “milk”: An error occurred")
