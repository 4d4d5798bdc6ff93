"""What appends are compared with, besides pgbench."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from urllib.parse import parse_qs, unquote, urlsplit

import asyncpg
from eventsourcing.persistence import StoredEvent
from eventsourcing.postgres import PostgresApplicationRecorder, PostgresDatastore

from benchmarks.measures import Rate
from benchmarks.pgbench import METADATA, STATE_BYTES

INSERT = """
INSERT INTO public.plain_events
    (stream_id, stream_version, event_id, topic, schema_version, state, owner_id, metadata)
VALUES ($1, $2, $3, 'conversation.renamed', 1, $4, 'ada', $5)
"""
LOCK = "LOCK TABLE public.plain_events IN EXCLUSIVE MODE"
STATE = b"s" * STATE_BYTES

Insert = Callable[[asyncpg.Connection, str, int], Awaitable[object]]


async def insert(connection: asyncpg.Connection, stream_id: str, version: int) -> None:
    """One INSERT, prepared once a connection: as bare as asyncpg gets."""
    await connection.execute(INSERT, stream_id, version, uuid.uuid4(), STATE, METADATA)


async def insert_under_lock(connection: asyncpg.Connection, stream_id: str, version: int) -> None:
    """The usual cure for readers that skip: one append at a time, until it has committed."""
    async with connection.transaction():
        await connection.execute(LOCK)
        await insert(connection, stream_id, version)


async def insert_for(
    connections: list[asyncpg.Connection], seconds: float, how: Insert = insert
) -> Rate:
    latencies: list[float] = []
    started = time.perf_counter()

    async def write(connection: asyncpg.Connection) -> None:
        stream_id, version = f"conversation-{uuid.uuid4()}", 0
        while (began := time.perf_counter()) < started + seconds:
            version += 1
            await how(connection, stream_id, version)
            latencies.append(time.perf_counter() - began)

    await asyncio.gather(*map(write, connections))
    return Rate(len(latencies) / (time.perf_counter() - started), sorted(latencies))


@asynccontextmanager
async def connections(url: str, count: int) -> AsyncIterator[list[asyncpg.Connection]]:
    opened = [await asyncpg.connect(url) for _ in range(count)]
    try:
        yield opened
    finally:
        for connection in opened:
            await connection.close()


class StockRecorder:
    """The `eventsourcing` library's own recorder, called from threads as its users do."""

    def __init__(self, url: str, threads: int) -> None:
        parts = urlsplit(url)
        query = parse_qs(parts.query)
        self._threads = threads
        self._datastore = PostgresDatastore(
            dbname=parts.path.lstrip("/"),
            host=unquote(parts.hostname or query["host"][0]),
            port=parts.port or int(query.get("port", ["5432"])[0]),
            user=unquote(parts.username or ""),
            password=unquote(parts.password or ""),
            pool_size=threads,
            max_waiting=threads,
        )
        self._recorder = PostgresApplicationRecorder(self._datastore)
        self._recorder.create_table()

    async def append_for(self, seconds: float) -> Rate:
        loop = asyncio.get_running_loop()
        deadline = time.perf_counter() + seconds
        with ThreadPoolExecutor(self._threads) as pool:
            calls = [
                loop.run_in_executor(pool, self._append_until, deadline)
                for _ in range(self._threads)
            ]
            latencies = [one for taken in await asyncio.gather(*calls) for one in taken]
        return Rate(len(latencies) / seconds, sorted(latencies))

    def _append_until(self, deadline: float) -> list[float]:
        originator_id, version = uuid.uuid4(), 0
        latencies = []
        while (began := time.perf_counter()) < deadline:
            version += 1
            stored = StoredEvent(originator_id, version, "conversation.renamed", STATE)
            self._recorder.insert_events([stored])
            latencies.append(time.perf_counter() - began)
        return latencies

    def close(self) -> None:
        self._datastore.close()
