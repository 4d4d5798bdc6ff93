"""Streams and the log are read in order, and what cannot be read is named."""

from __future__ import annotations

import uuid

import pytest

from events.errors import UnknownTopic
from tests.log_node import append_to, log_node, new_stream


async def test_unknown_topic_is_a_named_error(database_url: str) -> None:
    async with log_node(database_url) as node:
        stream = new_stream()
        await node.store.append(append_to(stream, 0))
        await node.pool.execute(
            "INSERT INTO verbatim.events SELECT stream_id, 2, $1, 'conversation.sung', 1, state, "
            "owner_id, metadata, recorded_at FROM verbatim.events",
            uuid.uuid4(),
        )
        with pytest.raises(UnknownTopic, match=r"conversation\.sung"):
            await node.store.read_stream(stream)


async def test_subscription_by_category_skips_the_others(database_url: str) -> None:
    async with log_node(database_url) as node:
        wanted = new_stream()
        await node.store.append(append_to("user-ada", 0))
        await node.store.append(append_to(wanted, 0))
        await node.sealer.seal()
        log = await node.store.read_log(0, categories=["conversation"])
        assert [e.stream_id for e in log] == [wanted]


async def test_stream_is_read_forward_backward_and_from_a_version(database_url: str) -> None:
    async with log_node(database_url) as node:
        stream = new_stream()
        for version in range(7):
            await node.store.append(append_to(stream, version))
        store = node.store
        whole = [r.stream_version for r in await store.read_stream(stream)]
        later = [r.stream_version for r in await store.read_stream(stream, after_version=3)]
        part = await store.read_stream(stream, after_version=2, up_to_version=5)
        newest = await store.read_stream_backwards(stream, 3)
        before = await store.read_stream_backwards(stream, 3, before_version=3)
        assert whole == [1, 2, 3, 4, 5, 6, 7]
        assert later == [4, 5, 6, 7]
        assert [r.stream_version for r in part] == [3, 4, 5]
        assert [r.stream_version for r in newest] == [7, 6, 5]
        assert [r.stream_version for r in before] == [2, 1]
        assert await store.read_stream(new_stream()) == []


@pytest.mark.parametrize("limit", [1, 4, 100])
async def test_log_is_read_in_batches_from_a_position(database_url: str, limit: int) -> None:
    async with log_node(database_url) as node:
        for _ in range(9):
            await node.store.append(append_to(new_stream(), 0))
        await node.sealer.seal()
        seen: list[int | None] = []
        while batch := await node.store.read_log(len(seen), limit=limit):
            assert len(batch) <= limit
            seen += [event.position for event in batch]
        assert seen == list(range(1, 10))
        bounded = await node.store.read_log(3, up_to_position=6)
        assert [event.position for event in bounded] == [4, 5, 6]


async def test_log_by_category_fills_its_batches(database_url: str) -> None:
    async with log_node(database_url) as node:
        for n in range(10):
            await node.store.append(append_to(new_stream() if n % 2 else f"user-{n}", 0))
        await node.sealer.seal()
        log = await node.store.read_log(0, limit=4, categories=["user"])
        assert [event.stream_id for event in log] == ["user-0", "user-2", "user-4", "user-6"]
        both = await node.store.read_log(0, categories=["user", "conversation"])
        assert len(both) == 10
