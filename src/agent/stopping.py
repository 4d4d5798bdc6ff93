"""Stops that no request waits for: a client left, and had said that leaving means Stop."""

from __future__ import annotations

import asyncio
import uuid

import asyncpg
import structlog

from agent.leases import Leases
from events.group_commit import DISCONNECTED

log = structlog.get_logger()

#: How long to wait before each further attempt at a database that is away.
RETRY_SECONDS = (0.5, 2.0, 5.0)


class Stops:
    """A request's own task is cancelled with its connection, so these are tasks of the node."""

    def __init__(self, leases: Leases) -> None:
        self._leases = leases
        self._asking: set[asyncio.Task[None]] = set()

    def ask(self, run_id: uuid.UUID, owner_id: str) -> None:
        """Stop a run soon. Whoever calls has checked that the run is the owner's."""
        task = asyncio.create_task(self._ask(run_id, owner_id))
        self._asking.add(task)
        task.add_done_callback(self._asking.discard)

    async def close(self) -> None:
        """Asks what was to be asked, within a moment."""
        if self._asking:
            await asyncio.wait(self._asking, timeout=RETRY_SECONDS[0])
        for task in self._asking:
            task.cancel()

    async def _ask(self, run_id: uuid.UUID, owner_id: str) -> None:
        for pause in (*RETRY_SECONDS, None):
            try:
                is_stopping = await self._leases.request_cancel(run_id, owner_id)
                log.info("run_abort_is_stop", run_id=str(run_id), is_stopping=is_stopping)
                return
            except (*DISCONNECTED, asyncpg.PostgresError) as error:
                log.warning("run_stop_failed", run_id=str(run_id), error=type(error).__name__)
            if pause is not None:
                await asyncio.sleep(pause)
