"""The log as a node runs it, and callers who each append to a conversation of their own."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from benchmarks.measures import Rate
from benchmarks.pgbench import STATE_BYTES
from events.cipher import EventKey
from events.conversation import Renamed, stream_of
from events.group_commit import GroupCommit
from events.ids import new_id
from events.keys import KeyRing, PlainKeyRing, PostgresKeyRing
from events.sealer import Sealer
from events.signal import LogSignal
from events.store import EventStore
from events.stored import Append
from runtime.collector import rest_collector
from runtime.database import Database, open_database
from runtime.urls import database_urls

EVENT_KEY = EventKey(b"k" * 32)
#: With its JSON around it, the state is as long as pgbench's.
EVENT = Renamed(title="t" * (STATE_BYTES - len('{"title":""}')))


@dataclass
class LogNode:
    database: Database
    store: EventStore
    sealer: Sealer
    signal: LogSignal
    keys: KeyRing

    async def settle(self) -> None:
        """Seal what is left, so that the next measurement does not pay for it."""
        while (await self.store.head())[1]:
            await self.sealer.seal()


@asynccontextmanager
async def log_node(url: str, *, is_sealed: bool = True) -> AsyncIterator[LogNode]:
    """Without sealing there is no encryption either: what the bare append costs."""
    rest_collector()
    async with open_database(database_urls(url)) as database:
        pool = database.direct
        keys: KeyRing = PostgresKeyRing(pool, EVENT_KEY) if is_sealed else PlainKeyRing()
        signal = LogSignal()
        sealer = Sealer(pool, signal)
        commits = GroupCommit(pool)
        wake = sealer.wake if is_sealed else lambda: None
        store = EventStore(pool, keys, commits, on_commit=wake)
        tasks = [asyncio.create_task(commits.run())]
        if is_sealed:
            tasks.append(asyncio.create_task(sealer.run()))
        try:
            yield LogNode(database, store, sealer, signal, keys)
        finally:
            commits.close()
            await asyncio.wait(tasks[:1])
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)


async def append_for(node: LogNode, callers: int, seconds: float) -> Rate:
    """`callers` conversations at once, one event an append, each waiting for its own commit."""
    streams = [stream_of(str(new_id())) for _ in range(callers)]
    latencies: list[float] = []
    started = time.perf_counter()
    deadline = started + seconds
    await asyncio.gather(*(_append_until(node, s, deadline, latencies) for s in streams))
    return Rate(len(latencies) / (time.perf_counter() - started), sorted(latencies))


async def _append_until(
    node: LogNode, stream_id: str, deadline: float, latencies: list[float]
) -> None:
    version = 0
    while (began := time.perf_counter()) < deadline:
        await node.store.append(append_of(stream_id, version))
        latencies.append(time.perf_counter() - began)
        version += 1


def append_of(stream_id: str, version: int, events: int = 1) -> Append:
    return Append(
        stream_id=stream_id,
        expected_version=version,
        owner_id="ada",
        events=(EVENT,) * events,
        actor="user:ada",
    )
