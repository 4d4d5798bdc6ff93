"""What ChatKit requests are refused for, before the first byte and before anything is stored."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from api.chatkit import OPERATIONS
from events.ids import new_id
from runtime.node import Node

from .chatkit_wire import (
    NOBODYS_ID,
    OF_THREAD,
    ask,
    assert_problem,
    done_items,
    json_of,
    say,
    thread_of,
    typed,
)


async def count_events(node: Node) -> int:
    found: int = await node.database.direct.fetchval("SELECT count(*) FROM verbatim.events")
    return found


@pytest.mark.parametrize("operation", OPERATIONS)
async def test_every_operation_needs_credentials(
    stranger: httpx.AsyncClient, node: Node, operation: str
) -> None:
    response = await ask(stranger, operation, thread_id="t", input=typed("hello"))
    assert_problem(response, 401)
    assert response.headers["www-authenticate"].startswith("Bearer")
    assert await count_events(node) == 0


async def test_bad_token_is_told_so(client_of: Any) -> None:
    client = client_of(None, headers={"Authorization": "Bearer nonsense"})
    response = await ask(client, "threads.list")
    assert_problem(response, 401)
    assert 'error="invalid_token"' in response.headers["www-authenticate"]


async def test_agent_token_is_no_good_for_chatkit(client_of: Any, node: Node) -> None:
    token = node.signer.agent_token("ada", run_id="r", call_id="c")
    client = client_of(None, headers={"Authorization": f"Bearer {token}"})
    assert_problem(await ask(client, "threads.list"), 401)


async def test_foreign_thread_is_forbidden_to_every_operation(
    client: httpx.AsyncClient, eve: httpx.AsyncClient, node: Node
) -> None:
    events = await say(client, "hello")
    before = await count_events(node)
    for operation, params in OF_THREAD.items():
        response = await ask(eve, operation, thread_id=thread_of(events), **params)
        assert assert_problem(response, 403), operation
    assert await count_events(node) == before
    thread = await json_of(client, "threads.get_by_id", thread_id=thread_of(events))
    assert thread["items"]["data"] == done_items(events)


@pytest.mark.parametrize("thread_id", ["nonsense", "", NOBODYS_ID, "a\x00b", "x" * 5_000])
async def test_unknown_thread_is_not_found_by_any_operation(
    client: httpx.AsyncClient, node: Node, thread_id: str
) -> None:
    for operation, params in OF_THREAD.items():
        response = await ask(client, operation, thread_id=thread_id, **params)
        assert assert_problem(response, 404), operation
    assert await count_events(node) == 0


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'"threads.list"',
        b"{}",
        b'{"type": "threads.burn", "params": {}}',
        b'{"type": "threads.create"}',
        b'{"type": "threads.create", "params": {"input": {"content": "hello"}}}',
        b'{"type": "threads.list", "params": {"limit": "many"}}',
        b'{"type": "threads.list", "params": {"order": "random"}}',
        b'{"type": "items.feedback", "params": {"thread_id": "t", "item_ids": [], "kind": "meh"}}',
        b'{"type": "threads.list", "params": {}, "metadata": []}',
        b"\xff\xfe",
    ],
)
async def test_unreadable_request_is_refused(
    client: httpx.AsyncClient, node: Node, body: bytes
) -> None:
    response = await client.post(
        "/chatkit", content=body, headers={"Content-Type": "application/json"}
    )
    assert assert_problem(response, 422)["errors"]
    assert await count_events(node) == 0


@pytest.mark.parametrize(
    "content",
    [
        [],
        [{"type": "input_text", "text": ""}],
        [{"type": "input_text", "text": " \n "}],
        [{"type": "input_text", "text": "x" * 32_001}],
        [
            {"type": "input_text", "text": "x" * 20_000},
            {"type": "input_text", "text": "y" * 20_000},
        ],
        [{"type": "input_text", "text": "a\x00b"}],
        [{"type": "input_image", "url": "x"}],
    ],
)
async def test_message_that_cannot_be_sent_is_refused(
    client: httpx.AsyncClient, node: Node, content: list[dict[str, Any]]
) -> None:
    sent = {**typed(""), "content": content}
    assert_problem(await ask(client, "threads.create", input=sent), 422)
    assert await count_events(node) == 0
    assert (await json_of(client, "threads.list"))["data"] == []


async def test_lone_surrogates_are_refused(client: httpx.AsyncClient, node: Node) -> None:
    body = (
        '{"type": "threads.create", "params": {"input": {"content": [{"type": "input_text", '
        '"text": "\\ud800"}], "attachments": [], "inference_options": {}}}}'
    )
    response = await client.post(
        "/chatkit", content=body, headers={"Content-Type": "application/json"}
    )
    assert_problem(response, 422)
    assert await count_events(node) == 0


@pytest.mark.parametrize(
    "fields",
    [
        {"quoted_text": "a\x00b"},
        {"quoted_text": "x" * 32_001},
        {"attachments": [NOBODYS_ID] * 11},
    ],
)
async def test_message_with_fields_that_cannot_be_stored_is_refused(
    client: httpx.AsyncClient, node: Node, fields: dict[str, Any]
) -> None:
    assert_problem(await ask(client, "threads.create", input=typed("hello", **fields)), 422)
    assert await count_events(node) == 0


async def test_number_that_cannot_be_stored_is_refused(
    client: httpx.AsyncClient, node: Node
) -> None:
    tag = {"type": "input_tag", "id": "t", "text": "@t", "data": {"n": 10**30}}
    sent = {**typed(""), "content": [tag]}
    assert_problem(await ask(client, "threads.create", input=sent), 422)
    for operation in ("threads.custom_action", "threads.sync_custom_action"):
        action = {"type": "press", "payload": 10**30}
        response = await ask(client, operation, thread_id="t", item_id="i", action=action)
        assert_problem(response, 422)
    assert await count_events(node) == 0


async def test_body_of_a_megabyte_is_too_large(client: httpx.AsyncClient, node: Node) -> None:
    response = await ask(client, "threads.create", input=typed("x" * 1_100_000))
    assert_problem(response, 413)
    assert await count_events(node) == 0


@pytest.mark.parametrize("key", ["", "x" * 256, "a b", "ä", 7, ["k"], {"k": 1}])
async def test_unusable_idempotency_key_is_refused(
    client: httpx.AsyncClient, node: Node, key: Any
) -> None:
    assert_problem(await ask(client, "threads.create", key=key, input=typed("hello")), 422)
    assert await count_events(node) == 0


async def test_key_of_another_request_is_refused(client: httpx.AsyncClient) -> None:
    await say(client, "hello", key="k1")
    problem = assert_problem(
        await ask(client, "threads.create", key="k1", input=typed("good bye")), 422
    )
    assert problem["type"].endswith("idempotency-mismatch")
    assert len((await json_of(client, "threads.list"))["data"]) == 1


@pytest.mark.parametrize("limit", [0, -1, -(2**70)])
async def test_limit_below_one_is_refused(client: httpx.AsyncClient, limit: int) -> None:
    assert_problem(await ask(client, "threads.list", limit=limit), 422)


async def test_huge_limit_is_clamped(client: httpx.AsyncClient) -> None:
    events = await say(client, "hello")
    threads = await json_of(client, "threads.list", limit=2**40)
    assert len(threads["data"]) == 1
    page = await json_of(client, "items.list", thread_id=thread_of(events), limit=2**40)
    assert page["data"] == done_items(events)[::-1]


@pytest.mark.parametrize("after", ["nonsense", "", "a\x00b", "e30", NOBODYS_ID, "x" * 10_000])
async def test_bad_cursor_is_refused(client: httpx.AsyncClient, after: str) -> None:
    thread_id = thread_of(await say(client, "hello"))
    for operation, params in (("threads.list", {}), ("items.list", {"thread_id": thread_id})):
        problem = assert_problem(await ask(client, operation, after=after, **params), 422)
        assert problem["type"].endswith("invalid-cursor"), operation


async def test_cursor_of_another_thread_is_refused(client: httpx.AsyncClient) -> None:
    one, other = await say(client, "one"), await say(client, "other")
    after = done_items(other)[0]["id"]
    response = await ask(client, "items.list", thread_id=thread_of(one), after=after)
    assert_problem(response, 422)


async def test_unknown_item_is_not_found(client: httpx.AsyncClient) -> None:
    thread_id = thread_of(await say(client, "hello"))
    other = done_items(await say(client, "other"))[0]["id"]
    for item_id in ("nonsense", str(new_id()), "a\x00b", other):
        for operation in OF_THREAD:
            params = OF_THREAD[operation] | {"thread_id": thread_id}
            if "item_id" in params:
                response = await ask(client, operation, **{**params, "item_id": item_id})
            elif operation == "items.feedback":
                response = await ask(client, operation, **{**params, "item_ids": [item_id]})
            else:
                continue
            assert_problem(response, 404)


@pytest.mark.parametrize("count", [0, 101])
async def test_feedback_on_no_item_or_too_many_is_refused(
    client: httpx.AsyncClient, count: int
) -> None:
    thread_id = thread_of(await say(client, "hello"))
    response = await ask(
        client, "items.feedback", thread_id=thread_id, item_ids=["i"] * count, kind="positive"
    )
    assert_problem(response, 422)


async def test_only_a_users_message_can_be_answered_again(client: httpx.AsyncClient) -> None:
    events = await say(client, "hello")
    response = await ask(
        client,
        "threads.retry_after_item",
        thread_id=thread_of(events),
        item_id=done_items(events)[-1]["id"],
    )
    assert_problem(response, 422)


@pytest.mark.parametrize("title", ["x" * 201, "a\x00b"])
async def test_title_that_cannot_be_stored_is_refused(
    client: httpx.AsyncClient, title: str
) -> None:
    thread_id = thread_of(await say(client, "hello"))
    assert_problem(await ask(client, "threads.update", thread_id=thread_id, title=title), 422)
    thread = await json_of(client, "threads.get_by_id", thread_id=thread_id)
    assert thread["title"] == "hello"


async def test_dictation_is_not_configured(client: httpx.AsyncClient) -> None:
    response = await ask(
        client, "input.transcribe", audio_base64="AAAA", mime_type="audio/webm;codecs=opus"
    )
    assert "not configured" in assert_problem(response, 501)["detail"]


async def test_dictation_of_nonsense_is_refused_too(client: httpx.AsyncClient) -> None:
    response = await ask(client, "input.transcribe", audio_base64="%", mime_type="audio/webm")
    assert_problem(response, 501)
