"""Folds streams again from the log and compares them with the live rows.

A page of streams, its events and its rows are read in one snapshot, so each stream is compared at
one position, whatever is written meanwhile.
"""

from __future__ import annotations

import heapq
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, replace

import asyncpg

from events import codec
from events.cipher import DataKey
from events.store import EventStore
from events.stored import StoredEvent
from projections import statements
from projections.comparing import Difference, Found, Streams, differing, pages_of, rows_of
from projections.decoding import data_keys_of, decode, erasures, is_due, split_known
from projections.errors import GenerationGone
from projections.fold import fold
from projections.generations import Generation
from projections.partitions import Range
from projections.rows import Key, ReadRow, Rows

#: So many differences are named, those of the oldest events; all are counted.
NAMED = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    #: What was folded again.
    streams: int = 0
    events: int = 0
    rows: int = 0
    #: The places that differ.
    count: int = 0
    #: The first of them, by position.
    differences: Sequence[Difference] = ()

    def __add__(self, other: Verified) -> Verified:
        named = heapq.nsmallest(NAMED, (*self.differences, *other.differences), key=_place)
        return Verified(
            streams=self.streams + other.streams,
            events=self.events + other.events,
            rows=self.rows + other.rows,
            count=self.count + other.count,
            differences=tuple(named),
        )


class Verifying:
    """Uses up to two of the pool's connections at once."""

    def __init__(self, pool: asyncpg.Pool, store: EventStore) -> None:
        self._pool = pool
        self._store = store

    async def verify(self, live: Generation, streams: Streams) -> Verified:
        """Raises GenerationGone, and UnknownTopic or NewerSchema when the log is too new."""
        verified = Verified()
        async for page in pages_of(self._pool, streams):
            async with self._pool.acquire() as connection:
                verified += await self._verify_page(connection, live, page)
        return verified

    async def _verify_page(
        self, connection: asyncpg.Connection, live: Generation, page: Streams
    ) -> Verified:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            refolded = Refolded(await _limits(connection, live))
            async for stored in self._stored(connection, page):
                await refolded.fold(self._store, stored)
            actual = await rows_of(connection, self._store.keys, live, page)
        return refolded.compared(actual)

    async def _stored(
        self, connection: asyncpg.Connection, page: Streams
    ) -> AsyncIterator[list[StoredEvent]]:
        bounds = (
            [(page.after_id, _LAST_VERSION, page.up_to_id)]
            if isinstance(page, Range)
            else [(stream_id, 0, stream_id) for stream_id in page]
        )
        for after_id, after_version, up_to_id in bounds:
            while stored := await self._store.read_streams(
                after_id, after_version, up_to_id, connection=connection
            ):
                yield stored
                after_id, after_version = stored[-1].stream_id, stored[-1].stream_version


@dataclass(frozen=True, slots=True)
class Limits:
    """What the live generation has applied."""

    position: int
    #: Where each parked stream stopped.
    parked: Mapping[str, int]
    erased: Mapping[str, int]


class Refolded(Rows):
    """Rows folded from the beginning, and which event each of them was touched by last."""

    def __init__(self, limits: Limits) -> None:
        self._keys: dict[str, DataKey] = {}
        super().__init__({}, self._keys, is_all=True)
        self._limits = limits
        self._position = 0
        self._touched_at: dict[Key, int] = {}
        #: The newest event of each stream.
        self._ends: dict[str, int] = {}
        self._refused: dict[str, Difference] = {}
        self._events = 0

    async def fold(self, store: EventStore, stored: Sequence[StoredEvent]) -> None:
        due = [event for event in stored if self._is_due(event)]
        _, newer = split_known(due)
        if newer is not None:
            raise newer
        keys = await store.keys.load(codec.key_ids_of(due))
        self._events += len(due)
        decoded = list(decode(due, keys))
        self._keys |= data_keys_of(decoded, keys)
        for each in decoded:
            self._position = self._ends[each.stored.stream_id] = each.stored.position or 0
            try:
                fold(self, each.event)
            except Exception:
                self._refuse(each.stored)

    def compared(self, actual: Found) -> Verified:
        expected = Found(rows=self.all())
        found = [self._placed(d) for d in differing(expected, actual)]
        found = [d for d in found if d.stream_id not in self._refused]
        found += self._refused.values()
        return Verified(
            streams=len(self._ends),
            events=self._events,
            rows=len(expected.rows),
            count=len(found),
            differences=tuple(sorted(found, key=_place)[:NAMED]),
        )

    def _is_due(self, event: StoredEvent) -> bool:
        limits = self._limits
        is_parked = (event.position or 0) >= limits.parked.get(event.stream_id, _LAST_VERSION)
        return not is_parked and is_due(event, limits.position, limits.erased)

    def _refuse(self, stored: StoredEvent) -> None:
        """The live rows show an event that cannot be folded."""
        self._refused.setdefault(
            stored.stream_id,
            Difference(stream_id=stored.stream_id, kind="unfoldable", position=stored.position),
        )

    def _placed(self, difference: Difference) -> Difference:
        """With the last event of its row; of a row that nothing made, with its stream's."""
        key = (difference.table, *difference.key)
        position = self._touched_at.get(key, self._ends.get(difference.stream_id))
        return replace(difference, position=position)

    def _set(self, key: Key, row: ReadRow | None) -> None:
        super()._set(key, row)
        self._touched_at[key] = self._position


async def _limits(connection: asyncpg.Connection, live: Generation) -> Limits:
    rows = await connection.fetch(statements.load("find_generations"), [live.number])
    if not rows:
        raise GenerationGone(live.number)
    position = rows[0]["position"]
    parked = await connection.fetch(statements.load("parked_of_generations"), [live.number])
    return Limits(
        position=position,
        parked={row["stream_id"]: row["position"] for row in parked},
        erased=await erasures(connection, position),
    )


def _place(difference: Difference) -> tuple[float, str, str, str]:
    position = float("inf") if difference.position is None else difference.position
    return (position, difference.stream_id, difference.table, difference.row_id)


_LAST_VERSION = 2**63 - 1
