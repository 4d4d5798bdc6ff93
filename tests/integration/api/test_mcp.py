"""The task tools over HTTP, with the stock client."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import httpx2
import orjson
import pytest
from fastapi import FastAPI
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp_types import CallToolResult, TextContent

from events import task
from runtime.node import Node
from runtime.settings import Settings

from .chatkit_wire import ask, assert_problem, json_of
from .conftest import headers_of, settings_of
from .running import served

TOOLS = {
    "add_task",
    "list_tasks",
    "complete_task",
    "reopen_task",
    "update_task",
    "delete_task",
}
INITIALIZE = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {
        "protocolVersion": "2025-06-18",
        "capabilities": {},
        "clientInfo": {"name": "test", "version": "1"},
    },
}


@pytest.fixture
async def address(app: FastAPI) -> AsyncIterator[str]:
    async with served(app) as found:
        yield found


@asynccontextmanager
async def tools_of(address: str, headers: dict[str, str]) -> AsyncIterator[Client]:
    async with (
        httpx2.AsyncClient(headers=headers, trust_env=False) as http,
        Client(streamable_http_client(f"{address}/mcp", http_client=http)) as client,
    ):
        yield client


def text_of(result: CallToolResult) -> str:
    return "\n".join(part.text for part in result.content if isinstance(part, TextContent))


async def call(client: Client, name: str, **arguments: Any) -> Any:
    result = await client.call_tool(name, arguments)
    assert not result.is_error, text_of(result)
    return orjson.loads(text_of(result))


async def fail(client: Client, name: str, **arguments: Any) -> str:
    result = await client.call_tool(name, arguments)
    assert result.is_error, text_of(result)
    return text_of(result)


async def test_tools_are_listed_and_none_names_a_user(address: str) -> None:
    async with tools_of(address, headers_of("ada")) as client:
        listed = (await client.list_tools()).tools
    assert {tool.name for tool in listed} == TOOLS
    for tool in listed:
        assert tool.description
        assert not {"user", "user_id", "owner", "owner_id"} & set(tool.input_schema["properties"])


async def test_tasks_are_added_listed_and_completed(address: str) -> None:
    async with tools_of(address, headers_of("ada")) as client:
        added = await call(client, "add_task", title="buy milk", notes="2 litres")
        assert added["status"] == "pending"
        assert await call(client, "list_tasks") == {"tasks": [added]}
        done = await call(client, "complete_task", task_id=added["task_id"])
        assert done == {**added, "status": "completed"}
        assert await call(client, "list_tasks", status="pending") == {"tasks": []}
        assert await call(client, "list_tasks", status="completed") == {"tasks": [done]}


async def test_two_users_have_two_lists(address: str) -> None:
    async with (
        tools_of(address, headers_of("ada")) as ada,
        tools_of(address, headers_of("eve")) as eve,
    ):
        mine = await call(ada, "add_task", title="buy milk")
        assert await call(eve, "list_tasks") == {"tasks": []}
        for name, arguments in (
            ("complete_task", {}),
            ("reopen_task", {}),
            ("delete_task", {}),
            ("update_task", {"title": "hers"}),
        ):
            refused = await fail(eve, name, task_id=mine["task_id"], **arguments)
            unknown = await fail(eve, name, task_id="nonsense", **arguments)
            assert refused.replace(mine["task_id"], "nonsense") == unknown
        assert await call(ada, "list_tasks") == {"tasks": [mine]}


async def test_arguments_cannot_name_another_user(address: str, node: Node) -> None:
    async with tools_of(address, headers_of("ada")) as client:
        for name in ("user_id", "owner_id", "caller", "ctx"):
            await client.call_tool("add_task", {"title": "for eve", name: "eve"})
        meta: Any = {"verbatim/token": "eve", "verbatim/run_id": "r", "user_id": "eve"}
        await client.call_tool("add_task", {"title": "for eve"}, meta=meta)
        assert len((await call(client, "list_tasks"))["tasks"]) > 0
    added = [e for e in await node.store.read_log(0) if e.topic == task.Added.topic]
    assert {stored.owner_id for stored in added} == {"ada"}
    async with tools_of(address, headers_of("eve")) as eve:
        assert await call(eve, "list_tasks") == {"tasks": []}


@pytest.mark.parametrize(
    ("name", "arguments", "said"),
    [
        ("complete_task", {"task_id": "nonsense"}, "no task"),
        ("add_task", {"title": "  "}, "title"),
        ("add_task", {"title": "x" * 501}, "500"),
        ("add_task", {"title": "a\x00b"}, "title"),
        ("add_task", {}, "title"),
        ("list_tasks", {"status": "lost"}, "status"),
        ("update_task", {"task_id": "nonsense"}, "no task"),
    ],
)
async def test_failures_are_results_that_the_model_can_read(
    address: str, name: str, arguments: dict[str, Any], said: str
) -> None:
    async with tools_of(address, headers_of("ada")) as client:
        assert said in await fail(client, name, **arguments)


async def test_agent_acts_for_its_user_once_a_call(address: str, node: Node) -> None:
    token = node.signer.agent_token("ada", run_id="r1", call_id="c1")
    async with tools_of(address, {"Authorization": f"Bearer {token}"}) as agent:
        first = await call(agent, "add_task", title="buy milk")
        assert await call(agent, "add_task", title="buy milk") == first
    async with tools_of(address, headers_of("ada")) as ada:
        assert await call(ada, "list_tasks") == {"tasks": [first]}
    recorded = await node.store.read_stream(task.stream_of(first["task_id"]))
    assert [(r.metadata["actor"], r.metadata["causation_id"]) for r in recorded] == [
        ("agent:r1", "c1")
    ]


@pytest.mark.parametrize("token", [None, "nonsense", "client secret"])
async def test_others_are_kept_out(client_of: Any, node: Node, token: str | None) -> None:
    if token == "client secret":
        token = node.signer.client_secret("ada").token
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    headers["Accept"] = "application/json, text/event-stream"
    response = await client_of(None, headers=headers).post("/mcp", json=INITIALIZE)
    assert_problem(response, 401)
    assert response.headers["www-authenticate"].startswith("Bearer")


async def test_session_cookie_is_not_enough(client_of: Any, node: Node) -> None:
    session = node.signer.session("ada").token
    client = client_of(None, cookies={"verbatim_session": session})
    assert_problem(await client.post("/mcp", json=INITIALIZE), 401)


@pytest.mark.parametrize("method", ["GET", "DELETE", "PUT"])
async def test_stateless_server_takes_nothing_but_posts(
    client: httpx.AsyncClient, method: str
) -> None:
    response = await client.request(method, "/mcp")
    assert_problem(response, 405)
    assert response.headers["allow"] == "POST"


async def test_malformed_message_is_refused(client: httpx.AsyncClient) -> None:
    headers = {"Accept": "application/json, text/event-stream", "Content-Type": "application/json"}
    response = await client.post("/mcp", content=b"{", headers=headers)
    assert response.status_code == 400


class TestRequestLimit:
    @pytest.fixture
    def settings(self, database_url: str) -> Settings:
        return settings_of(database_url, verbatim_request_limit=3)

    async def test_requests_of_a_user_beyond_the_limit_are_refused_and_a_runs_are_not(
        self, client: httpx.AsyncClient, client_of: Any, node: Node
    ) -> None:
        headers = {"Accept": "application/json, text/event-stream"}
        for _ in range(3):
            assert (await client.post("/mcp", json=INITIALIZE, headers=headers)).is_success
        refused = await client.post("/mcp", json=INITIALIZE, headers=headers)
        assert assert_problem(refused, 429)["type"].endswith("limit-reached")
        assert 1 <= int(refused.headers["retry-after"]) <= 60
        eve = client_of("eve", headers=headers)
        assert (await eve.post("/mcp", json=INITIALIZE)).is_success
        token = node.signer.agent_token("ada", run_id="r1", call_id="c1")
        agent = client_of(None, headers={**headers, "Authorization": f"Bearer {token}"})
        for _ in range(5):
            assert (await agent.post("/mcp", json=INITIALIZE)).is_success

    async def test_announcements_beyond_the_limit_are_refused(
        self, client: httpx.AsyncClient, node: Node
    ) -> None:
        params = {"name": "plan.txt", "size": 3, "mime_type": "text/plain"}
        for _ in range(3):
            await json_of(client, "attachments.create", **params)
        refused = await ask(client, "attachments.create", **params)
        assert assert_problem(refused, 429)["type"].endswith("limit-reached")
        assert (await ask(client, "threads.list")).is_success
