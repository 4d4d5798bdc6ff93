"""Makes another generation the live one, in one short transaction."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable

import asyncpg
import structlog

from events.errors import VersionConflict
from events.store import EventStore
from events.stored import Append
from events.system import SYSTEM_OWNER, Swapped
from projections import statements
from projections.advancing import Advance
from projections.errors import GenerationGone, SwapTimedOut
from projections.generations import Generation, find_generation, live_generation
from projections.recording import STREAM

log = structlog.get_logger()

#: How long a swap may wait for the live generation, which others wait for behind it.
LOCK_SECONDS = 1.0
#: How long one that falls silent inside it may keep the others, and readers of their own writes.
SILENCE_SECONDS = 3.0
ATTEMPTS = 20
PAUSE_SECONDS = 0.25

#: Is told both generations while they stand at the same position, and may refuse.
Check = Callable[[Generation, Generation], Awaitable[None]]


class Swap:
    def __init__(
        self, pool: asyncpg.Pool, store: EventStore, advance: Advance, wanted: str
    ) -> None:
        self._pool = pool
        self._store = store
        self._advance = advance
        self._wanted = wanted

    async def make_live(self, generation: Generation, check: Check | None = None) -> Generation:
        """Raises what `check` raises, and SwapTimedOut; nothing is swapped then."""
        for attempt in range(ATTEMPTS):
            if attempt:
                await asyncio.sleep(PAUSE_SECONDS * random.uniform(0.5, 1.5))  # noqa: S311
            try:
                return await self._swap(generation, check)
            except (asyncpg.LockNotAvailableError, VersionConflict):
                log.info("swap_waits", generation=generation.number, attempt=attempt + 1)
            generation = await find_generation(self._pool, generation.number)
        raise SwapTimedOut(ATTEMPTS)

    async def _swap(self, generation: Generation, check: Check | None) -> Generation:
        """While the live generation is held where it is, so that no reader goes back."""
        if live := await live_generation(self._pool, self._wanted):
            generation = await self._advance.to(generation, live.position)
        async with self._pool.acquire() as connection, connection.transaction():
            former = await self._hold(connection)
            if former is not None:
                generation = await self._advance.to(generation, former.position)
                if check is not None:
                    await check(former, generation)
                await connection.execute(statements.load("retire_generation"), former.number)
                await self._record(connection, former, generation)
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

    async def _hold(self, connection: asyncpg.Connection) -> Generation | None:
        row = await connection.fetchrow(
            statements.load("lock_live_generation"),
            self._wanted,
            str(int(SILENCE_SECONDS * 1000)),
            str(int(LOCK_SECONDS * 1000)),
        )
        return Generation.from_row(row) if row else None

    async def _record(
        self, connection: asyncpg.Connection, former: Generation, generation: Generation
    ) -> None:
        """In the swap's own transaction: neither happens without the other."""
        version = await connection.fetchval(statements.load("hold_stream"), STREAM)
        swapped = Swapped(
            from_generation=former.number,
            to_generation=generation.number,
            position=generation.position,
        )
        append = Append(
            stream_id=STREAM,
            expected_version=version or 0,
            owner_id=SYSTEM_OWNER,
            events=[swapped],
            actor="system",
        )
        await self._store.append_on(connection, append)
