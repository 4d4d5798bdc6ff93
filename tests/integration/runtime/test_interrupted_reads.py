"""A read whose session ends in its midst is asked again, and nobody is told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from agent.offline.model import OfflineModel
from agent.sending import Message
from events.conversation import stream_of
from runtime.node import Node, open_node
from runtime.settings import load_settings

KILL_WAITING = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
    "WHERE datname = current_database() AND wait_event_type = 'Lock'"
)


@asynccontextmanager
async def locked(url: str, table: str) -> AsyncIterator[Callable[[], Awaitable[None]]]:
    """Holds a table; what it gives ends the first session that waits for that."""
    holder = await asyncpg.connect(url)
    killer = await asyncpg.connect(url)

    async def kill() -> None:
        async with asyncio.timeout(10):
            while not await killer.fetch(KILL_WAITING):
                await asyncio.sleep(0.01)

    try:
        async with holder.transaction():
            await holder.execute(f"LOCK TABLE {table}")
            yield kill
    finally:
        await holder.close()
        await killer.close()


@pytest.fixture
async def node(database_url: str, tmp_path: Path) -> AsyncIterator[Node]:
    settings = load_settings(verbatim_data_dir=tmp_path)
    model = OfflineModel(delay_seconds=0)
    async with open_node(settings, database_url=database_url, model=model) as node:
        yield node


@pytest.fixture
async def conversation_id(node: Node) -> str:
    sent = await node.sender.send("ada", None, Message(text="add buy milk"))
    async with asyncio.timeout(20):
        async for _ in node.frames.follow(sent.run_id, "ada"):
            pass
    assert await node.reads.conversation("ada", sent.conversation_id) is not None
    return sent.conversation_id


@pytest.mark.parametrize(
    ("table", "read"),
    [
        ("read_g1.conversations", lambda node, id: node.reads.conversation("ada", id)),
        ("read_g1.messages", lambda node, id: node.reads.messages_page("ada", id, limit=5)),
        ("verbatim.events", lambda node, id: node.store.read_stream(stream_of(id))),
    ],
    ids=["conversation", "messages", "stream"],
)
async def test_read_whose_session_is_killed_is_answered(
    node: Node,
    conversation_id: str,
    database_url: str,
    table: str,
    read: Callable[[Node, str], Awaitable[Any]],
) -> None:
    before = await read(node, conversation_id)
    async with locked(database_url, table) as kill:
        reading = asyncio.ensure_future(read(node, conversation_id))
        await kill()
    async with asyncio.timeout(10):
        assert await reading == before
