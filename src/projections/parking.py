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
from projections.generations import Generation
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


async def parked_streams(pool: asyncpg.Pool, generation: Generation) -> list[ParkedStream]:
    rows = await pool.fetch(statements.load("list_parked"), generation.number)
    return [ParkedStream(**row) for row in rows]


async def retry_parked(
    pool: asyncpg.Pool, store: EventStore, generation: Generation, stream_id: str
) -> bool:
    """Fold a parked stream again from its beginning; False when it is not parked.

    Raises RetryFailed when it still cannot be folded, and leaves it parked.
    """
    async with pool.acquire() as connection, connection.transaction():
        position = await _lock(connection, generation)
        statement = statements.load("unpark_stream")
        if not await connection.fetchval(statement, generation.number, stream_id):
            return False
        decoded, data_keys = await _read(store, stream_id, position)
        rows = await load(_NoRows(), readable(decoded))
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


async def _read(
    store: EventStore, stream_id: str, up_to_position: int
) -> tuple[list[Decoded], Mapping[str, DataKey]]:
    stored: list[StoredEvent] = []
    async for page in store.stored_stream(stream_id):
        stored += (e for e in page if e.position is not None and e.position <= up_to_position)
    keys = await store.keys.load(codec.key_ids_of(stored))
    decoded = list(decode(stored, keys))
    return decoded, data_keys_of(decoded, keys)


def _fold(rows: Rows, decoded: Decoded) -> None:
    try:
        fold(rows, decoded.event)
    except Exception as error:
        raise RetryFailed(decoded.stored.stream_id, type(error).__name__) from error
