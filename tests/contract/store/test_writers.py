"""What the writers of group commit owe to requests that are gone, and to each other."""

from __future__ import annotations

import asyncio

import asyncpg

from events.group_commit import WRITERS
from tests.log_node import append_to, log_node, new_stream

LOCK_HEAD = "SELECT FROM verbatim.heads WHERE stream_id = $1 FOR UPDATE"
WAITING = (
    "SELECT count(*) FROM pg_stat_activity "
    "WHERE datname = current_database() AND wait_event_type = 'Lock'"
)


async def test_requests_cancelled_while_they_are_written_stop_no_writer(database_url: str) -> None:
    async with log_node(database_url) as node:
        holder = await asyncpg.connect(database_url)
        stream = new_stream()
        await node.store.append(append_to(stream, 0))
        for version in range(1, WRITERS + 1):
            async with holder.transaction():
                await holder.execute(LOCK_HEAD, stream)
                request = asyncio.create_task(node.store.append(append_to(stream, version)))
                await until_waiting(database_url)
                request.cancel()
                await asyncio.wait([request])
            async with asyncio.timeout(10):
                while len(await node.store.read_stream(stream)) <= version:
                    await asyncio.sleep(0.01)
        async with asyncio.timeout(10):
            await node.store.append(append_to(stream, WRITERS + 1))
        await holder.close()


async def test_heads_are_locked_in_the_order_of_their_names(database_url: str) -> None:
    async with log_node(database_url) as node:
        first, second = sorted((new_stream(), new_stream()))
        await node.store.append_all([append_to(first, 0), append_to(second, 0)])
        holder = await asyncpg.connect(database_url)
        other = await asyncpg.connect(database_url)
        async with holder.transaction():
            await holder.execute(LOCK_HEAD, first)
            appending = asyncio.create_task(
                node.store.append_all([append_to(second, 1), append_to(first, 1)])
            )
            await until_waiting(database_url)
            await other.execute(f"{LOCK_HEAD} NOWAIT", second)
        await appending
        await holder.close()
        await other.close()


async def until_waiting(url: str) -> None:
    """Until a session of the database waits for a lock."""
    watcher = await asyncpg.connect(url)
    try:
        async with asyncio.timeout(10):
            while not await watcher.fetchval(WAITING):
                await asyncio.sleep(0.01)
    finally:
        await watcher.close()
