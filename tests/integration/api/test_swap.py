"""Readers of the API while the tables that they read are replaced under them."""

from __future__ import annotations

import asyncio

import httpx

from projections.building import Builder
from runtime.node import Node
from tests.integration.api.chatkit_wire import say

CONVERSATIONS = 4
SWAPS = 6
READERS = 6


async def test_readers_never_see_an_empty_or_a_mixed_table(
    client: httpx.AsyncClient, node: Node
) -> None:
    for n in range(CONVERSATIONS):
        await say(client, f"add task {n}")
    wanted = await _everything(client)
    assert len(wanted) == CONVERSATIONS + 1
    is_over = asyncio.Event()
    readings = 0

    async def read() -> None:
        nonlocal readings
        while not is_over.is_set():
            assert await _everything(client) == wanted
            readings += 1

    readers = [asyncio.create_task(read()) for _ in range(READERS)]
    try:
        builder = Builder(node.database.direct, node.store)
        generations = [(await builder.rebuild()).number]
        for _ in range(SWAPS - 1):
            generations.append((await builder.roll_back()).number)
            before = readings
            while readings < before + READERS and not any(reader.done() for reader in readers):
                await asyncio.sleep(0.01)
    finally:
        is_over.set()
        await asyncio.gather(*readers)
    assert generations == [2, 1] * (SWAPS // 2)
    assert readings > SWAPS


async def test_writer_sees_each_message_while_tables_are_swapped(
    client: httpx.AsyncClient, node: Node
) -> None:
    await say(client, "first")
    (row,) = (await client.get("/api/ada/conversations")).json()["data"]
    builder = Builder(node.database.direct, node.store)
    swapping = asyncio.create_task(_swap_forth_and_back(builder))
    sent = 1
    while not swapping.done() or sent < 3:
        await say(client, f"message {sent}", row["id"])
        sent += 1
        page = await client.get(f"/api/ada/conversations/{row['id']}/messages?limit=100&order=desc")
        assert page.status_code == 200, page.text
        assert page.json()["data"][1]["content"] == f"message {sent - 1}"
    await swapping


async def _swap_forth_and_back(builder: Builder) -> None:
    await builder.rebuild()
    for _ in range(3):
        await builder.roll_back()


async def _everything(client: httpx.AsyncClient) -> list[object]:
    """The list, and the history of each conversation in it."""
    listed = await client.get("/api/ada/conversations")
    assert listed.status_code == 200, listed.text
    rows = listed.json()["data"]
    pages = [listed.json()]
    for row in rows:
        page = await client.get(f"/api/ada/conversations/{row['id']}/messages")
        assert page.status_code == 200, page.text
        pages.append(page.json())
    return pages
