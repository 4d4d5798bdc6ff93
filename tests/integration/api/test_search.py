from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.integration.api.conftest import Clients
from tests.integration.api.test_conversations import CHAT, CONVERSATIONS, say


async def find(client: httpx.AsyncClient, **params: Any) -> list[str]:
    response = await client.get(CONVERSATIONS, params=params)
    assert response.status_code == 200, response.text
    return [row["id"] for row in response.json()["data"]]


async def test_conversations_are_searched_as_soon_as_they_are_written(
    client: httpx.AsyncClient, client_of: Clients
) -> None:
    crepes = await say(client, "add buy crêpes")
    milk = await say(client, "add buy milk")
    assert await find(client, q="buy") == [milk, crepes]
    assert await find(client, q="CREPES") == [crepes]
    assert await find(client, q="milk crepes") == []
    await client.patch(f"{CONVERSATIONS}/{milk}", json={"title": "Dairy matters"})
    assert await find(client, q="dairy milk") == [milk]
    await client.delete(f"{CONVERSATIONS}/{milk}")
    assert await find(client, q="dairy") == []
    bob = client_of("bob")
    assert (await bob.get("/api/bob/conversations", params={"q": "buy"})).json()["data"] == []
    assert (await bob.get(CONVERSATIONS, params={"q": "buy"})).status_code == 403


async def test_found_conversations_come_in_pages(client: httpx.AsyncClient) -> None:
    made = [await say(client, f"add task {n}") for n in range(5)]
    first = (await client.get(CONVERSATIONS, params={"q": "task", "limit": 3})).json()
    assert first["has_more"]
    rest = await find(client, q="task", limit=3, after=first["after"])
    assert [row["id"] for row in first["data"]] + rest == made[::-1]


@pytest.mark.parametrize(
    ("query", "said"),
    [
        pytest.param("", "at least 1 character", id="empty"),
        pytest.param("a" * 201, "at most 200 characters", id="long"),
        pytest.param("a b c d e f g h i j k", "at most 10 words", id="many-words"),
    ],
)
async def test_search_has_limits(client: httpx.AsyncClient, query: str, said: str) -> None:
    refused = await client.get(CONVERSATIONS, params={"q": query})
    assert refused.status_code == 422
    assert said in refused.json()["detail"]


async def test_search_takes_what_is_no_word(client: httpx.AsyncClient) -> None:
    await client.post(CHAT, json={"message": "hello"})
    assert await find(client, q="  …!") == []
    assert await find(client, q="\x00\ufffd") == []
