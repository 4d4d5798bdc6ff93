from __future__ import annotations

import asyncio

import pytest

from events import conversation as c
from events.errors import UnknownTopic
from events.ids import new_id
from projections.building import Builder
from projections.errors import GenerationGone, NoStandby
from projections.generations import (
    Generation,
    create_generation,
    definition,
    drop_expired_generations,
    drop_generation,
    live_generation,
)
from projections.projector import Projector
from tests.integration.projections.read_node import (
    ReadNode,
    eventually,
    projecting,
    read_node,
)
from tests.log_node import LogNode, log_node, new_stream
from tests.unit.projections.histories import posted, requested


async def states(log: LogNode) -> dict[int, str]:
    rows = await log.pool.fetch("SELECT generation, state FROM verbatim.generations")
    return {row["generation"]: row["state"] for row in rows}


async def schemas(log: LogNode) -> set[str]:
    query = "SELECT nspname FROM pg_namespace WHERE nspname LIKE 'read\\_g%'"
    return {row[0] for row in await log.pool.fetch(query)}


async def post_messages(node: ReadNode, conversations: int = 1) -> int:
    for _ in range(conversations):
        run_id = str(new_id())
        await node.append(new_stream(), 0, c.Started(), posted("m1"), requested(run_id, "m1"))
    return conversations * 3


async def test_first_generation_is_built_once_by_nodes_that_start_together(
    database_url: str,
) -> None:
    async with log_node(database_url) as log:
        builders = [Builder(log.pool, log.store) for _ in range(3)]
        built = await asyncio.gather(*(builder.ensure_live() for builder in builders))
        assert len({generation.number for generation in built}) == 1
        assert list((await states(log)).values()) == ["live"]
        assert await schemas(log) == {built[0].schema}


async def test_building_tells_its_progress_and_holds_the_whole_log(database_url: str) -> None:
    async with read_node(database_url, is_projecting=False) as node:
        events = await post_messages(node, 4)
        await node.seal()
        seen: list[tuple[int, int]] = []
        builder = Builder(
            node.pool,
            node.log.store,
            batch_events=5,
            on_progress=lambda done, head: seen.append((done, head)),
        )
        built = await builder.rebuild()
        assert seen[-1] == (events, events)
        assert seen == sorted(seen)
        assert built.position == events
        assert len(await node.all_rows(built)) == 4 * 6


async def test_building_that_broke_off_is_continued(database_url: str) -> None:
    async with log_node(database_url) as log:
        begun = await create_generation(log.pool, definition())
        live = await Builder(log.pool, log.store).ensure_live()
        assert live.number == begun.number


async def test_rebuild_continues_a_building_that_was_abandoned(database_url: str) -> None:
    async with read_node(database_url, is_projecting=False) as node:
        abandoned = await create_generation(node.pool, definition())
        rebuilt = await node.builder.rebuild()
        assert await states(node.log) == {1: "standby", 2: "live"}
        assert rebuilt.number == abandoned.number


async def test_fresh_rebuild_drops_a_building_that_was_abandoned(database_url: str) -> None:
    async with read_node(database_url, is_projecting=False) as node:
        abandoned = await create_generation(node.pool, definition())
        rebuilt = await node.builder.rebuild(is_fresh=True)
        assert await states(node.log) == {1: "standby", rebuilt.number: "live"}
        assert abandoned.schema not in await schemas(node.log)


async def test_swap_during_writes_loses_nothing_and_no_reader_goes_back(
    database_url: str,
) -> None:
    async with read_node(database_url) as node:
        positions: list[int] = []
        is_over = asyncio.Event()

        async def look() -> None:
            while not is_over.is_set():
                live = await live_generation(node.pool, definition())
                assert live is not None
                positions.append(live.position)
                await asyncio.sleep(0)

        async def write() -> int:
            events = 0
            while not is_over.is_set():
                events += await post_messages(node)
            return events

        looking, writing = asyncio.create_task(look()), asyncio.create_task(write())
        for _ in range(4):
            await Builder(node.pool, node.log.store, batch_events=200).rebuild()
        is_over.set()
        await looking
        events = await writing
        await node.seal()
        swaps = 4
        await _project_to(node, events + swaps)
        assert positions == sorted(positions)
        live = await live_generation(node.pool, definition())
        assert live is not None
        assert len(await node.all_rows(live)) == events // 3 * 6


async def _project_to(node: ReadNode, position: int) -> None:
    """Of the generation that is live now."""

    async def is_there() -> bool:
        live = await live_generation(node.pool, definition())
        node.projector.wake()
        return live is not None and live.position == position

    await eventually(is_there)


async def test_projector_and_reads_follow_a_swap_by_themselves(database_url: str) -> None:
    async with read_node(database_url) as node, read_node(database_url) as other:
        stream_id = new_stream()
        version = await node.append(stream_id, 0, c.Started(title="before"))
        assert (await node.reads.conversation("ada", c.id_of(stream_id))) is not None
        swapped = await other.builder.rebuild()
        await node.append(stream_id, version, c.Renamed(title="after"))
        await eventually(lambda: node.projector.status.generation == swapped.number)

        async def shows_new_title() -> bool:
            row = await node.reads.conversation("ada", c.id_of(stream_id))
            return row is not None and row.title == "after"

        await eventually(shows_new_title)


async def test_generation_on_standby_is_kept_up_so_that_rolling_back_is_exact(
    database_url: str,
) -> None:
    async with read_node(database_url) as node:
        await post_messages(node, 2)
        former = await live_generation(node.pool, definition())
        assert former is not None
        rebuilt = await node.builder.rebuild()
        swaps = 1
        events = 6 + swaps + await post_messages(node, 3)
        await node.seal()
        await eventually(lambda: node.projector.status.position == events)

        async def is_kept_up() -> bool:
            return await node.position_of(former.number) == events

        await eventually(is_kept_up)
        back = await node.builder.roll_back()
        assert back.number == former.number
        assert await states(node.log) == {former.number: "live", rebuilt.number: "standby"}
        assert await node.all_rows(back) == await node.all_rows(rebuilt)


async def test_rolling_back_catches_up_first(database_url: str) -> None:
    async with read_node(database_url, is_projecting=False) as node:
        await node.builder.rebuild()
        await post_messages(node)
        await node.seal()
        head, _ = await node.log.store.head()
        back = await node.builder.roll_back()
        assert (back.number, back.position) == (1, head)


async def test_rolling_back_without_a_standby_is_refused(database_url: str) -> None:
    async with read_node(database_url, is_projecting=False) as node:
        with pytest.raises(NoStandby):
            await node.builder.roll_back()


async def test_building_stops_at_what_a_newer_release_wrote(database_url: str) -> None:
    async with read_node(database_url, is_projecting=False) as node:
        stream_id = new_stream()
        await node.pool.execute(
            """INSERT INTO verbatim.events (stream_id, stream_version, event_id, topic,
                schema_version, state, owner_id, metadata)
            VALUES ($1, 1, $2, 'conversation.from_the_future', 1, '', 'ada', '{}')""",
            stream_id,
            new_id(),
        )
        await node.pool.execute(
            "INSERT INTO verbatim.inbox (stream_ids, first_versions, last_versions, owner_ids) "
            "VALUES (ARRAY[$1], '{1}', '{1}', '{ada}')",
            stream_id,
        )
        await node.seal()
        with pytest.raises(UnknownTopic, match="from_the_future"):
            await node.builder.rebuild()
        live = await live_generation(node.pool, definition())
        assert live is not None
        assert live.number == 1


async def test_generation_that_was_dropped_while_it_is_built_is_reported(
    database_url: str,
) -> None:
    async with read_node(database_url, is_projecting=False) as node:
        await post_messages(node, 5)
        await node.seal()
        dropping: list[asyncio.Task[None]] = []

        def drop(done: int, _head: int) -> None:
            if not dropping:
                dropping.append(asyncio.create_task(drop_generation(node.pool, 2)))

        builder = Builder(node.pool, node.log.store, batch_events=1, on_progress=drop)
        with pytest.raises(GenerationGone):
            await builder.rebuild()
        await asyncio.gather(*dropping)


async def test_two_definitions_live_side_by_side(database_url: str) -> None:
    async with read_node(database_url) as node:
        newer = await Builder(node.pool, node.log.store, wanted="newer").ensure_live()
        projector = Projector(node.pool, node.log.store, node.log.signal, wanted="newer")
        async with projecting(projector):
            events = await post_messages(node)
            await eventually(lambda: projector.status.position == events)
            await eventually(lambda: node.projector.status.position == events)
        ours = await live_generation(node.pool, definition())
        assert ours is not None
        assert await node.all_rows(ours) == await node.all_rows(newer)


async def test_only_what_nobody_needs_expires(database_url: str) -> None:
    async with read_node(database_url, is_projecting=False) as node:
        await node.builder.rebuild()
        await create_generation(node.pool, definition())
        idle = await Builder(node.pool, node.log.store, wanted="idle but current").ensure_live()
        await post_messages(node)
        assert await drop_expired_generations(node.pool, definition()) == []
        await _let_a_day_pass(node)
        assert await drop_expired_generations(node.pool, definition()) == [1, 3]
        assert await states(node.log) == {2: "live", idle.number: "live"}
        assert await schemas(node.log) == {"read_g2", idle.schema}
        await _age_events(node)
        assert await drop_expired_generations(node.pool, definition()) == []
        assert await states(node.log) == {2: "live", idle.number: "standby"}
        await _let_a_day_pass(node)
        assert await drop_expired_generations(node.pool, definition()) == [idle.number]
        assert await states(node.log) == {2: "live"}


async def _let_a_day_pass(node: ReadNode) -> None:
    await node.pool.execute(
        "UPDATE verbatim.generations SET created_at = created_at - interval '25 hours', "
        "swapped_at = swapped_at - interval '25 hours'"
    )


async def _age_events(node: ReadNode) -> None:
    """A generation that lags behind an event a day old is nobody's any more."""
    await node.seal()
    async with node.pool.acquire() as connection, connection.transaction():
        await connection.execute("ALTER TABLE verbatim.events DISABLE TRIGGER ALL")
        await connection.execute(
            "UPDATE verbatim.events SET recorded_at = recorded_at - interval '25 hours'"
        )
        await connection.execute("ALTER TABLE verbatim.events ENABLE TRIGGER ALL")


def test_schema_is_named_after_the_generation() -> None:
    assert Generation(7, "d", "live", 0).schema == "read_g7"
