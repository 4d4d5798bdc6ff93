"""The log of this project as the kit drives it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence

import asyncpg

from events import statements
from events.cipher import EventKey
from events.conversation import Renamed
from events.encoded_append import EncodedAppend
from events.errors import VersionConflict
from events.group_commit import GroupCommit, Waiting, _execute
from events.keys import KeyRing, PostgresKeyRing
from events.store import EventStore, encode_append
from events.stored import Append
from runtime.migrations import migrate
from tests.conformance.log.protocol import Recorded

EVENT_KEY = EventKey(b"k" * 32)
OWNER_ID = "ada"
CONNECTIONS = 32
#: So few that most seals take several batches.
SEAL_ROWS = 3


class OurFactory:
    is_gapless = True

    async def prepare(self, database_url: str) -> None:
        await migrate(database_url)

    async def open(self, database_url: str) -> OurLog:
        pool = await asyncpg.create_pool(
            database_url, min_size=0, max_size=CONNECTIONS, reset=_keep_session
        )
        return OurLog(pool)


class OurLog:
    """`append_now` goes through the store and its group commit, as every append of a node does."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool
        self._keys = PostgresKeyRing(pool, EVENT_KEY)
        commits = GroupCommit(pool)
        self._store = EventStore(pool, self._keys, commits)
        self._committing = asyncio.create_task(commits.run())

    async def begin(self) -> OurTransaction:
        connection = await self._pool.acquire()
        await connection.execute("BEGIN; SELECT pg_current_xact_id()")
        return OurTransaction(self._pool, connection, self._keys)

    async def append_now(self, stream: str, n_events: int) -> int:
        while True:
            version = await _version(self._pool, stream)
            try:
                appended = await self._store.append(_append(stream, version, n_events))
            except VersionConflict:
                continue
            return appended.first_version

    async def seal_or_noop(self) -> None:
        while (await self._pool.fetchrow(statements.load("seal_log"), SEAL_ROWS))["is_more"]:
            pass

    async def read(self, after_position: int, limit: int) -> Sequence[Recorded]:
        page = await self._store.read_log(after_position, limit=limit)
        return [Recorded(e.position or 0, e.stream_id, e.stream_version) for e in page]

    async def head(self) -> int:
        position, _ = await self._store.head()
        return position

    async def close(self) -> None:
        self._committing.cancel()
        await asyncio.gather(self._committing, return_exceptions=True)
        self._pool.terminate()


class OurTransaction:
    """The append's own statement on a connection whose commit comes later: a number of the inbox
    is taken and the heads are locked, as while a node waits for its commit."""

    def __init__(self, pool: asyncpg.Pool, connection: asyncpg.Connection, keys: KeyRing) -> None:
        self._pool = pool
        self._connection = connection
        self._keys = keys

    async def reserve(self, stream: str, n_events: int) -> None:
        """An append is one statement and takes nothing ahead of it."""

    async def append(self, stream: str, n_events: int) -> int:
        while True:
            key = await self._keys.current(OWNER_ID)
            version = await _version(self._connection, stream)
            encoded = encode_append(_append(stream, version, n_events), key)
            await _execute(self._connection, [Waiting([encoded])])
            if await self._has_won(encoded):
                return version + 1

    async def _has_won(self, append: EncodedAppend) -> bool:
        has_won: bool = await self._connection.fetchval(
            statements.load("resolve_append"),
            append.stream_id,
            append.expected_version + 1,
            append.event_ids[0],
        )
        return has_won

    async def commit(self) -> None:
        await self._end("COMMIT")

    async def rollback(self) -> None:
        await self._end("ROLLBACK")

    async def _end(self, statement: str) -> None:
        try:
            await self._connection.execute(statement)
        finally:
            with contextlib.suppress(Exception):
                await self._pool.release(self._connection)


async def _keep_session(_: asyncpg.Connection) -> None:
    """As a node's pool does it: a release is no round trip."""


def _append(stream: str, version: int, n_events: int) -> Append:
    return Append(
        stream_id=stream,
        expected_version=version,
        owner_id=OWNER_ID,
        events=(Renamed(title="conformance"),) * n_events,
        actor="system",
    )


async def _version(connection: asyncpg.Connection | asyncpg.Pool, stream: str) -> int:
    found: int = await connection.fetchval(
        "SELECT coalesce((SELECT version FROM verbatim.heads WHERE stream_id = $1), 0)", stream
    )
    return found
