"""Attachments: announced over ChatKit, uploaded and read over HTTP, sent with a message."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from chatkit.types import Attachment
from pydantic import TypeAdapter

from events import user
from events.ids import new_id
from runtime.node import Node
from runtime.settings import Settings

from .chatkit_wire import (
    NOBODYS_ID,
    ask,
    assert_problem,
    done_items,
    events_of,
    json_of,
    say,
    thread_of,
    typed,
)
from .conftest import settings_of

PNG = b"\x89PNG\r\n\x1a\n" + b"\x00" * 40
ATTACHMENT: TypeAdapter[Any] = TypeAdapter(Attachment)


@pytest.fixture
def settings(database_url: str) -> Settings:
    return settings_of(database_url, attachment_limit_bytes=1_000_000)


async def announce(
    client: httpx.AsyncClient,
    content: bytes = b"the plan",
    name: str = "plan.txt",
    mime_type: str = "text/plain",
) -> dict[str, Any]:
    announced: dict[str, Any] = await json_of(
        client, "attachments.create", name=name, size=len(content), mime_type=mime_type
    )
    ATTACHMENT.validate_python(announced)
    return announced


async def put(
    client: httpx.AsyncClient, announced: dict[str, Any], content: bytes
) -> httpx.Response:
    return await client.put(announced["upload_descriptor"]["url"], content=content)


async def upload(client: httpx.AsyncClient, content: bytes = b"the plan", **fields: str) -> str:
    announced = await announce(client, content, **fields)
    response = await put(client, announced, content)
    assert response.status_code == 204, response.text
    attachment_id: str = announced["id"]
    return attachment_id


async def user_events(node: Node, user_id: str = "ada") -> list[Any]:
    return [r.event for r in await node.store.read_stream(user.stream_of(user_id))]


async def test_upload_and_download(client: httpx.AsyncClient, node: Node) -> None:
    announced = await announce(client, name="naïve plan.txt", mime_type="Text/Plain; charset=utf-8")
    assert announced["type"] == "file"
    assert announced["mime_type"] == "text/plain"
    assert announced["upload_descriptor"]["method"] == "PUT"
    assert announced["upload_descriptor"]["url"].startswith("http://localhost/chatkit/attachments/")
    response = await put(client, announced, b"the plan")
    assert (response.status_code, response.content) == (204, b"")
    assert response.headers["verbatim-position"] == "user-ada:1"
    assert await user_events(node) == [
        user.AttachmentUploaded(
            attachment_id=announced["id"],
            name="naïve plan.txt",
            mime_type="text/plain",
            size_bytes=8,
        )
    ]
    loaded = await client.get(f"/chatkit/attachments/{announced['id']}")
    assert loaded.content == b"the plan"
    assert loaded.headers["content-type"].startswith("text/plain")
    assert loaded.headers["content-length"] == "8"
    disposition = loaded.headers["content-disposition"]
    assert disposition == "attachment; filename*=UTF-8''na%C3%AFve%20plan.txt"


async def test_download_cannot_become_a_page(client: httpx.AsyncClient) -> None:
    attachment_id = await upload(client, b"<script>alert(1)</script>")
    loaded = await client.get(f"/chatkit/attachments/{attachment_id}")
    assert loaded.headers["x-content-type-options"] == "nosniff"
    assert loaded.headers["content-security-policy"] == "sandbox; default-src 'none'"
    assert loaded.headers["content-disposition"].startswith("attachment;")
    assert loaded.headers["cache-control"] == "private, no-store"


async def test_image_has_a_preview_and_is_shown_in_place(client: httpx.AsyncClient) -> None:
    announced = await announce(client, PNG, "cat.png", "image/png")
    assert announced["type"] == "image"
    assert (await put(client, announced, PNG)).status_code == 204
    loaded = await client.get(announced["preview_url"])
    assert loaded.content == PNG
    assert loaded.headers["content-type"] == "image/png"
    assert loaded.headers["content-disposition"].startswith("inline;")


async def test_upload_url_is_the_one_the_browser_knows(client: httpx.AsyncClient) -> None:
    body = {
        "type": "attachments.create",
        "params": {"name": "a.txt", "size": 1, "mime_type": "text/plain"},
    }
    seen = await client.post("/chatkit", json=body, headers={"Origin": "https://localhost"})
    assert seen.json()["upload_descriptor"]["url"].startswith("https://localhost/chatkit/")
    foreign = await client.post("/chatkit", json=body, headers={"Origin": "https://evil.example"})
    assert foreign.json()["upload_descriptor"]["url"].startswith("http://localhost/chatkit/")


@pytest.mark.parametrize(
    ("told", "begins"),
    [
        ("https://todo.example.org/api", "https://todo.example.org/api/chatkit/"),
        ("http://[::1]:3000", "http://[::1]:3000/chatkit/"),
        ("javascript:alert(1)//", "http://localhost/chatkit/"),
        ("https://a b/api", "http://localhost/chatkit/"),
        ("https://a/?x=", "http://localhost/chatkit/"),
    ],
    ids=["site", "ip", "script", "space", "query"],
)
async def test_server_in_front_tells_where_uploads_go(
    client: httpx.AsyncClient, told: str, begins: str
) -> None:
    body = {
        "type": "attachments.create",
        "params": {"name": "a.txt", "size": 1, "mime_type": "text/plain"},
    }
    answer = await client.post("/chatkit", json=body, headers={"Verbatim-Base-Url": told})
    assert answer.json()["upload_descriptor"]["url"].startswith(begins)
    sent = await client.post(
        "/api/ada/chat", json={"message": "hello"}, headers={"Verbatim-Base-Url": told}
    )
    assert ("Secure" in sent.headers["set-cookie"]) == begins.startswith("https:")


@pytest.mark.parametrize(
    ("mime_type", "content"),
    [
        ("image/png", b"<html>not an image</html>"),
        ("image/png", b"\x89P"),
        ("image/jpeg", PNG),
        ("image/webp", b"RIFF1234WAVE and so on"),
        ("image/gif", b"GIF88a" + b"\x00" * 40),
    ],
)
async def test_file_that_is_not_the_image_it_claims_to_be_is_refused(
    client: httpx.AsyncClient, node: Node, mime_type: str, content: bytes
) -> None:
    announced = await announce(client, content, "cat.png", mime_type)
    assert_problem(await put(client, announced, content), 422)
    assert_problem(await client.get(f"/chatkit/attachments/{announced['id']}"), 404)
    assert await user_events(node) == []


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"size": 0}, 422),
        ({"size": -1}, 422),
        ({"size": 2**70}, 422),
        ({"size": 2**60}, 413),
        ({"size": 1_000_001}, 413),
        ({"mime_type": "text/html"}, 422),
        ({"mime_type": "image/svg+xml"}, 422),
        ({"mime_type": ""}, 422),
        ({"mime_type": "text"}, 422),
        ({"name": ""}, 422),
        ({"name": "a\x00b"}, 422),
        ({"name": "a\r\nb"}, 422),
        ({"name": "x" * 256}, 422),
    ],
)
async def test_announcement_that_cannot_be_accepted_is_refused(
    client: httpx.AsyncClient, fields: dict[str, Any], status: int
) -> None:
    params = {"name": "plan.txt", "size": 8, "mime_type": "text/plain", **fields}
    assert_problem(await ask(client, "attachments.create", **params), status)


@pytest.mark.parametrize("content", [b"", b"the pla", b"the plans", b"x" * 2_000_000])
async def test_upload_of_another_size_is_refused(client: httpx.AsyncClient, content: bytes) -> None:
    announced = await announce(client)
    assert_problem(await put(client, announced, content), 422)
    assert (await put(client, announced, b"the plan")).status_code == 204


async def test_upload_without_a_length_is_counted(client: httpx.AsyncClient) -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(100):
            yield b"x" * 1_000

    announced = await announce(client)
    response = await client.put(announced["upload_descriptor"]["url"], content=endless())
    assert_problem(response, 422)


async def test_upload_that_broke_off_can_be_sent_again(live: httpx.AsyncClient, node: Node) -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield b"x" * 300_000
        raise ConnectionError

    announced = await announce(live, b"y" * 600_000)
    with pytest.raises(ConnectionError):
        await live.put(announced["upload_descriptor"]["url"], content=broken())
    # The server may still be taking in the first one, which then has the place: 409, once more.
    async with asyncio.timeout(20):
        while (answer := await put(live, announced, b"y" * 600_000)).status_code == 409:
            await asyncio.sleep(0.1)
    assert answer.status_code == 204
    loaded = await live.get(f"/chatkit/attachments/{announced['id']}")
    assert loaded.content == b"y" * 600_000
    assert len(await user_events(node)) == 1


async def test_large_upload_comes_out_as_it_went_in(client: httpx.AsyncClient) -> None:
    content = b"".join(number.to_bytes(4, "big") for number in range(250_000))
    attachment_id = await upload(client, content, name="numbers.pdf", mime_type="application/pdf")
    loaded = await client.get(f"/chatkit/attachments/{attachment_id}")
    assert loaded.content == content


async def test_upload_is_taken_once(client: httpx.AsyncClient, node: Node) -> None:
    announced = await announce(client)
    assert (await put(client, announced, b"the plan")).status_code == 204
    assert_problem(await put(client, announced, b"another!"), 409)
    loaded = await client.get(f"/chatkit/attachments/{announced['id']}")
    assert loaded.content == b"the plan"
    assert len(await user_events(node)) == 1


async def test_attachment_of_another_user_is_forbidden(
    client: httpx.AsyncClient, eve: httpx.AsyncClient, node: Node
) -> None:
    unfinished = await announce(client)
    attachment_id = await upload(client)
    assert_problem(await put(eve, unfinished, b"the plan"), 403)
    assert_problem(await eve.get(f"/chatkit/attachments/{attachment_id}"), 403)
    assert_problem(await ask(eve, "attachments.delete", attachment_id=attachment_id), 403)
    sent = typed("look", attachments=[attachment_id])
    assert_problem(await ask(eve, "threads.create", input=sent), 403)
    assert (await json_of(eve, "threads.list"))["data"] == []
    assert (await client.get(f"/chatkit/attachments/{attachment_id}")).content == b"the plan"


@pytest.mark.parametrize("method", ["PUT", "GET"])
async def test_attachment_needs_credentials(stranger: httpx.AsyncClient, method: str) -> None:
    response = await stranger.request(method, f"/chatkit/attachments/{new_id()}", content=b"x")
    assert_problem(response, 401)


@pytest.mark.parametrize("attachment_id", [NOBODYS_ID, "nonsense", str(uuid.UUID(int=0))])
async def test_unknown_attachment_is_not_found(
    client: httpx.AsyncClient, attachment_id: str
) -> None:
    path = f"/chatkit/attachments/{attachment_id}"
    assert_problem(await client.put(path, content=b"x"), 404)
    assert_problem(await client.get(path), 404)
    assert_problem(await ask(client, "attachments.delete", attachment_id=attachment_id), 404)
    sent = typed("look", attachments=[attachment_id])
    assert_problem(await ask(client, "threads.create", input=sent), 404)


async def test_message_carries_its_attachments(client: httpx.AsyncClient) -> None:
    first, second = await upload(client), await upload(client, b"other", name="other.txt")
    events = await say(client, "look", attachments=[first, second, first])
    message = done_items(events)[0]
    thread_id = thread_of(events)
    assert [a["id"] for a in message["attachments"]] == [first, second]
    assert message["attachments"][0] == {
        "type": "file",
        "id": first,
        "name": "plan.txt",
        "mime_type": "text/plain",
        "thread_id": thread_id,
    }
    page = await json_of(client, "items.list", thread_id=thread_id, order="asc")
    assert page["data"][0] == message


async def test_image_of_a_message_is_an_image_in_history(client: httpx.AsyncClient) -> None:
    image = await upload(client, PNG, name="cat.png", mime_type="image/png")
    text = await upload(client)
    thread_id = thread_of(await say(client, "look", attachments=[image, text]))
    page = await json_of(client, "items.list", thread_id=thread_id, order="asc")
    thread = await json_of(client, "threads.get_by_id", thread_id=thread_id)
    for shown in (page["data"][0], thread["items"]["data"][0]):
        assert [a["type"] for a in shown["attachments"]] == ["image", "file"]
        for attachment in shown["attachments"]:
            ATTACHMENT.validate_python(attachment)
        assert (await client.get(shown["attachments"][0]["preview_url"])).content == PNG


async def test_message_of_an_attachment_alone_is_enough(client: httpx.AsyncClient) -> None:
    sent = typed("", attachments=[await upload(client)])
    events = events_of(await ask(client, "threads.create", input=sent))
    assert len(done_items(events)[0]["attachments"]) == 1


async def test_attachment_that_was_never_uploaded_cannot_be_sent(
    client: httpx.AsyncClient,
) -> None:
    announced = await announce(client)
    sent = typed("look", attachments=[announced["id"]])
    problem = assert_problem(await ask(client, "threads.create", input=sent), 409)
    assert problem["type"].endswith("attachment-unfinished")


async def test_deleted_attachment_is_gone(client: httpx.AsyncClient, node: Node) -> None:
    attachment_id = await upload(client)
    response = await ask(client, "attachments.delete", attachment_id=attachment_id)
    assert (response.status_code, response.content) == (200, b"{}")
    assert_problem(await client.get(f"/chatkit/attachments/{attachment_id}"), 404)
    assert (await user_events(node))[-1] == user.AttachmentDeleted(attachment_id=attachment_id)


async def test_announcement_can_be_taken_back(client: httpx.AsyncClient, node: Node) -> None:
    announced = await announce(client)
    await json_of(client, "attachments.delete", attachment_id=announced["id"])
    assert_problem(await put(client, announced, b"the plan"), 404)
    assert await user_events(node) == []


async def test_attachment_goes_with_its_conversation(client: httpx.AsyncClient) -> None:
    attachment_id = await upload(client)
    kept = await upload(client)
    events = await say(client, "look", attachments=[attachment_id])
    await json_of(client, "threads.delete", thread_id=thread_of(events))
    assert_problem(await client.get(f"/chatkit/attachments/{attachment_id}"), 404)
    assert (await client.get(f"/chatkit/attachments/{kept}")).status_code == 200


async def test_client_secret_uploads_and_downloads(client_of: Any, node: Node) -> None:
    secret = node.signer.client_secret("ada").token
    client = client_of(None, headers={"Authorization": f"Bearer {secret}"})
    attachment_id = await upload(client)
    assert (await client.get(f"/chatkit/attachments/{attachment_id}")).content == b"the plan"


async def test_addresses_are_those_of_the_site_that_passes_requests_on(
    client: httpx.AsyncClient,
) -> None:
    """The browser must never be told where the API itself is."""
    client.headers["Verbatim-Base-Url"] = "https://chat.example.com/api"
    image = await announce(client, PNG, "cat.png", "image/png")
    address = f"https://chat.example.com/api/chatkit/attachments/{image['id']}"
    assert image["upload_descriptor"]["url"] == address
    assert image["preview_url"] == address
