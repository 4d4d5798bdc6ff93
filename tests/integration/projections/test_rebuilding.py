"""A rebuild is compared with what is live before it takes its place."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from events import conversation as c
from events.ids import new_id
from events.system import Swapped
from projections import swapping
from projections.building import Builder
from projections.comparing import Difference
from projections.crews import LocalCrew, Pair
from projections.errors import GenerationsDiffer, RebuildInProgress, SwapTimedOut
from projections.generations import definition, drop_expired_generations, live_generation
from projections.partitions import Partition, Range
from projections.recording import STREAM
from tests.integration.projections.read_node import ReadNode, eventually, read_node
from tests.log_node import new_stream
from tests.unit.projections.histories import posted, requested


async def start(node: ReadNode, message_id: str = "m1") -> str:
    stream_id, run_id = new_stream(), str(new_id())
    await node.append(stream_id, 0, c.Started(), posted(message_id), requested(run_id, message_id))
    return stream_id


async def with_rows(node: ReadNode) -> list[str]:
    """Three conversations in the live tables."""
    streams = [await start(node) for _ in range(3)]
    await node.seal()
    await eventually(lambda: node.projector.status.position == 9)
    return streams


def crew(node: ReadNode) -> LocalCrew:
    return LocalCrew(node.pool, node.log.store, page_events=100)


DAMAGE = {
    "changed": "UPDATE read_g1.messages SET status = 'failed' WHERE conversation_id = $1 "
    "AND role = 'user'",
    "unexpected": "DELETE FROM read_g1.messages WHERE conversation_id = $1 AND role = 'user'",
    "unreadable": "INSERT INTO read_g1.messages SELECT conversation_id, 'planted', owner_id, 7, "
    "role, run_id, status, created_at, branch_id, number, slot_id, sealed, key_id "
    "FROM read_g1.messages WHERE conversation_id = $1 AND role = 'user'",
}


@pytest.mark.parametrize("kind", sorted(DAMAGE))
async def test_difference_stops_the_rebuild_before_the_swap(database_url: str, kind: str) -> None:
    async with read_node(database_url) as node:
        streams = await with_rows(node)
        await node.pool.execute(DAMAGE[kind], c.id_of(streams[1]))
        with pytest.raises(GenerationsDiffer, match="1 place") as refused:
            await node.builder.rebuild()
        (found,) = refused.value.differences
        assert (found.kind, found.stream_id, found.table) == (kind, streams[1], "messages")
        live = await live_generation(node.pool, definition())
        assert live is not None
        assert live.number == 1


async def test_difference_that_is_accepted_is_mended_by_the_swap(database_url: str) -> None:
    async with read_node(database_url) as node:
        streams = await with_rows(node)
        await node.pool.execute(DAMAGE["changed"], c.id_of(streams[0]))
        with pytest.raises(GenerationsDiffer):
            await node.builder.rebuild()
        told: list[Sequence[Difference]] = []
        # The one that was built is taken up, not built again.
        rebuilt = await node.builder.rebuild(accepts=lambda found: not told.append(found))
        assert rebuilt.number == 2
        assert [d.fields for d in told[0]] == [("status",)]
        page = await node.reads.messages_page("ada", c.id_of(streams[0]), limit=10)
        assert page.rows[0].status == "completed"


async def test_each_swap_and_each_rolling_back_is_an_event(database_url: str) -> None:
    async with read_node(database_url) as node:
        await with_rows(node)
        await node.builder.rebuild()
        await node.builder.roll_back()
        events = [e.event for e in await node.log.store.read_stream(STREAM)]
        assert [(e.from_generation, e.to_generation) for e in events if isinstance(e, Swapped)] == [
            (1, 2),
            (2, 1),
        ]


async def test_rolling_back_goes_to_the_one_that_was_live_last(database_url: str) -> None:
    async with read_node(database_url) as node:
        for _ in range(2):
            await node.builder.rebuild()
        assert [(await node.builder.roll_back()).number for _ in range(3)] == [2, 3, 2]


class WaitingCrew(LocalCrew):
    """Fills and compares only when it is let."""

    def __init__(self, node: ReadNode) -> None:
        super().__init__(node.pool, node.log.store, page_events=100)
        self.has_begun = asyncio.Event()
        self.may_go_on = asyncio.Event()

    async def fill(self, partition: Partition) -> None:
        self.has_begun.set()
        await self.may_go_on.wait()
        await super().fill(partition)


async def test_second_rebuild_is_refused_and_another_releases_is_not(database_url: str) -> None:
    async with read_node(database_url) as node:
        waiting = WaitingCrew(node)
        first = asyncio.create_task(Builder(node.pool, node.log.store, crew=waiting).rebuild())
        await waiting.has_begun.wait()
        with pytest.raises(RebuildInProgress):
            await node.builder.rebuild()
        with pytest.raises(RebuildInProgress):
            await node.builder.roll_back()
        newer = await Builder(node.pool, node.log.store, wanted="newer").ensure_live()
        await node.pool.execute(
            "UPDATE verbatim.generations SET created_at = now() - interval '2 days'"
        )
        assert await drop_expired_generations(node.pool, definition()) == []
        waiting.may_go_on.set()
        assert newer.number != (await first).number


class InterruptedCrew(LocalCrew):
    """Somebody writes while it compares everything, and after that."""

    def __init__(self, node: ReadNode, stream_ids: Sequence[str]) -> None:
        super().__init__(node.pool, node.log.store, page_events=100)
        self._node = node
        self._stream_ids = stream_ids
        self.compared: list[Range | Sequence[str]] = []

    async def compare(self, pair: Pair, streams: Range | Sequence[str]) -> list[Difference]:
        self.compared.append(streams)
        if isinstance(streams, Range):
            for stream_id in self._stream_ids:
                await self._node.append(stream_id, 3, c.Renamed(title="meanwhile"))
            self._stream_ids = ()
            head = await self._node.seal()
            await eventually(lambda: self._node.projector.status.position >= head)
        return await super().compare(pair, streams)


async def test_what_changes_while_it_is_compared_is_compared_again(database_url: str) -> None:
    async with read_node(database_url) as node:
        streams = await with_rows(node)
        crew = InterruptedCrew(node, streams[:2])
        rebuilt = await Builder(node.pool, node.log.store, crew=crew).rebuild()
        again = [streams for streams in crew.compared if not isinstance(streams, Range)]
        assert sorted(again[0]) == sorted(streams[:2])
        assert await node.all_rows(rebuilt)


class LateDamage(InterruptedCrew):
    """Somebody writes, and damages a row, when everything has been compared once and again."""

    async def compare(self, pair: Pair, streams: Range | Sequence[str]) -> list[Difference]:
        found = await super().compare(pair, streams)
        if not isinstance(streams, Range) and len(self.compared) == 3:
            await self._node.append(self._late_id, 3, c.Renamed(title="late"))
            await self._node.seal()
            head, _ = await self._node.log.store.head()
            await eventually(lambda: self._node.projector.status.position >= head)
            await self._node.pool.execute(
                "UPDATE read_g1.conversations SET message_count = 40 WHERE id = $1",
                c.id_of(self._late_id),
            )
        return found

    def __init__(self, node: ReadNode, early_id: str, late_id: str) -> None:
        super().__init__(node, [early_id])
        self._late_id = late_id


async def test_damage_that_comes_with_the_last_events_is_found_at_the_swap(
    database_url: str,
) -> None:
    async with read_node(database_url) as node:
        early_id, late_id, _ = await with_rows(node)
        crew = LateDamage(node, early_id, late_id)
        with pytest.raises(GenerationsDiffer) as refused:
            await Builder(node.pool, node.log.store, crew=crew).rebuild()
        assert refused.value.differences[0].fields == ("message_count",)
        assert crew.compared[-1] == [late_id]


async def test_swap_waits_for_a_busy_generation_and_gives_up_in_the_end(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(swapping, "LOCK_SECONDS", 0.05)
    monkeypatch.setattr(swapping, "PAUSE_SECONDS", 0.01)
    async with read_node(database_url, is_projecting=False) as node:
        async with node.pool.acquire() as holder:
            holding = holder.transaction()
            await holding.start()
            await holder.execute("SELECT FROM verbatim.generations FOR UPDATE")
            with pytest.raises(SwapTimedOut):
                await node.builder.rebuild()
            swap = asyncio.create_task(node.builder.rebuild())
            await asyncio.sleep(0.1)
            await holding.rollback()
        assert (await swap).number == 2
