"""Where the stock ChatKit server goes wrong, this one must not. Numbers as in its trap list."""

from __future__ import annotations

import asyncio
import re
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import asyncpg
import httpx
from agents import Model
from agents.testing import ScriptedModel, assistant_message, function_call
from fastapi import FastAPI

from agent.models import ModelConfig, build_model
from api.app import create_app
from commands.conversation import CONVERSATION, PutItem
from commands.handle import Origin
from events import conversation as c
from events.ids import new_id
from runtime.node import Node
from tests.wire import Hang, ResponsesServer, Text, Turn

from .chatkit_wire import ask, assert_problem, done_items, events_of, json_of, say, thread_of, typed
from .conftest import headers_of, settings_of
from .running import running


@asynccontextmanager
async def app_of(
    url: str, model: Model, **changes: Any
) -> AsyncIterator[tuple[httpx.AsyncClient, Node]]:
    app: FastAPI = create_app(settings_of(url, **changes), model=model)
    async with running(app):
        transport = httpx.ASGITransport(app=app)
        headers = headers_of("ada")
        async with httpx.AsyncClient(
            transport=transport, base_url="http://localhost", headers=headers, timeout=60
        ) as client:
            yield client, app.state.node


@asynccontextmanager
async def wire_model(
    api: Literal["responses", "chat_completions"], *turns: Turn
) -> AsyncIterator[Model]:
    """The real client of a host that says these things, one a request."""
    async with ResponsesServer(turns) as host:
        config = ModelConfig(
            api_key="k", base_url=host.base_url, model="wire", api=api, timeout_seconds=20
        )
        model = build_model(config)
        yield model
        await model.close()


async def items_of(client: httpx.AsyncClient, thread_id: str) -> list[dict[str, Any]]:
    page = await json_of(client, "items.list", thread_id=thread_id, order="asc", limit=100)
    items: list[dict[str, Any]] = page["data"]
    return items


async def test_trap_3_tool_calls_are_shown_kept_and_told_to_the_model(
    database_url: str,
) -> None:
    model = ScriptedModel(
        [
            [function_call("add_task", {"title": "milk"}, call_id="a")],
            [assistant_message("Added.")],
            [assistant_message("Milk.")],
        ]
    )
    async with app_of(database_url, model) as (client, _):
        events = await say(client, "add milk")
        await say(client, "what did I add?", thread_of(events))
        shown = [item for item in done_items(events) if item["type"] == "task"]
        assert [item["task"]["title"] for item in shown] == ["add_task"]
        assert shown[0] in await items_of(client, thread_of(events))
        given = [item.get("type") for item in model.calls[2].input]
        assert given == ["message", "function_call", "function_call_output", "message", "message"]


async def test_trap_4_two_calls_of_one_name_are_two_items(database_url: str) -> None:
    calls = [function_call("add_task", {"title": "milk"}, call_id=i) for i in ("a", "b")]
    model = ScriptedModel([calls, [assistant_message("Added twice.")]])
    async with app_of(database_url, model) as (client, _):
        events = await say(client, "add milk twice")
        shown = [item["id"] for item in done_items(events) if item["type"] == "task"]
        assert len(set(shown)) == 2
        kept = [i for i in await items_of(client, thread_of(events)) if i["type"] == "task"]
        assert {item["id"] for item in kept} == set(shown)
        assert {item["task"]["status_indicator"] for item in kept} == {"complete"}


async def test_trap_6_replies_of_a_chat_completions_model_do_not_replace_each_other(
    database_url: str,
) -> None:
    async with wire_model("chat_completions", Text("first"), Text("second")) as model:
        async with app_of(database_url, model) as (client, _):
            events = await say(client, "one")
            await say(client, "two", thread_of(events))
            replies = [
                item
                for item in await items_of(client, thread_of(events))
                if item["type"] == "assistant_message"
            ]
            assert [r["content"][0]["text"] for r in replies] == ["first", "second"]
            assert len({reply["id"] for reply in replies}) == 2


async def test_trap_7_ids_cannot_collide(client: httpx.AsyncClient) -> None:
    events = await say(client, "add milk")
    ids = [thread_of(events), *(item["id"] for item in done_items(events))]
    assert [uuid.UUID(one).version for one in ids] == [7] * len(ids)
    assert len(set(ids)) == len(ids)


async def test_trap_8_an_item_has_one_time_and_it_is_utc(client: httpx.AsyncClient) -> None:
    started = datetime.now(UTC)
    response = await ask(client, "threads.create", input=typed("add milk"))
    events = events_of(response)
    times: dict[str, set[str]] = {}
    for event in events:
        if "item" in event:
            times.setdefault(event["item"]["id"], set()).add(event["item"]["created_at"])
    history = await items_of(client, thread_of(events))
    for item in history:
        times[item["id"]].add(item["created_at"])
    assert all(len(seen) == 1 for seen in times.values()), times
    for item in history:
        assert item["created_at"].endswith("Z")
        moment = datetime.fromisoformat(item["created_at"])
        assert abs(moment - started) < timedelta(seconds=30)
    assert history == done_items(events)


async def test_trap_8_items_keep_the_order_of_the_log(client: httpx.AsyncClient) -> None:
    events = await say(client, "one")
    shown = done_items(events)
    for text in ("two", "three", "four"):
        shown += done_items(await say(client, text, thread_of(events)))
    assert await items_of(client, thread_of(events)) == shown


async def test_trap_10_hidden_items_leave_no_gap_in_a_page_and_no_trace(
    client: httpx.AsyncClient, node: Node
) -> None:
    events = await say(client, "hello")
    thread_id = thread_of(events)
    for number in range(30):
        kind = ("hidden_context_item", "sdk_hidden_context")[number % 2]
        item = {
            "id": str(new_id()),
            "thread_id": thread_id,
            "created_at": "2026-01-01T00:00:00Z",
            "type": kind,
            "content": "a secret note",
        }
        await node.handler.handle(
            CONVERSATION,
            c.stream_of(thread_id),
            PutItem(item=item),
            Origin(owner_id="ada", actor="user:ada"),
        )
    shown = [*done_items(events), *done_items(await say(client, "and now?", thread_id))]
    for order, expected in (("asc", shown), ("desc", shown[::-1])):
        page = await ask(client, "items.list", thread_id=thread_id, order=order, limit=2)
        assert page.json()["data"] == expected[:2]
        rest = await ask(
            client, "items.list", thread_id=thread_id, order=order, after=page.json()["after"]
        )
        assert rest.json()["data"] == expected[2:]
        assert "secret" not in page.text + rest.text
    thread = await ask(client, "threads.get_by_id", thread_id=thread_id)
    assert thread.json()["items"]["data"] == shown
    assert "secret" not in thread.text


async def test_trap_12_a_thread_that_is_busy_or_gone_takes_no_message(
    database_url: str,
) -> None:
    async with wire_model("responses", Hang()) as model:
        changes = {"verbatim_multiple_sends": "reject"}
        async with app_of(database_url, model, **changes) as (client, node):
            sending = asyncio.create_task(ask(client, "threads.create", input=typed("one")))
            thread_id = await _thread_begun(client)
            second: dict[str, Any] = {"thread_id": thread_id, "input": typed("two")}
            busy = await ask(client, "threads.add_user_message", **second)
            assert assert_problem(busy, 409)["type"].endswith("run-unfinished")
            await json_of(client, "threads.delete", thread_id=thread_id)
            await sending
            before = await node.store.read_stream(c.stream_of(thread_id))
            gone = await ask(client, "threads.add_user_message", **second)
            assert_problem(gone, 404)
            assert await node.store.read_stream(c.stream_of(thread_id)) == before


async def test_traps_13_and_14_a_failed_tool_is_told_apart(database_url: str) -> None:
    model = ScriptedModel(
        [
            [function_call("complete_task", {"task_id": "nonsense"}, call_id="a")],
            [assistant_message("There is none.")],
        ]
    )
    async with app_of(database_url, model) as (client, node):
        events = await say(client, "done with it")
        task = next(i["task"] for i in done_items(events) if i["type"] == "task")
        assert task["status_indicator"] == "complete"
        assert task["icon"] == "lucide:circle-x"
        assert "no task" in task["content"]
        (kept,) = [i for i in await items_of(client, thread_of(events)) if i["type"] == "task"]
        assert kept["task"] == task
        page = await node.reads.messages_page("ada", thread_of(events), limit=9)
        assert [call.status for call in page.rows[-1].tool_calls] == ["error"]


async def test_trap_18_a_stop_during_a_tool_records_the_pair(database_url: str) -> None:
    model = ScriptedModel([[function_call("list_tasks", {}, call_id="a")]])
    async with app_of(database_url, model) as (client, node):
        blocker = await asyncpg.connect(database_url)
        schema = await blocker.fetchval(
            "SELECT 'read_g' || generation FROM verbatim.generations WHERE state = 'live'"
        )
        await blocker.execute("BEGIN")
        await blocker.execute(f"LOCK TABLE {schema}.tasks IN ACCESS EXCLUSIVE MODE")
        sending = asyncio.create_task(ask(client, "threads.create", input=typed("list")))
        run_id = await _tool_called(node)
        stopped = await client.delete(f"/chatkit/runs/{run_id}")
        assert stopped.status_code == 204
        await asyncio.sleep(0.2)
        await blocker.execute("COMMIT")
        await blocker.close()
        events = events_of(await sending)
        recorded = await node.store.read_stream(c.stream_of(thread_of(events)))
        topics = [r.event.topic.removeprefix("conversation.") for r in recorded]
        assert topics[-3:] == ["tool_called", "tool_completed", "run_cancelled"]
        task = next(i["task"] for i in done_items(events) if i["type"] == "task")
        assert (task["status_indicator"], task["icon"]) == ("complete", "check-circle")


async def _thread_begun(client: httpx.AsyncClient) -> str:
    async with asyncio.timeout(20):
        while True:
            for thread in (await json_of(client, "threads.list"))["data"]:
                return str(thread["id"])
            await asyncio.sleep(0.02)


async def _tool_called(node: Node) -> str:
    """The run whose tool was called just now."""
    async with asyncio.timeout(20):
        while True:
            for stored in await node.store.decode(await node.store.read_log(0)):
                if isinstance(stored.event, c.ToolCalled):
                    return stored.event.run_id
            await asyncio.sleep(0.02)


async def test_trap_21_nothing_on_the_way_may_hold_a_stream_back(
    client: httpx.AsyncClient,
) -> None:
    response = await ask(client, "threads.create", input=typed("hello"))
    assert "no-transform" in response.headers["cache-control"]
    assert response.headers["x-accel-buffering"] == "no"
    assert "content-encoding" not in response.headers
    assert re.fullmatch(r"(data: [^\n]+\n\n)+", response.text)
