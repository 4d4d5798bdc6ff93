from __future__ import annotations

import asyncio
import uuid

import httpx
import pytest
from agents import Model
from agents.testing import ScriptedModel, assistant_message
from fastapi import FastAPI

from runtime.node import Node

from . import streams
from .conftest import Clients

CHAT = "/api/ada/chat"
STREAM = {"Accept": "text/event-stream"}


async def test_chat_answers_json_when_the_run_has_ended(client: httpx.AsyncClient) -> None:
    response = await client.post(CHAT, json={"message": "add buy milk"})
    assert response.status_code == 200, response.text
    answer = response.json()
    assert answer["status"] == "completed"
    assert "milk" in answer["response"].lower()
    (call,) = answer["tool_calls"]
    assert (call["name"], call["status"], call["error"]) == ("add_task", "success", None)
    assert response.headers["verbatim-position"].startswith(
        f"conversation-{answer['conversation_id']}:"
    )
    tasks = (await client.get("/api/ada/tasks")).json()["data"]
    assert [task["title"].lower() for task in tasks] == ["buy milk"]


async def test_chat_streams_named_events_with_ids(client: httpx.AsyncClient) -> None:
    response = await client.post(CHAT, json={"message": "add buy milk"}, headers=STREAM)
    assert response.status_code == 200
    assert response.headers["content-type"].startswith("text/event-stream")
    assert response.headers["cache-control"] == "no-cache, no-transform"
    first, *rest = streams.parse(response.text)
    run_id = response.headers["verbatim-run"]
    assert first.name == "conversation"
    assert first.data["run_id"] == run_id
    assert set(first.data) == {"conversation_id", "message_id", "run_id"}
    assert [event.id for event in (first, *rest)] == [
        f"{run_id}:{seq}" for seq in range(len(rest) + 1)
    ]
    assert all(event.name == event.data["type"] for event in rest)
    assert [event.name for event in rest[:3]] == [
        "thread.created",
        "thread.item.done",
        "stream_options",
    ]


async def test_chat_goes_on_in_a_conversation(client: httpx.AsyncClient) -> None:
    first = (await client.post(CHAT, json={"message": "add buy milk"})).json()
    body = {"message": "what's left?", "conversation_id": first["conversation_id"]}
    second = (await client.post(CHAT, json=body)).json()
    assert second["conversation_id"] == first["conversation_id"]
    assert "milk" in second["response"].lower()
    path = f"/api/ada/conversations/{first['conversation_id']}/messages"
    messages = (await client.get(path)).json()["data"]
    assert [m["role"] for m in messages] == ["user", "assistant", "user", "assistant"]
    assert messages[1]["tool_calls"] == first["tool_calls"]


async def test_chat_with_one_key_sends_once(client: httpx.AsyncClient) -> None:
    headers = {"Idempotency-Key": "monday-1"}
    body = {"message": "add buy milk"}
    answers = await asyncio.gather(
        *(client.post(CHAT, json=body, headers=headers) for _ in range(5))
    )
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.text for answer in answers}) == 1
    streamed = await client.post(CHAT, json=body, headers=headers | STREAM)
    assert streams.parse(streamed.text)[0].data["run_id"] == answers[0].json()["run_id"]
    assert len((await client.get("/api/ada/tasks")).json()["data"]) == 1
    other = await client.post(CHAT, json={"message": "add call mum"}, headers=headers)
    assert other.status_code == 422
    assert other.json()["type"].endswith("idempotency-mismatch")


async def test_same_key_of_two_users_is_two_keys(
    client: httpx.AsyncClient, eve: httpx.AsyncClient
) -> None:
    headers = {"Idempotency-Key": "monday-1"}
    mine = await client.post(CHAT, json={"message": "hello"}, headers=headers)
    hers = await eve.post("/api/eve/chat", json={"message": "hello"}, headers=headers)
    assert (mine.status_code, hers.status_code) == (200, 200)
    assert mine.json()["conversation_id"] != hers.json()["conversation_id"]


@pytest.mark.parametrize("key", ["", "a b", "ü", "k" * 256])
async def test_unusable_idempotency_key_is_refused(client: httpx.AsyncClient, key: str) -> None:
    headers = {"Idempotency-Key": key.encode()}
    response = await client.post(CHAT, json={"message": "hello"}, headers=headers)  # type: ignore[arg-type]
    assert response.status_code == 422
    assert (await client.get("/api/ada/conversations")).json()["data"] == []


@pytest.mark.parametrize(
    ("accept", "is_stream"),
    [
        ("text/event-stream", True),
        ("application/json", False),
        ("*/*", False),
        ("text/event-stream, application/json", True),
        ("application/json, text/event-stream;q=0.5", False),
        ("text/event-stream;q=0", False),
    ],
)
async def test_accept_chooses_the_answer(
    client: httpx.AsyncClient, accept: str, is_stream: bool
) -> None:
    response = await client.post(CHAT, json={"message": "hi"}, headers={"Accept": accept})
    assert response.headers["content-type"].startswith("text/event-stream") is is_stream


class TestFailingModel:
    @pytest.fixture
    def model(self) -> Model:
        return ScriptedModel([RuntimeError("the model is on fire")])

    async def test_failed_run_is_told_without_its_inside(self, client: httpx.AsyncClient) -> None:
        response = await client.post(CHAT, json={"message": "hi"})
        answer = response.json()
        assert (response.status_code, answer["status"]) == (200, "failed")
        assert answer["error"]["code"]
        assert "on fire" not in response.text
        run = (await client.get(f"/api/ada/runs/{answer['run_id']}")).json()
        assert (run["status"], run["error"]) == ("failed", answer["error"])


class TestSlowModel:
    @pytest.fixture
    def gate(self) -> asyncio.Event:
        return asyncio.Event()

    @pytest.fixture
    def model(self, gate: asyncio.Event) -> Model:
        class Waiting(ScriptedModel):
            async def stream_response(self, *args, **kwargs):  # type: ignore[no-untyped-def]
                await gate.wait()
                async for event in super().stream_response(*args, **kwargs):
                    yield event

        return Waiting([[assistant_message("At last.")], [assistant_message("Again.")]])

    async def test_stream_is_live_and_its_rest_comes_at_the_run(
        self, live: httpx.AsyncClient, gate: asyncio.Event
    ) -> None:
        async with live.stream("POST", CHAT, json={"message": "hi"}, headers=STREAM) as response:
            seen = []
            async for event in streams.read(response):
                seen.append(event)
                if event.name == "stream_options":
                    break
            run_id = response.headers["verbatim-run"]
        gate.set()
        path = f"/api/ada/runs/{run_id}/stream"
        rest = await live.get(path, headers={"Last-Event-ID": str(seen[-1].id)})
        whole = await live.get(path)
        assert seen + streams.parse(rest.text) == streams.parse(whole.text)
        assert any("At last." in event.text for event in streams.parse(rest.text))

    async def test_silent_stream_shows_signs_of_life(
        self, live: httpx.AsyncClient, gate: asyncio.Event, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("api.sse.PING_SECONDS", 0.1)
        monkeypatch.setattr("api.run_feed.SILENCE_SECONDS", 0.1)
        lines = []
        async with live.stream("POST", CHAT, json={"message": "hi"}, headers=STREAM) as response:
            async for line in response.aiter_lines():
                lines.append(line)
                if lines.count(": ping") == 3:
                    gate.set()
        told = streams.parse("\n".join(lines))
        assert [event.id for event in told] == [
            f"{response.headers['verbatim-run']}:{seq}" for seq in range(len(told))
        ]
        assert any("At last." in event.text for event in told)

    async def test_stop_ends_the_run_and_is_fine_twice(
        self, live: httpx.AsyncClient, gate: asyncio.Event
    ) -> None:
        async with live.stream("POST", CHAT, json={"message": "hi"}, headers=STREAM) as response:
            path = f"/api/ada/runs/{response.headers['verbatim-run']}"
            assert (await live.delete(path)).status_code == 204
            async for _ in streams.read(response):
                pass
        assert (await live.get(path)).json()["status"] == "cancelled"
        assert (await live.delete(path)).status_code == 204

    async def test_leaving_stops_nothing(
        self, live: httpx.AsyncClient, gate: asyncio.Event, node: Node
    ) -> None:
        async with live.stream("POST", CHAT, json={"message": "hi"}, headers=STREAM) as response:
            run_id = uuid.UUID(response.headers["verbatim-run"])
        gate.set()
        async with asyncio.timeout(20):
            async for _ in node.frames.follow(run_id, "ada"):
                pass
        run = await node.reads.run("ada", str(run_id))
        assert run is not None
        assert run.status == "completed"

    async def test_deleting_a_conversation_ends_its_run_and_stream(
        self, live: httpx.AsyncClient, node: Node
    ) -> None:
        async with live.stream("POST", CHAT, json={"message": "hi"}, headers=STREAM) as response:
            async for event in streams.read(response):
                if event.name == "conversation":
                    path = f"/api/ada/conversations/{event.data['conversation_id']}"
                    assert (await live.delete(path)).status_code == 204
        async with asyncio.timeout(20):
            while await node.leases.count():
                await asyncio.sleep(0.05)
        assert (await live.get(path)).status_code == 404


async def test_policy_reject_refuses_a_second_message_during_a_run(
    client_of: Clients, app: FastAPI
) -> None:
    """The settings of this app enqueue, so the policy is set for this test alone."""
    app.state.settings = app.state.settings.model_copy(update={"verbatim_multiple_sends": "reject"})
    client = client_of("ada")
    started = (await client.post(CHAT, json={"message": "hello"})).json()
    body = {"message": "and?", "conversation_id": started["conversation_id"]}
    answers = await asyncio.gather(*(client.post(CHAT, json=body) for _ in range(4)))
    refused = [answer for answer in answers if answer.status_code == 409]
    assert refused
    assert {answer.json()["type"] for answer in refused} == {"urn:verbatim:problem:run-unfinished"}
    assert {answer.status_code for answer in answers} == {200, 409}
