"""What has to be done now and then while a node is in use."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import asyncpg
import structlog

from events.group_commit import DISCONNECTED
from runtime import statements

log = structlog.get_logger()

INTERVAL_SECONDS = 3600.0

Chore = Callable[[], Awaitable[object]]


async def prepare_frames(pool: asyncpg.Pool) -> None:
    """Partitions for the frames of the next hours; those past their retention go."""
    dropped = await pool.fetchval(statements.load("roll_frames"))
    if dropped:
        log.info("frames_dropped", partitions=dropped)


async def forget_spent_tokens(pool: asyncpg.Pool) -> None:
    await pool.execute(statements.load("forget_spent_tokens"))


async def forget_allowances(pool: asyncpg.Pool) -> None:
    await pool.execute(statements.load("forget_allowances"))


async def keep_up(chores: Sequence[Chore], is_in_use: Callable[[], Awaitable[None]]) -> None:
    """The chores at the start, then once an hour, but only after something happened: an idle
    database may sleep."""
    while True:
        for chore in chores:
            try:
                await chore()
            except (*DISCONNECTED, asyncpg.PostgresError) as error:
                # Nobody waits for it, and it comes round again.
                log.warning("chore_failed", error=type(error).__name__)
        await asyncio.sleep(INTERVAL_SECONDS)
        await is_in_use()
