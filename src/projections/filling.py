"""Fills a partition of a new generation: whole streams one after another, by COPY.

A stream is folded from its beginning with its rows in memory, so nothing has to be read back but
the rows of the one stream that a page began in the middle of.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

import asyncpg

from events import codec
from events.cipher import DataKey
from events.store import EventStore
from events.stored import StoredEvent
from projections import partitions
from projections.batches import POISON, park, parked_streams
from projections.decoding import (
    Decoded,
    data_keys_of,
    decode,
    erasures,
    is_due,
    readable,
    split_known,
)
from projections.fold import fold
from projections.generations import schema_of
from projections.loading import load
from projections.partitions import Partition
from projections.row_store import RowStore
from projections.rows import Rows

#: Of a page, and so of a transaction.
PAGE_EVENTS = 2_500


class Filler:
    """Uses up to two of the pool's connections at once."""

    def __init__(
        self, pool: asyncpg.Pool, store: EventStore, *, page_events: int = PAGE_EVENTS
    ) -> None:
        self._pool = pool
        self._store = store
        self._page_events = page_events

    async def fill(self, partition: Partition) -> None:
        """To its end. Raises GenerationGone when somebody else fills it, or dropped it."""
        erased = await erasures(self._pool, partition.up_to_position)
        reading = self._read(partition.at_id, partition.at_version, partition.up_to_id)
        while page := await reading:
            last = page[-1]
            reading = self._read(last.stream_id, last.stream_version, partition.up_to_id)
            # The next page is on its way while this one is folded.
            await asyncio.sleep(0)
            try:
                partition = await self._apply(partition, page, erased)
            except BaseException:
                reading.cancel()
                raise
        await partitions.finish(self._pool, partition)

    def _read(
        self, after_id: str, after_version: int, up_to_id: str
    ) -> asyncio.Task[list[StoredEvent]]:
        reading = self._store.read_streams(
            after_id, after_version, up_to_id, limit=self._page_events
        )
        return asyncio.create_task(reading)

    async def _apply(
        self, partition: Partition, page: Sequence[StoredEvent], erased: Mapping[str, int]
    ) -> Partition:
        try:
            return await self._commit(partition, page, erased)
        except POISON as error:
            if len(page) == 1:
                return await self._park_only(partition, page[0], error)
        # The fold names its culprit itself; what the database refuses is found by halving.
        half = len(page) // 2
        partition = await self._apply(partition, page[:half], erased)
        return await self._apply(partition, page[half:], erased)

    async def _commit(
        self, partition: Partition, page: Sequence[StoredEvent], erased: Mapping[str, int]
    ) -> Partition:
        due = [e for e in page if is_due(e, partition.up_to_position, erased)]
        _, newer = split_known(due)
        if newer is not None:
            raise newer
        keys = await self._store.keys.load(codec.key_ids_of(due))
        decoded = list(decode(due, keys))
        data_keys = data_keys_of(decoded, keys)
        moved = partition.after(page[-1], len(page))
        async with self._pool.acquire() as connection, connection.transaction():
            await partitions.claim(connection, partition, moved)
            store = RowStore(connection, schema_of(partition.generation), self._store.keys)
            rows, parked = await self._begin(connection, store, partition, decoded, data_keys)
            for poisoned, error in _fold(rows, decoded, parked):
                await park(connection, partition.generation, poisoned, error)
            await store.add(rows, data_keys, partition.at_id)
        return moved

    async def _begin(
        self,
        connection: asyncpg.Connection,
        store: RowStore,
        partition: Partition,
        decoded: Sequence[Decoded],
        data_keys: Mapping[str, DataKey],
    ) -> tuple[Rows, set[str]]:
        """The rows of the stream that goes on, and whether it is parked."""
        begun = [d for d in decoded if d.stored.stream_id == partition.at_id]
        if not begun:
            return Rows({}, data_keys, is_all=True), set()
        loaded = await load(store, readable(begun), data_keys)
        parked = await parked_streams(connection, partition.generation, [partition.at_id])
        return Rows(loaded.all(), data_keys, is_all=True), parked

    async def _park_only(
        self, partition: Partition, stored: StoredEvent, error: Exception
    ) -> Partition:
        moved = partition.after(stored, 1)
        async with self._pool.acquire() as connection, connection.transaction():
            await partitions.claim(connection, partition, moved)
            await park(connection, partition.generation, stored, error)
        return moved


def _fold(
    rows: Rows, decoded: Sequence[Decoded], parked: set[str]
) -> list[tuple[StoredEvent, Exception]]:
    """What could not be folded, each the first of its stream."""
    poisoned: list[tuple[StoredEvent, Exception]] = []
    for each in decoded:
        if each.stored.stream_id in parked:
            continue
        try:
            fold(rows, each.event)
        except Exception as error:
            parked.add(each.stored.stream_id)
            poisoned.append((each.stored, error))
    return poisoned
