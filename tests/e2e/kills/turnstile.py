"""Stops a worker at an exact statement by holding the row that the statement has to lock."""

from __future__ import annotations

import asyncio
import time

import asyncpg

POLL_SECONDS = 0.005
PATIENCE_SECONDS = 30.0

#: What an append to a stream locks, and what the end of a run does (its frames need a share).
HEAD = "SELECT version FROM verbatim.heads WHERE stream_id = $1 FOR UPDATE"
LEASE = "SELECT attempt FROM verbatim.leases WHERE run_id = $1::text::uuid FOR SHARE"

# A node goes on renewing its leases, which is not what it is stopped at.
_BLOCKED = (
    "SELECT pid FROM pg_stat_activity "
    "WHERE $1 = ANY (pg_blocking_pids(pid)) AND query NOT LIKE '%SET heartbeat_at%'"
)


class Turnstile:
    """Lets statements that need one row through, one at a time.

    Whoever waits for a row's lock waits in line: the next holder lines up behind the append that
    is to pass, so that none can pass after it.
    """

    def __init__(self, database_url: str, row_id: str, row: str = HEAD) -> None:
        self._url = database_url
        self._row_id, self._row = row_id, row
        self._holder: asyncpg.Connection | None = None
        self._watcher: asyncpg.Connection | None = None

    async def close(self) -> None:
        """From now on nobody passes. The row must exist."""
        self._watcher = await asyncpg.connect(self._url)
        self._holder = await self._locked()

    async def arrival(self) -> int:
        """The session that stands at the turnstile."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not (pids := await self._blocked()):
            assert time.monotonic() < deadline, f"nobody came to {self._row_id}"
            await asyncio.sleep(POLL_SECONDS)
        assert len(pids) == 1
        return pids[0]

    async def pass_one(self) -> None:
        """Who stands here commits; the next one is stopped."""
        await self.arrival()
        assert self._holder is not None
        following = await asyncpg.connect(self._url)
        locking = asyncio.create_task(self._lock(following))
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not await self._is_waiting(following):
            assert time.monotonic() < deadline
            await asyncio.sleep(POLL_SECONDS)
        await self._holder.close()
        await locking
        self._holder = following

    async def lose(self) -> None:
        """What waits here never happens: its session ends, as with the server it came from."""
        pid = await self.arrival()
        assert self._watcher is not None
        await self._watcher.execute("SELECT pg_terminate_backend($1, 5000)", pid)

    async def open(self) -> None:
        """Everyone passes."""
        for connection in (self._holder, self._watcher):
            if connection is not None:
                await connection.close()
        self._holder = self._watcher = None

    async def _locked(self) -> asyncpg.Connection:
        connection = await asyncpg.connect(self._url)
        await self._lock(connection)
        return connection

    async def _lock(self, connection: asyncpg.Connection) -> None:
        await connection.execute("BEGIN")
        assert await connection.fetchval(self._row, self._row_id) is not None

    async def _blocked(self) -> list[int]:
        assert self._watcher is not None
        assert self._holder is not None
        rows = await self._watcher.fetch(_BLOCKED, self._holder.get_server_pid())
        return [row["pid"] for row in rows]

    async def _is_waiting(self, connection: asyncpg.Connection) -> bool:
        assert self._watcher is not None
        query = "SELECT wait_event_type = 'Lock' FROM pg_stat_activity WHERE pid = $1"
        is_waiting: bool = await self._watcher.fetchval(query, connection.get_server_pid())
        return bool(is_waiting)
