"""Parkings and retries stand in the log, once each whoever folds."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from events import conversation as c
from events.errors import StoreUnavailable
from events.stored import Append, RecordedEvent
from events.system import SYSTEM_OWNER, Parked, Retried, Swapped
from projections import batches, filling, parking, recording
from projections.building import Builder
from projections.fold import fold
from projections.generations import definition
from projections.parking import parked_streams, retry_everywhere
from projections.recording import ParkingRecorder
from projections.rows import Rows
from tests.integration.projections.read_node import ReadNode, eventually, projecting, read_node
from tests.integration.projections.test_parking import caught_up, live
from tests.log_node import new_stream
from tests.unit.projections.histories import posted, replied

POISON = "poison"


@contextmanager
def unable_release() -> Iterator[None]:
    """Its fold fails on one message; after it comes the release with the fix."""

    def failing(rows: Rows, event: RecordedEvent) -> None:
        if isinstance(event.event, c.UserMessagePosted) and event.event.message_id == POISON:
            raise ValueError("what a person wrote")
        fold(rows, event)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(batches, "fold", failing)
        patch.setattr(parking, "fold", failing)
        patch.setattr(filling, "fold", failing)
        yield


async def park_one(node: ReadNode) -> str:
    stream_id = new_stream()
    with unable_release():
        await node.append(stream_id, 0, c.Started(), posted(POISON))
        await caught_up(node)
    return stream_id


async def recorded(node: ReadNode) -> list[object]:
    events = [each.event for each in await node.log.store.read_stream(recording.STREAM)]
    return [event for event in events if not isinstance(event, Swapped)]


async def notes(node: ReadNode) -> int:
    count: int = await node.pool.fetchval("SELECT count(*) FROM verbatim.parking_notes")
    return count


async def test_nodes_and_generations_that_park_one_stream_record_it_once(
    database_url: str,
) -> None:
    async with read_node(database_url) as one, read_node(database_url) as two:
        stream_id = await park_one(one)
        with unable_release():
            await Builder(two.pool, two.log.store).rebuild()
            await Builder(two.pool, two.log.store, wanted="of another release").ensure_live()
        assert await notes(one) == 3
        recorders = [ParkingRecorder(node.pool, node.log.store) for node in (one, two, one, two)]
        await asyncio.gather(*(recorder.record() for recorder in recorders))
        parked = Parked(stream_id=stream_id, position=2, error="ValueError")
        assert await recorded(one) == [parked]
        assert await notes(one) == 0
        await caught_up(one)
        assert len(await parked_streams(one.pool, await live(one))) == 1


async def test_retry_is_recorded_once_for_all_generations(
    database_url: str,
) -> None:
    async with read_node(database_url) as node:
        stream_id = await park_one(node)
        await node.append(stream_id, 2, posted("m1"))
        with unable_release():
            await node.builder.rebuild()
        assert await retry_everywhere(node.pool, node.log.store, definition(), stream_id)
        assert await node.pool.fetchval("SELECT count(*) FROM verbatim.parked") == 0
        await ParkingRecorder(node.pool, node.log.store).record()
        kinds = [type(event) for event in await recorded(node)]
        assert kinds == [Parked, Retried]
        assert ("messages", c.id_of(stream_id), "m1") in await node.all_rows(await live(node))


async def test_stream_that_is_parked_again_after_its_retry_is_recorded_again(
    database_url: str,
) -> None:
    async with read_node(database_url) as node:
        stream_id = await park_one(node)
        await retry_everywhere(node.pool, node.log.store, definition(), stream_id)
        await node.append(stream_id, 2, replied("nor this", "a2"))
        await caught_up(node)
        await ParkingRecorder(node.pool, node.log.store).record()
        kinds = [type(event) for event in await recorded(node)]
        assert kinds == [Parked, Retried, Parked]


async def test_note_outlives_a_node_that_dies_before_its_event(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the parking and its event, and between reading the notes and the event."""

    async def die(append: Append) -> None:
        raise StoreUnavailable("the node was killed")

    async with read_node(database_url) as one:
        await park_one(one)
        monkeypatch.setattr(one.log.store, "append", die)
        with pytest.raises(StoreUnavailable):
            await ParkingRecorder(one.pool, one.log.store).record()
    async with read_node(database_url, is_projecting=False) as two:
        recorder = ParkingRecorder(two.pool, two.log.store)
        two.projector._on_notes = recorder.wake
        async with projecting(two.projector):
            working = asyncio.create_task(recorder.run())
            await eventually(lambda: _is_recorded(two))
            working.cancel()
        assert [type(event) for event in await recorded(two)] == [Parked]


async def _is_recorded(node: ReadNode) -> bool:
    return await notes(node) == 0


async def test_events_about_parking_park_nothing_and_are_owned_by_the_system(
    database_url: str,
) -> None:
    async with read_node(database_url) as node:
        await park_one(node)
        await ParkingRecorder(node.pool, node.log.store).record()
        await caught_up(node)
        await eventually(lambda: node.projector.status.parked == 1)
        events = await node.log.store.read_stream(recording.STREAM)
        assert [event.owner_id for event in events] == [SYSTEM_OWNER]
        assert await notes(node) == 0
        assert node.projector.status.position == 3
