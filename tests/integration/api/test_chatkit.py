"""The operations of the ChatKit protocol that every client uses."""

from __future__ import annotations

from typing import Any

import httpx
import orjson
from chatkit.types import Page, Thread, ThreadItem
from pydantic import TypeAdapter

from events import conversation as c
from runtime.node import Node

from .chatkit_wire import (
    NOBODYS_ID,
    ask,
    done_items,
    events_of,
    json_of,
    kinds,
    reply_of,
    say,
    thread_of,
    typed,
)


async def stored(node: Node, thread_id: str) -> list[Any]:
    recorded = await node.store.read_stream(c.stream_of(thread_id))
    return [one.event for one in recorded]


async def test_create_streams_the_thread_the_message_and_the_reply(
    client: httpx.AsyncClient,
) -> None:
    response = await ask(client, "threads.create", input=typed("add buy milk"))
    events = events_of(response)
    assert kinds(events)[:3] == ["thread.created", "thread.item.done", "stream_options"]
    assert events[0]["thread"]["id"] == thread_of(events)
    assert events[1]["item"]["type"] == "user_message"
    assert events[2]["stream_options"] == {"allow_cancel": True}
    assert "milk" in reply_of(events)
    assert response.headers["cache-control"] == "no-cache, no-transform"
    assert response.headers["x-accel-buffering"] == "no"
    assert response.headers["verbatim-run"]
    assert response.headers["verbatim-position"].startswith(f"conversation-{thread_of(events)}:")
    assert response.text.count("id:") == 0
    assert ": end" not in response.text


async def test_add_user_message_continues_a_thread(client: httpx.AsyncClient) -> None:
    thread_id = thread_of(await say(client, "add buy milk"))
    events = await say(client, "list my tasks", thread_id)
    assert kinds(events)[:2] == ["thread.item.done", "stream_options"]
    assert thread_of(events) == thread_id
    assert "milk" in reply_of(events)


async def test_message_keeps_what_the_client_sent(client: httpx.AsyncClient, node: Node) -> None:
    tag = {
        "type": "input_tag",
        "id": "t1",
        "text": "@milk",
        "data": {"aisle": 4, "note": None},
        "interactive": True,
    }
    sent = typed(
        "what about ",
        quoted_text="buy milk",
        inference_options={"model": "gpt-5.4-mini", "tool_choice": {"id": "add_task"}},
    )
    sent["content"].append(tag)
    item = done_items(events_of(await ask(client, "threads.create", input=sent)))[0]
    assert item["content"] == [{"type": "input_text", "text": "what about "}, tag]
    assert item["quoted_text"] == "buy milk"
    assert item["inference_options"] == sent["inference_options"]
    posted = (await stored(node, item["thread_id"]))[1]
    assert posted.text == "what about @milk"
    page = await json_of(client, "items.list", thread_id=item["thread_id"], order="asc")
    assert page["data"][0] == item


async def test_same_key_sends_once_and_streams_the_same_again(client: httpx.AsyncClient) -> None:
    first = await ask(client, "threads.create", key="k1", input=typed("add buy milk"))
    again = await ask(client, "threads.create", key="k1", input=typed("add buy milk"))
    assert again.text == first.text
    assert again.headers["verbatim-run"] == first.headers["verbatim-run"]
    thread_id = thread_of(events_of(first))
    one = await ask(
        client, "threads.add_user_message", key="k2", thread_id=thread_id, input=typed("hi")
    )
    two = await ask(
        client, "threads.add_user_message", key="k2", thread_id=thread_id, input=typed("hi")
    )
    assert one.text == two.text
    threads = await json_of(client, "threads.list")
    assert len(threads["data"]) == 1


async def test_same_key_of_another_user_is_another_key(
    client: httpx.AsyncClient, eve: httpx.AsyncClient
) -> None:
    mine = await say(client, "hello", key="k1")
    hers = await say(eve, "hello", key="k1")
    assert thread_of(mine) != thread_of(hers)


async def test_retry_answers_a_message_again_on_a_new_branch(client: httpx.AsyncClient) -> None:
    events = await say(client, "hello")
    thread_id, message = thread_of(events), done_items(events)[0]
    await say(client, "add buy milk", thread_id)
    response = await ask(
        client, "threads.retry_after_item", thread_id=thread_id, item_id=message["id"]
    )
    retried = events_of(response)
    assert kinds(retried)[0] == "stream_options"
    page = await json_of(client, "items.list", thread_id=thread_id, order="asc")
    assert page["data"] == [message, *done_items(retried)]


async def test_get_by_id_holds_the_oldest_items(client: httpx.AsyncClient) -> None:
    thread_id = thread_of(await say(client, "message 0"))
    for number in range(1, 12):
        await say(client, f"message {number}", thread_id)
    thread = await json_of(client, "threads.get_by_id", thread_id=thread_id)
    Thread.model_validate(thread)
    assert len(thread["items"]["data"]) == 20
    assert thread["items"]["data"][0]["content"][0]["text"] == "message 0"
    assert thread["items"]["has_more"] is True
    rest = await json_of(
        client,
        "items.list",
        thread_id=thread_id,
        order="asc",
        after=thread["items"]["after"],
        limit=100,
    )
    assert rest["has_more"] is False
    assert "after" not in rest
    everything = [*thread["items"]["data"], *rest["data"]]
    newest_first = await json_of(client, "items.list", thread_id=thread_id, limit=100)
    assert newest_first["data"] == everything[::-1]


async def test_items_are_listed_page_by_page_in_both_orders(client: httpx.AsyncClient) -> None:
    thread_id = thread_of(await say(client, "one"))
    for text in ("two", "three"):
        await say(client, text, thread_id)
    for order in ("asc", "desc"):
        found: list[dict[str, Any]] = []
        after: dict[str, str] = {}
        while True:
            page = await json_of(
                client, "items.list", thread_id=thread_id, limit=2, order=order, **after
            )
            TypeAdapter(Page[ThreadItem]).validate_python(page)
            found += page["data"]
            if not page["has_more"]:
                break
            after = {"after": page["after"]}
        whole = await json_of(client, "items.list", thread_id=thread_id, limit=100, order=order)
        assert found == whole["data"]


async def test_threads_are_listed_page_by_page(
    client: httpx.AsyncClient, eve: httpx.AsyncClient
) -> None:
    ids = [thread_of(await say(client, f"thread {number}")) for number in range(3)]
    await say(eve, "mine")
    newest = await json_of(client, "threads.list", limit=2)
    assert [thread["id"] for thread in newest["data"]] == ids[:0:-1]
    rest = await json_of(client, "threads.list", limit=2, after=newest["after"])
    assert [thread["id"] for thread in rest["data"]] == ids[:1]
    assert rest["has_more"] is False
    oldest = await json_of(client, "threads.list", order="asc")
    assert [thread["id"] for thread in oldest["data"]] == ids
    for thread in oldest["data"]:
        Thread.model_validate(thread)


async def test_update_renames_a_thread(client: httpx.AsyncClient) -> None:
    thread_id = thread_of(await say(client, "hello"))
    response = await ask(client, "threads.update", thread_id=thread_id, title="  Shop \n list ")
    assert response.json()["title"] == "Shop list"
    assert response.headers["verbatim-position"].startswith(f"conversation-{thread_id}:")
    thread = await json_of(client, "threads.get_by_id", thread_id=thread_id)
    assert thread["title"] == "Shop list"
    (listed,) = (await json_of(client, "threads.list"))["data"]
    assert listed["title"] == "Shop list"


async def test_delete_removes_a_thread_for_good(client: httpx.AsyncClient) -> None:
    thread_id = thread_of(await say(client, "hello"))
    response = await ask(client, "threads.delete", thread_id=thread_id)
    assert (response.status_code, response.content) == (200, b"{}")
    assert (await json_of(client, "threads.list"))["data"] == []
    for kind, params in (
        ("threads.get_by_id", {}),
        ("items.list", {}),
        ("threads.delete", {}),
        ("threads.update", {"title": "t"}),
        ("threads.add_user_message", {"input": typed("hi")}),
    ):
        gone = await ask(client, kind, thread_id=thread_id, **params)
        assert gone.status_code == 404, kind


async def test_feedback_is_an_event(client: httpx.AsyncClient, node: Node) -> None:
    events = await say(client, "hello")
    thread_id, reply = thread_of(events), done_items(events)[-1]
    response = await ask(
        client,
        "items.feedback",
        thread_id=thread_id,
        item_ids=[reply["id"], reply["id"]],
        kind="negative",
    )
    assert (response.status_code, response.content) == (200, b"{}")
    given = (await stored(node, thread_id))[-1]
    assert given == c.FeedbackGiven(item_ids=(reply["id"],), kind="negative")


async def test_feedback_is_shown_with_the_history_and_taken_back(
    client: httpx.AsyncClient, node: Node
) -> None:
    events = await say(client, "hello")
    thread_id, reply = thread_of(events), done_items(events)[-1]
    client.headers["Verbatim-Items"] = "full"

    async def rate(kind: str, **metadata: Any) -> httpx.Response:
        params = {"thread_id": thread_id, "item_ids": [reply["id"]], "kind": kind}
        body = {"type": "items.feedback", "params": params, "metadata": metadata}
        return await client.post("/chatkit", json=body)

    async def shown() -> list[str | None]:
        listed = await json_of(client, "items.list", thread_id=thread_id)
        thread = await json_of(client, "threads.get_by_id", thread_id=thread_id)
        pages = (listed, thread["items"])
        return [i.get("feedback") for page in pages for i in page["data"] if i["id"] == reply["id"]]

    assert await shown() == [None, None]
    for kind in ("positive", "negative"):
        assert (await rate(kind)).content == b"{}"
        assert await shown() == [kind, kind]
    assert (await rate("negative", undo=True)).content == b"{}"
    assert await shown() == [None, None]
    given = [e.kind for e in await stored(node, thread_id) if isinstance(e, c.FeedbackGiven)]
    assert given == ["positive", "negative", "withdrawn"]
    assert (await rate("negative", undo="yes")).status_code == 422


async def test_feedback_on_an_item_that_is_not_there_is_refused_whole(
    client: httpx.AsyncClient, node: Node
) -> None:
    events = await say(client, "hello")
    thread_id, reply = thread_of(events), done_items(events)[-1]
    before = await stored(node, thread_id)
    item_ids = [reply["id"], NOBODYS_ID]
    refused = await ask(
        client, "items.feedback", thread_id=thread_id, item_ids=item_ids, kind="positive"
    )
    assert refused.status_code == 404
    assert await stored(node, thread_id) == before


async def test_client_secret_is_good_for_chatkit(client_of: Any, node: Node) -> None:
    secret = node.signer.client_secret("ada").token
    client = client_of(None, headers={"Authorization": f"Bearer {secret}"})
    events = await say(client, "hello")
    thread = await json_of(client, "threads.get_by_id", thread_id=thread_of(events))
    assert thread["items"]["data"] == done_items(events)


async def test_json_is_what_the_stock_server_would_send(client: httpx.AsyncClient) -> None:
    thread_id = thread_of(await say(client, "add buy milk"))
    for kind, params, shape in (
        ("threads.get_by_id", {"thread_id": thread_id}, TypeAdapter(Thread)),
        ("threads.list", {}, TypeAdapter(Page[Thread])),
        ("items.list", {"thread_id": thread_id}, TypeAdapter(Page[ThreadItem])),
    ):
        response = await ask(client, kind, **params)
        model: Any = shape.validate_python(orjson.loads(response.content))
        stock = model.model_dump_json(
            by_alias=True, exclude_none=True, context={"exclude_metadata": True}
        )
        assert response.content == stock.encode()
