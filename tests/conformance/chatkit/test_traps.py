"""Where the stock ChatKit server goes wrong, this one must not. Numbers as in test_trap_list."""

from __future__ import annotations

import asyncio
import re
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from agents.testing import ScriptedModel, assistant_message, function_call

from commands.conversation import CONVERSATION, PutItem
from commands.handle import Origin
from events import conversation as c
from events.ids import new_id
from runtime.node import Node
from tests.integration.api.chatkit_wire import (
    ask,
    assert_problem,
    done_items,
    events_of,
    json_of,
    say,
    thread_of,
    typed,
)
from tests.wire import Hang, Text

from .apps import app_of, items_of, wire_model


async def test_trap_03_tool_calls_are_shown_kept_and_told_to_the_model(
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


async def test_trap_04_two_calls_of_one_name_are_two_items(database_url: str) -> None:
    calls = [function_call("add_task", {"title": "milk"}, call_id=i) for i in ("a", "b")]
    model = ScriptedModel([calls, [assistant_message("Added twice.")]])
    async with app_of(database_url, model) as (client, _):
        events = await say(client, "add milk twice")
        shown = [item["id"] for item in done_items(events) if item["type"] == "task"]
        assert len(set(shown)) == 2
        kept = [i for i in await items_of(client, thread_of(events)) if i["type"] == "task"]
        assert {item["id"] for item in kept} == set(shown)
        assert {item["task"]["status_indicator"] for item in kept} == {"complete"}


async def test_trap_06_replies_of_a_chat_completions_model_do_not_replace_each_other(
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


async def test_trap_07_ids_cannot_collide(client: httpx.AsyncClient) -> None:
    events = await say(client, "add milk")
    ids = [thread_of(events), *(item["id"] for item in done_items(events))]
    assert [uuid.UUID(one).version for one in ids] == [7] * len(ids)
    assert len(set(ids)) == len(ids)


async def test_trap_08_an_item_has_one_time_and_it_is_utc(client: httpx.AsyncClient) -> None:
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


async def test_trap_08_items_keep_the_order_of_the_log(client: httpx.AsyncClient) -> None:
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


async def test_trap_13_and_14_a_failed_tool_is_told_apart(database_url: str) -> None:
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


async def _thread_begun(client: httpx.AsyncClient) -> str:
    async with asyncio.timeout(20):
        while True:
            for thread in (await json_of(client, "threads.list"))["data"]:
                return str(thread["id"])
            await asyncio.sleep(0.02)


async def test_trap_21_nothing_on_the_way_may_hold_a_stream_back(
    client: httpx.AsyncClient,
) -> None:
    response = await ask(client, "threads.create", input=typed("hello"))
    assert "no-transform" in response.headers["cache-control"]
    assert response.headers["x-accel-buffering"] == "no"
    assert "content-encoding" not in response.headers
    assert re.fullmatch(r"(data: [^\n]+\n\n)+", response.text)
