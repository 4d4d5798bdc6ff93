"""Streams that could not be projected: which they are, and trying one again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import asyncpg

from events import codec
from events.cipher import DataKey
from events.store import EventStore
from events.stored import StoredEvent
from projections import statements
from projections.batches import SILENCE_SECONDS
from projections.decoding import Decoded, data_keys_of, decode, readable
from projections.errors import GenerationGone, RetryFailed
from projections.fold import fold
from projections.generations import Generation, followed_generations
from projections.loading import load
from projections.row_store import RowStore
from projections.rows import Key, ReadRow, Rows
from projections.tables import ReadModel


@dataclass(frozen=True, slots=True, kw_only=True)
class ParkedStream:
    generation: int
    stream_id: str
    owner_id: str
    #: Of the event that could not be applied.
    position: int
    #: The error's class.
    error: str
    parked_at: datetime
    #: Of the event.
    topic: str
    stream_version: int
    #: How many events of the stream are not shown: that one and those after it.
    missing: int


async def parked_streams(pool: asyncpg.Pool, generation: Generation) -> list[ParkedStream]:
    rows = await pool.fetch(statements.load("list_parked"), generation.number)
    return [ParkedStream(**row) for row in rows]


async def retry_everywhere(
    pool: asyncpg.Pool, store: EventStore, wanted: str, stream_id: str
) -> bool:
    """In the live generation, and in those on standby, so that going back to one is exact.

    False when it is parked in none. Raises RetryFailed.
    """
    followed = await followed_generations(pool, wanted)
    return any([await retry_parked(pool, store, g, stream_id) for g in followed])


async def retry_parked(
    pool: asyncpg.Pool, store: EventStore, generation: Generation, stream_id: str
) -> bool:
    """Fold a parked stream again from its beginning; False when it is not parked.

    Raises RetryFailed when it still cannot be folded, and leaves it parked.
    """
    # Most of it before the lock: meanwhile nobody's events are projected.
    known = await _read(store, stream_id)
    async with pool.acquire() as connection, connection.transaction():
        position = await _lock(connection, generation)
        statement = statements.load("unpark_stream")
        if not await connection.fetchval(statement, generation.number, stream_id):
            return False
        newest = known[-1].stream_version if known else 0
        known += await _read(store, stream_id, after_version=newest)
        decoded, data_keys = await _decoded(store, known, position)
        rows = await load(_NoRows(), readable(decoded), data_keys)
        for each in decoded:
            _fold(rows, each)
        row_store = RowStore(connection, generation.schema, store.keys)
        await row_store.delete_stream(stream_id)
        await row_store.write(rows, data_keys)
    return True


class _NoRows:
    """What a stream finds when it is folded from its beginning."""

    async def rows(self, model: ReadModel, keys: Iterable[Key]) -> dict[Key, ReadRow]:
        return {}

    async def active_rows_after(
        self, model: ReadModel, anchors: Sequence[tuple[str, int]]
    ) -> dict[Key, ReadRow]:
        return {}


async def _lock(connection: asyncpg.Connection, generation: Generation) -> int:
    timeout = str(int(SILENCE_SECONDS * 1000))
    row = await connection.fetchrow(statements.load("hold_generation"), generation.number, timeout)
    if row is None:
        raise GenerationGone(generation.number)
    position: int = row["position"]
    return position


async def _read(store: EventStore, stream_id: str, *, after_version: int = 0) -> list[StoredEvent]:
    pages = store.stored_stream(stream_id, after_version=after_version)
    return [event async for page in pages for event in page if event.position is not None]


async def _decoded(
    store: EventStore, stored: Sequence[StoredEvent], up_to_position: int
) -> tuple[list[Decoded], Mapping[str, DataKey]]:
    due = [event for event in stored if (event.position or 0) <= up_to_position]
    keys = await store.keys.load(codec.key_ids_of(due))
    decoded = list(decode(due, keys))
    return decoded, data_keys_of(decoded, keys)


def _fold(rows: Rows, decoded: Decoded) -> None:
    try:
        fold(rows, decoded.event)
    except Exception as error:
        raise RetryFailed(decoded.stored.stream_id, type(error).__name__) from error
