"""A generation filled by whole streams holds what one holds that was kept up event by event."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from events import conversation as c
from events import user
from events.ids import new_id
from projections import partitions
from projections.building import Builder
from projections.conversations import ConversationRow
from projections.crews import LocalCrew
from projections.errors import GenerationGone
from projections.filling import Filler
from projections.generations import Generation, create_generation, definition, live_generation
from projections.partitions import Partition
from projections.projector import Projector
from runtime.embedded import EmbeddedServer
from tests.databases import cloned
from tests.integration.projections.read_node import ReadNode, read_node
from tests.log_node import LogNode, new_stream
from tests.unit.projections.histories import Step, called, histories, posted, replied, requested


async def kept_up(node: ReadNode) -> Generation:
    """The live generation, brought to the head by the projector."""
    await node.seal()
    projector = Projector(node.pool, node.log.store, node.log.signal, batch_events=7)
    while await projector.advance():
        pass
    live = await live_generation(node.pool, definition())
    assert live is not None
    return live


async def filled(log: LogNode, page_events: int, up_to_position: int | None = None) -> Generation:
    """A generation that was filled and nothing else."""
    generation = await create_generation(log.pool, definition())
    head, _ = await log.store.head()
    await partitions.plan(log.pool, generation, head if up_to_position is None else up_to_position)
    for partition in await partitions.unfinished(log.pool, generation):
        await Filler(log.pool, log.store, page_events=page_events).fill(partition)
    return generation


@settings(
    max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(history=histories(max_actions=80), page_events=st.integers(1, 40))
async def test_rows_filled_equal_rows_kept_up(
    template_database: str,
    postgres: EmbeddedServer,
    history: list[Step],
    page_events: int,
) -> None:
    async with (
        cloned(postgres, template_database) as url,
        read_node(url, is_projecting=False) as node,
    ):
        await node.append_all(history)
        live = await kept_up(node)
        generation = await filled(node.log, page_events)
        assert await node.all_rows(generation) == await node.all_rows(live)


async def test_what_came_after_the_filling_is_caught_up(database_url: str) -> None:
    async with read_node(database_url, is_projecting=False) as node:
        stream_id = new_stream()
        await node.append(stream_id, 0, c.Started(title="before"))
        await node.seal()
        head, _ = await node.log.store.head()
        await node.append(stream_id, 1, c.Renamed(title="after"))
        await node.append(new_stream(), 0, c.Started(title="new"))
        live = await kept_up(node)
        early = await node.all_rows(await filled(node.log, 10, head))
        assert [row.title for row in early.values() if isinstance(row, ConversationRow)] == [
            "before"
        ]
        await node.builder.rebuild()
        rebuilt = await live_generation(node.pool, definition())
        assert rebuilt is not None
        assert await node.all_rows(rebuilt) == await node.all_rows(live)


async def test_poison_parks_its_stream_wherever_the_pages_end(database_url: str) -> None:
    async with read_node(database_url, is_projecting=False) as node:
        run_id = str(new_id())
        sick, well = new_stream(), new_stream()
        await node.append(
            sick, 0, c.Started(title="sick"), replied("no such run", "a1"), posted("m")
        )
        await node.append(well, 0, c.Started(), posted("m1"), requested(run_id, "m1"))
        live = await kept_up(node)
        for page_events in (1, 2, 3, 50):
            generation = await filled(node.log, page_events)
            assert await node.all_rows(generation) == await node.all_rows(live)
            assert await parked(node, generation) == await parked(node, live) == [(sick, 2)]


async def parked(node: ReadNode, generation: Generation) -> list[tuple[str, int]]:
    rows = await node.pool.fetch(
        "SELECT stream_id, position FROM verbatim.parked WHERE generation = $1", generation.number
    )
    return [(row["stream_id"], row["position"]) for row in rows]


async def test_rows_that_the_database_refuses_park_their_stream_only(database_url: str) -> None:
    async with read_node(database_url, is_projecting=False) as node:
        sick, well = new_stream(), new_stream()
        await node.append(sick, 0, c.Started(), posted("nul \x00 in an id"))
        await node.append(well, 0, c.Started(), posted("m1"))
        live = await kept_up(node)
        generation = await filled(node.log, 50)
        assert [s for s, _ in await parked(node, generation)] == [sick]
        assert await node.all_rows(generation) == await node.all_rows(live)


async def test_erased_owner_has_only_what_came_later(database_url: str) -> None:
    async with read_node(database_url, is_projecting=False) as node:
        before, later = new_stream(), new_stream()
        version = await node.append(before, 0, c.Started(), posted("m1"))
        await node.append(user.stream_of("ada"), 0, user.Erased(keys=1), owner_id="system")
        await node.append(before, version, c.Renamed(title="too late"))
        await node.append(later, 0, c.Started(title="again"))
        await node.append(new_stream(), 0, c.Started(), owner_id="bob")
        live = await kept_up(node)
        rows = await node.all_rows(await filled(node.log, 2))
        assert rows == await node.all_rows(live)
        assert len([row for row in rows.values() if isinstance(row, ConversationRow)]) == 2


async def test_two_who_fill_one_partition_write_each_row_once(database_url: str) -> None:
    async with read_node(database_url, is_projecting=False) as node:
        await long_conversation(node, 30)
        live = await kept_up(node)
        generation = await create_generation(node.pool, definition())
        await partitions.plan(node.pool, generation, live.position)
        parts = await partitions.unfinished(node.pool, generation)

        async def fill(partition: Partition) -> bool:
            try:
                await Filler(node.pool, node.log.store, page_events=10).fill(partition)
            except GenerationGone:
                return False
            return True

        ended = await asyncio.gather(*(fill(part) for part in (*parts, *parts)))
        assert False in ended
        await finish(node, generation)
        assert await node.all_rows(generation) == await node.all_rows(live)


async def finish(node: ReadNode, generation: Generation) -> None:
    for partition in await partitions.unfinished(node.pool, generation):
        await Filler(node.pool, node.log.store, page_events=10).fill(partition)


async def long_conversation(node: ReadNode, turns: int) -> str:
    stream_id = new_stream()
    version = await node.append(stream_id, 0, c.Started())
    for n in range(turns):
        run_id, call_id = str(new_id()), str(new_id())
        events = (
            posted(f"m{n}"),
            requested(run_id, f"m{n}"),
            called(run_id, call_id),
            c.RunCompleted(run_id=run_id),
        )
        version = await node.append(stream_id, version, *events)
    return stream_id


async def test_filling_that_was_killed_is_continued_where_it_was(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with read_node(database_url, is_projecting=False) as node:
        await long_conversation(node, 30)
        live = await kept_up(node)
        killed = Builder(node.pool, node.log.store, crew=DyingCrew(node.pool, node.log))
        with pytest.raises(ConnectionResetError):
            await killed.rebuild()
        building = await node.pool.fetchval("SELECT max(generation) FROM verbatim.generations")
        applied = await node.pool.fetchval(f"SELECT sum(applied) FROM read_g{building}.partitions")
        assert 0 < applied < live.position
        rebuilt = await node.builder.rebuild()
        assert rebuilt.number == building
        assert await node.all_rows(rebuilt) == await node.all_rows(live)


class DyingCrew(LocalCrew):
    """Its connection is lost after three pages."""

    def __init__(self, pool: asyncpg.Pool, log: LogNode) -> None:
        super().__init__(pool, log.store, page_events=20)
        self._pages = 0
        self._log = log

    async def fill(self, partition: Partition) -> None:
        filler = Filler(self._log.pool, self._log.store, page_events=20)
        store = self._log.store
        read = store.read_streams

        async def dying(*places: object, **options: object) -> Sequence[object]:
            self._pages += 1
            if self._pages > 3:
                raise ConnectionResetError
            return await read(*places, **options)  # type: ignore[arg-type]

        store.read_streams = dying  # type: ignore[method-assign, assignment]
        try:
            await filler.fill(partition)
        finally:
            store.read_streams = read  # type: ignore[method-assign]


async def test_small_partitions_cover_every_stream(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(partitions, "PARTITION_EVENTS", 5)
    monkeypatch.setattr(partitions, "PAGE_STREAMS", 3)
    async with read_node(database_url, is_projecting=False) as node:
        for _ in range(20):
            await node.append(new_stream(), 0, c.Started(), posted("m1"))
        live = await kept_up(node)
        ranges = await partitions.ranges(node.pool)
        assert len(ranges) > 6
        assert sum(r.events for r in ranges) == 40
        generation = await filled(node.log, 10)
        assert await node.all_rows(generation) == await node.all_rows(live)
        assert await parked(node, generation) == []
        # Nor does any of them belong to two.
        assert (await partitions.progress(node.pool, generation)).applied == 40
