"""Answering again, editing and going from branch to branch, over REST and over ChatKit."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx

from agent.given_contexts import given_contexts
from events import conversation as c
from runtime.node import Node

from .chatkit_wire import (
    NOBODYS_ID,
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
from .conftest import Clients
from .test_attachments import upload

CHAT = "/api/ada/chat"
STREAM = {"Accept": "text/event-stream"}


def at(conversation_id: str, rest: str = "", user_id: str = "ada") -> str:
    return f"/api/{user_id}/conversations/{conversation_id}{rest}"


async def chat(client: httpx.AsyncClient, message: str, **fields: Any) -> dict[str, Any]:
    return answer_of(await client.post(CHAT, json={"message": message, **fields}))


async def retry(client: httpx.AsyncClient, answer: dict[str, Any], **options: Any) -> Any:
    path = at(answer["conversation_id"], f"/messages/{answer['message_id']}/retry")
    return await client.post(path, **options)


async def edit(
    client: httpx.AsyncClient, answer: dict[str, Any], message: str, **fields: Any
) -> httpx.Response:
    path = at(answer["conversation_id"], f"/messages/{answer['message_id']}/edit")
    headers = fields.pop("headers", {})
    return await client.post(path, json={"message": message, **fields}, headers=headers)


async def switch(client: httpx.AsyncClient, conversation_id: str, **to: Any) -> httpx.Response:
    return await client.put(at(conversation_id, "/branch"), json=to)


async def messages(
    client: httpx.AsyncClient, conversation_id: str, **query: Any
) -> list[dict[str, Any]]:
    response = await client.get(at(conversation_id, "/messages"), params=query)
    assert response.status_code == 200, response.text
    page: list[dict[str, Any]] = response.json()["data"]
    return page


async def said(client: httpx.AsyncClient, conversation_id: str, **query: Any) -> list[str]:
    """What the user said."""
    found = await messages(client, conversation_id, **query)
    return [m["content"] for m in found if m["role"] == "user"]


async def attached(node: Node, conversation_id: str, message_id: str) -> list[str]:
    stored = await node.store.read_stream(c.stream_of(conversation_id))
    posted = [one.event for one in stored if isinstance(one.event, c.UserMessagePosted)]
    (found,) = (event for event in posted if event.message_id == message_id)
    return [attachment.attachment_id for attachment in found.attachments]


def answer_of(response: httpx.Response) -> dict[str, Any]:
    assert response.status_code == 200, response.text
    answer: dict[str, Any] = response.json()
    return answer


async def test_retry_is_another_reply_beside_the_first(client: httpx.AsyncClient) -> None:
    first = await chat(client, "hello")
    conversation_id = first["conversation_id"]
    again = answer_of(await retry(client, first))
    assert again["message_id"] == first["message_id"]
    assert again["run_id"] != first["run_id"]
    message, reply = await messages(client, conversation_id)
    assert message["siblings"] is None
    old = c.reply_id_of(first["run_id"])
    assert reply["siblings"] == {"number": 2, "count": 2, "previous_id": old, "next_id": None}
    (_, kept) = await messages(client, conversation_id, branch="main")
    assert (kept["id"], kept["branch_id"], kept["siblings"]["number"]) == (old, "main", 1)


async def test_edit_puts_another_message_in_the_place(client: httpx.AsyncClient) -> None:
    first = await chat(client, "add buy milk")
    conversation_id = first["conversation_id"]
    await chat(client, "what is left?", conversation_id=conversation_id)
    edited = answer_of(await edit(client, first, "add buy bread"))
    assert "bread" in edited["response"].lower()
    assert await said(client, conversation_id) == ["add buy bread"]
    assert await said(client, conversation_id, branch="main") == ["add buy milk", "what is left?"]
    (message, *_) = await messages(client, conversation_id)
    assert message["siblings"] == {
        "number": 2,
        "count": 2,
        "previous_id": first["message_id"],
        "next_id": None,
    }
    conversation = (await client.get(at(conversation_id))).json()
    assert conversation["branch_id"] == message["branch_id"] != "main"
    assert conversation["message_count"] == 2


async def test_edit_streams_like_a_message(client: httpx.AsyncClient) -> None:
    first = await chat(client, "hello")
    response = await edit(client, first, "good morning", headers=STREAM)
    assert response.status_code == 200
    assert response.headers["content-type"].startswith("text/event-stream")
    assert "event: conversation\n" in response.text
    assert "good morning" in response.text


async def test_switch_by_message_goes_where_one_was_last(client: httpx.AsyncClient) -> None:
    first = await chat(client, "hello")
    conversation_id = first["conversation_id"]
    await chat(client, "what is left?", conversation_id=conversation_id)
    edited = answer_of(await edit(client, first, "good morning"))
    answered = await switch(client, conversation_id, message_id=first["message_id"])
    assert answered.json()["branch_id"] == "main"
    assert answered.headers["verbatim-position"]
    assert await said(client, conversation_id) == ["hello", "what is left?"]
    reply_id = c.reply_id_of(edited["run_id"])
    await switch(client, conversation_id, message_id=reply_id)
    assert await said(client, conversation_id) == ["good morning"]
    await switch(client, conversation_id, branch_id="main")
    assert await said(client, conversation_id) == ["hello", "what is left?"]


async def test_what_is_not_there_cannot_be_forked_or_shown(client: httpx.AsyncClient) -> None:
    first = await chat(client, "hello")
    conversation_id = first["conversation_id"]
    reply_id = c.reply_id_of(first["run_id"])
    for missing in (NOBODYS_ID, reply_id):
        of = first | {"message_id": missing}
        assert_problem(await retry(client, of), 404)
        assert_problem(await edit(client, of, "hi"), 404)
    assert_problem(await switch(client, conversation_id, message_id=NOBODYS_ID), 404)
    assert_problem(await switch(client, conversation_id, branch_id="nowhere"), 404)
    assert_problem(await switch(client, conversation_id), 422)
    both = {"branch_id": "main", "message_id": first["message_id"]}
    assert_problem(await switch(client, conversation_id, **both), 422)
    unknown = await client.get(at(conversation_id, "/messages"), params={"branch": "nowhere"})
    assert_problem(unknown, 404)


async def test_another_users_branches_are_forbidden(
    client: httpx.AsyncClient, eve: httpx.AsyncClient
) -> None:
    first = await chat(client, "hello")
    conversation_id = first["conversation_id"]
    of = at(conversation_id, f"/messages/{first['message_id']}", "eve")
    assert_problem(await eve.post(f"{of}/retry"), 403)
    assert_problem(await eve.post(f"{of}/edit", json={"message": "hi"}), 403)
    wanted = {"message_id": first["message_id"]}
    for to in (wanted, {"branch_id": "main"}):
        assert_problem(await eve.put(at(conversation_id, "/branch", "eve"), json=to), 403)
        path = f"/chatkit/threads/{conversation_id}/branch"
        assert_problem(await eve.put(path, json=to), 403)
    assert await said(client, conversation_id) == ["hello"]


async def test_deleted_conversation_has_no_branches(client: httpx.AsyncClient) -> None:
    first = await chat(client, "hello")
    answer_of(await edit(client, first, "hi"))
    await client.delete(at(first["conversation_id"]))
    assert_problem(await retry(client, first), 404)
    assert_problem(await edit(client, first, "hi"), 404)
    assert_problem(await switch(client, first["conversation_id"], branch_id="main"), 404)


async def test_same_key_edits_once(client: httpx.AsyncClient) -> None:
    first = await chat(client, "hello")
    key = {"Idempotency-Key": "k1"}
    answers = await asyncio.gather(*(edit(client, first, "hi", headers=key) for _ in range(4)))
    assert len({answer_of(answer)["run_id"] for answer in answers}) == 1
    (message, _) = await messages(client, first["conversation_id"])
    assert message["siblings"]["count"] == 2
    assert_problem(await edit(client, first, "other", headers=key), 422)
    assert_problem(await retry(client, first, headers=key), 422)


async def test_two_tabs_that_fork_at_once_never_lose_a_branch(client: httpx.AsyncClient) -> None:
    first = await chat(client, "hello")
    answers = await asyncio.gather(
        *(edit(client, first, f"hello {n}") for n in range(3)), retry(client, first)
    )
    assert {answer.status_code for answer in answers} <= {200, 409}
    refused = [answer for answer in answers if answer.status_code == 409]
    assert {assert_problem(one, 409)["type"].rpartition(":")[2] for one in refused} <= {
        "run-unfinished"
    }
    await edit(client, first, "the last")
    (message, _) = await messages(client, first["conversation_id"])
    forked = [a for a in answers[:3] if a.status_code == 200]
    assert message["content"] == "the last"
    assert message["siblings"]["count"] == 2 + len(forked)


async def test_message_goes_on_with_the_branch_that_its_writer_saw(
    client: httpx.AsyncClient,
) -> None:
    first = await chat(client, "hello")
    conversation_id = first["conversation_id"]
    answer_of(await edit(client, first, "hi"))
    await chat(client, "below hello", conversation_id=conversation_id, branch_id="main")
    assert await said(client, conversation_id) == ["hello", "below hello"]
    unknown = {"message": "x", "conversation_id": conversation_id, "branch_id": "nowhere"}
    assert_problem(await client.post(CHAT, json=unknown), 404)


async def test_edited_message_keeps_its_attachments_and_may_have_others(
    client: httpx.AsyncClient, node: Node
) -> None:
    kept, other = await upload(client), await upload(client, b"another")
    thread_id = thread_of(await say(client, "read this", attachments=[kept]))
    (message, _) = await messages(client, thread_id)
    posted = {"conversation_id": thread_id, "message_id": message["id"]}
    same = answer_of(await edit(client, posted, "read it"))
    assert await attached(node, thread_id, same["message_id"]) == [kept]
    new = answer_of(await edit(client, posted, "and that", attachments=[kept, other]))
    assert await attached(node, thread_id, new["message_id"]) == [kept, other]
    await json_of(client, "attachments.delete", attachment_id=kept)
    left = answer_of(await edit(client, posted, "read it again"))
    assert await attached(node, thread_id, left["message_id"]) == []
    assert_problem(await edit(client, posted, "gone", attachments=[kept]), 404)


async def test_feedback_on_a_reply_that_was_left_is_kept(
    client: httpx.AsyncClient, node: Node
) -> None:
    events = await say(client, "hello")
    thread_id, (message, *_, reply) = thread_of(events), done_items(events)
    answer_of(await retry(client, {"conversation_id": thread_id, "message_id": message["id"]}))
    await json_of(
        client, "items.feedback", thread_id=thread_id, item_ids=[reply["id"]], kind="positive"
    )
    stored = await node.store.read_stream(c.stream_of(thread_id))
    assert stored[-1].event == c.FeedbackGiven(item_ids=(reply["id"],), kind="positive")


async def test_context_of_every_run_rederives_whatever_branch_is_active(
    client: httpx.AsyncClient, node: Node
) -> None:
    first = await chat(client, "add buy milk")
    conversation_id = first["conversation_id"]
    second = await chat(client, "add buy bread", conversation_id=conversation_id)
    answer_of(await retry(client, first))
    await chat(client, "add buy tea", conversation_id=conversation_id)
    answer_of(await edit(client, second, "add buy salt"))
    await switch(client, conversation_id, branch_id="main")
    await chat(client, "what is left?", conversation_id=conversation_id)
    stored = await node.store.read_stream(c.stream_of(conversation_id))
    requested = [one.event.run_id for one in stored if isinstance(one.event, c.RunRequested)]
    given = [one for run in requested for one in await given_contexts(stored, run, node.keys)]
    assert [one.is_proved for one in given] == [True] * 6
    assert given[-1].context is not None
    told = [item for item in given[-1].context.items if item.get("role") == "user"]
    assert [item["content"][0]["text"] for item in told] == [
        "add buy milk",
        "add buy bread",
        "what is left?",
    ]


async def test_chatkit_edits_by_the_metadata_of_a_message(client: httpx.AsyncClient) -> None:
    events = await say(client, "hello")
    thread_id, (message, *_) = thread_of(events), done_items(events)
    params = {"thread_id": thread_id, "input": typed("good morning")}
    body = {
        "type": "threads.add_user_message",
        "params": params,
        "metadata": {"edited_item_id": message["id"], "idempotency_key": "k1"},
    }
    edited = await client.post("/chatkit", json=body)
    frames = events_of(edited)
    assert kinds(frames)[:2] == ["thread.item.done", "stream_options"]
    assert (await client.post("/chatkit", json=body)).text == edited.text
    plain = {**body, "metadata": {"idempotency_key": "k1"}}
    assert_problem(await client.post("/chatkit", json=plain), 422)
    for wrong in (7, "", "a\x00", "x" * 200):
        refused = {**body, "metadata": {"edited_item_id": wrong}}
        assert_problem(await client.post("/chatkit", json=refused), 422)
    bare = await json_of(client, "items.list", thread_id=thread_id, order="asc")
    client.headers["Verbatim-Items"] = "full"
    page = await json_of(client, "items.list", thread_id=thread_id, order="asc")
    (new, *_) = page["data"]
    assert new["content"][0]["text"] == "good morning"
    assert new["siblings"] == {
        "message_id": new["id"],
        "number": 2,
        "count": 2,
        "previous_id": message["id"],
    }
    thread = await json_of(client, "threads.get_by_id", thread_id=thread_id)
    assert thread["items"]["data"] == page["data"]
    for item in page["data"]:
        item.pop("siblings", None)
    assert page == bare, "the stock client gets what the protocol has, and no more"


async def test_chatkit_shows_another_branch_and_tells_which(client: httpx.AsyncClient) -> None:
    client.headers["Verbatim-Items"] = "full"
    events = await say(client, "hello")
    thread_id, (message, *_) = thread_of(events), done_items(events)
    again = events_of(
        await ask(client, "threads.retry_after_item", thread_id=thread_id, item_id=message["id"])
    )
    listed = await ask(client, "items.list", thread_id=thread_id, order="asc")
    branch_id = listed.headers["verbatim-branch"]
    reply = listed.json()["data"][1]
    assert reply["id"] == done_items(again)[0]["id"]
    to = {"message_id": reply["siblings"]["previous_id"]}
    switched = await client.put(f"/chatkit/threads/{thread_id}/branch", json=to)
    assert switched.status_code == 204
    back = await ask(client, "items.list", thread_id=thread_id, order="asc")
    assert back.headers["verbatim-branch"] == "main" != branch_id
    assert [item["id"] for item in back.json()["data"]] == [i["id"] for i in done_items(events)]
    sent = {
        "type": "threads.add_user_message",
        "params": {"thread_id": thread_id, "input": typed("goes on there")},
        "metadata": {"branch_id": branch_id},
    }
    events_of(await client.post("/chatkit", json=sent))
    assert await said(client, thread_id) == ["hello", "goes on there"]
    last = await ask(client, "items.list", thread_id=thread_id)
    assert last.headers["verbatim-branch"] == branch_id


async def test_client_secret_switches_too(client: httpx.AsyncClient, client_of: Clients) -> None:
    first = await chat(client, "hello")
    answer_of(await edit(client, first, "hi"))
    secret = (await client.post("/api/ada/chatkit/session")).json()["client_secret"]
    element = client_of(None, headers={"Authorization": f"Bearer {secret}"})
    path = f"/chatkit/threads/{first['conversation_id']}/branch"
    assert (await element.put(path, json={"branch_id": "main"})).status_code == 204
    assert await said(client, first["conversation_id"]) == ["hello"]
