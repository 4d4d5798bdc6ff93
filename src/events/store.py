"""The event store: append and read, encrypted and decoded at this boundary."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Sequence

import asyncpg

from events import catalogue, codec, statements
from events.cipher import DataKey
from events.encoded_append import EncodedAppend, write_appends
from events.errors import IdempotencyMismatch, UserErased, VersionConflict
from events.group_commit import GroupCommit
from events.ids import new_id_text
from events.keys import KeyRing
from events.stored import Append, Appended, RecordedEvent, StoredEvent

__all__ = ["EventStore", "catalogue"]

MAX_VERSION = 2**63 - 1
PAGE_EVENTS = 1_000
PAGE_BYTES = 16 * 2**20


class EventStore:
    """Streams on PostgreSQL. `on_append` is told the seconds that each append took."""

    def __init__(
        self,
        pool: asyncpg.Pool,
        keys: KeyRing,
        commits: GroupCommit,
        *,
        on_commit: Callable[[], None] = lambda: None,
        on_append: Callable[[float, int], None] = lambda seconds, events: None,
    ) -> None:
        self._pool = pool
        self._commits = commits
        self._on_commit = on_commit
        self._on_append = on_append
        self.keys = keys

    async def append(self, append: Append) -> Appended:
        """Raises VersionConflict, IdempotencyMismatch, UserErased, QueueFull, StoreUnavailable.

        An idempotency key that was used before brings back what was stored then.
        """
        started = time.perf_counter()
        encoded = encode_append(append, await self.keys.current(append.owner_id))
        if not await self._commits.append([encoded]):
            return (await self._explain([encoded]))[0]
        self._on_commit()
        self._on_append(time.perf_counter() - started, len(append.events))
        return _outcome(encoded)

    async def append_all(self, appends: Sequence[Append]) -> list[Appended]:
        """Appends to several streams: all are stored, or none."""
        started = time.perf_counter()
        encoded = [encode_append(a, await self.keys.current(a.owner_id)) for a in appends]
        if not await self._commits.append(encoded):
            return await self._explain(encoded)
        self._on_commit()
        outcomes = [_outcome(append) for append in encoded]
        self._on_append(time.perf_counter() - started, sum([len(a.events) for a in appends]))
        return outcomes

    async def append_on(self, connection: asyncpg.Connection, append: Append) -> None:
        """Within the caller's transaction, and with what else that does. Raises VersionConflict."""
        encoded = encode_append(append, await self.keys.current(append.owner_id))
        if await write_appends(connection, [encoded]):
            row = await connection.fetchrow(
                statements.load("explain_loss"), append.stream_id, None, None
            )
            raise VersionConflict(append.stream_id, append.expected_version, row["version"])

    async def find_replay(
        self, stream_id: str, owner_id: str, idempotency_key: str, request_body: bytes | None
    ) -> Appended | None:
        """What an idempotency key already stored on a stream; IdempotencyMismatch if for another
        request."""
        row = await self._pool.fetchrow(
            statements.load("explain_loss"), stream_id, idempotency_key, None
        )
        if row["first_version"] is None:
            return None
        key = await self.keys.current(owner_id)
        if row["request_hash"] != _request_hash(request_body, key):
            raise IdempotencyMismatch(stream_id, idempotency_key)
        return _replay(stream_id, row)

    async def read_stream(
        self, stream_id: str, *, after_version: int = 0, up_to_version: int = MAX_VERSION
    ) -> list[RecordedEvent]:
        """The events of a stream in version order, without their log positions."""
        found: list[RecordedEvent] = []
        async for page in self._pages("read_stream", stream_id, after_version, up_to_version):
            found += await self.decode(page)
        return found

    async def read_stream_backwards(
        self, stream_id: str, limit: int, *, before_version: int = MAX_VERSION
    ) -> list[RecordedEvent]:
        """The newest events before a version, newest first."""
        rows = await self._pool.fetch(
            statements.load("read_stream_backwards"), stream_id, 0, before_version - 1, limit
        )
        return await self.decode([StoredEvent.from_row(row) for row in rows])

    async def stored_stream(
        self, stream_id: str, *, after_version: int = 0, up_to_version: int = MAX_VERSION
    ) -> AsyncIterator[list[StoredEvent]]:
        """Pages of a stream as it is stored, with log positions."""
        async for page in self._pages(
            "read_stream_positions", stream_id, after_version, up_to_version
        ):
            yield page

    async def last_of_topic(self, stream_id: str, topic: str) -> int:
        """The version of a stream's last event of a topic; 0 where there is none."""
        version: int = await self._pool.fetchval(statements.load("last_of_topic"), stream_id, topic)
        return version

    async def read_log(
        self,
        after_position: int,
        *,
        up_to_position: int = MAX_VERSION,
        limit: int = PAGE_EVENTS,
        categories: Sequence[str] | None = None,
    ) -> list[StoredEvent]:
        """Sealed events in global order, as they are stored."""
        rows = await self._pool.fetch(
            statements.load("read_log"),
            after_position,
            up_to_position,
            limit,
            list(categories) if categories is not None else None,
        )
        return [StoredEvent.from_row(row) for row in rows]

    async def read_streams(
        self,
        after_id: str,
        after_version: int,
        up_to_id: str,
        *,
        limit: int = PAGE_EVENTS,
        connection: asyncpg.Connection | None = None,
    ) -> list[StoredEvent]:
        """Whole streams one after another, by id; those not sealed yet have no position.

        A page also ends where its events take PAGE_BYTES. `connection` is one to read on.
        """
        rows = await (connection or self._pool).fetch(
            statements.load("read_streams"), after_id, after_version, up_to_id, limit, PAGE_BYTES
        )
        return [StoredEvent.from_row(row) for row in rows]

    async def effects_of(
        self, owner_id: str, run_id: str, call_ids: Sequence[str]
    ) -> list[StoredEvent]:
        """The owner's task events that a run's tool calls have caused, as they are stored."""
        rows = await self._pool.fetch(
            statements.load("read_effects"), owner_id, run_id, list(call_ids)
        )
        return [StoredEvent.from_row(row) for row in rows]

    async def head(self) -> tuple[int, int]:
        """The newest sealed position, and how many inbox rows wait (counted up to 1,000)."""
        row = await self._pool.fetchrow(statements.load("log_head"))
        return row["head"], row["unsealed"]

    async def decode(self, stored: Sequence[StoredEvent]) -> list[RecordedEvent]:
        keys = await self.keys.load(codec.key_ids_of(stored))
        return [codec.decode(event, keys) for event in stored]

    async def _pages(
        self, statement: str, stream_id: str, after_version: int, up_to_version: int
    ) -> AsyncIterator[list[StoredEvent]]:
        while True:
            rows = await self._pool.fetch(
                statements.load(statement), stream_id, after_version, up_to_version, PAGE_EVENTS
            )
            page = [StoredEvent.from_row(row) for row in rows]
            if page:
                yield page
                after_version = page[-1].stream_version
            if len(page) < PAGE_EVENTS:
                return

    async def _explain(self, encoded: Sequence[EncodedAppend]) -> list[Appended]:
        """Why an append lost: a replay is answered, anything else is raised."""
        replays: list[Appended] = []
        for append in encoded:
            row = await self._pool.fetchrow(
                statements.load("explain_loss"),
                append.stream_id,
                append.idempotency_key,
                append.key_id,
            )
            if row["first_version"] is not None:
                if row["request_hash"] != append.request_hash:
                    raise IdempotencyMismatch(append.stream_id, append.idempotency_key or "")
                replays.append(_replay(append.stream_id, row))
            elif not row["has_key"]:
                self.keys.forget(append.owner_id)
                raise UserErased(append.owner_id)
            elif row["version"] != append.expected_version:
                raise VersionConflict(append.stream_id, append.expected_version, row["version"])
        if len(replays) == len(encoded):
            return replays
        first = encoded[0]
        raise VersionConflict(first.stream_id, first.expected_version, first.expected_version)


def encode_append(append: Append, key: DataKey) -> EncodedAppend:
    events = append.events
    event_ids = [new_id_text() for _ in events]
    request_hash = _request_hash(append.request_body, key)
    return EncodedAppend(
        append.stream_id,
        append.expected_version,
        append.owner_id,
        key.stored_id,
        append.idempotency_key,
        request_hash,
        event_ids,
        [event.topic for event in events],
        [event.schema_version for event in events],
        [
            codec.encode_state(event, key, append.stream_id, version)
            for version, event in enumerate(events, append.expected_version + 1)
        ],
        codec.encode_metadata(append, event_ids, key, request_hash),
        append.companions,
    )


def _outcome(append: EncodedAppend) -> Appended:
    return Appended(
        stream_id=append.stream_id,
        first_version=append.expected_version + 1,
        last_version=append.expected_version + len(append.event_ids),
    )


def _replay(stream_id: str, row: asyncpg.Record) -> Appended:
    return Appended(
        stream_id=stream_id,
        first_version=row["first_version"],
        last_version=row["last_version"],
        is_replay=True,
    )


def _request_hash(request_body: bytes | None, key: DataKey) -> bytes | None:
    return None if request_body is None else key.keyed_hash(request_body)
