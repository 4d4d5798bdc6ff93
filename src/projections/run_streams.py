"""Which conversation a run belongs to."""

from __future__ import annotations

import asyncpg

from events.conversation import stream_of
from projections import runs, statements
from projections.generations import definition, live_generation


async def stream_of_run(pool: asyncpg.Pool, run_id: str) -> str | None:
    """By the read tables, else by the events: there a deleted conversation's runs stay."""
    return await _by_row(pool, run_id) or await pool.fetchval(statements.load("find_run"), run_id)


async def _by_row(pool: asyncpg.Pool, run_id: str) -> str | None:
    live = await live_generation(pool, definition())
    if live is None:
        return None
    row = await pool.fetchrow(statements.select_by_key(runs.TABLE, live.schema), [run_id])
    return stream_of(row["conversation_id"]) if row else None
