"""Builds a generation from the log and makes it the live one."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence

import asyncpg
import structlog

from events.group_commit import DISCONNECTED
from events.store import MAX_VERSION, EventStore
from events.stored import StoredEvent
from projections import statements
from projections.batches import SILENCE_SECONDS, Batches
from projections.decoding import split_known
from projections.errors import GenerationGone, NoLiveGeneration
from projections.generations import (
    Generation,
    create_generation,
    definition,
    drop_generation,
    followed_generations,
    live_generation,
)

log = structlog.get_logger()

BATCH_EVENTS = 5_000
LOCK_POLL_SECONDS = 0.25

#: Is told how many events are done and how many there are.
Progress = Callable[[int, int], None]


class Builder:
    """Uses up to four of the pool's connections at once."""

    def __init__(
        self,
        pool: asyncpg.Pool,
        store: EventStore,
        *,
        wanted: str | None = None,
        batch_events: int = BATCH_EVENTS,
        on_progress: Progress = lambda done, head: None,
    ) -> None:
        self._pool = pool
        self._store = store
        self._wanted = wanted or definition()
        self._batches = Batches(pool, store.keys)
        self._batch_events = batch_events
        self._on_progress = on_progress

    async def ensure_live(self) -> Generation:
        """The live generation of this release, built first where there is none.

        One node builds, the others wait for it; a building that broke off is continued.
        Raises UnknownTopic or NewerSchema when the log is newer than this release.
        """
        if live := await live_generation(self._pool, self._wanted):
            return live
        async with self._lock():
            if live := await live_generation(self._pool, self._wanted):
                return live
            begun = await self._unfinished()
            generation = begun[0] if begun else await create_generation(self._pool, self._wanted)
            return await self._make_live(await self._catch_up(generation))

    async def rebuild(self) -> Generation:
        """A new generation beside the live one, which goes on standby once the new one is up."""
        async with self._lock():
            for abandoned in await self._unfinished():
                await drop_generation(self._pool, abandoned.number)
            generation = await create_generation(self._pool, self._wanted)
            return await self._make_live(await self._catch_up(generation))

    async def roll_back(self) -> Generation:
        """Make the generation that went on standby last the live one again."""
        async with self._lock():
            followed = await followed_generations(self._pool, self._wanted)
            standby = [g for g in followed if g.state == "standby"]
            if not standby:
                raise NoLiveGeneration(self._wanted)
            return await self._make_live(await self._catch_up(standby[0]))

    async def _catch_up(
        self, generation: Generation, up_to_position: int = MAX_VERSION
    ) -> Generation:
        """Apply the log up to a position, or until less than a batch is left to come."""
        head, _ = await self._store.head()
        is_more = True
        while is_more and generation.position < up_to_position:
            stored = await self._store.read_log(
                generation.position, up_to_position=up_to_position, limit=self._batch_events
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
            self._on_progress(generation.position, head)
        return generation

    async def _apply(self, generation: Generation, known: Sequence[StoredEvent]) -> Generation:
        advanced = await self._batches.apply(generation, known)
        if advanced is not None:
            return advanced
        # Someone else moved it: the projectors do so with those on standby.
        row = await self._pool.fetchrow(statements.load("find_generation"), generation.number)
        if row is None or row["position"] == generation.position:
            raise GenerationGone(generation.number)
        return Generation.from_row(row)

    async def _make_live(self, generation: Generation) -> Generation:
        """Swap while the live generation is held where it is, so that no reader goes back."""
        async with self._pool.acquire() as connection, connection.transaction():
            row = await connection.fetchrow(
                statements.load("lock_live_generation"),
                self._wanted,
                str(int(SILENCE_SECONDS * 1000)),
            )
            former = Generation.from_row(row) if row else None
            if former is not None:
                generation = await self._catch_up(generation, former.position)
                await connection.execute(statements.load("retire_generation"), former.number)
            promoted = await connection.fetchrow(
                statements.load("promote_generation"),
                generation.number,
                former.position if former else 0,
            )
        if promoted is None:
            raise GenerationGone(generation.number)
        log.info(
            "generation_live",
            generation=generation.number,
            former=former.number if former else None,
            position=generation.position,
        )
        return Generation.from_row(promoted)

    async def _unfinished(self) -> list[Generation]:
        rows = await self._pool.fetch(statements.load("unfinished_generations"), self._wanted)
        return [Generation.from_row(row) for row in rows]

    @contextlib.asynccontextmanager
    async def _lock(self) -> AsyncIterator[None]:
        # Polled, because a statement that waits for a lock holds a snapshot, which slows sealing.
        connection = await self._pool.acquire()
        transaction = connection.transaction()
        try:
            await transaction.start()
            while True:
                if await connection.fetchval(statements.load("try_build_lock")):
                    break
                await asyncio.sleep(LOCK_POLL_SECONDS)
            yield
        finally:
            with contextlib.suppress(*DISCONNECTED):
                await transaction.rollback()
            await self._pool.release(connection)
