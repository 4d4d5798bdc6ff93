"""Goes through all of the live generation, or through a sample of it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import asyncpg

from projections import partitions, statements
from projections.advancing import Progress
from projections.comparing import Streams
from projections.crews import Crew, share_out
from projections.decoding import FOLDED_CATEGORIES
from projections.errors import NoLiveGeneration
from projections.generations import definition, live_generation
from projections.partitions import Range, bounds_of
from projections.verifying import Verified

CHUNK_STREAMS = 50
#: Of the table's pages for each stream of a sample: they hold many streams, but of one time.
SPREAD = 50


async def verify(
    pool: asyncpg.Pool,
    crew: Crew,
    *,
    wanted: str | None = None,
    sample: int | None = None,
    on_progress: Progress = lambda done, of: None,
) -> Verified:
    """A sample is of so many streams; rows that belong to no stream are found without one only.

    Raises NoLiveGeneration.
    """
    live = await live_generation(pool, wanted or definition())
    if live is None:
        raise NoLiveGeneration(wanted or definition())
    parts = await (partitions.ranges(pool) if sample is None else _sampled(pool, sample))
    total = sum(map(_size, parts))
    verified, done = Verified(), 0

    async def check(part: Streams) -> None:
        nonlocal verified, done
        found = await crew.verify(live, part)
        verified += found
        done += _size(part)
        on_progress(done, total)

    await share_out(crew, [partial(check, part) for part in parts])
    return verified


def _size(part: Streams) -> int:
    """Events of a range, streams of a sample."""
    return part.events if isinstance(part, Range) else len(part)


async def _sampled(pool: asyncpg.Pool, count: int) -> Sequence[Streams]:
    least, greatest = zip(*map(bounds_of, sorted(FOLDED_CATEGORIES)), strict=True)
    known = await pool.fetchval(statements.load("count_streams"))
    percent = min(100.0, 100.0 * SPREAD * count / known) if known > 0 else 100.0
    while True:
        rows = await pool.fetch(
            statements.load("sample_streams"), percent, list(least), list(greatest), count
        )
        if len(rows) == count or percent == 100.0:
            break
        percent = min(100.0, percent * 10)
    streams = sorted(row["stream_id"] for row in rows)
    return [streams[n : n + CHUNK_STREAMS] for n in range(0, len(streams), CHUNK_STREAMS)]
