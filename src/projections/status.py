"""How each generation of read tables stands."""

from __future__ import annotations

from dataclasses import dataclass

import asyncpg

from projections import statements
from projections.generations import definition


@dataclass(frozen=True, slots=True, kw_only=True)
class GenerationStatus:
    generation: int
    #: building | live | standby
    state: str
    #: Whether it holds the tables of this release.
    is_current: bool
    position: int
    #: The log's newest position.
    head: int
    #: Streams whose events it could not apply.
    parked: int
    last_error: str | None


async def read_status(pool: asyncpg.Pool) -> list[GenerationStatus]:
    return [
        GenerationStatus(
            generation=row["generation"],
            state=row["state"],
            is_current=row["definition"] == definition(),
            position=row["position"],
            head=row["head"],
            parked=row["parked"],
            last_error=row["last_error"],
        )
        for row in await pool.fetch(statements.load("read_status"))
    ]
