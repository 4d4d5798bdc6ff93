"""A node's share of the log for tests: pool, store, sealer, group commit, all running."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import asyncpg

from events.cipher import EventKey
from events.conversation import Renamed, Started, stream_of
from events.event import Event
from events.group_commit import GroupCommit
from events.ids import new_id
from events.keys import PostgresKeyRing
from events.listener import Listener
from events.sealer import Sealer
from events.signal import LogSignal
from events.store import EventStore
from events.stored import Append

EVENT_KEY = EventKey(b"k" * 32)


@dataclass
class LogNode:
    pool: asyncpg.Pool
    store: EventStore
    sealer: Sealer
    signal: LogSignal
    commits: GroupCommit
    listener: Listener
    keys: PostgresKeyRing


@asynccontextmanager
async def log_node(
    url: str, *, event_key: EventKey = EVENT_KEY, size: int = 12, is_sealing: bool = True
) -> AsyncIterator[LogNode]:
    pool = await asyncpg.create_pool(url, min_size=1, max_size=size)
    keys = PostgresKeyRing(pool, event_key)
    signal = LogSignal()
    sealer = Sealer(pool, signal)
    commits = GroupCommit(pool)
    store = EventStore(pool, keys, commits, on_commit=sealer.wake)
    listener = Listener(lambda: asyncpg.connect(url), signal)
    tasks = [asyncio.create_task(commits.run()), asyncio.create_task(listener.run())]
    if is_sealing:
        tasks.append(asyncio.create_task(sealer.run()))
    try:
        yield LogNode(pool, store, sealer, signal, commits, listener, keys)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        pool.terminate()


def new_stream() -> str:
    return stream_of(str(new_id()))


def append_to(
    stream_id: str,
    expected_version: int,
    *events: Event,
    owner_id: str = "ada",
    idempotency_key: str | None = None,
    request_body: bytes | None = None,
) -> Append:
    return Append(
        stream_id=stream_id,
        expected_version=expected_version,
        owner_id=owner_id,
        events=events or (Started() if expected_version == 0 else Renamed(title="again"),),
        actor=f"user:{owner_id}",
        idempotency_key=idempotency_key,
        request_body=request_body,
    )
