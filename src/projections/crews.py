"""Who does the work of a building: this process, or several."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import asyncpg

from events.store import EventStore
from projections.comparing import Comparing, Difference, Streams
from projections.filling import PAGE_EVENTS, Filler
from projections.generations import Generation
from projections.partitions import Partition
from projections.verifying import Verified, Verifying


@dataclass(frozen=True, slots=True)
class Pair:
    """The live generation, and the one that is to take its place."""

    live: Generation
    next: Generation


class Crew(Protocol):
    @property
    def hands(self) -> int:
        """How many pieces of work it does at once."""
        ...

    async def fill(self, partition: Partition) -> None: ...

    async def compare(self, pair: Pair, streams: Streams) -> list[Difference]: ...

    async def verify(self, live: Generation, streams: Streams) -> Verified: ...


async def share_out(crew: Crew, pieces: Sequence[Callable[[], Awaitable[None]]]) -> None:
    """All of them, as many at once as the crew has hands. The first error ends it."""
    turn = asyncio.Semaphore(crew.hands)

    async def in_turn(piece: Callable[[], Awaitable[None]]) -> None:
        async with turn:
            await piece()

    try:
        async with asyncio.TaskGroup() as group:
            for piece in pieces:
                group.create_task(in_turn(piece))
    except BaseExceptionGroup as errors:
        raise errors.exceptions[0] from None


class LocalCrew:
    hands = 1

    def __init__(
        self, pool: asyncpg.Pool, store: EventStore, *, page_events: int = PAGE_EVENTS
    ) -> None:
        self._filler = Filler(pool, store, page_events=page_events)
        self._comparing = Comparing(pool, store.keys)
        self._verifying = Verifying(pool, store)

    async def fill(self, partition: Partition) -> None:
        await self._filler.fill(partition)

    async def compare(self, pair: Pair, streams: Streams) -> list[Difference]:
        return await self._comparing.compare(pair.live, pair.next, streams)

    async def verify(self, live: Generation, streams: Streams) -> Verified:
        return await self._verifying.verify(live, streams)
