"""An inclusion proof in a log of millions of leaves."""

from __future__ import annotations

import random
import time
from typing import Any

import asyncpg

from benchmarks.measures import Goal, Measure, percentile
from benchmarks.plan import Plan
from benchmarks.server import database
from events.proofs import tree
from events.proofs.merkle import inclusion_ranges
from runtime.embedded import EmbeddedServer

#: Leaves for each event of the plan's long log.
LEAVES_AN_EVENT = 10
FILL_ROWS = 500_000
FILL = """
INSERT INTO verbatim.log (position, stream_id, stream_version, owner_id, leaf)
SELECT n, 'conversation-' || n % 20000, n / 20000 + 1, 'ada', sha256(int8send(n))
FROM generate_series($1::bigint, $2::bigint) AS n
"""


class Counting:
    """A pool that counts the rows it answers."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool
        self.rows = 0

    async def fetch(self, statement: str, *values: object) -> Any:
        found = await self._pool.fetch(statement, *values)
        self.rows += len(found)
        return found

    async def fetchval(self, statement: str, *values: object) -> Any:
        return await self._pool.fetchval(statement, *values)


async def measure(server: EmbeddedServer, plan: Plan) -> list[Measure]:
    size = plan.log_events * LEAVES_AN_EVENT
    async with (
        database(server, "long_tree") as url,
        asyncpg.create_pool(url, min_size=1, max_size=2) as pool,
    ):
        for first in range(1, size + 1, FILL_ROWS):
            await pool.execute(FILL, first, min(first + FILL_ROWS - 1, size))
        await pool.execute("ANALYZE verbatim.log")
        grown = await _grow(pool, size)
        taken, rows = await _prove(pool, size, plan.reads)
    return [
        Measure(measure="leaves the tree grows by", value=size / grown, unit="/s"),
        Measure(
            measure=f"inclusion proof in a log of {size:,}, p99",
            value=1e3 * percentile(taken, 0.99),
            unit="ms",
            goal=Goal(20.0, 20.0, is_upper=True),
        ),
        Measure(measure="rows it reads, on average", value=rows / len(taken), unit="rows"),
    ]


async def _grow(pool: asyncpg.Pool, size: int) -> float:
    started = time.perf_counter()
    await tree.grow(pool, size)
    return time.perf_counter() - started


async def _prove(pool: asyncpg.Pool, size: int, proofs: int) -> tuple[list[float], int]:
    chance = random.Random(7)  # noqa: S311
    reads = Counting(pool)
    taken = []
    for _ in range(proofs):
        started = time.perf_counter()
        await tree.range_hashes(reads, inclusion_ranges(chance.randrange(size), size))
        taken.append(time.perf_counter() - started)
    return sorted(taken), reads.rows
