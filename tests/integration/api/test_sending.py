"""Sending twice: to one conversation while a reply is written, and one message many times."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from agents import Model
from agents.testing import ScriptedModel, assistant_message
from fastapi import FastAPI

from agent.models import ModelConfig, build_model
from api.app import create_app
from events import conversation as c
from runtime.node import Node
from runtime.settings import Settings
from tests.wire import Hang, ResponsesServer, Text

from . import streams
from .chatkit_wire import ask, assert_problem, done_items, events_of, typed
from .conftest import headers_of
from .running import running, served
from .test_chatkit_runs import streaming, topics, until_idle

CHAT = "/api/ada/chat"
STREAM = {"Accept": "text/event-stream"}
COPIES = 50


@pytest.fixture
async def model(request: pytest.FixtureRequest) -> AsyncIterator[Model]:
    """The real client of a host that says what the test tells it."""
    async with ResponsesServer(getattr(request, "param", [Text("Hello.")] * 9)) as host:
        config = ModelConfig(
            api_key="k",
            base_url=host.base_url,
            model="wire",
            api="responses",
            timeout_seconds=20,
        )
        made = build_model(config)
        yield made
        await made.close()


BUSY = pytest.mark.parametrize("model", [[Hang(after_chunks=3), Text("Two.")]], indirect=True)
TOLD = Text("one two three four", chunk=4, gap_seconds=0.02)


@asynccontextmanager
async def second_node(settings: Settings, model: Model) -> AsyncIterator[httpx.AsyncClient]:
    """Ada at another node on the same database."""
    app = create_app(settings, model=model)
    async with (
        running(app),
        served(app) as address,
        httpx.AsyncClient(base_url=address, headers=headers_of("ada"), timeout=60) as client,
    ):
        yield client


async def post(client: httpx.AsyncClient, thread_id: str, **fields: Any) -> httpx.Response:
    body = {"message": "and?", "conversation_id": thread_id, **fields}
    return await client.post(CHAT, json=body, headers=STREAM)


@BUSY
async def test_rest_request_rejects_before_anything_is_stored(
    live: httpx.AsyncClient, node: Node
) -> None:
    async with streaming(live) as reply:
        await reply.until("text_delta")
        before = await topics(node, reply.thread_id)
        problem = assert_problem(await post(live, reply.thread_id, policy="reject"), 409)
        assert problem["type"] == "urn:verbatim:problem:run-unfinished"
        assert await topics(node, reply.thread_id) == before
        await live.delete(f"/api/ada/runs/{reply.run_id}")


@BUSY
async def test_rest_request_interrupts(live: httpx.AsyncClient, node: Node) -> None:
    async with streaming(live) as reply:
        await reply.until("text_delta")
        second = await post(live, reply.thread_id, policy="interrupt")
        assert "Two." in second.text
        await reply.whole()
    items = await until_idle(live, reply.thread_id)
    assert [i["type"] for i in items] == ["user_message", "assistant_message"] * 2
    replayed = await live.get(f"/chatkit/runs/{reply.run_id}/stream")
    assert done_items(events_of(replayed)) == items[:2]
    run = (await live.get(f"/api/ada/runs/{reply.run_id}")).json()
    assert run["status"] == "interrupted"


@BUSY
@pytest.mark.parametrize(("policy", "status"), [("reject", 409), ("interrupt", 200)])
async def test_chatkit_metadata_carries_the_policy(
    live: httpx.AsyncClient, node: Node, policy: str, status: int
) -> None:
    async with streaming(live) as reply:
        await reply.until("text_delta")
        body = {
            "type": "threads.add_user_message",
            "params": {"thread_id": reply.thread_id, "input": typed("and?")},
            "metadata": {"policy": policy},
        }
        before = await topics(node, reply.thread_id)
        answer = await live.post("/chatkit", json=body)
        assert answer.status_code == status
        if policy == "reject":
            assert_problem(answer, 409)
            assert await topics(node, reply.thread_id) == before
            await live.delete(f"/chatkit/runs/{reply.run_id}")
    ended = (await topics(node, reply.thread_id)).count("run_interrupted")
    assert ended == (policy == "interrupt")


@BUSY
async def test_policy_of_the_setting_holds_where_the_request_says_none(
    live: httpx.AsyncClient, app: FastAPI, node: Node
) -> None:
    policy = {"verbatim_multiple_sends": "interrupt"}
    app.state.settings = app.state.settings.model_copy(update=policy)
    async with streaming(live) as reply:
        await reply.until("text_delta")
        assert "Two." in (await post(live, reply.thread_id)).text
    assert "run_interrupted" in await topics(node, reply.thread_id)


async def test_unknown_policy_is_refused(client: httpx.AsyncClient) -> None:
    assert_problem(await client.post(CHAT, json={"message": "hi", "policy": "shout"}), 422)
    body = {"type": "threads.create", "params": {"input": typed("hi")}}
    for policy in ("shout", 7, None):
        refused = await client.post("/chatkit", json={**body, "metadata": {"policy": policy}})
        assert_problem(refused, 422)
    assert (await client.get("/api/ada/conversations")).json()["data"] == []


class TestCopies:
    """One message under one key, 50 times at once, over two nodes."""

    @pytest.fixture
    def model(self) -> Model:
        return ScriptedModel([[assistant_message(f"Reply {n}.")] for n in range(COPIES)])

    @pytest.fixture
    async def other(self, settings: Settings, model: Model) -> AsyncIterator[httpx.AsyncClient]:
        async with second_node(settings, model) as client:
            yield client

    @pytest.mark.parametrize("is_new", [True, False])
    async def test_rest_copies_get_equal_bodies(
        self, live: httpx.AsyncClient, other: httpx.AsyncClient, node: Node, is_new: bool
    ) -> None:
        body = {"message": "hello"}
        if not is_new:
            first = (await live.post(CHAT, json={"message": "first"})).json()
            body["conversation_id"] = first["conversation_id"]
        headers = {"Idempotency-Key": "monday-1"} | STREAM
        answers = await asyncio.gather(
            *((live, other)[n % 2].post(CHAT, json=body, headers=headers) for n in range(COPIES))
        )
        assert {answer.status_code for answer in answers} == {200}
        assert len({answer.content for answer in answers}) == 1
        conversation_id = streams.parse(answers[0].text)[0].data["conversation_id"]
        await self.holds_one(live, node, conversation_id, 1 if is_new else 2)
        changed = await other.post(CHAT, json={**body, "message": "hello!"}, headers=headers)
        assert assert_problem(changed, 422)["type"].endswith("idempotency-mismatch")

    async def test_rest_copies_that_wait_get_equal_bodies(
        self, live: httpx.AsyncClient, other: httpx.AsyncClient, node: Node
    ) -> None:
        headers = {"Idempotency-Key": "monday-1"}
        body = {"message": "hello"}
        answers = await asyncio.gather(
            *((live, other)[n % 2].post(CHAT, json=body, headers=headers) for n in range(COPIES))
        )
        assert len({(answer.status_code, answer.content) for answer in answers}) == 1
        await self.holds_one(live, node, answers[0].json()["conversation_id"], 1)

    @pytest.mark.parametrize("is_new", [True, False])
    async def test_chatkit_copies_get_equal_bodies(
        self, live: httpx.AsyncClient, other: httpx.AsyncClient, node: Node, is_new: bool
    ) -> None:
        operation, params = "threads.create", {}
        if not is_new:
            first = (await live.post(CHAT, json={"message": "first"})).json()
            operation = "threads.add_user_message"
            params = {"thread_id": first["conversation_id"]}
        answers = await asyncio.gather(
            *(
                ask((live, other)[n % 2], operation, key="k", input=typed("hello"), **params)
                for n in range(COPIES)
            )
        )
        assert {answer.status_code for answer in answers} == {200}
        assert len({answer.content for answer in answers}) == 1
        conversation_id = done_items(events_of(answers[0]))[0]["thread_id"]
        await self.holds_one(live, node, conversation_id, 1 if is_new else 2)
        changed = await ask(other, operation, key="k", input=typed("hello!"), **params)
        assert_problem(changed, 422)

    async def holds_one(
        self, client: httpx.AsyncClient, node: Node, conversation_id: str, messages: int
    ) -> None:
        found = await topics(node, conversation_id)
        for topic in ("user_message_posted", "run_requested", "run_completed"):
            assert found.count(topic) == messages
        listed = (await client.get("/api/ada/conversations")).json()["data"]
        assert [one["id"] for one in listed] == [conversation_id]


@pytest.mark.parametrize("model", [[Hang(after_chunks=3)]], indirect=True)
@pytest.mark.parametrize("is_resumed", [False, True])
async def test_abort_that_was_declared_a_stop_stops(
    live: httpx.AsyncClient, node: Node, is_resumed: bool
) -> None:
    headers = {"Verbatim-Abort": "stop"}
    async with streaming(live, headers={} if is_resumed else headers) as reply:
        await reply.until("text_delta")
        if is_resumed:
            path = f"/chatkit/runs/{reply.run_id}/stream"
            async with live.stream("GET", path, headers=headers) as response:
                await anext(response.aiter_text())
    items = await until_idle(live, reply.thread_id)
    assert items[-1]["content"][0]["text"]
    recorded = await topics(node, reply.thread_id)
    assert recorded[-2:] == ["assistant_message_posted", "run_cancelled"]


@pytest.mark.parametrize("model", [[TOLD]], indirect=True)
async def test_declared_abort_of_a_whole_response_stops_nothing(
    live: httpx.AsyncClient, node: Node
) -> None:
    async with streaming(live, headers={"Verbatim-Abort": "stop"}) as reply:
        await reply.whole()
    assert (await topics(node, reply.thread_id))[-1] == "run_completed"


@pytest.mark.parametrize("model", [[Hang(after_chunks=3)]], indirect=True)
async def test_run_is_stopped_at_another_node(
    live: httpx.AsyncClient, settings: Settings, model: Model, node: Node
) -> None:
    async with second_node(settings, model) as other, streaming(live) as reply:
        await reply.until("text_delta")
        assert (await other.delete(f"/api/ada/runs/{reply.run_id}")).status_code == 204
        async with asyncio.timeout(5):
            await reply.whole()
        recorded = await node.store.read_stream(c.stream_of(reply.thread_id))
        assert [r.event.topic for r in recorded][-1] == "conversation.run_cancelled"
