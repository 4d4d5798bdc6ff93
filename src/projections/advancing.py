"""Moves one generation on along the log, beside the projectors of those that are followed."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import asyncpg

from events.store import MAX_VERSION, EventStore
from events.stored import StoredEvent
from projections.batches import Batches
from projections.decoding import split_known
from projections.errors import GenerationGone
from projections.generations import Generation, find_generation

BATCH_EVENTS = 5_000

#: Is told how much is done and how much there is.
Progress = Callable[[int, int], None]


class Advance:
    def __init__(
        self,
        pool: asyncpg.Pool,
        store: EventStore,
        *,
        batch_events: int = BATCH_EVENTS,
    ) -> None:
        self._pool = pool
        self._store = store
        self._batches = Batches(pool, store.keys)
        self._batch_events = batch_events

    async def to_head(
        self, generation: Generation, on_progress: Progress = lambda done, head: None
    ) -> Generation:
        """Until less than a batch is left to come."""
        return await self.to(generation, MAX_VERSION, on_progress)

    async def to(
        self,
        generation: Generation,
        position: int,
        on_progress: Progress = lambda done, head: None,
    ) -> Generation:
        """Raises UnknownTopic, NewerSchema and GenerationGone."""
        head, _ = await self._store.head()
        is_more = True
        while is_more and generation.position < position:
            stored = await self._store.read_log(
                generation.position, up_to_position=position, limit=self._batch_events
            )
            known, newer = split_known(stored)
            if newer is not None:
                raise newer
            if not known:
                break
            generation = await self._apply(generation, known)
            is_overtaken = generation.position != known[-1].position
            is_more = is_overtaken or len(known) == self._batch_events
            head = max(head, generation.position)
            on_progress(generation.position, head)
        return generation

    async def _apply(self, generation: Generation, known: Sequence[StoredEvent]) -> Generation:
        advanced = await self._batches.apply(generation, known)
        if advanced is not None:
            return advanced
        # Someone else moved it: the projectors do so with those that are live or on standby.
        found = await find_generation(self._pool, generation.number)
        if found.position == generation.position:
            raise GenerationGone(generation.number)
        return found
