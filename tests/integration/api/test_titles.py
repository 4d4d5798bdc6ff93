"""Titles as the list and ChatKit show them, from a model's host over the wire."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator

import httpx
import pytest
from fastapi import FastAPI

from api.app import create_app
from runtime.settings import Settings
from tests.wire import ResponsesServer, Text

from .chatkit_wire import json_of
from .conftest import settings_of
from .running import running

CHAT = "/api/ada/chat"


@pytest.fixture
def host() -> Iterator[ResponsesServer]:
    server = ResponsesServer([Text("Hello.")] * 9)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def settings(database_url: str, host: ResponsesServer, request: pytest.FixtureRequest) -> Settings:
    changes = getattr(request, "param", {})
    return settings_of(database_url, openai_base_url=host.base_url, **changes)


@pytest.fixture
async def app(settings: Settings) -> AsyncIterator[FastAPI]:
    app = create_app(settings)
    async with running(app):
        yield app


async def title_of(client: httpx.AsyncClient, conversation_id: str) -> str:
    path = f"/api/ada/conversations/{conversation_id}"
    title: str = (await client.get(path)).json()["title"]
    return title


@pytest.mark.parametrize(
    "settings",
    [{}, {"agent_title_model": "small"}, {"agent_api": "chat_completions"}],
    indirect=True,
    ids=["responses", "other model", "chat completions"],
)
async def test_new_conversation_gets_the_models_title(
    client: httpx.AsyncClient, host: ResponsesServer, settings: Settings
) -> None:
    answer = (await client.post(CHAT, json={"message": "add milk"})).json()
    async with asyncio.timeout(20):
        while await title_of(client, answer["conversation_id"]) != "A fitting title":
            await asyncio.sleep(0.05)
    thread = await json_of(client, "threads.get_by_id", thread_id=answer["conversation_id"])
    assert thread["title"] == "A fitting title"
    (asked,) = host.title_requests
    assert asked.body["model"] == (settings.agent_title_model or settings.agent_model)
    assert not asked.body.get("tools")
    assert len(host.requests) == 1


@pytest.mark.parametrize("settings", [{"agent_titles": False}], indirect=True, ids=["off"])
async def test_titles_are_off_by_setting(client: httpx.AsyncClient, host: ResponsesServer) -> None:
    answer = (await client.post(CHAT, json={"message": "add milk"})).json()
    await asyncio.sleep(0.3)
    assert await title_of(client, answer["conversation_id"]) == "add milk"
    assert host.title_requests == []
