"""Applies a batch of the log to one generation: rows and checkpoint in one transaction."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import asyncpg
import structlog

from events import codec
from events.cipher import DataKey
from events.keys import KeyRing
from events.stored import StoredEvent
from projections import statements
from projections.decoding import Decoded, data_keys_of, decode, is_folded, readable
from projections.errors import ProjectionError
from projections.fold import fold
from projections.generations import Generation
from projections.loading import load
from projections.row_store import RowStore

log = structlog.get_logger()

#: How long a node that fell silent inside its transaction may keep the others waiting, where no
#: reader waits with them.
SILENCE_SECONDS = 15.0

#: What a single event can do to the statements of its batch; anything else is nobody's fault.
POISON = (
    ValueError,
    LookupError,
    OverflowError,
    ProjectionError,
    asyncpg.DataError,
    asyncpg.IntegrityConstraintViolationError,
    asyncpg.ProgramLimitExceededError,
)


class Batches:
    def __init__(
        self,
        pool: asyncpg.Pool,
        keys: KeyRing,
        *,
        on_parked: Callable[[], None] = lambda: None,
        silence_seconds: float = SILENCE_SECONDS,
    ) -> None:
        self._pool = pool
        self._keys = keys
        self._silence_seconds = silence_seconds
        self._on_parked = on_parked

    async def apply(
        self, generation: Generation, stored: Sequence[StoredEvent]
    ) -> Generation | None:
        """The generation as it stands afterwards; None when another node advanced it first.

        `stored` follows the generation's position without a gap. An event that cannot be applied
        parks its stream and holds nothing else up.
        """
        try:
            return await self._commit(generation, stored)
        except POISON as error:
            if len(stored) == 1:
                return await self._park_only(generation, stored[0], error)
        # The fold names its culprit itself; what the database refuses is found by halving.
        half = len(stored) // 2
        advanced = await self.apply(generation, stored[:half])
        return await self.apply(advanced, stored[half:]) if advanced else None

    async def _commit(
        self, generation: Generation, stored: Sequence[StoredEvent]
    ) -> Generation | None:
        folded = [event for event in stored if is_folded(event)]
        keys = await self._keys.load(codec.key_ids_of(folded))
        decoded = list(decode(folded, keys))
        data_keys = data_keys_of(decoded, keys)
        async with self._pool.acquire() as connection, connection.transaction():
            advanced = await self._claim(connection, generation, stored[-1])
            if advanced and decoded:
                await self._fold(connection, generation, decoded, data_keys)
        return advanced

    async def _fold(
        self,
        connection: asyncpg.Connection,
        generation: Generation,
        decoded: Sequence[Decoded],
        data_keys: Mapping[str, DataKey],
    ) -> None:
        stream_ids = {d.stored.stream_id for d in decoded}
        parked = await parked_streams(connection, generation.number, list(stream_ids))
        due = [d for d in decoded if d.stored.stream_id not in parked]
        store = RowStore(connection, generation.schema, self._keys)
        rows = await load(store, readable(due), data_keys)
        for each in due:
            if each.stored.stream_id in parked:
                continue
            try:
                fold(rows, each.event)
            except Exception as error:
                parked.add(each.stored.stream_id)
                await self._park(connection, generation, each.stored, error)
        await store.write(rows, data_keys)

    async def _park_only(
        self, generation: Generation, stored: StoredEvent, error: Exception
    ) -> Generation | None:
        async with self._pool.acquire() as connection, connection.transaction():
            advanced = await self._claim(connection, generation, stored)
            if advanced:
                await self._park(connection, generation, stored, error)
        return advanced

    async def _claim(
        self, connection: asyncpg.Connection, generation: Generation, last: StoredEvent
    ) -> Generation | None:
        """Move the checkpoint to the last event, if it still stands where we think it does."""
        row = await connection.fetchrow(
            statements.load("claim_position"),
            generation.number,
            generation.position,
            last.position,
            str(int(self._silence_seconds * 1000)),
        )
        return Generation.from_row(row) if row else None

    async def _park(
        self,
        connection: asyncpg.Connection,
        generation: Generation,
        stored: StoredEvent,
        error: Exception,
    ) -> None:
        await park(connection, generation.number, stored, error)
        self._on_parked()


async def parked_streams(
    connection: asyncpg.Connection, generation: int, stream_ids: Sequence[str]
) -> set[str]:
    """Those of the streams that are parked."""
    rows = await connection.fetch(statements.load("parked_streams"), generation, stream_ids)
    return {row["stream_id"] for row in rows}


async def park(
    connection: asyncpg.Connection, generation: int, stored: StoredEvent, error: Exception
) -> None:
    name = type(error).__name__
    log.error(
        "stream_parked",
        generation=generation,
        stream_id=stored.stream_id,
        position=stored.position,
        error=name,
    )
    await connection.execute(
        statements.load("park_stream"),
        generation,
        stored.stream_id,
        stored.owner_id,
        stored.position,
        name,
    )
