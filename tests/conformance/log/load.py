"""Writers, tailing readers and sealers at once, while sealers or the whole server are killed."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import asyncpg

from tests.conformance.log.history import History
from tests.conformance.log.laws import Violation, check
from tests.conformance.log.protocol import Log, LogFactory
from tests.conformance.log.reading import read_on, read_to_the_end
from tests.conformance.log.writer import Writer

WRITERS = 16
READERS = 3
SEALERS = 2
MOST_PAGE_EVENTS = 50
LONGEST_PAUSE_SECONDS = 0.005
RETRY_SECONDS = 0.05
SEALER_NAME = "conformance-sealer"

KILL = (
    "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
    "WHERE datname = current_database() AND application_name = $1"
)

Work = Coroutine[Any, Any, None]


@dataclass
class Load:
    factory: LogFactory
    database_url: str
    seconds: float
    seed: int
    #: Where given, two sealers seal and are killed that often; else readers seal before they read.
    kill_sealers_every_seconds: float | None = None
    #: Runs beside the load, and may take the server from under it.
    disaster: Callable[[], Work] | None = None
    history: History = field(default_factory=History)
    kills: int = 0
    lost_connections: int = 0
    _is_over: bool = False

    async def run(self) -> list[Violation]:
        for n in range(READERS):
            self.history.reader(f"reader {n}")
        async with _opened(self.factory, self.database_url, 1 + READERS) as (log, *tails):
            async with asyncio.TaskGroup() as group:
                group.create_task(self._end())
                for n in range(WRITERS):
                    group.create_task(self._write(Writer(log, self.history, n, self.seed)))
                for n, tail in enumerate(tails):
                    group.create_task(self._tail(tail, n))
                if self.kill_sealers_every_seconds is not None:
                    group.create_task(self._kill(self.kill_sealers_every_seconds))
                    for _ in range(SEALERS):
                        group.create_task(self._seal())
        return await self._verdict()

    async def _verdict(self) -> list[Violation]:
        """Readers come to the end; then the laws are checked on the log as it stands."""
        async with _opened(self.factory, self.database_url, 1) as (log,):
            final = await read_to_the_end(log, self.history)
        return check(self.history, final, is_gapless=self.factory.is_gapless)

    async def _end(self) -> None:
        if self.disaster is not None:
            await self.disaster()
        await asyncio.sleep(self.seconds)
        self._is_over = True

    async def _write(self, writer: Writer) -> None:
        while not self._is_over:
            if not await self._survive(writer.write()):
                writer.renew()

    async def _tail(self, log: Log, n: int) -> None:
        chance = random.Random(f"{self.seed} tail {n}")

        async def look() -> None:
            if self.kill_sealers_every_seconds is None:
                await log.seal_or_noop()
            page_events = chance.randint(1, MOST_PAGE_EVENTS)
            await read_on(log, self.history, f"reader {n}", page_events)

        while not self._is_over:
            await self._survive(look())
            await asyncio.sleep(chance.uniform(0, LONGEST_PAUSE_SECONDS))

    async def _survive(self, work: Work) -> bool:
        """Whether it worked; a failure is excused where the server is killed under it."""
        try:
            await work
        except Exception:
            if self.disaster is None:
                raise
            self.lost_connections += 1
            await asyncio.sleep(RETRY_SECONDS)
            return False
        return True

    async def _seal(self) -> None:
        url = f"{self.database_url}&application_name={SEALER_NAME}"
        while not self._is_over:
            # However a driver shows that its session was ended.
            with contextlib.suppress(Exception):
                async with _opened(self.factory, url, 1) as (log,):
                    while not self._is_over:
                        await log.seal_or_noop()
                        await asyncio.sleep(0)

    async def _kill(self, every_seconds: float) -> None:
        connection = await asyncpg.connect(self.database_url)
        try:
            while not self._is_over:
                await asyncio.sleep(every_seconds)
                self.kills += await connection.fetchval(KILL, SEALER_NAME)
        finally:
            connection.terminate()


@asynccontextmanager
async def _opened(factory: LogFactory, url: str, count: int) -> AsyncIterator[list[Log]]:
    logs = [await factory.open(url) for _ in range(count)]
    try:
        yield logs
    finally:
        for log in logs:
            await log.close()
