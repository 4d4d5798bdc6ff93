"""The log gives every event a position: none is skipped, none comes twice or too early."""

from __future__ import annotations

import asyncio
import hashlib
import random

import asyncpg

from events.conversation import Renamed, Started
from events.group_commit import DISCONNECTED
from events.leaf import leaf_hash
from tests.log_node import LogNode, append_to, log_node, new_stream


async def test_seal_gives_gapless_positions_in_stream_order(database_url: str) -> None:
    async with log_node(database_url) as one, log_node(database_url) as two:
        streams = [new_stream() for _ in range(20)]

        async def write(node: LogNode, stream: str) -> None:
            for version in range(0, 12, 2):
                first = Started() if version == 0 else Renamed(title="x")
                await node.store.append(append_to(stream, version, first, Renamed(title="y")))

        nodes = [random.choice((one, two)) for _ in streams]
        await asyncio.gather(*(write(n, s) for n, s in zip(nodes, streams, strict=True)))
        await one.sealer.seal()
        log = await one.store.read_log(0)
        assert [event.position for event in log] == list(range(1, 241))
        for stream in streams:
            versions = [event.stream_version for event in log if event.stream_id == stream]
            assert versions == list(range(1, 13))


async def test_position_exceeds_that_of_everything_committed_before(database_url: str) -> None:
    async with log_node(database_url, is_sealing=False) as node:
        earlier, later = new_stream(), new_stream()
        await node.store.append(append_to(later, 0))
        await node.store.append(append_to(earlier, 0))
        await node.store.append(append_to(later, 1))
        await node.sealer.seal()
        log = await node.store.read_log(0)
        assert [(e.stream_id, e.stream_version) for e in log] == [
            (later, 1),
            (earlier, 1),
            (later, 2),
        ]


async def test_uncommitted_append_is_sealed_when_it_commits(database_url: str) -> None:
    async with log_node(database_url, is_sealing=False) as node:
        await node.store.append(append_to(new_stream(), 0))
        writer = await asyncpg.connect(database_url)
        transaction = writer.transaction()
        await transaction.start()
        await writer.execute(
            "INSERT INTO verbatim.inbox (stream_ids, first_versions, last_versions, owner_ids) "
            "SELECT array['conversation-late'], array[1], array[1], array['ada']"
        )
        await writer.execute(
            "INSERT INTO verbatim.events SELECT 'conversation-late', 1, event_id, topic, "
            "schema_version, state, owner_id, metadata FROM verbatim.events"
        )
        await node.store.append(append_to(new_stream(), 0))
        assert await node.sealer.seal() == 2
        await transaction.commit()
        await writer.close()
        assert await node.sealer.seal() == 3
        log = await node.store.read_log(0)
        assert [e.position for e in log] == [1, 2, 3]
        assert log[-1].stream_id == "conversation-late"


async def test_sealers_race_and_are_killed_without_a_gap(database_url: str) -> None:
    async with log_node(database_url, is_sealing=False) as node:
        killer = await asyncpg.connect(database_url)
        is_done = asyncio.Event()

        async def seal_forever() -> None:
            while not is_done.is_set():
                try:
                    connection = await asyncpg.connect(database_url)
                    while not is_done.is_set():
                        await connection.fetchrow("SELECT * FROM verbatim.seal(3)")
                        await asyncio.sleep(0)
                    await connection.close()
                except DISCONNECTED:
                    continue

        async def kill() -> None:
            while not is_done.is_set():
                await killer.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = "
                    "current_database() AND query LIKE '%verbatim.seal(3)%' "
                    "AND pid <> pg_backend_pid() LIMIT 1"
                )
                await asyncio.sleep(0.02)

        async def write(stream: str) -> None:
            for version in range(10):
                await node.store.append(append_to(stream, version))

        background = [asyncio.create_task(seal_forever()) for _ in range(3)]
        background.append(asyncio.create_task(kill()))
        streams = [new_stream() for _ in range(40)]
        await asyncio.gather(*(write(stream) for stream in streams))
        is_done.set()
        await asyncio.gather(*background)
        await killer.close()
        await node.sealer.seal()
        log = await node.store.read_log(0)
        assert [e.position for e in log] == list(range(1, 401))
        for stream in streams:
            assert [e.stream_version for e in log if e.stream_id == stream] == list(range(1, 11))


async def test_leaf_hash_is_that_of_the_stored_event(database_url: str) -> None:
    async with log_node(database_url) as node:
        await node.store.append(append_to(new_stream(), 0, Started(title="ü")))
        await node.sealer.seal()
        (stored,) = await node.store.read_log(0)
        leaf = await node.pool.fetchval("SELECT leaf FROM verbatim.log")
        assert leaf == leaf_hash(stored)
        assert len(leaf) == hashlib.sha256().digest_size
