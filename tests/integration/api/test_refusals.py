from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import httpx
import jwt
import pytest
from fastapi import FastAPI
from structlog.testing import capture_logs

from runtime.node import Node

from .conftest import SECRET, Clients

CHAT = "/api/ada/chat"
CONVERSATIONS = "/api/ada/conversations"
JSON = {"Content-Type": "application/json"}
#: Bodies that would be carried out, were the caller allowed to.
BODIES = {"chat": {"message": "hello"}, "{conversation_id}": {"title": "Mine now"}}


def routes(app: FastAPI) -> Iterator[tuple[str, str]]:
    """Every documented route that asks for credentials."""
    for path, item in app.openapi()["paths"].items():
        for method, operation in item.items():
            if operation.get("security"):
                yield method.upper(), path


def address(path: str, user_id: str, conversation_id: str, run_id: str) -> str:
    known = {"user_id": user_id, "conversation_id": conversation_id, "run_id": run_id}
    known |= {"thread_id": conversation_id, "message_id": str(uuid4()), "call_id": str(uuid4())}
    return path.format(**known, attachment_id=uuid4())


async def count_events(node: Node) -> int:
    count: int = await node.database.direct.fetchval("SELECT count(*) FROM verbatim.events")
    return count


async def test_every_route_refuses_strangers_before_it_does_anything(
    app: FastAPI, node: Node, client: httpx.AsyncClient, client_of: Clients
) -> None:
    sent = (await client.post(CHAT, json={"message": "hello"})).json()
    stored = await count_events(node)
    callers: dict[str, tuple[httpx.AsyncClient, int]] = {
        "no token": (client_of(None), 401),
        "no JWT": (client_of(None, headers={"Authorization": "Bearer nonsense"}), 401),
        "expired": (client_of(None, headers=_bearer(_signed(SECRET, expires_at=1))), 401),
        "forged": (client_of(None, headers=_bearer(_signed(SECRET[::-1], expires_at=2**33))), 401),
        "other scheme": (client_of(None, headers={"Authorization": "Basic YTpi"}), 401),
        "other user": (client_of("eve"), 403),
    }
    wrong = []
    seen = 0
    for method, path in routes(app):
        for who, (caller, expected) in callers.items():
            if who == "other user" and "{user_id}" not in path:
                continue
            where = address(path, "ada", sent["conversation_id"], sent["run_id"])
            body = BODIES.get(path.rpartition("/")[2])
            response = await caller.request(method, where, json=body)
            seen += 1
            is_challenged = "www-authenticate" in response.headers or expected != 401
            if response.status_code != expected or not is_problem(response) or not is_challenged:
                wrong.append((who, method, path, response.status_code))
    assert wrong == []
    assert seen > 80
    assert await count_events(node) == stored


async def test_what_belongs_to_another_user_is_403(
    client: httpx.AsyncClient, eve: httpx.AsyncClient, node: Node
) -> None:
    sent = (await client.post(CHAT, json={"message": "hello"})).json()
    stored = await count_events(node)
    conversation = f"/api/eve/conversations/{sent['conversation_id']}"
    run = f"/api/eve/runs/{sent['run_id']}"
    into = {"message": "hi", "conversation_id": sent["conversation_id"]}
    answers = [
        await eve.get(conversation),
        await eve.get(f"{conversation}/messages"),
        await eve.get(f"{conversation}/events"),
        await eve.patch(conversation, json={"title": "Mine now"}),
        await eve.delete(conversation),
        await eve.get(run),
        await eve.get(f"{run}/stream"),
        await eve.delete(run),
        await eve.post("/api/eve/chat", json=into),
        await eve.post("/api/eve/chat", json=into, headers={"Accept": "text/event-stream"}),
    ]
    assert [answer.status_code for answer in answers] == [403] * len(answers)
    assert all(is_problem(answer) for answer in answers)
    assert await count_events(node) == stored
    assert (await eve.get("/api/eve/conversations")).json()["data"] == []


BAD_MESSAGES: dict[str, tuple[bytes, int]] = {
    "empty": (b'{"message": ""}', 422),
    "blank": (b'{"message": " \\n\\t "}', 422),
    "too long": (json.dumps({"message": "x" * 32_001}).encode(), 422),
    "a megabyte": (json.dumps({"message": "x" * 1_000_000}).encode(), 422),
    "more than a megabyte": (json.dumps({"message": "x" * 1_100_000}).encode(), 413),
    "NUL": (b'{"message": "a\\u0000b"}', 422),
    "lone surrogate": (b'{"message": "a\\ud800b"}', 422),
    "malformed": (b'{"message": "a', 422),
    "no JSON object": (b'"hello"', 422),
    "not UTF-8": (b'{"message": "\xff\xfe"}', 422),
    "nothing": (b"", 422),
    "a number": (b'{"message": 1}', 422),
    "no message": (b"{}", 422),
    "more than asked for": (b'{"message": "a", "user_id": "eve"}', 422),
    "100 attachments": (json.dumps({"message": "a", "attachments": ["x"] * 100}).encode(), 422),
    "no UUID": (b'{"message": "a", "conversation_id": "../eve"}', 422),
    "deeply nested": (b'{"message": ' + b"[" * 100_000, 422),
}


async def test_unusable_messages_are_refused_and_store_nothing(
    client: httpx.AsyncClient, node: Node
) -> None:
    for what, (body, status) in BAD_MESSAGES.items():
        response = await client.post(CHAT, content=body, headers=JSON)
        assert response.status_code == status, (what, response.text)
        assert is_problem(response)
        assert response.json()["detail"]
        assert "xxxx" not in response.text
    unknown = {"message": "a", "conversation_id": str(uuid4())}
    assert (await client.post(CHAT, json=unknown)).status_code == 404
    assert await count_events(node) == 0


async def test_credentials_come_before_the_body(stranger: httpx.AsyncClient) -> None:
    for body, _ in BAD_MESSAGES.values():
        if len(body) < 1_000_000:
            response = await stranger.post(CHAT, content=body, headers=JSON)
            assert response.status_code == 401


async def test_body_that_is_longer_than_announced_is_cut_off(
    client: httpx.AsyncClient, node: Node
) -> None:
    async def endless() -> Any:
        yield b'{"message": "'
        for _ in range(20):
            yield b"x" * 100_000

    response = await client.post(CHAT, content=endless(), headers=JSON)
    assert response.status_code == 413
    assert is_problem(response)
    assert await count_events(node) == 0


@pytest.mark.parametrize(
    "query",
    [
        {"limit": 0},
        {"limit": 101},
        {"limit": 10**30},
        {"limit": "many"},
        {"order": "sideways"},
        {"after": "nonsense"},
        {"after": "WzFd"},
        {"after": "a\x00b"},
        {"after": "x" * 600},
    ],
)
async def test_unusable_page_is_422(client: httpx.AsyncClient, query: dict[str, Any]) -> None:
    sent = (await client.post(CHAT, json={"message": "hello"})).json()
    messages = f"{CONVERSATIONS}/{sent['conversation_id']}/messages"
    for path in (CONVERSATIONS, messages, "/api/ada/tasks"):
        if query == {"after": "WzFd"} and path == messages:
            continue  # an ordinal, which is what leads through messages
        response = await client.get(path, params=query)
        assert response.status_code == 422, (path, response.text)
        assert is_problem(response)


@pytest.mark.parametrize("name", ["x", "%00", "..%2Feve", "123", "{}"])
async def test_ids_that_none_can_be_are_422(client: httpx.AsyncClient, name: str) -> None:
    for path in (f"{CONVERSATIONS}/{name}", f"/api/ada/runs/{name}"):
        response = await client.get(path)
        assert response.status_code in (404, 422)
        assert is_problem(response)


@pytest.mark.parametrize("body", [{}, {"title": ""}, {"title": "x" * 201}, {"title": "a\x00"}])
async def test_unusable_titles_are_422(client: httpx.AsyncClient, body: dict[str, str]) -> None:
    sent = (await client.post(CHAT, json={"message": "hello"})).json()
    path = f"{CONVERSATIONS}/{sent['conversation_id']}"
    before = (await client.get(path)).json()
    response = await client.patch(path, json=body)
    assert response.status_code == 422
    assert (await client.get(path)).json() == before


async def test_resuming_from_what_no_stream_sent_is_refused(client: httpx.AsyncClient) -> None:
    sent = (await client.post(CHAT, json={"message": "hello"})).json()
    path = f"/api/ada/runs/{sent['run_id']}/stream"
    for last_event_id in ("", "7", "x", f"{uuid4()}:1", f"{sent['run_id']}:-1"):
        response = await client.get(path, headers={"Last-Event-ID": last_event_id})
        assert response.status_code == 422, last_event_id
    gone = await client.get(path, headers={"Last-Event-ID": f"{sent['run_id']}:1000"})
    assert gone.status_code == 410
    assert gone.json()["type"] == "urn:verbatim:problem:stream-gone"


async def test_dropped_frames_are_410_and_json_still_answers(
    client: httpx.AsyncClient, node: Node
) -> None:
    headers = {"Idempotency-Key": "once"}
    sent = await client.post(CHAT, json={"message": "hello"}, headers=headers)
    await node.database.direct.execute("DELETE FROM verbatim.frames")
    path = f"/api/ada/runs/{sent.json()['run_id']}/stream"
    assert (await client.get(path)).status_code == 410
    again = await client.post(CHAT, json={"message": "hello"}, headers=headers)
    assert (again.status_code, again.text) == (200, sent.text)
    stream = headers | {"Accept": "text/event-stream"}
    streamed = await client.post(CHAT, json={"message": "hello"}, headers=stream)
    assert streamed.status_code == 410


async def test_unknown_addresses_and_methods_are_problems(client: httpx.AsyncClient) -> None:
    nowhere = await client.get("/nowhere")
    assert (nowhere.status_code, is_problem(nowhere)) == (404, True)
    wrong = await client.put(CHAT)
    assert (wrong.status_code, wrong.headers["allow"]) == (405, "POST")
    assert is_problem(wrong)


async def test_validation_says_where_and_never_repeats_the_input(
    client: httpx.AsyncClient,
) -> None:
    response = await client.post(CHAT, json={"message": ["a secret"]})
    problem = response.json()
    assert problem["errors"] == [
        {"loc": ["body", "message"], "msg": "Input should be a valid string"}
    ]
    assert "body.message" in problem["detail"]
    assert "a secret" not in response.text


async def test_unexpected_error_is_a_plain_500(client: httpx.AsyncClient, node: Node) -> None:
    await node.database.direct.execute("ALTER TABLE read_g1.tasks RENAME TO other_tasks")
    with capture_logs() as lines:
        response = await client.get("/api/ada/tasks", headers={"X-Request-Id": "request-500"})
    assert (response.status_code, is_problem(response)) == (500, True)
    assert response.headers["x-request-id"] == "request-500"
    assert response.json()["instance"] == "urn:verbatim:request:request-500"
    assert "tasks" not in response.text
    assert "content-security-policy" in response.headers
    assert [line["event"] for line in lines] == ["request_failed", "request"]
    assert lines[1]["status"] == 500


def is_problem(response: httpx.Response) -> bool:
    if response.headers["content-type"] != "application/problem+json":
        return False
    problem = response.json()
    return (
        problem["status"] == response.status_code
        and problem["type"].startswith("urn:verbatim:problem:")
        and bool(problem["title"])
        and bool(problem["detail"])
    )


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def _signed(secret: str, expires_at: int) -> str:
    return jwt.encode({"sub": "ada", "iat": 0, "exp": expires_at}, secret, "HS256")
