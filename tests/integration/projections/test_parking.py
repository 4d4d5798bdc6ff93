from __future__ import annotations

import pytest

from events import conversation as c
from events import task as t
from events.ids import new_id
from projections import messages
from projections.building import Builder
from projections.errors import GenerationGone, RetryFailed
from projections.generations import Generation, definition, live_generation
from projections.parking import parked_streams, retry_parked
from tests.integration.projections.read_node import ReadNode, eventually, read_node
from tests.log_node import new_stream
from tests.unit.projections.histories import posted, replied, requested


async def live(node: ReadNode) -> Generation:
    found = await live_generation(node.pool, definition())
    assert found is not None
    return found


async def caught_up(node: ReadNode) -> None:
    head = await node.seal()
    await eventually(lambda: node.projector.status.position == head)


async def test_parked_stream_stops_no_other(database_url: str) -> None:
    async with read_node(database_url) as node:
        bad, good = new_stream(), new_stream()
        version = await node.append(bad, 0, c.Started(), posted("m1"))
        version = await node.append(bad, version, replied("never requested", "a1"))
        await node.append(good, 0, c.Started(), posted("m1"))
        await node.append(bad, version, posted("m2"))
        await caught_up(node)
        (parked,) = await parked_streams(node.pool, await live(node))
        assert (parked.stream_id, parked.owner_id, parked.position) == (bad, "ada", 3)
        assert parked.error == "InconsistentHistory"
        rows = await node.all_rows(await live(node))
        assert ("messages", c.id_of(bad), "m1") in rows
        assert ("messages", c.id_of(bad), "m2") not in rows
        assert ("messages", c.id_of(good), "m1") in rows


async def test_state_that_cannot_be_decoded_parks_its_stream(database_url: str) -> None:
    async with read_node(database_url) as node:
        stream_id = new_stream()
        version = await node.append(stream_id, 0, c.Started())
        await _store_garbage(node, stream_id, version + 1)
        await node.append(new_stream(), 0, c.Started())
        await caught_up(node)
        (parked,) = await parked_streams(node.pool, await live(node))
        assert (parked.stream_id, parked.error) == (stream_id, "UnreadableState")


async def test_event_that_the_database_refuses_is_found_and_parked(database_url: str) -> None:
    async with read_node(database_url, is_projecting=False) as node:
        streams = [new_stream() for _ in range(7)]
        for stream_id in streams[:-1]:
            await node.append(stream_id, 0, c.Started(), posted("m1"))
        await node.append(streams[-1], 0, c.Started(), posted("m\x00"))
        version = await node.append(streams[0], 2, posted("m2"))
        await node.append(streams[0], version, posted("m3"))
        await node.seal()
        generation = await node.builder.rebuild()
        (parked,) = await parked_streams(node.pool, generation)
        assert parked.stream_id == streams[-1]
        rows = await node.all_rows(generation)
        assert len([key for key in rows if key[0] == messages.TABLE.name]) == 8
        assert generation.position == 16


async def test_parked_stream_is_the_same_after_a_rebuild(database_url: str) -> None:
    async with read_node(database_url) as node:
        bad = new_stream()
        await node.append(bad, 0, c.Started(), posted("m1"), replied("r?", "a1"), posted("m2"))
        await caught_up(node)
        kept_up = await live(node)
        rebuilt = await node.builder.rebuild()
        assert await node.all_rows(rebuilt) == await node.all_rows(kept_up)
        (parked,) = await parked_streams(node.pool, rebuilt)
        assert (parked.stream_id, parked.position) == (bad, 3)


async def test_retried_stream_shows_everything_it_missed(database_url: str) -> None:
    async with read_node(database_url) as node:
        run_id = str(new_id())
        stream_id, task_stream = new_stream(), t.stream_of(str(new_id()))
        version = await node.append(stream_id, 0, c.Started(), posted("m1"))
        await node.append(task_stream, 0, t.Added(title="Milk"))
        await caught_up(node)
        generation = await live(node)
        await _park(node, generation, stream_id, task_stream)
        await node.append(stream_id, version, requested(run_id, "m1"), replied(run_id, "a1"))
        await node.append(task_stream, 1, t.Completed())
        await caught_up(node)
        assert ("runs", run_id) not in await node.all_rows(generation)
        for parked in (stream_id, task_stream):
            assert await retry_parked(node.pool, node.log.store, generation, parked)
        rows = await node.all_rows(generation)
        assert ("runs", run_id) in rows
        assert await parked_streams(node.pool, generation) == []
        await node.append(stream_id, version + 2, c.RunCompleted(run_id=run_id))
        await caught_up(node)
        rows = await node.all_rows(generation)
        assert await node.all_rows(await node.builder.rebuild()) == rows


async def test_retry_that_fails_leaves_the_stream_parked(database_url: str) -> None:
    async with read_node(database_url) as node:
        bad = new_stream()
        await node.append(bad, 0, c.Started(), replied("never requested", "a1"))
        await caught_up(node)
        generation = await live(node)
        before = await node.all_rows(generation)
        with pytest.raises(RetryFailed, match="InconsistentHistory"):
            await retry_parked(node.pool, node.log.store, generation, bad)
        assert len(await parked_streams(node.pool, generation)) == 1
        assert await node.all_rows(generation) == before


async def test_retry_of_what_is_not_parked_does_nothing(database_url: str) -> None:
    async with read_node(database_url) as node:
        generation = await live(node)
        assert not await retry_parked(node.pool, node.log.store, generation, new_stream())
        gone = Generation(999, definition(), "live", 0)
        with pytest.raises(GenerationGone):
            await retry_parked(node.pool, node.log.store, gone, new_stream())


async def test_row_that_was_tampered_with_parks_its_stream(database_url: str) -> None:
    async with read_node(database_url) as node:
        stream_id = new_stream()
        version = await node.append(stream_id, 0, c.Started(), posted("m1"))
        await caught_up(node)
        generation = await live(node)
        table = f"{generation.schema}.conversations"
        await node.pool.execute(f"UPDATE {table} SET sealed = 'nonsense'::bytea")
        await node.append(stream_id, version, posted("m2"))
        await caught_up(node)
        (parked,) = await parked_streams(node.pool, generation)
        assert parked.error == "UnreadableRow"
        assert await Builder(node.pool, node.log.store).rebuild()


async def _park(node: ReadNode, generation: Generation, *stream_ids: str) -> None:
    for stream_id in stream_ids:
        await node.pool.execute(
            "INSERT INTO verbatim.parked (generation, stream_id, owner_id, position, error) "
            "VALUES ($1, $2, 'ada', 1, 'Test')",
            generation.number,
            stream_id,
        )


async def _store_garbage(node: ReadNode, stream_id: str, version: int) -> None:
    """Bytes that were written under no key of ours."""
    key = await node.log.keys.current("ada")
    await node.pool.execute(
        """INSERT INTO verbatim.events (stream_id, stream_version, event_id, topic, schema_version,
            state, owner_id, metadata)
        VALUES ($1, $2, $3, 'conversation.renamed', 1, 'garbage', 'ada', $4)""",
        stream_id,
        version,
        new_id(),
        f'{{"key_id":"{key.key_id}"}}',
    )
    await node.pool.execute(
        "INSERT INTO verbatim.inbox (stream_ids, first_versions, last_versions, owner_ids) "
        "VALUES (ARRAY[$1], ARRAY[$2::bigint], ARRAY[$2::bigint], '{ada}')",
        stream_id,
        version,
    )
