"""A question and its answer, in the bytes that the stock server would send."""

from __future__ import annotations

import httpx
import orjson
import pytest
from agents import Model
from agents.testing import ScriptedModel, assistant_message, function_call
from chatkit.types import Page, ThreadItem, WidgetItem
from pydantic import TypeAdapter

from tests.integration.api.chatkit_wire import ask, typed

from .test_exchange import FRAME, frames_of, stock_json


@pytest.fixture
def model() -> Model:
    return ScriptedModel(
        [
            [function_call("delete_task", {"task_id": "t1"}, call_id="call_1")],
            [assistant_message("There is no such task.")],
        ]
    )


async def test_question_is_a_widget_whose_buttons_are_answered(client: httpx.AsyncClient) -> None:
    created = await ask(client, "threads.create", input=typed("delete t1"))
    frames = frames_of(created.content)
    assert frames == [stock_json(FRAME, frame) for frame in frames]
    asked = orjson.loads(frames[-1])
    assert asked["type"] == "thread.item.done"
    question = WidgetItem.model_validate(asked["item"])
    thread_id = question.thread_id
    listed = await ask(client, "items.list", thread_id=thread_id, order="desc")
    assert listed.content == stock_json(TypeAdapter(Page[ThreadItem]), listed.content)
    assert listed.json()["data"][0] == asked["item"]

    sent = {
        name: asked["item"]["widget"]["confirm"]["action"][name] for name in ("type", "payload")
    }
    decided = await ask(
        client, "threads.custom_action", thread_id=thread_id, item_id=question.id, action=sent
    )
    frames = frames_of(decided.content)
    assert frames == [stock_json(FRAME, frame) for frame in frames]
    events = [orjson.loads(frame) for frame in frames]
    assert [event["type"] for event in events[:5]] == [
        "stream_options",
        *("thread.item.replaced", "client_effect"),
        *("thread.item.replaced", "client_effect"),
    ]
    assert {event["item"]["id"] for event in events[1:5:2]} == {question.id}
    assert {event["data"]["call_id"] for event in events[2:5:2]} == {question.id}
    listed = await ask(client, "items.list", thread_id=thread_id, order="desc")
    assert [item["type"] for item in listed.json()["data"]] == [
        "assistant_message",
        "task",
        "user_message",
    ]
    assert listed.json()["data"][1] == events[3]["item"]
