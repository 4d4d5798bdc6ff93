"""A whole node behind PgBouncer in transaction mode, with a way past it and without."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import pytest
from structlog.testing import capture_logs

from agent.offline.model import OfflineModel
from agent.sending import Message
from events.subscription import subscribe
from runtime.node import Node, open_node
from runtime.settings import load_settings
from runtime.urls import connect_arguments
from tests.integration.runtime.between import pgbouncer
from tests.ports import free_port

EVENT_KEY = "a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s="


@asynccontextmanager
async def node_on(url: str, folder: Path, direct_url: str | None = None) -> AsyncIterator[Node]:
    settings = load_settings(
        verbatim_data_dir=folder,
        database_url=url,
        database_direct_url=direct_url,
        event_key=EVENT_KEY,
        better_auth_secret="a secret for tests that is long enough",
    )
    async with open_node(settings, model=OfflineModel(delay_seconds=0)) as node:
        yield node


async def say(node: Node, text: str) -> str:
    sent = await node.sender.send("ada", None, Message(text=text))
    async with asyncio.timeout(20):
        async for _ in node.frames.follow(sent.run_id, "ada"):
            pass
    return sent.conversation_id


async def roles_in(node: Node, conversation_id: str) -> list[str]:
    page = await node.reads.messages_page("ada", conversation_id, limit=10)
    return [row.role for row in page.rows]


async def test_pooler_serves_reads_and_nothing_else(database_url: str, tmp_path: Path) -> None:
    with pgbouncer(database_url, tmp_path, free_port(), is_read_only=True) as pooled:
        reader = await asyncpg.connect(**connect_arguments(pooled).keywords())
        with pytest.raises(asyncpg.ReadOnlySQLTransactionError):
            await reader.execute("CREATE TABLE refused ()")
        await reader.close()
        async with node_on(pooled, tmp_path, database_url) as node:
            assert node.listener is not None
            conversations = await asyncio.gather(*(say(node, "add buy milk") for _ in range(8)))
            for conversation_id in conversations:
                assert await roles_in(node, conversation_id) == ["user", "assistant"]
            assert len((await node.reads.tasks_list("ada", limit=20)).rows) == 8


async def test_pooler_alone_serves_a_node_that_polls_and_says_so(
    database_url: str, tmp_path: Path
) -> None:
    with pgbouncer(database_url, tmp_path, free_port()) as pooled, capture_logs() as lines:
        async with node_on(pooled, tmp_path) as one, node_on(pooled, tmp_path) as two:
            assert one.listener is None
            conversations = await asyncio.gather(*(say(one, "add buy milk") for _ in range(8)))
            for conversation_id in conversations:
                assert await roles_in(one, conversation_id) == ["user", "assistant"]
                assert await roles_in(two, conversation_id) == ["user", "assistant"]
    assert [line["remedy"] for line in lines if line["event"] == "listen_unavailable"] == [
        "set DATABASE_DIRECT_URL; polling until then"
    ] * 2
    assert not [line for line in lines if line["log_level"] in ("error", "critical")]


async def test_follower_behind_the_pooler_alone_hears_of_another_node(
    database_url: str, tmp_path: Path
) -> None:
    with pgbouncer(database_url, tmp_path, free_port()) as pooled:
        async with node_on(pooled, tmp_path) as writer, node_on(pooled, tmp_path) as reader:
            seen: list[int | None] = []

            async def follow() -> None:
                async for batch in subscribe(reader.store, reader.signal, 0):
                    seen.extend(event.position for event in batch)

            following = asyncio.create_task(follow())
            await asyncio.sleep(1)
            assert seen == []
            await say(writer, "hello")
            head = await writer.sealer.seal()
            async with asyncio.timeout(10):
                while len(seen) < head:
                    await asyncio.sleep(0.01)
            following.cancel()
            await asyncio.gather(following, return_exceptions=True)
            assert seen == list(range(1, head + 1))
