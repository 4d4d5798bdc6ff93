"""One-time tokens that were used, shared by all workers."""

from __future__ import annotations

from datetime import datetime

import asyncpg

from runtime import statements


class PostgresSpentTokens:
    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def spend(self, token_id: str, expires_at: datetime) -> bool:
        """True for the first caller only."""
        spent = await self._pool.fetchval(statements.load("spend_token"), token_id, expires_at)
        return spent is not None
