"""A tool of another server as the history shows its calls, by setting and over HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from agents import Model
from agents.testing import ScriptedModel, assistant_message, function_call

from runtime.settings import Settings
from tests.foreign_server import Foreign, foreign_server

from .chatkit_wire import json_of
from .conftest import settings_of

CHAT = "/api/ada/chat"


@pytest.fixture
async def foreign(tmp_path: Path) -> AsyncIterator[Foreign]:
    async with foreign_server(tmp_path) as server:
        yield server


@pytest.fixture
def settings(database_url: str, foreign: Foreign) -> Settings:
    server = {"name": "others", "url": foreign.url, "allowed_tools": ["note", "hold"]}
    return settings_of(database_url, foreign_mcp_servers=[server], agent_tool_timeout_seconds=2.0)


@pytest.fixture
def model(request: pytest.FixtureRequest) -> Model:
    call = function_call(request.param, {"text": "milk"}, call_id="a")
    return ScriptedModel([[call], [assistant_message("That was that.")]])


async def badges(client: httpx.AsyncClient, thread_id: str) -> list[dict[str, Any]]:
    items = (await json_of(client, "items.list", thread_id=thread_id))["data"]
    return [item["task"] for item in items if item["type"] == "task"]


@pytest.mark.parametrize("model", ["others__note"], indirect=True)
async def test_call_of_another_servers_tool_is_in_the_history(
    client: httpx.AsyncClient, foreign: Foreign
) -> None:
    answer = (await client.post(CHAT, json={"message": "please"})).json()
    (call,) = answer["tool_calls"]
    assert (call["name"], call["status"], call["output"]) == (
        "others__note",
        "success",
        "noted milk",
    )
    assert foreign.lines() == ["milk"]


@pytest.mark.parametrize("model", ["others__hold"], indirect=True)
async def test_unknown_outcome_is_shown_as_such(
    client: httpx.AsyncClient, foreign: Foreign
) -> None:
    answer = (await client.post(CHAT, json={"message": "please"})).json()
    (call,) = answer["tool_calls"]
    assert call["status"] == "unknown"
    assert "unknown" in call["error"]
    (badge,) = await badges(client, answer["conversation_id"])
    assert badge["status_indicator"] == "complete"
    assert badge["content"].startswith("Whether this took effect is unknown.")
    assert foreign.lines() == ["milk"]
