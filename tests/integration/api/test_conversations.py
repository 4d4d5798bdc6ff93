from __future__ import annotations

import asyncio
import json
from uuid import uuid4

import httpx
import pytest

from events.conversation import stream_of
from runtime.node import Node

from . import streams

CHAT = "/api/ada/chat"
CONVERSATIONS = "/api/ada/conversations"


async def say(client: httpx.AsyncClient, text: str, conversation_id: str | None = None) -> str:
    body = {"message": text} | ({"conversation_id": conversation_id} if conversation_id else {})
    response = await client.post(CHAT, json=body)
    assert response.status_code == 200, response.text
    found: str = response.json()["conversation_id"]
    return found


async def test_conversations_come_in_pages_of_either_order(client: httpx.AsyncClient) -> None:
    made = [await say(client, f"hello {n}") for n in range(5)]
    seen: list[str] = []
    after = None
    while True:
        params = {"limit": 2, "order": "asc"} | ({"after": after} if after else {})
        page = (await client.get(CONVERSATIONS, params=params)).json()
        seen += [row["id"] for row in page["data"]]
        after = page["after"]
        assert page["has_more"] is (after is not None)
        if after is None:
            break
    assert seen == made
    newest = (await client.get(CONVERSATIONS, params={"limit": 2})).json()
    assert [row["id"] for row in newest["data"]] == made[:2:-1]


async def test_conversation_reads_as_it_was_left(client: httpx.AsyncClient) -> None:
    conversation_id = await say(client, "hello")
    found = (await client.get(f"{CONVERSATIONS}/{conversation_id}")).json()
    assert found["id"] == conversation_id
    assert (found["status"], found["message_count"], found["stale"]) == ("active", 2, False)
    assert (found["active_run_id"], found["last_run_status"]) == (None, "completed")
    assert found["created_at"].endswith("Z")


async def test_rename_is_seen_at_once(client: httpx.AsyncClient) -> None:
    path = f"{CONVERSATIONS}/{await say(client, 'hello')}"
    renamed = await client.patch(path, json={"title": "  Plans  for \n Monday "})
    assert renamed.status_code == 200
    assert renamed.json()["title"] == "Plans for Monday"
    assert (await client.get(path)).json() == renamed.json()
    version = renamed.json()["version"]
    assert renamed.headers["verbatim-position"].endswith(f":{version}")
    assert renamed.cookies["Verbatim-Position"] == renamed.headers["verbatim-position"]


async def test_deleted_conversation_is_gone_and_its_events_stay(
    client: httpx.AsyncClient, node: Node
) -> None:
    conversation_id = await say(client, "hello")
    path = f"{CONVERSATIONS}/{conversation_id}"
    assert (await client.delete(path)).status_code == 204
    for gone in (path, f"{path}/messages", f"{path}/events"):
        assert (await client.get(gone)).status_code == 404
    assert (await client.delete(path)).status_code == 404
    assert (await client.get(CONVERSATIONS)).json()["data"] == []
    body = {"message": "hello?", "conversation_id": conversation_id}
    assert (await client.post(CHAT, json=body)).status_code == 404
    recorded = await node.store.read_stream(stream_of(conversation_id))
    assert recorded[-1].event.topic == "conversation.deleted"


async def test_messages_come_in_pages_of_either_order(client: httpx.AsyncClient) -> None:
    conversation_id = await say(client, "hello")
    for text in ("add buy milk", "what's left?"):
        await say(client, text, conversation_id)
    path = f"{CONVERSATIONS}/{conversation_id}/messages"
    whole = (await client.get(path)).json()
    assert [m["role"] for m in whole["data"]] == ["user", "assistant"] * 3
    assert (whole["has_more"], whole["after"], whole["stale"]) == (False, None, False)
    assert set(whole["data"][0]) == {
        "id",
        "role",
        "content",
        "tool_calls",
        "run_id",
        "status",
        "created_at",
        "branch_id",
        "siblings",
    }
    first = (await client.get(path, params={"order": "desc", "limit": 4})).json()
    params = {"order": "desc", "limit": 4, "after": first["after"]}
    second = (await client.get(path, params=params)).json()
    assert [*first["data"], *second["data"]] == whole["data"][::-1]


async def test_tasks_are_listed_by_status(client: httpx.AsyncClient) -> None:
    conversation_id = await say(client, "add buy milk and call mum")
    await say(client, "complete buy milk", conversation_id)

    async def titles(**params: str) -> list[str]:
        page = (await client.get("/api/ada/tasks", params=params)).json()
        return [task["title"].lower() for task in page["data"]]

    assert await titles(status="pending") == ["call mum"]
    assert await titles(status="completed") == ["buy milk"]
    assert sorted(await titles()) == ["buy milk", "call mum"]


class TestEvents:
    async def test_tail_tells_the_log_and_ends_with_the_conversation(
        self, live: httpx.AsyncClient, node: Node
    ) -> None:
        conversation_id = await say(live, "hello")
        path = f"{CONVERSATIONS}/{conversation_id}"
        seen: list[streams.Event] = []
        async with live.stream("GET", f"{path}/events") as response:
            assert response.status_code == 200
            assert response.headers["content-type"].startswith("text/event-stream")
            async for event in streams.read(response):
                seen.append(event)
                if event.name == "conversation.run_completed":
                    await live.patch(path, json={"title": "Greetings"})
                if event.name == "conversation.renamed":
                    await live.delete(path)
        recorded = await node.store.read_stream(stream_of(conversation_id))
        assert [event.name for event in seen] == [r.event.topic for r in recorded]
        assert [event.id for event in seen] == [str(r.stream_version) for r in recorded]
        assert seen[0].name == "conversation.started"
        assert seen[-1].name == "conversation.deleted"
        told = seen[1].data
        assert set(told) == {"version", "position", "topic", "event_id", "recorded_at", "data"}
        assert told["data"]["text"] == "hello"
        positions = [event.data["position"] for event in seen]
        assert positions == sorted(set(positions))

    async def test_tail_goes_on_after_the_last_event_id(self, live: httpx.AsyncClient) -> None:
        path = f"{CONVERSATIONS}/{await say(live, 'hello')}/events"
        async with live.stream("GET", path, headers={"Last-Event-ID": "2"}) as response:
            async for event in streams.read(response):
                assert event.id == "3"
                break

    @pytest.mark.parametrize("last_event_id", ["x", "-1", "1.5", str(2**63)])
    async def test_tail_refuses_what_is_no_version(
        self, client: httpx.AsyncClient, last_event_id: str
    ) -> None:
        path = f"{CONVERSATIONS}/{await say(client, 'hello')}/events"
        response = await client.get(path, headers={"Last-Event-ID": last_event_id})
        assert response.status_code == 422

    async def test_idle_tail_ends_with_a_hint_when_to_return(
        self, live: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("api.tailing.IDLE_SECONDS", 0.3)
        path = f"{CONVERSATIONS}/{await say(live, 'hello')}/events"
        async with asyncio.timeout(20):
            response = await live.get(path)
        assert response.text.endswith("retry: 15000\n\n")
        assert json.loads(streams.parse(response.text)[-1].text)["topic"].endswith("run_completed")


async def test_what_does_not_exist_is_404(client: httpx.AsyncClient) -> None:
    unknown = uuid4()
    for path in ("", "/messages", "/events"):
        response = await client.get(f"{CONVERSATIONS}/{unknown}{path}")
        assert response.status_code == 404
        assert response.json()["detail"] == "There is no such conversation."
    assert (
        await client.patch(f"{CONVERSATIONS}/{unknown}", json={"title": "x"})
    ).status_code == 404
    assert (await client.delete(f"{CONVERSATIONS}/{unknown}")).status_code == 404
    for path in ("", "/stream"):
        assert (await client.get(f"/api/ada/runs/{unknown}{path}")).status_code == 404
    assert (await client.delete(f"/api/ada/runs/{unknown}")).status_code == 404


async def test_conversation_of_a_newer_release_is_refused_for_now(
    client: httpx.AsyncClient, node: Node
) -> None:
    conversation_id = await say(client, "hello")
    version = await node.database.direct.fetchval(
        "WITH head AS (UPDATE verbatim.heads SET version = version + 1 WHERE stream_id = $1 "
        "RETURNING version) INSERT INTO verbatim.events (stream_id, stream_version, event_id, "
        "topic, schema_version, state, owner_id, metadata) SELECT e.stream_id, head.version, "
        "gen_random_uuid(), 'conversation.sung', 1, e.state, e.owner_id, e.metadata "
        "FROM verbatim.events AS e, head WHERE e.stream_id = $1 AND e.stream_version = 1 "
        "RETURNING stream_version",
        stream_of(conversation_id),
    )
    assert version > 1
    answer = await client.patch(f"{CONVERSATIONS}/{conversation_id}", json={"title": "Plans"})
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "10"
    assert "newer release" in answer.json()["detail"]
