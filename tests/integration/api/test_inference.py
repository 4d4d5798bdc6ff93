"""The model and the tool that a message asks for, from ChatKit to the model's host."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from api.app import create_app
from events import conversation as c
from runtime.node import Node
from runtime.settings import Settings
from tests.wire import Call, Calls, ResponsesServer, Text

from .chatkit_wire import ask, assert_problem, events_of, say, thread_of, typed
from .conftest import settings_of
from .running import running

CHOSEN = {"model": "small", "tool_choice": {"id": "add_task"}}


@pytest.fixture
def host() -> Iterator[ResponsesServer]:
    script = [Calls([Call("add_task", {"title": "milk"})]), Text("Added."), Text("Yes.")]
    server = ResponsesServer([*script, Text("Hello.")])
    server.start()
    yield server
    server.stop()


@pytest.fixture
def settings(database_url: str, host: ResponsesServer) -> Settings:
    offered = {"agent_model": "large", "agent_models": ("small", "large")}
    return settings_of(database_url, openai_base_url=host.base_url, agent_titles=False, **offered)


@pytest.fixture
async def app(settings: Settings) -> AsyncIterator[FastAPI]:
    app = create_app(settings)
    async with running(app):
        yield app


async def send(client: httpx.AsyncClient, text: str, **options: Any) -> httpx.Response:
    return await ask(client, "threads.create", input=typed(text, inference_options=options))


async def test_message_chooses_its_model_and_its_first_tool(
    client: httpx.AsyncClient, host: ResponsesServer, node: Node
) -> None:
    thread_id = thread_of(events_of(await send(client, "milk", **CHOSEN)))
    first, second = (request.body for request in host.requests)
    assert first["model"] == second["model"] == "small"
    assert first["tool_choice"] == {"type": "function", "name": "add_task"}
    assert second.get("tool_choice", "auto") == "auto"
    await say(client, "and now?", thread_id)
    assert host.requests[2].body["model"] == "large"
    assert host.requests[2].body.get("tool_choice", "auto") == "auto"
    recorded = await node.store.read_stream(c.stream_of(thread_id))
    started = [one.event.model for one in recorded if isinstance(one.event, c.RunStarted)]
    assert started == ["small", "large"]


async def test_answer_to_a_chosen_tool_is_not_another_choice(
    client: httpx.AsyncClient, host: ResponsesServer
) -> None:
    thread_id = thread_of(events_of(await send(client, "milk", **CHOSEN)))
    action = {"type": "refresh", "payload": {"page": "settings"}}
    events_of(await ask(client, "threads.custom_action", thread_id=thread_id, action=action))
    assert host.requests[2].body["model"] == "small"
    assert host.requests[2].body.get("tool_choice", "auto") == "auto"


async def test_model_that_is_not_offered_is_refused_before_anything_is_stored(
    client: httpx.AsyncClient, host: ResponsesServer
) -> None:
    detail = assert_problem(await send(client, "hello", model="huge"), 422)["detail"]
    assert detail.endswith("one of the models offered here: large, small.")
    threads = await ask(client, "threads.list")
    assert threads.json()["data"] == []
    assert host.requests == []


async def test_tool_that_does_not_exist_ends_the_reply_with_an_error(
    client: httpx.AsyncClient, host: ResponsesServer
) -> None:
    events = events_of(await send(client, "hello", tool_choice={"id": "fly"}))
    assert events[-1]["type"] == "error"
    assert "does not exist here" in events[-1]["message"]
    assert host.requests == []


async def test_session_names_the_models(client: httpx.AsyncClient) -> None:
    session = (await client.get("/api/session")).json()
    assert session["assistant"]["models"] == ["large", "small"]
