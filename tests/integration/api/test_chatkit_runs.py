"""Runs as ChatKit clients meet them: followed, left, resumed and stopped."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from agents import Model

from agent.models import ModelConfig, build_model
from events import conversation as c
from events.ids import new_id
from runtime.node import Node
from tests.wire import Call, Calls, Hang, ResponsesServer, Text

from .chatkit_wire import (
    ask,
    assert_problem,
    done_items,
    events_of,
    json_of,
    kinds,
    say,
    thread_of,
    typed,
)

NUMBERED = {"Verbatim-Frames": "id"}
SLOW = Text("one two three four five six seven eight", chunk=4, gap_seconds=0.05)
HANGING = pytest.mark.parametrize("model", [[Hang(after_chunks=3)]], indirect=True)


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


class Unread:
    """A response that comes piece by piece."""

    def __init__(self, response: httpx.Response) -> None:
        self.run_id: str = response.headers["verbatim-run"]
        self.seen = ""
        self._pieces = response.aiter_text()

    async def until(self, wanted: str) -> str:
        """What came until a text; leaving the response then is what a closed tab does."""
        async with asyncio.timeout(20):
            while wanted not in self.seen:
                self.seen += await anext(self._pieces)
        return self.seen

    async def whole(self) -> str:
        async with asyncio.timeout(20):
            async for piece in self._pieces:
                self.seen += piece
        return self.seen

    @property
    def thread_id(self) -> str:
        found: str = re.findall(r'"thread_id":"([^"]+)"', self.seen)[0]
        return found


@asynccontextmanager
async def streaming(
    client: httpx.AsyncClient, text: str = "hello", *, headers: dict[str, str] | None = None
) -> AsyncIterator[Unread]:
    """The response to a message that begins a thread."""
    body = {"type": "threads.create", "params": {"input": typed(text)}}
    headers = NUMBERED | (headers or {})
    async with client.stream("POST", "/chatkit", json=body, headers=headers) as response:
        assert response.status_code == 200
        yield Unread(response)


async def create(client: httpx.AsyncClient, text: str = "hello") -> httpx.Response:
    body = {"type": "threads.create", "params": {"input": typed(text)}}
    return await client.post("/chatkit", json=body, headers=NUMBERED)


async def resume(client: httpx.AsyncClient, run_id: str, last: str | None = None) -> httpx.Response:
    headers = NUMBERED if last is None else {**NUMBERED, "Last-Event-ID": last}
    return await client.get(f"/chatkit/runs/{run_id}/stream", headers=headers)


async def topics(node: Node, thread_id: str) -> list[str]:
    recorded = await node.store.read_stream(c.stream_of(thread_id))
    return [r.event.topic.removeprefix("conversation.") for r in recorded]


async def until_idle(client: httpx.AsyncClient, thread_id: str) -> list[dict[str, Any]]:
    """The items of a thread once no run is at work on it."""
    async with asyncio.timeout(20):
        while True:
            response = await ask(client, "items.list", thread_id=thread_id, order="asc", limit=100)
            if "verbatim-run" not in response.headers:
                items: list[dict[str, Any]] = response.json()["data"]
                return items
            await asyncio.sleep(0.05)


async def test_frames_are_numbered_for_clients_that_ask(client: httpx.AsyncClient) -> None:
    response = await create(client)
    run_id = response.headers["verbatim-run"]
    ids = re.findall(r"^id: (.*)$", response.text, re.M)
    assert ids == [f"{run_id}:{n}" for n in range(1, len(ids) + 1)]
    assert len(ids) == len(events_of(response))
    assert response.text.endswith("\n\n: end\n\n")


async def test_resumption_after_every_event_is_the_rest(client: httpx.AsyncClient) -> None:
    whole = await create(client)
    run_id = whole.headers["verbatim-run"]
    blocks = whole.text.split("\n\n")[:-2]
    for seq in range(len(blocks) + 1):
        last = f"{run_id}:{seq}" if seq else None
        rest = await resume(client, run_id, last)
        assert rest.status_code == 200
        assert rest.headers["verbatim-run"] == run_id
        assert rest.headers["cache-control"] == "no-cache, no-transform"
        expected = "".join(f"{block}\n\n" for block in blocks[seq:]) + ": end\n\n"
        assert rest.text == expected


async def test_resumption_without_numbers_is_the_plain_protocol(
    client: httpx.AsyncClient,
) -> None:
    whole = await ask(client, "threads.create", input=typed("hello"))
    run_id = whole.headers["verbatim-run"]
    again = await client.get(f"/chatkit/runs/{run_id}/stream")
    assert again.text == whole.text


async def test_resumption_from_elsewhere_is_refused(client: httpx.AsyncClient) -> None:
    run_id = (await create(client)).headers["verbatim-run"]
    other_id = (await create(client)).headers["verbatim-run"]
    for last in ("nonsense", f"{other_id}:1", run_id, f"{run_id}:", f"{run_id}:-1", f"{run_id}:x"):
        assert_problem(await resume(client, run_id, last), 422)
    assert_problem(await resume(client, run_id, f"{run_id}:999"), 410)


async def test_resumption_of_dropped_frames_is_gone(client: httpx.AsyncClient, node: Node) -> None:
    run_id = (await create(client)).headers["verbatim-run"]
    await node.database.direct.execute("TRUNCATE verbatim.frames")
    for last in (None, f"{run_id}:2"):
        assert_problem(await resume(client, run_id, last), 410)


async def test_runs_are_their_owners(
    client: httpx.AsyncClient, eve: httpx.AsyncClient, stranger: httpx.AsyncClient
) -> None:
    run_id = (await create(client)).headers["verbatim-run"]
    # Another user's look does not wait for ada's writes, and until then finds no run at all.
    await json_of(client, "threads.list")
    path = f"/chatkit/runs/{run_id}"
    for one, status in ((eve, 403), (stranger, 401)):
        assert_problem(await one.get(f"{path}/stream"), status)
        assert_problem(await one.delete(path), status)
    unknown = f"/chatkit/runs/{new_id()}"
    assert_problem(await client.get(f"{unknown}/stream"), 404)
    assert_problem(await client.delete(unknown), 404)
    assert_problem(await client.get("/chatkit/runs/nonsense/stream"), 422)


async def test_run_that_is_over_can_be_stopped_without_harm(
    client: httpx.AsyncClient, node: Node
) -> None:
    response = await create(client)
    thread_id = thread_of(events_of(response))
    before = await topics(node, thread_id)
    stopped = await client.delete(f"/chatkit/runs/{response.headers['verbatim-run']}")
    assert (stopped.status_code, stopped.content) == (204, b"")
    assert await topics(node, thread_id) == before


@HANGING
async def test_stop_keeps_what_was_said(live: httpx.AsyncClient, node: Node) -> None:
    async with streaming(live) as reply:
        await reply.until("text_delta")
        stopped = await live.delete(f"/chatkit/runs/{reply.run_id}")
        assert stopped.status_code == 204
        async with asyncio.timeout(5):
            seen = await reply.whole()
    whole = await resume(live, reply.run_id)
    assert whole.text == seen
    items = done_items(events_of(whole))
    assert items[-1]["type"] == "assistant_message"
    assert items[-1]["content"][0]["text"]
    assert await until_idle(live, reply.thread_id) == items
    recorded = await topics(node, reply.thread_id)
    assert recorded[-2:] == ["assistant_message_posted", "run_cancelled"]


@HANGING
async def test_unfinished_run_is_named_with_the_history(
    live: httpx.AsyncClient, eve: httpx.AsyncClient
) -> None:
    async with streaming(live) as reply:
        await reply.until("text_delta")
        for operation in ("items.list", "threads.get_by_id"):
            listed = await ask(live, operation, thread_id=reply.thread_id)
            assert listed.headers["verbatim-run"] == reply.run_id
        assert_problem(await eve.delete(f"/chatkit/runs/{reply.run_id}"), 403)
        listed = await ask(live, "items.list", thread_id=reply.thread_id)
        assert "verbatim-run" in listed.headers
        await live.delete(f"/chatkit/runs/{reply.run_id}")
    await until_idle(live, reply.thread_id)
    thread = await ask(live, "threads.get_by_id", thread_id=reply.thread_id)
    assert "verbatim-run" not in thread.headers


@HANGING
async def test_retry_waits_for_the_reply_that_is_being_written(live: httpx.AsyncClient) -> None:
    async with streaming(live) as reply:
        await reply.until("text_delta")
        listed = await json_of(live, "items.list", thread_id=reply.thread_id)
        refused = await ask(
            live,
            "threads.retry_after_item",
            thread_id=reply.thread_id,
            item_id=listed["data"][-1]["id"],
        )
        assert_problem(refused, 409)
        switched = await live.put(
            f"/chatkit/threads/{reply.thread_id}/branch", json={"branch_id": "main"}
        )
        assert switched.status_code == 204, "it is shown already"
        await live.delete(f"/chatkit/runs/{reply.run_id}")


@HANGING
async def test_deleting_a_thread_stops_its_reply(live: httpx.AsyncClient, node: Node) -> None:
    async with streaming(live) as reply:
        await reply.until("text_delta")
        await json_of(live, "threads.delete", thread_id=reply.thread_id)
        await reply.whole()
    async with asyncio.timeout(20):
        while await node.leases.count():
            await asyncio.sleep(0.05)
    assert (await topics(node, reply.thread_id))[-2:] == ["run_cancelled", "deleted"]


@pytest.mark.parametrize(
    "model", [[Calls([Call("add_task", {"title": "buy milk"})]), SLOW]], indirect=True
)
@pytest.mark.parametrize("moment", ["thread.item.done", "buy milk", "text_delta"])
async def test_closed_tab_ends_nothing(live: httpx.AsyncClient, node: Node, moment: str) -> None:
    """Traps 1 and 2: the reply is written to its end, with its tool calls, in history too."""
    async with streaming(live, "please") as reply:
        seen = await reply.until(moment)
    items = await until_idle(live, reply.thread_id)
    assert [item["type"] for item in items] == ["user_message", "task", "assistant_message"]
    assert items[-1]["content"][0]["text"] == SLOW.text
    assert (await topics(node, reply.thread_id))[-1] == "run_completed"
    whole = await resume(live, reply.run_id)
    assert whole.text.startswith(seen)
    assert done_items(events_of(whole)) == items
    assert [t.title for t in (await node.reads.tasks_list("ada", limit=9)).rows] == ["buy milk"]


@pytest.mark.parametrize("model", [[SLOW]], indirect=True)
async def test_many_readers_of_one_run_read_the_same(live: httpx.AsyncClient) -> None:
    async with streaming(live) as reply:
        others = [asyncio.create_task(resume(live, reply.run_id)) for _ in range(10)]
        own = await reply.whole()
    texts = {(await other).text for other in others}
    assert texts == {own}


async def test_second_message_waits_for_its_turn(client: httpx.AsyncClient) -> None:
    thread_id = thread_of(await say(client, "one"))
    first, second = await asyncio.gather(
        say(client, "two", thread_id), say(client, "three", thread_id)
    )
    assert kinds(first)[-1] == kinds(second)[-1] == "thread.item.done"
    items = await until_idle(client, thread_id)
    assert [item["type"] for item in items] == ["user_message", "assistant_message"] * 3
