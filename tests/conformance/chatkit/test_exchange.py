"""All sixteen operations, word for word, and each in the bytes that the stock server would send."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import httpx
import orjson
import pytest
from agents import Model
from agents.testing import ScriptedModel, assistant_message, function_call
from chatkit.server import NonStreamingResult, StreamingResult
from chatkit.types import (
    Attachment,
    Page,
    SyncCustomActionResponse,
    Thread,
    ThreadItem,
    ThreadStreamEvent,
)
from pydantic import TypeAdapter

from api.chatkit import OPERATIONS
from api.chatkit_server import VerbatimChatKit
from api.chatkit_store import ChatContext
from auth.principal import Principal
from commands.conversation import CONVERSATION, PutItem
from commands.handle import Origin
from events.conversation import stream_of
from events.ids import new_id
from runtime.node import Node

from .golden import Names, load_exchange

SHAPES: dict[str, TypeAdapter[Any]] = {
    "threads.get_by_id": TypeAdapter(Thread),
    "threads.update": TypeAdapter(Thread),
    "threads.list": TypeAdapter(Page[Thread]),
    "items.list": TypeAdapter(Page[ThreadItem]),
    "attachments.create": TypeAdapter(Attachment),
    "threads.sync_custom_action": TypeAdapter(SyncCustomActionResponse),
}
FRAME: TypeAdapter[Any] = TypeAdapter(ThreadStreamEvent)
ADA = Principal("ada", frozenset(), "user", datetime(2100, 1, 1, tzinfo=UTC))


@pytest.fixture
def model() -> Model:
    return ScriptedModel(
        [
            [function_call("add_task", {"title": "buy milk"}, call_id="call_1")],
            [assistant_message("I added **buy milk**.")],
            [assistant_message("You are welcome.")],
            [assistant_message("My pleasure.")],
            [assistant_message("Red it is.")],
            [assistant_message("Thank you for the answers.")],
            [assistant_message("You pressed it.")],
        ]
    )


def frames_of(body: bytes) -> list[bytes]:
    assert re.fullmatch(rb"(data: [^\n]+\n\n)+", body)
    return [block.removeprefix(b"data: ") for block in body.split(b"\n\n")[:-1]]


def stock_json(shape: TypeAdapter[Any], content: bytes) -> bytes:
    """What the stock server makes of the same value."""
    value = shape.validate_json(content)
    dumped: str = value.model_dump_json(
        by_alias=True, exclude_none=True, context={"exclude_metadata": True}
    )
    return dumped.encode()


def answer_of(response: httpx.Response, operation: str) -> dict[str, Any]:
    if response.headers["content-type"].startswith("text/event-stream"):
        frames = frames_of(response.content)
        assert frames == [stock_json(FRAME, frame) for frame in frames]
        return {"frames": [orjson.loads(frame) for frame in frames]}
    if response.status_code != 200:
        problem = response.json()
        return {"status": problem["status"], "detail": problem["detail"]}
    if operation in SHAPES:
        assert response.content == stock_json(SHAPES[operation], response.content)
    return {"json": response.json()}


async def put(node: Node, item: dict[str, Any]) -> dict[str, Any]:
    """What a run of ours may come to put into a thread, for a user to answer."""
    whole = {"id": str(new_id()), "created_at": "2026-01-01T00:00:00Z", **item}
    origin = Origin(owner_id="ada", actor="user:ada")
    stream_id = stream_of(item["thread_id"])
    await node.handler.handle(CONVERSATION, stream_id, PutItem(item=whole), origin)
    return whole


async def test_exchange_is_word_for_word_as_recorded(client: httpx.AsyncClient, node: Node) -> None:
    names = Names()
    for step in load_exchange():
        if "put" in step:
            names.hide(await put(node, names.fill_in(step["put"])))
            continue
        operation = step["request"]["type"]
        response = await client.post("/chatkit", json=names.fill_in(step["request"]))
        answer = names.hide(answer_of(response, operation))
        assert answer == step["answer"], operation


def test_exchange_has_a_good_answer_to_every_operation() -> None:
    answered = {
        step["request"]["type"]
        for step in load_exchange()
        if "request" in step and "status" not in step["answer"]
    }
    # Dictation is refused unless it is configured, which it cannot be yet.
    assert answered == set(OPERATIONS) - {"input.transcribe"}
    assert "input.transcribe" in {s["request"]["type"] for s in load_exchange() if "request" in s}


async def test_stock_entry_point_answers_the_same_bytes(
    client: httpx.AsyncClient, node: Node
) -> None:
    server = VerbatimChatKit(node)
    create = load_exchange()[0]["request"] | {"metadata": {"idempotency_key": "k1"}}
    streamed = await server.process(orjson.dumps(create), ChatContext(ADA))
    assert isinstance(streamed, StreamingResult)
    body = b"".join([chunk async for chunk in streamed])
    assert (await client.post("/chatkit", json=create)).content == body
    listed = await server.process(b'{"type": "threads.list", "params": {}}', ChatContext(ADA))
    assert isinstance(listed, NonStreamingResult)
    request = {"type": "threads.list", "params": {}}
    assert (await client.post("/chatkit", json=request)).content == listed.json
