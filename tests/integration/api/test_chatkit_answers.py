"""Items that a user answers: client tool calls, structured inputs and widgets."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from agents.testing import ScriptedModel, assistant_message
from chatkit.types import StructuredInputItem, WidgetItem

from commands.conversation import CONVERSATION, PutItem
from commands.handle import Origin
from events import conversation as c
from events.ids import new_id
from runtime.node import Node

from .chatkit_wire import ask, assert_problem, events_of, json_of, kinds, say, thread_of

CREATED = "2026-01-01T00:00:00Z"
TOOL_CALL = {
    "type": "client_tool_call",
    "status": "pending",
    "call_id": "call_1",
    "name": "pick_color",
    "arguments": {"of": ["red", "green"]},
}
QUESTION = {
    "type": "structured_input",
    "status": "pending",
    "inputs": [
        {
            "id": "q1",
            "type": "multiple_choice",
            "question": "Which?",
            "options": [{"value": "red"}, {"value": "green"}],
        },
        {"id": "q2", "type": "freeform", "question": "Why?"},
    ],
}
WIDGET = {
    "type": "widget",
    "widget": {"type": "Card", "children": [{"type": "Text", "value": "Pick one"}]},
}
PRESS = {"type": "press", "payload": {"button": 1}}


async def put(node: Node, thread_id: str, item: dict[str, Any]) -> dict[str, Any]:
    """An item as a run of ours may come to put it into a thread."""
    whole = {"id": str(new_id()), "thread_id": thread_id, "created_at": CREATED, **item}
    origin = Origin(owner_id="ada", actor="user:ada")
    stream_id = c.stream_of(thread_id)
    await node.handler.handle(CONVERSATION, stream_id, PutItem(item=whole), origin)
    return whole


async def items_of(client: httpx.AsyncClient, thread_id: str) -> dict[str, Any]:
    page = await json_of(client, "items.list", thread_id=thread_id, order="asc", limit=100)
    return {item["id"]: item for item in page["data"]}


async def last_request(node: Node, thread_id: str) -> c.RunRequested:
    recorded = await node.store.read_stream(c.stream_of(thread_id))
    requested = [r.event for r in recorded if isinstance(r.event, c.RunRequested)]
    return requested[-1]


@pytest.fixture
def model() -> ScriptedModel:
    return ScriptedModel([[assistant_message(f"Reply {number}.")] for number in range(9)])


@pytest.fixture
async def thread_id(client: httpx.AsyncClient) -> str:
    return thread_of(await say(client, "hello"))


@pytest.mark.parametrize("result", [{"color": "red"}, "red", ["red"], 7, None, False])
async def test_tool_output_completes_the_call_and_is_replied_to(
    client: httpx.AsyncClient, node: Node, thread_id: str, result: Any
) -> None:
    call = await put(node, thread_id, TOOL_CALL)
    response = await ask(
        client, "threads.add_client_tool_output", thread_id=thread_id, result=result
    )
    events = events_of(response)
    assert kinds(events)[0] == "stream_options"
    assert kinds(events)[-1] == "thread.item.done"
    done = (await items_of(client, thread_id))[call["id"]]
    assert (done["status"], done.get("output")) == ("completed", result)
    assert (await last_request(node, thread_id)).trigger == "tool_output"
    again = await ask(client, "threads.add_client_tool_output", thread_id=thread_id, result=result)
    assert_problem(again, 409)


async def test_answer_is_told_to_the_model(
    client: httpx.AsyncClient, node: Node, thread_id: str, model: ScriptedModel
) -> None:
    await put(node, thread_id, TOOL_CALL)
    await ask(client, "threads.add_client_tool_output", thread_id=thread_id, result="red")
    given: Any = list(model.calls[-1].input)
    assert given[-1]["role"] == "user"
    assert 'answered: "red"' in given[-1]["content"][0]["text"]


async def test_tool_output_is_for_the_newest_call_and_older_ones_go(
    client: httpx.AsyncClient, node: Node, thread_id: str
) -> None:
    old = await put(node, thread_id, TOOL_CALL)
    new = await put(node, thread_id, TOOL_CALL)
    await put(node, thread_id, {"type": "hidden_context_item", "content": "a note"})
    response = await ask(client, "threads.add_client_tool_output", thread_id=thread_id, result=1)
    events_of(response)
    items = await items_of(client, thread_id)
    assert old["id"] not in items
    assert items[new["id"]]["output"] == 1


async def test_tool_output_sent_twice_under_one_key_runs_once(
    client: httpx.AsyncClient, node: Node, thread_id: str
) -> None:
    await put(node, thread_id, TOOL_CALL)
    first = await ask(
        client, "threads.add_client_tool_output", key="k1", thread_id=thread_id, result=1
    )
    assert first.status_code == 200
    run = await last_request(node, thread_id)
    await ask(client, "threads.add_client_tool_output", key="k1", thread_id=thread_id, result=1)
    assert await last_request(node, thread_id) == run


async def test_tool_output_that_nobody_waits_for_is_refused(
    client: httpx.AsyncClient, thread_id: str
) -> None:
    response = await ask(client, "threads.add_client_tool_output", thread_id=thread_id, result={})
    assert "waits" in assert_problem(response, 409)["detail"]


async def test_structured_input_is_filled_in_and_replied_to(
    client: httpx.AsyncClient, node: Node, thread_id: str
) -> None:
    asked = await put(node, thread_id, QUESTION)
    answers = {"q1": {"values": ["green", "red"]}, "unknown": {"values": ["x"]}}
    response = await ask(
        client,
        "threads.add_structured_input",
        thread_id=thread_id,
        item_id=asked["id"],
        input={"status": "answered", "answers": answers},
    )
    events = events_of(response)
    assert kinds(events)[:2] == ["stream_options", "thread.item.replaced"]
    assert kinds(events)[-1] == "thread.item.done"
    replaced = events[1]["item"]
    StructuredInputItem.model_validate(replaced)
    assert replaced["status"] == "answered"
    assert [question["answer"] for question in replaced["inputs"]] == [
        {"values": ["green"], "skipped": False},
        {"values": [], "skipped": True},
    ]
    assert (await items_of(client, thread_id))[asked["id"]] == replaced
    assert (await last_request(node, thread_id)).trigger == "structured_input"
    again = await ask(
        client,
        "threads.add_structured_input",
        thread_id=thread_id,
        item_id=asked["id"],
        input={"status": "skipped"},
    )
    assert_problem(again, 409)


async def test_structured_input_of_another_item_is_refused(
    client: httpx.AsyncClient, thread_id: str
) -> None:
    message_id = next(iter(await items_of(client, thread_id)))
    response = await ask(
        client,
        "threads.add_structured_input",
        thread_id=thread_id,
        item_id=message_id,
        input={"status": "skipped"},
    )
    assert_problem(response, 422)


async def test_action_of_a_widget_is_replied_to_and_never_shown(
    client: httpx.AsyncClient, node: Node, thread_id: str
) -> None:
    widget = await put(node, thread_id, WIDGET)
    WidgetItem.model_validate(widget)
    before = await items_of(client, thread_id)
    response = await ask(
        client, "threads.custom_action", thread_id=thread_id, item_id=widget["id"], action=PRESS
    )
    events = events_of(response)
    assert kinds(events)[0] == "stream_options"
    assert kinds(events)[-1] == "thread.item.done"
    assert (await last_request(node, thread_id)).trigger == "action"
    after = await items_of(client, thread_id)
    assert {item["type"] for item in after.values()} == {
        "user_message",
        "assistant_message",
        "widget",
    }
    assert before.items() <= after.items()
    recorded = await node.store.read_stream(c.stream_of(thread_id))
    hidden = [r.event.item for r in recorded if isinstance(r.event, c.ThreadItemPut)][-1]
    assert hidden["content"] == {"widget": widget["id"], "action": PRESS}


async def test_action_in_the_background_is_kept_for_the_next_reply(
    client: httpx.AsyncClient, node: Node, thread_id: str
) -> None:
    widget = await put(node, thread_id, WIDGET)
    before = await last_request(node, thread_id)
    response = await ask(
        client,
        "threads.sync_custom_action",
        thread_id=thread_id,
        item_id=widget["id"],
        action=PRESS,
    )
    assert (response.status_code, response.content) == (200, b"{}")
    assert await last_request(node, thread_id) == before
    recorded = await node.store.read_stream(c.stream_of(thread_id))
    kept = recorded[-1].event
    assert isinstance(kept, c.ThreadItemPut)
    assert kept.item["type"] == "hidden_context_item"


async def test_action_of_the_page_itself_is_replied_to(
    client: httpx.AsyncClient, node: Node, thread_id: str, model: ScriptedModel
) -> None:
    events = events_of(
        await ask(client, "threads.custom_action", thread_id=thread_id, action=PRESS)
    )
    assert kinds(events)[-1] == "thread.item.done"
    assert (await last_request(node, thread_id)).trigger == "action"
    given: Any = list(model.calls[-1].input)
    assert '"type":"press"' in given[-1]["content"][0]["text"]


@pytest.mark.parametrize("operation", ["threads.custom_action", "threads.sync_custom_action"])
async def test_action_of_an_item_that_is_no_widget_is_refused(
    client: httpx.AsyncClient, node: Node, thread_id: str, operation: str
) -> None:
    message_id = next(iter(await items_of(client, thread_id)))
    response = await ask(client, operation, thread_id=thread_id, item_id=message_id, action=PRESS)
    assert_problem(response, 422)
    hidden = await put(node, thread_id, {"type": "hidden_context_item", "content": "a note"})
    response = await ask(client, operation, thread_id=thread_id, item_id=hidden["id"], action=PRESS)
    assert_problem(response, 404)
