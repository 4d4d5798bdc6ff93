"""How each generation of read tables stands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg

from projections import partitions, statements
from projections.generations import BUILDING, Generation, definition


@dataclass(frozen=True, slots=True, kw_only=True)
class GenerationStatus:
    generation: int
    #: building | live | standby
    state: str
    #: Whether it holds the tables of this release.
    is_current: bool
    #: The checkpoint: the newest event that is in the rows.
    position: int
    #: The log's newest position.
    head: int
    #: For how long the next event has been lying.
    lag_seconds: float
    #: Streams whose events it could not apply.
    parked: int
    #: When it went live or on standby.
    swapped_at: datetime | None
    #: False where a building broke off.
    is_being_built: bool
    #: Of a building: how many events are applied, and of how many.
    applied: int | None = None
    events: int | None = None
    last_error: str | None


async def read_status(pool: asyncpg.Pool) -> list[GenerationStatus]:
    rows = await pool.fetch(statements.load("read_status"))
    return [await _status_of(pool, row) for row in rows]


async def _status_of(pool: asyncpg.Pool, row: Mapping[str, Any]) -> GenerationStatus:
    filled = None
    if row["state"] == BUILDING:
        filled = await partitions.progress(pool, Generation.from_row(row))
    return GenerationStatus(
        generation=row["generation"],
        state=row["state"],
        is_current=row["definition"] == definition(),
        position=row["position"],
        head=row["head"],
        lag_seconds=row["lag_seconds"] or 0.0,
        parked=row["parked"],
        swapped_at=row["swapped_at"],
        is_being_built=row["is_being_built"],
        applied=filled.applied if filled else None,
        events=max(filled.applied, filled.events) if filled else None,
        last_error=row["last_error"],
    )
