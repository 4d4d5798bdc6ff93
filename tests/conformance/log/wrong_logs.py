"""Logs as they are often written, each with the fault that the kit has to find.

All share one table; what they differ in is how they order it, and when a number is taken.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import dataclass

import asyncpg

from tests.conformance.log.protocol import Recorded

CONNECTIONS = 32
APPEND_LOCK = 7_042
#: Makes one position of a transaction id and a number.
ID_FACTOR = 1_000_000_000
#: Between the two transactions of a torn seal.
TORN_SECONDS = 0.005

TABLES = """
CREATE TABLE heads (stream text PRIMARY KEY, version bigint NOT NULL);
CREATE SEQUENCE numbers;
CREATE TABLE events (
    number bigint NOT NULL,
    transaction_id xid8 NOT NULL DEFAULT pg_current_xact_id(),
    stream text NOT NULL,
    version bigint NOT NULL,
    PRIMARY KEY (stream, version)
);
CREATE TABLE inbox (LIKE events INCLUDING DEFAULTS);
"""

LOCK_HEAD = """
INSERT INTO heads AS h VALUES ($1, $2)
ON CONFLICT (stream) DO UPDATE SET version = h.version + $2
RETURNING version
"""

INSERT = """
INSERT INTO {table} (number, stream, version)
SELECT coalesce(($3::bigint[])[n], nextval('numbers')), $1, $2 + n
FROM generate_series(1, $4::int) AS n ORDER BY n
"""

EMPTY_INBOX = "DELETE FROM inbox RETURNING stream, version"
PUT = "INSERT INTO events (number, stream, version) VALUES (nextval('numbers'), $1, $2)"

READ = """
SELECT {position} AS position, stream, version FROM events
WHERE {position} > $1 AND {condition}
ORDER BY position LIMIT $2
"""

BY_NUMBER = "number"
BY_TRANSACTION = f"transaction_id::text::bigint * {ID_FACTOR} + number"
COMMITTED = "true"
BELOW_XMIN = "transaction_id < pg_snapshot_xmin(pg_current_snapshot())"


@dataclass(frozen=True, kw_only=True)
class WrongFactory:
    position: str = BY_NUMBER
    condition: str = COMMITTED
    #: Numbers are taken by a statement before the one that locks and writes.
    is_reserving: bool = False
    #: Everyone who appends takes one lock.
    is_locking: bool = False
    synchronous_commit: str = "on"
    #: Appends go to an inbox, which a seal of two transactions empties into the log.
    is_sealing: bool = False
    is_gapless: bool = False

    async def prepare(self, database_url: str) -> None:
        connection = await asyncpg.connect(database_url)
        await connection.execute(TABLES)
        await connection.close()

    async def open(self, database_url: str) -> WrongLog:
        pool = await asyncpg.create_pool(
            database_url,
            min_size=0,
            max_size=CONNECTIONS,
            reset=_keep_session,
            server_settings={"synchronous_commit": self.synchronous_commit},
        )
        return WrongLog(pool, self)


async def _keep_session(_: asyncpg.Connection) -> None:
    """A release is no round trip."""


class WrongLog:
    def __init__(self, pool: asyncpg.Pool, factory: WrongFactory) -> None:
        self._pool = pool
        self._factory = factory
        self._read = READ.format(position=factory.position, condition=factory.condition)

    async def begin(self) -> WrongTransaction:
        connection = await self._pool.acquire()
        await connection.execute("BEGIN; SELECT pg_current_xact_id()")
        return WrongTransaction(self._pool, connection, self._factory)

    async def append_now(self, stream: str, n_events: int) -> int:
        transaction = await self.begin()
        await transaction.reserve(stream, n_events)
        first = await transaction.append(stream, n_events)
        await transaction.commit()
        return first

    async def seal_or_noop(self) -> None:
        if not self._factory.is_sealing:
            return
        async with self._pool.acquire() as connection:
            rows = await connection.fetch(EMPTY_INBOX)
            await asyncio.sleep(TORN_SECONDS)
            await connection.executemany(PUT, [tuple(row) for row in rows])

    async def read(self, after_position: int, limit: int) -> Sequence[Recorded]:
        rows = await self._pool.fetch(self._read, after_position, limit)
        return [Recorded(*row) for row in rows]

    async def head(self) -> int:
        query = (
            f"SELECT coalesce(max({self._factory.position}), 0) "
            f"FROM events WHERE {self._factory.condition}"
        )
        found: int = await self._pool.fetchval(query)
        return found

    async def close(self) -> None:
        self._pool.terminate()


class WrongTransaction:
    def __init__(
        self, pool: asyncpg.Pool, connection: asyncpg.Connection, factory: WrongFactory
    ) -> None:
        self._pool = pool
        self._connection = connection
        self._factory = factory
        self._numbers: list[int] = []

    async def reserve(self, stream: str, n_events: int) -> None:
        if self._factory.is_reserving:
            rows = await self._connection.fetch(
                "SELECT nextval('numbers') FROM generate_series(1, $1)", n_events
            )
            self._numbers = [row[0] for row in rows]

    async def append(self, stream: str, n_events: int) -> int:
        if self._factory.is_locking:
            await self._connection.execute("SELECT pg_advisory_xact_lock($1)", APPEND_LOCK)
        version: int = await self._connection.fetchval(LOCK_HEAD, stream, n_events)
        table = "inbox" if self._factory.is_sealing else "events"
        statement = INSERT.format(table=table)
        await self._connection.execute(
            statement, stream, version - n_events, self._numbers, n_events
        )
        return version - n_events + 1

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


def bigserial() -> WrongFactory:
    """A number is taken inside the transaction: a lower one may commit later."""
    return WrongFactory()


def snapshot_xmin() -> WrongFactory:
    """Waits for older transactions, but these need not have taken the lower numbers."""
    return WrongFactory(condition=BELOW_XMIN)


def transaction_order() -> WrongFactory:
    """By (xid, position): skips nothing, but what began early sorts before what was committed by
    the time that it appended."""
    return WrongFactory(position=BY_TRANSACTION, condition=BELOW_XMIN)


def late_lock() -> WrongFactory:
    """One append at a time, but the number was read before the lock."""
    return WrongFactory(is_reserving=True, is_locking=True)


def lazy_commit() -> WrongFactory:
    """In the right order, but acknowledged before it is on the disk."""
    return WrongFactory(is_locking=True, synchronous_commit="off")


def torn_seal() -> WrongFactory:
    """Sealed after commit, but what is taken from the inbox is put into the log later."""
    return WrongFactory(is_sealing=True)


def slow_and_right() -> WrongFactory:
    """No wrong log: the lock is held from before the number is taken until after the commit."""
    return WrongFactory(is_locking=True)
