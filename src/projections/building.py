"""Builds a generation from the log and makes it the live one."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace
from functools import partial

import asyncpg

from events.group_commit import DISCONNECTED
from events.store import EventStore
from projections import partitions, statements
from projections.advancing import BATCH_EVENTS, Advance, Progress
from projections.agreement import Agreed, Agreement
from projections.comparing import Difference
from projections.crews import Crew, LocalCrew, Pair, share_out
from projections.errors import GenerationsDiffer, NoStandby, RebuildInProgress
from projections.fold import MODELS
from projections.generations import (
    STANDBY,
    Generation,
    create_generation,
    definition,
    drop_generation,
    followed_generations,
    live_generation,
    set_position,
    unfinished_generations,
)
from projections.partitions import Filled
from projections.swapping import Swap

LOCK_POLL_SECONDS = 0.25
#: Between two looks at how far the filling is.
LOOK_SECONDS = 0.2

#: Whether what is different may be.
Judge = Callable[[Sequence[Difference]], bool]


def agree(differences: Sequence[Difference]) -> bool:
    return not differences


class Builder:
    """Uses up to four of the pool's connections at once. `crew` fills and compares."""

    def __init__(
        self,
        pool: asyncpg.Pool,
        store: EventStore,
        *,
        wanted: str | None = None,
        batch_events: int = BATCH_EVENTS,
        crew: Crew | None = None,
        on_progress: Progress = lambda done, head: None,
        on_compared: Progress = lambda done, of: None,
    ) -> None:
        self._pool = pool
        self._wanted = wanted or definition()
        self._store = store
        self._crew = crew or LocalCrew(pool, store, page_events=batch_events)
        self._advance = Advance(pool, store, batch_events=batch_events)
        self._agreement = Agreement(pool, self._advance, self._crew, on_compared)
        self._swap = Swap(pool, store, self._advance, self._wanted)
        self._on_progress = on_progress

    async def ensure_live(self) -> Generation:
        """The live generation of this release, built first where there is none.

        One node builds, the others wait for it; a building that broke off is continued.
        Raises UnknownTopic or NewerSchema when the log is newer than this release.
        """
        if live := await live_generation(self._pool, self._wanted):
            return live
        async with self._lock(is_patient=True):
            if live := await live_generation(self._pool, self._wanted):
                return live
            return await self._swap.make_live(await self._built())

    async def rebuild(self, *, is_fresh: bool = False, accepts: Judge = agree) -> Generation:
        """A new generation beside the live one, which goes on standby once the new one is up.

        A building that broke off is continued, unless a fresh one is asked for. `accepts` is told
        where the two differ, at one position. Raises RebuildInProgress, and GenerationsDiffer
        before anything is swapped: the new generation is kept then, for whoever accepts it.
        """
        async with self._lock(is_patient=False):
            if is_fresh:
                await self._drop_unfinished()
            generation = await self._built()
            live = await live_generation(self._pool, self._wanted)
            if live is None:
                return await self._swap.make_live(generation)
            agreed = await self._agreement.reach(live, generation)
            _judge(agreed, accepts)

            async def check(former: Generation, generation: Generation) -> None:
                pair = Pair(former, generation)
                now, _ = await self._agreement.renew(replace(agreed, pair=pair))
                _judge(now, accepts)

            return await self._swap.make_live(agreed.pair.next, check)

    async def roll_back(self) -> Generation:
        """Make the generation that went on standby last the live one again."""
        async with self._lock(is_patient=False):
            followed = await followed_generations(self._pool, self._wanted)
            standby = [g for g in followed if g.state == STANDBY]
            if not standby:
                raise NoStandby
            return await self._swap.make_live(await self._advance.to_head(standby[0]))

    async def _built(self) -> Generation:
        """Filled and caught up; what was begun and broke off is continued."""
        begun = await unfinished_generations(self._pool, self._wanted)
        generation = begun[0] if begun else await create_generation(self._pool, self._wanted)
        if generation.position == 0:
            generation = await self._fill(generation)
        return await self._advance.to_head(generation, self._on_progress)

    async def _fill(self, generation: Generation) -> Generation:
        head, _ = await self._store.head()
        await partitions.plan(self._pool, generation, head)
        parts = await partitions.unfinished(self._pool, generation)
        looking = asyncio.create_task(self._look(generation))
        try:
            await share_out(self._crew, [partial(self._crew.fill, part) for part in parts])
        finally:
            looking.cancel()
        filled = await self._tell(generation)
        for model in MODELS:
            await self._pool.execute(statements.analyze(model.table, generation.schema))
        return await set_position(self._pool, generation, filled.up_to_position)

    async def _look(self, generation: Generation) -> None:
        while True:
            await self._tell(generation)
            await asyncio.sleep(LOOK_SECONDS)

    async def _tell(self, generation: Generation) -> Filled:
        filled = await partitions.progress(self._pool, generation)
        self._on_progress(filled.applied, max(filled.applied, filled.events))
        return filled

    async def _drop_unfinished(self) -> None:
        for abandoned in await unfinished_generations(self._pool, self._wanted):
            await drop_generation(self._pool, abandoned.number)

    @contextlib.asynccontextmanager
    async def _lock(self, *, is_patient: bool) -> AsyncIterator[None]:
        # Polled, because a statement that waits for a lock holds a snapshot, which slows sealing.
        connection = await self._pool.acquire()
        transaction = connection.transaction()
        try:
            await transaction.start()
            while not await connection.fetchval(statements.load("try_build_lock"), self._wanted):
                if not is_patient:
                    raise RebuildInProgress
                await asyncio.sleep(LOCK_POLL_SECONDS)
            yield
        finally:
            with contextlib.suppress(*DISCONNECTED):
                await transaction.rollback()
            await self._pool.release(connection)


def _judge(agreed: Agreed, accepts: Judge) -> None:
    if not accepts(agreed.differences):
        raise GenerationsDiffer(agreed.pair.next.number, agreed.differences)
