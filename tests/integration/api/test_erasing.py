from __future__ import annotations

import asyncio

import httpx


async def say(client: httpx.AsyncClient, text: str, user_id: str = "ada") -> str:
    answer = await client.post(f"/api/{user_id}/chat", json={"message": text})
    assert answer.status_code == 200, answer.text
    found: str = answer.json()["conversation_id"]
    return found


async def conversations(client: httpx.AsyncClient, user_id: str = "ada") -> list[str]:
    answer = await client.get(f"/api/{user_id}/conversations")
    assert answer.status_code == 200, answer.text
    return [row["id"] for row in answer.json()["data"]]


async def test_user_erases_themselves_and_comes_back(
    client: httpx.AsyncClient, eve: httpx.AsyncClient
) -> None:
    conversation_id = await say(client, "add buy milk")
    kept = await say(eve, "add call mum", "eve")
    for confirm in ("", "?confirm=", "?confirm=eve"):
        assert (await client.delete(f"/api/ada{confirm}")).status_code == 422
    assert (await eve.delete("/api/ada?confirm=ada")).status_code == 403
    assert await conversations(client) == [conversation_id]
    erased = await client.delete("/api/ada?confirm=ada")
    assert (erased.status_code, erased.json()) == (200, {"keys": 1, "runs": 0})
    async with asyncio.timeout(20):  # until the read tables have heard of it
        while await swept(client):
            await asyncio.sleep(0.05)
    answer = await client.get(f"/api/ada/conversations/{conversation_id}/messages")
    assert answer.status_code in (404, 410)
    follow = {"message": "and bread", "conversation_id": conversation_id}
    assert (await client.post("/api/ada/chat", json=follow)).status_code in (404, 409, 410)
    again = await say(client, "hello again")
    assert await conversations(client) == [again]
    assert (await client.get("/api/ada/tasks")).json()["data"] == []
    assert await conversations(eve, "eve") == [kept]


async def swept(client: httpx.AsyncClient) -> bool:
    answer = await client.get("/api/ada/conversations")
    return answer.status_code != 200 or bool(answer.json()["data"])


async def test_user_on_whom_nothing_is_held_is_told_so(client: httpx.AsyncClient) -> None:
    answer = await client.delete("/api/ada?confirm=ada")
    assert answer.status_code == 404
    assert "Nothing is held" in answer.json()["detail"]
