"""Brings a new generation and the live one to say the same, or to say where they do not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import asyncpg

from projections import partitions, statements
from projections.advancing import Advance, Progress
from projections.comparing import Difference
from projections.crews import Crew, Pair, share_out
from projections.generations import Generation, find_generation
from projections.partitions import Range

#: So many streams are compared while the live generation is held.
FEW_STREAMS = 100
CHUNK_STREAMS = 500
#: Of the streams that changed while the ones before were compared.
ROUNDS = 10


@dataclass(frozen=True, slots=True)
class Agreed:
    """Where two generations differ in the streams that no event has come to since a position."""

    pair: Pair
    since: int
    differences: Sequence[Difference]


class Agreement:
    def __init__(
        self, pool: asyncpg.Pool, advance: Advance, crew: Crew, on_compared: Progress
    ) -> None:
        self._pool = pool
        self._advance = advance
        self._crew = crew
        self._on_compared = on_compared

    async def reach(self, live: Generation, other: Generation) -> Agreed:
        """Compares everything, then again and again what has changed meanwhile."""
        live = await self._advance.to_head(live)
        pair = Pair(live, await self._advance.to(other, live.position))
        agreed = Agreed(pair, pair.next.position, await self._compare_all(pair))
        for _ in range(ROUNDS):
            agreed, count = await self.renew(agreed)
            if count <= FEW_STREAMS:
                break
        return agreed

    async def renew(self, agreed: Agreed) -> tuple[Agreed, int]:
        """The same for a newer position, and how many streams had changed."""
        live = await find_generation(self._pool, agreed.pair.live.number)
        other = await self._advance.to(agreed.pair.next, live.position)
        rows = await self._pool.fetch(
            statements.load("moved_streams"), agreed.since, other.position
        )
        moved = [row["stream_id"] for row in rows]
        pair = Pair(live, other)
        kept = [d for d in agreed.differences if d.stream_id not in set(moved)]
        for chunk in range(0, len(moved), CHUNK_STREAMS):
            kept += await self._crew.compare(pair, moved[chunk : chunk + CHUNK_STREAMS])
        return Agreed(pair, other.position, kept), len(moved)

    async def _compare_all(self, pair: Pair) -> list[Difference]:
        ranges = await partitions.ranges(self._pool)
        total = sum(r.events for r in ranges)
        found: list[Difference] = []
        done = 0

        async def compare(streams: Range) -> None:
            nonlocal done
            found.extend(await self._crew.compare(pair, streams))
            done += streams.events
            self._on_compared(done, total)

        await share_out(self._crew, [partial(compare, each) for each in ranges])
        return sorted(found, key=lambda d: d.stream_id)
