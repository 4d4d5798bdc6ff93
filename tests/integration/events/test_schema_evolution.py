"""Events in older shapes read as today's."""

from __future__ import annotations

import json
from collections.abc import Iterator

import msgspec
import pytest
from msgspec.structs import replace

from events.stored import RecordedEvent
from events.subscription import subscribe
from tests.integration.events import keep_rows, stored_rows
from tests.integration.events.readings import (
    READINGS,
    STREAM,
    ReadingTaken,
    known_to_this_release,
)
from tests.log_node import LogNode, append_to, log_node
from tests.unit.events.event_values import CATALOGUE

SHAPES = ("reading_v1", "reading_v2", "reading_v3")


@pytest.fixture
def _readings() -> Iterator[None]:
    with known_to_this_release():
        yield


async def put_back_all_shapes(node: LogNode) -> list[stored_rows.StoredRow]:
    rows: list[stored_rows.StoredRow] = []
    for shape in SHAPES:
        kept = stored_rows.load(shape)
        await stored_rows.put_back(node.pool, kept)
        rows += kept.rows
    await node.sealer.seal()
    return rows


def events_of(recorded: list[RecordedEvent]) -> list[object]:
    return [each.event for each in recorded]


@pytest.mark.usefixtures("_readings")
async def test_older_shapes_read_as_the_newest_by_every_way_of_reading(database_url: str) -> None:
    async with log_node(database_url) as node:
        await put_back_all_shapes(node)
        store = node.store
        everything = list(READINGS)
        assert events_of(await store.read_stream(STREAM)) == everything
        assert events_of(await store.read_stream(STREAM, after_version=1)) == everything[1:]
        assert events_of(await store.read_stream_backwards(STREAM, 9)) == everything[::-1]
        assert events_of(await store.decode(await store.read_log(0))) == everything
        by_category = await store.read_log(0, categories=["station"])
        assert events_of(await store.decode(by_category)) == everything
        async for batch in subscribe(store, node.signal, 0):
            assert events_of(await store.decode(batch)) == everything
            break


@pytest.mark.usefixtures("_readings")
async def test_reading_older_shapes_changes_nothing_that_is_stored(database_url: str) -> None:
    async with log_node(database_url) as node:
        kept = await put_back_all_shapes(node)
        await node.store.read_stream(STREAM)
        stored = await node.store.read_log(0)
        assert [replace(event, position=None) for event in stored] == [row.event for row in kept]
        assert {event.schema_version for event in stored} == {1, 2, 3}
        leaves = await node.pool.fetch("SELECT leaf FROM verbatim.log ORDER BY position")
        assert [row["leaf"] for row in leaves] == [row.leaf for row in kept]


@pytest.mark.usefixtures("_readings")
async def test_stream_of_older_shapes_goes_on_in_the_newest(database_url: str) -> None:
    async with log_node(database_url) as node:
        await put_back_all_shapes(node)
        newest = ReadingTaken(celsius=1.0, places=("Leeds",))
        appended = await node.store.append(append_to(STREAM, len(READINGS), newest))
        assert appended.last_version == len(READINGS) + 1
        assert events_of(await node.store.read_stream(STREAM)) == [*READINGS, newest]
        await node.sealer.seal()
        assert (await node.store.read_log(0))[-1].schema_version == 3


async def test_every_row_of_the_catalogue_that_was_ever_kept_can_be_read(database_url: str) -> None:
    async with log_node(database_url) as node:
        kept = stored_rows.load(keep_rows.NAME)
        await stored_rows.put_back(node.pool, kept)
        await node.sealer.seal()
        recorded = await node.store.decode(await node.store.read_log(0, limit=len(kept.rows)))
        assert len(recorded) == len(kept.rows)
        for row, read in zip(kept.rows, recorded, strict=True):
            assert isinstance(read.event, CATALOGUE[row.event.topic])
            if row.event.schema_version == read.event.schema_version:
                assert json.loads(msgspec.json.encode(read.event)) == row.says, row.event.topic


def test_every_version_of_every_event_class_has_a_row_that_is_kept() -> None:
    rows = stored_rows.load(keep_rows.NAME).rows
    kept = {(row.event.topic, row.event.schema_version) for row in rows}
    needed = {
        (topic, version)
        for topic, cls in CATALOGUE.items()
        for version in range(1, cls.schema_version + 1)
    }
    assert needed - kept == set(), "run python -m tests.integration.events.keep_rows"
    assert {topic for topic, _ in kept} <= CATALOGUE.keys(), "a stored topic is never given up"
