from __future__ import annotations

import asyncio
from typing import Any

import httpx

from tests.integration.api import streams

STREAM = "/api/ada/tasks/stream"


async def test_list_is_sent_again_with_each_change(live: httpx.AsyncClient) -> None:
    async with asyncio.timeout(30), live.stream("GET", STREAM) as response:
        lists = streams.read(response)
        assert titles_of(await anext(lists)) == []
        await say(live, "add buy milk")
        assert titles_of(await anext(lists)) == ["buy milk"]
        await say(live, "mark buy milk as done")
        task = (await anext(lists)).data["data"][0]
        assert (task["title"], task["status"]) == ("buy milk", "completed")


async def test_list_is_not_sent_for_what_changed_nothing_in_it(live: httpx.AsyncClient) -> None:
    async with asyncio.timeout(30), live.stream("GET", STREAM) as response:
        lists = streams.read(response)
        await anext(lists)
        await say(live, "hello")
        await say(live, "add buy milk")
        assert titles_of(await anext(lists)) == ["buy milk"]


def titles_of(event: streams.Event) -> list[Any]:
    return [task["title"] for task in event.data["data"]]


async def say(client: httpx.AsyncClient, text: str) -> None:
    response = await client.post("/api/ada/chat", json={"message": text})
    assert response.status_code == 200, response.text
