"""Gives committed events their global positions; any node may, one at a time does."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import asyncpg
import structlog

from events import statements
from events.group_commit import DISCONNECTED
from events.signal import LogSignal

log = structlog.get_logger()

BATCH_ROWS = 1_000
RETRY_SECONDS = 0.5
#: Between two seals. What commits meanwhile is sealed together, which costs appends far less.
PAUSE_SECONDS = 0.002


class Sealer:
    def __init__(
        self,
        pool: asyncpg.Pool,
        signal: LogSignal,
        *,
        on_seal: Callable[[int, float], None] = lambda events, seconds: None,
    ) -> None:
        self._pool = pool
        self._signal = signal
        self._on_seal = on_seal
        self._wake = asyncio.Event()
        self._woken_at = 0.0
        self.wake()

    @property
    def lag_seconds(self) -> float:
        """How long the oldest call for sealing has waited on this node."""
        return time.monotonic() - self._woken_at if self._wake.is_set() else 0.0

    def wake(self) -> None:
        if not self._wake.is_set():
            self._woken_at = time.monotonic()
            self._wake.set()

    async def run(self) -> None:
        """Seal whenever woken, until cancelled; a lost connection is retried."""
        while True:
            await self._wake.wait()
            try:
                await self.seal()
                await asyncio.sleep(PAUSE_SECONDS)
            except (*DISCONNECTED, asyncpg.PostgresError) as error:
                log.warning("seal_failed", error=type(error).__name__)
                await asyncio.sleep(RETRY_SECONDS)

    async def seal(self) -> int:
        """Seal everything committed so far; answers the head."""
        is_more = True
        while is_more:
            called_at = self._woken_at
            self._wake.clear()
            try:
                row = await self._pool.fetchrow(statements.load("seal_log"), BATCH_ROWS)
            except BaseException:
                self._wake.set()
                raise
            is_more = row["is_more"]
            if row["sealed"]:
                self._on_seal(row["sealed"], time.monotonic() - called_at)
            self._signal.advance(row["head"])
        return self._signal.head
