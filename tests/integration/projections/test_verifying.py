"""What somebody wrote into the read tables is found, with the event that they should show."""

from __future__ import annotations

import asyncio

import pytest

from events import conversation as c
from events import task as t
from events.ids import new_id
from projections import comparing, partitions, verification
from projections.crews import LocalCrew
from projections.errors import NoLiveGeneration
from projections.verification import verify
from projections.verifying import Verified
from tests.integration.projections.read_node import ReadNode, eventually, read_node
from tests.log_node import new_stream
from tests.unit.projections.histories import called, posted, replied, requested


async def check(node: ReadNode, sample: int | None = None) -> Verified:
    return await verify(node.pool, LocalCrew(node.pool, node.log.store), sample=sample)


async def converse(node: ReadNode) -> str:
    stream_id, run_id = new_stream(), str(new_id())
    events = (
        c.Started(title="Groceries"),
        posted("m1"),
        requested(run_id, "m1"),
        called(run_id, "k1"),
        replied(run_id, "a1"),
        c.RunCompleted(run_id=run_id),
    )
    await node.append(stream_id, 0, *events)
    return stream_id


async def projected(node: ReadNode) -> None:
    await node.seal()
    head, _ = await node.log.store.head()
    await eventually(lambda: node.projector.status.position >= head)


async def test_tables_that_are_as_the_log_says_pass(database_url: str) -> None:
    async with read_node(database_url) as node:
        for _ in range(3):
            await converse(node)
        await node.append(t.stream_of(str(new_id())), 0, t.Added(title="Milk"))
        await projected(node)
        verified = await check(node)
        assert (verified.streams, verified.events, verified.count) == (4, 19, 0)
        assert verified.rows > 19


#: What is planted, and what is found: kind, table, fields, and how far into the conversation.
PLANTED = {
    "update of a message": (
        "UPDATE read_g1.messages SET status = 'failed' "
        "WHERE conversation_id = $1 AND role = 'assistant'",
        ("changed", "messages", ("status",), 6),
    ),
    "update of a conversation": (
        "UPDATE read_g1.conversations SET message_count = 9 WHERE id = $1",
        ("changed", "conversations", ("message_count",), 6),
    ),
    "delete of a user's message": (
        "DELETE FROM read_g1.messages WHERE conversation_id = $1 AND role = 'user'",
        ("missing", "messages", (), 2),
    ),
    "delete of words": (
        "DELETE FROM read_g1.search WHERE conversation_id = $1 AND id = 'm1'",
        ("missing", "search", (), 2),
    ),
    "insert of another's content": (
        "INSERT INTO read_g1.messages SELECT conversation_id, 'planted', owner_id, 7, role, "
        "run_id, status, created_at, branch_id, number, slot_id, sealed, key_id "
        "FROM read_g1.messages "
        "WHERE conversation_id = $1 AND role = 'user'",
        ("unreadable", "messages", (), 6),
    ),
    "content of another row": (
        "UPDATE read_g1.messages SET sealed = (SELECT sealed FROM read_g1.messages "
        "WHERE conversation_id = $1 AND role = 'user') "
        "WHERE conversation_id = $1 AND role = 'assistant'",
        ("unreadable", "messages", (), 6),
    ),
}


@pytest.mark.parametrize("planted", sorted(PLANTED))
async def test_what_was_planted_is_found_at_its_event(database_url: str, planted: str) -> None:
    statement, (kind, table, fields, version) = PLANTED[planted]
    async with read_node(database_url) as node:
        await converse(node)
        stream_id = await converse(node)
        await projected(node)
        await node.pool.execute(statement, c.id_of(stream_id))
        verified = await check(node)
        assert verified.count == 1
        (found,) = verified.differences
        assert (found.kind, found.table, found.fields) == (kind, table, fields)
        assert (found.stream_id, found.position) == (stream_id, 6 + version)
        # And a sample of everything finds it as well.
        assert (await check(node, sample=10)).count == 1


async def test_row_of_a_conversation_that_never_was_is_found(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(partitions, "PARTITION_EVENTS", 6)
    monkeypatch.setattr(comparing, "PAGE_EVENTS", 6)
    async with read_node(database_url) as node:
        for _ in range(4):
            await converse(node)
        await projected(node)
        await node.pool.execute(
            "INSERT INTO read_g1.usage SELECT $1, 'planted', owner_id, day, model, status, "
            "requests, input_tokens, output_tokens, sealed, key_id FROM read_g1.usage LIMIT 1",
            str(new_id()),
        )
        verified = await check(node)
        assert [(d.kind, d.table, d.position) for d in verified.differences] in (
            [("unexpected", "usage", None)],
            [("unreadable", "usage", None)],
        )
        assert verified.streams == 4


async def test_first_of_many_is_the_one_of_the_oldest_event(database_url: str) -> None:
    async with read_node(database_url) as node:
        streams = [await converse(node) for _ in range(30)]
        await projected(node)
        await node.pool.execute("TRUNCATE read_g1.messages, read_g1.thread_items")
        verified = await check(node)
        assert verified.count == 30 * (2 + 3)
        assert len(verified.differences) == 100
        assert verified.differences[0].stream_id == streams[0]
        assert verified.differences[0].position == 2


async def test_parked_stream_is_checked_up_to_its_event(database_url: str) -> None:
    async with read_node(database_url) as node:
        stream_id = new_stream()
        await node.append(stream_id, 0, c.Started(), replied("no such run", "a1"), posted("m1"))
        await projected(node)
        assert (await check(node)).count == 0
        await node.pool.execute("DELETE FROM verbatim.parked")
        (found,) = (await check(node)).differences
        assert (found.kind, found.stream_id, found.position) == ("unfoldable", stream_id, 2)


async def test_verifying_beside_writers_finds_nothing(database_url: str) -> None:
    async with read_node(database_url) as node:
        is_over = asyncio.Event()

        async def write() -> None:
            while not is_over.is_set():
                stream_id = await converse(node)
                await node.append(stream_id, 6, c.Renamed(title="again"))

        writing = [asyncio.create_task(write()) for _ in range(3)]
        try:
            for _ in range(15):
                verified = await check(node)
                assert verified.differences == ()
        finally:
            is_over.set()
            await asyncio.gather(*writing)
        assert verified.streams


async def test_sample_is_of_so_many_streams(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verification, "CHUNK_STREAMS", 2)
    async with read_node(database_url) as node:
        for _ in range(8):
            await converse(node)
        await projected(node)
        assert (await check(node, sample=5)).streams == 5
        await node.pool.execute("ANALYZE verbatim.heads")
        assert (await check(node, sample=5)).streams == 5
        assert (await check(node, sample=500)).streams == 8


async def test_there_is_nothing_to_verify_without_a_generation(database_url: str) -> None:
    async with read_node(database_url) as node:
        crew = LocalCrew(node.pool, node.log.store)
        with pytest.raises(NoLiveGeneration):
            await verify(node.pool, crew, wanted="another")
