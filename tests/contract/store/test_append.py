"""An append is stored whole or not at all, and nothing but its own outcome is answered."""

from __future__ import annotations

import asyncio

import asyncpg
import pytest

from events.conversation import Started, UserMessagePosted
from events.errors import VersionConflict
from tests.log_node import append_to, log_node, new_stream


async def test_append_stores_events_that_read_back(database_url: str) -> None:
    async with log_node(database_url) as node:
        stream = new_stream()
        posted = UserMessagePosted(message_id="m", text="Grüße ✓")
        appended = await node.store.append(append_to(stream, 0, Started(title="t"), posted))
        assert (appended.first_version, appended.last_version) == (1, 2)
        recorded = await node.store.read_stream(stream)
        assert [r.event for r in recorded] == [Started(title="t"), posted]
        assert [r.stream_version for r in recorded] == [1, 2]
        assert recorded[0].recorded_at.tzinfo is not None
        assert recorded[0].metadata["actor"] == "user:ada"
        backwards = await node.store.read_stream_backwards(stream, 1)
        assert [r.event for r in backwards] == [posted]


async def test_append_to_several_streams_is_all_or_nothing(database_url: str) -> None:
    async with log_node(database_url) as node:
        fresh, taken, other = new_stream(), new_stream(), new_stream()
        await node.store.append(append_to(taken, 0))
        with pytest.raises(VersionConflict):
            await node.store.append_all([append_to(fresh, 0), append_to(taken, 0)])
        assert await node.store.read_stream(fresh) == []
        done = await node.store.append_all([append_to(other, 0), append_to(taken, 1)])
        assert [a.last_version for a in done] == [1, 2]


async def test_cancelled_request_does_not_cancel_its_append(database_url: str) -> None:
    async with log_node(database_url) as node:
        stream = new_stream()
        await node.store.append(append_to(new_stream(), 0))
        request = asyncio.create_task(node.store.append(append_to(stream, 0)))
        while not node.commits.depth and not request.done():
            await asyncio.sleep(0)
        request.cancel()
        with pytest.raises(asyncio.CancelledError):
            await request
        await node.store.append(append_to(new_stream(), 0))
        async with asyncio.timeout(5):
            while not await node.store.read_stream(stream):
                await asyncio.sleep(0.01)


async def test_connection_killed_under_load_loses_and_repeats_nothing(database_url: str) -> None:
    async with log_node(database_url) as node:
        killer = await asyncpg.connect(database_url)
        streams = [new_stream() for _ in range(150)]

        async def write(stream: str) -> None:
            for version in range(4):
                await node.store.append(append_to(stream, version))

        async def kill() -> None:
            for _ in range(12):
                await killer.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE pid <> pg_backend_pid() AND datname = current_database() "
                    "AND query LIKE '%verbatim.append(%'"
                )
                await asyncio.sleep(0.01)

        await asyncio.gather(kill(), *(write(stream) for stream in streams))
        await killer.close()
        for stream in streams:
            recorded = await node.store.read_stream(stream)
            assert [r.stream_version for r in recorded] == [1, 2, 3, 4]
