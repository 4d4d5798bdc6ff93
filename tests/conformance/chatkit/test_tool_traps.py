"""Traps about tools and the items that show them. Numbers as in test_trap_list."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Literal

import asyncpg
import httpx
import orjson
import pytest
from agents.testing import ScriptedModel, assistant_message, function_call

from commands.conversation import CONVERSATION, PutItem
from commands.handle import Origin
from events import conversation as c
from events.ids import new_id
from runtime.node import Node
from tests.integration.api.chatkit_wire import (
    ask,
    done_items,
    events_of,
    say,
    thread_of,
    typed,
)
from tests.wire import Call, Calls, Text

from .apps import app_of, items_of, wire_model

LOADING = ("loading", None)
SUCCESS = ("complete", "check-circle")
FAILURE = ("complete", "lucide:circle-x")
ADA = Origin(owner_id="ada", actor="user:ada")


@asynccontextmanager
async def held_list(url: str) -> AsyncIterator[None]:
    """Nobody can read the tasks meanwhile."""
    holder = await asyncpg.connect(url)
    try:
        async with holder.transaction():
            schema = await holder.fetchval(
                "SELECT 'read_g' || generation FROM verbatim.generations WHERE state = 'live'"
            )
            await holder.execute(f"LOCK TABLE {schema}.tasks IN ACCESS EXCLUSIVE MODE")
            yield
    finally:
        await holder.close()


async def put(node: Node, thread_id: str, item: dict[str, Any]) -> None:
    await node.handler.handle(CONVERSATION, c.stream_of(thread_id), PutItem(item=item), ADA)


def badges(items: list[dict[str, Any]]) -> dict[str, tuple[str, str | None]]:
    """By item id, in order: how a tool call is shown at last."""
    return {
        item["id"]: (item["task"]["status_indicator"], item["task"].get("icon"))
        for item in items
        if item["type"] == "task"
    }


async def calls_of(node: Node) -> list[c.ToolCalled]:
    """The calls of the newest run, once they are in the log."""
    async with asyncio.timeout(20):
        while True:
            decoded = await node.store.decode(await node.store.read_log(0))
            if called := [r.event for r in decoded if isinstance(r.event, c.ToolCalled)]:
                return called
            await asyncio.sleep(0.02)


async def shown_until(node: Node, run_id: str, wanted: bytes) -> list[dict[str, Any]]:
    """The items of a run's live frames, up to the first that says something."""
    items = []
    async with asyncio.timeout(20):
        async for frames in node.frames.follow(uuid.UUID(run_id), "ada"):
            for frame in frames:
                event = orjson.loads(frame.body)
                items += [event["item"]] if "item" in event else []
                if wanted in frame.body:
                    return items
    raise AssertionError(f"expected {wanted!r}, found {items}")


async def test_trap_17_a_fast_tools_badge_turns_while_a_slow_one_runs(database_url: str) -> None:
    slow = function_call("list_tasks", {}, call_id="slow")
    fast = function_call("complete_task", {"task_id": "nonsense"}, call_id="fast")
    model = ScriptedModel([[slow, fast], [assistant_message("One of them failed.")]])
    async with app_of(database_url, model) as (client, node):
        async with held_list(database_url):
            sending = asyncio.create_task(ask(client, "threads.create", input=typed("do both")))
            slow_call, fast_call = await calls_of(node)
            live = await shown_until(node, slow_call.run_id, FAILURE[1].encode())
            # The slow one cannot end while its list is held, and the fast one did not wait for it.
            expected = {slow_call.call_id: LOADING, fast_call.call_id: FAILURE}
            assert badges(live) == expected
            assert badges(await items_of(client, live[0]["thread_id"])) == expected
        events = events_of(await sending)
        expected = {slow_call.call_id: SUCCESS, fast_call.call_id: FAILURE}
        assert badges(done_items(events)) == expected
        assert badges(await items_of(client, thread_of(events))) == expected


async def test_trap_05_a_tool_that_runs_when_its_run_ends_is_shown_as_unknown(
    database_url: str,
) -> None:
    model = ScriptedModel([[function_call("list_tasks", {}, call_id="slow")]])
    async with app_of(database_url, model, agent_turn_timeout_seconds=1) as (client, _):
        async with held_list(database_url):
            events = await say(client, "what is there?")
        assert events[-1]["type"] == "error"
        (badge,) = badges(done_items(events)).values()
        assert badge == FAILURE
        history = await items_of(client, thread_of(events))
        shown = next(item for item in done_items(events) if item["type"] == "task")
        assert shown["task"]["content"].startswith("Whether this took effect is unknown.")
        assert shown in history


async def test_trap_05_an_item_that_is_added_twice_is_one_item(
    client: httpx.AsyncClient, node: Node
) -> None:
    thread_id = thread_of(await say(client, "hello"))
    item = {
        "id": str(new_id()),
        "thread_id": thread_id,
        "created_at": "2026-01-01T00:00:00Z",
        "type": "workflow",
        "workflow": {"type": "custom", "tasks": []},
    }
    await put(node, thread_id, item)
    await say(client, "and then?", thread_id)
    before = [i["id"] for i in await items_of(client, thread_id)]
    changed = item | {"workflow": {"type": "custom", "tasks": [], "expanded": True}}
    await put(node, thread_id, changed)
    found = await items_of(client, thread_id)
    assert [i["id"] for i in found] == before
    assert next(i for i in found if i["id"] == item["id"])["workflow"]["expanded"] is True


@pytest.mark.parametrize("api", ["responses", "chat_completions"])
async def test_trap_15_a_call_without_an_id_is_made_and_shown(
    database_url: str, api: Literal["responses", "chat_completions"]
) -> None:
    nameless = Calls([Call("add_task", {"title": title}, call_id="") for title in ("milk", "tea")])
    async with wire_model(api, nameless, Text("Added both.")) as model:
        async with app_of(database_url, model) as (client, node):
            events = await say(client, "add milk and tea")
            assert list(badges(done_items(events)).values()) == [SUCCESS, SUCCESS]
            page = await node.reads.tasks_list("ada", limit=9)
            assert {row.title for row in page.rows} == {"milk", "tea"}


async def test_trap_16_a_widget_may_lose_text_and_parts(
    client: httpx.AsyncClient, node: Node
) -> None:
    thread_id = thread_of(await say(client, "hello"))
    item_id = str(new_id())

    def widget(*texts: str) -> dict[str, Any]:
        parts = [{"type": "Text", "id": f"part{n}", "value": t} for n, t in enumerate(texts)]
        return {
            "id": item_id,
            "thread_id": thread_id,
            "created_at": "2026-01-01T00:00:00Z",
            "type": "widget",
            "widget": {"type": "Card", "children": parts},
        }

    for texts in (("a long text", "another"), ("a long",), ("short", "new", "and more"), ()):
        await put(node, thread_id, widget(*texts))
        (found,) = [i for i in await items_of(client, thread_id) if i["type"] == "widget"]
        assert [part["value"] for part in found["widget"]["children"]] == list(texts)


async def test_trap_18_a_stop_during_a_tool_records_the_pair(database_url: str) -> None:
    model = ScriptedModel([[function_call("list_tasks", {}, call_id="a")]])
    async with app_of(database_url, model) as (client, node):
        async with held_list(database_url):
            sending = asyncio.create_task(ask(client, "threads.create", input=typed("list")))
            (call,) = await calls_of(node)
            stopped = await client.delete(f"/chatkit/runs/{call.run_id}")
            assert stopped.status_code == 204
            await asyncio.sleep(0.2)
        events = events_of(await sending)
        recorded = await node.store.read_stream(c.stream_of(thread_of(events)))
        topics = [r.event.topic.removeprefix("conversation.") for r in recorded]
        assert topics[-3:] == ["tool_called", "tool_completed", "run_cancelled"]
        task = next(i["task"] for i in done_items(events) if i["type"] == "task")
        assert (task["status_indicator"], task["icon"]) == ("complete", "check-circle")
