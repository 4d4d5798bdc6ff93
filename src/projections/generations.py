"""Generations: the schemas that hold read tables, and which of them is read."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import asyncpg
import structlog

from projections import statements
from projections.errors import GenerationGone
from projections.fold import FOLD_VERSION, MODELS

log = structlog.get_logger()

#: Which state a generation is in: building, then live, then standby.
BUILDING = "building"
LIVE = "live"
STANDBY = "standby"
#: How long those who read a generation may keep it from being dropped; the next hour comes again.
DROP_LOCK_MILLISECONDS = 2_000


@dataclass(frozen=True, slots=True)
class Generation:
    number: int
    definition: str
    state: str
    #: The newest position of the log whose event is in its rows.
    position: int

    @property
    def schema(self) -> str:
        return schema_of(self.number)

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> Generation:
        return cls(row["generation"], row["definition"], row["state"], row["position"])


def schema_of(number: int) -> str:
    return f"read_g{number}"


@cache
def definition() -> str:
    """What this release's read tables are: their DDL, what is sealed in them, and the fold."""
    digest = hashlib.sha256(f"fold {FOLD_VERSION}".encode())
    for model in MODELS:
        for statement in statements.create_table(model.table, "read"):
            digest.update(statement.encode())
        digest.update(" ".join(model.content).encode())
    return digest.hexdigest()[:32]


async def followed_generations(pool: asyncpg.Pool, wanted: str) -> list[Generation]:
    """Those of a definition that are kept up to date: the live one, then those on standby."""
    rows = await pool.fetch(statements.load("followed_generations"), wanted)
    return [Generation.from_row(row) for row in rows]


async def live_generation(pool: asyncpg.Pool, wanted: str) -> Generation | None:
    followed = await followed_generations(pool, wanted)
    return followed[0] if followed and followed[0].state == LIVE else None


async def find_generation(pool: asyncpg.Pool, number: int) -> Generation:
    """Raises GenerationGone."""
    row = await pool.fetchrow(statements.load("find_generation"), number)
    if row is None:
        raise GenerationGone(number)
    return Generation.from_row(row)


async def unfinished_generations(pool: asyncpg.Pool, wanted: str) -> list[Generation]:
    """Those whose building was begun, newest first."""
    rows = await pool.fetch(statements.load("unfinished_generations"), wanted)
    return [Generation.from_row(row) for row in rows]


async def set_position(pool: asyncpg.Pool, generation: Generation, position: int) -> Generation:
    """Of one that is being built. Raises GenerationGone when somebody else moved it."""
    row = await pool.fetchrow(
        statements.load("claim_position"), generation.number, generation.position, position, "0"
    )
    if row is None:
        raise GenerationGone(generation.number)
    return Generation.from_row(row)


async def create_generation(pool: asyncpg.Pool, wanted: str) -> Generation:
    """An empty generation, in state building."""
    async with pool.acquire() as connection, connection.transaction():
        row = await connection.fetchrow(statements.load("create_generation"), wanted)
        generation = Generation.from_row(row)
        await connection.execute(statements.create_schema(generation.schema))
        for model in MODELS:
            for statement in statements.create_table(model.table, generation.schema):
                await connection.execute(statement)
    return generation


async def drop_expired_generations(pool: asyncpg.Pool, wanted: str) -> list[int]:
    """Drop what nobody can need any more, and name it.

    That is: on standby for more than a day; being built for more than a day, and by nobody now.
    What was live for another definition, whose projector has left the next event lying for more
    than a day, goes on standby now.
    """
    await pool.execute(statements.load("retire_abandoned"), wanted)
    rows = await pool.fetch(statements.load("expired_generations"))
    numbers = [row["generation"] for row in rows]
    dropped = [number for number in numbers if await _drop_expired(pool, number)]
    if dropped:
        log.info("generations_dropped", generations=dropped)
    return dropped


async def _drop_expired(pool: asyncpg.Pool, number: int) -> bool:
    """Not one that somebody has taken up meanwhile, nor behind a reader that takes its time."""
    try:
        async with pool.acquire() as connection, connection.transaction():
            wait = str(DROP_LOCK_MILLISECONDS)
            await connection.execute(statements.load("limit_lock_wait"), wait)
            if not await connection.fetchval(statements.load("hold_expired"), number):
                return False
            await _drop(connection, number)
    except asyncpg.LockNotAvailableError:
        return False
    return True


async def drop_generation(pool: asyncpg.Pool, number: int) -> None:
    async with pool.acquire() as connection, connection.transaction():
        await _drop(connection, number)


async def _drop(connection: asyncpg.Connection, number: int) -> None:
    await connection.execute(statements.load("delete_generation"), number)
    await connection.execute(statements.drop_schema(schema_of(number)))
