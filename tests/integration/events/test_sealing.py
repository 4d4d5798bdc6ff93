from __future__ import annotations

import asyncio
import hashlib
import random

import asyncpg

from events.conversation import Renamed, Started
from events.group_commit import DISCONNECTED
from events.leaf import leaf_hash
from events.stored import StoredEvent
from events.subscription import subscribe
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


async def test_tailing_reader_sees_every_event_once(database_url: str) -> None:
    async with log_node(database_url) as writer, log_node(database_url) as reader:
        seen: list[StoredEvent] = []

        async def tail() -> None:
            async for batch in subscribe(reader.store, reader.signal, 0, limit=7):
                seen.extend(batch)
                if len(seen) >= 200:
                    return

        tailing = asyncio.create_task(tail())

        async def write(stream: str) -> None:
            for version in range(5):
                await writer.store.append(append_to(stream, version))

        await asyncio.gather(*(write(new_stream()) for _ in range(40)))
        async with asyncio.timeout(10):
            await tailing
        assert [e.position for e in seen] == list(range(1, 201))


async def test_subscription_survives_lost_connections(database_url: str) -> None:
    async with log_node(database_url) as node:
        seen: list[int | None] = []

        async def tail() -> None:
            async for batch in subscribe(node.store, node.signal, 0):
                seen.extend(event.position for event in batch)
                if len(seen) >= 2:
                    return

        tailing = asyncio.create_task(tail())
        await node.store.append(append_to(new_stream(), 0))
        async with asyncio.timeout(5):
            while not seen:
                await asyncio.sleep(0.01)
        killer = await asyncpg.connect(database_url)
        await killer.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE pid <> pg_backend_pid() AND datname = current_database()"
        )
        await killer.close()
        await node.store.append(append_to(new_stream(), 0))
        async with asyncio.timeout(10):
            await tailing
        assert seen == [1, 2]


async def test_subscription_by_category_skips_the_others(database_url: str) -> None:
    async with log_node(database_url) as node:
        wanted = new_stream()
        await node.store.append(append_to("user-ada", 0))
        await node.store.append(append_to(wanted, 0))
        await node.sealer.seal()
        log = await node.store.read_log(0, categories=["conversation"])
        assert [e.stream_id for e in log] == [wanted]


async def test_leaf_hash_is_that_of_the_stored_event(database_url: str) -> None:
    async with log_node(database_url) as node:
        await node.store.append(append_to(new_stream(), 0, Started(title="ü")))
        await node.sealer.seal()
        (stored,) = await node.store.read_log(0)
        leaf = await node.pool.fetchval("SELECT leaf FROM verbatim.log")
        assert leaf == leaf_hash(stored)
        assert len(leaf) == hashlib.sha256().digest_size
