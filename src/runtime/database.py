"""The connections of one process, opened and closed together."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import asyncpg
import structlog
from sqlalchemy import event, text
from sqlalchemy.exc import DBAPIError, DisconnectionError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from runtime.connecting import (
    LOST,
    RECONNECT_SECONDS,
    UNREACHABLE,
    connect_patiently,
    is_lost,
    keep_alive,
    reason_of,
)
from runtime.errors import DatabaseUnreachable, ListenUnavailable
from runtime.urls import ConnectArguments, DatabaseUrls

log = structlog.get_logger()

DIRECT_CONNECTIONS = 12
READ_CONNECTIONS = 12
START_TIMEOUT_SECONDS = 30.0
#: Bounds a statement on a connection whose other end is gone without a word.
DIRECT_STATEMENT_SECONDS = 60.0
READ_STATEMENT_SECONDS = 30.0
READ_CHECKOUT_SECONDS = 10.0
CLOSE_SECONDS = 5.0
READ_ATTEMPTS = 3

T = TypeVar("T")


@dataclass(frozen=True)
class Database:
    """`direct` writes, `engine` reads.

    On `direct`, session state outlives a release: SET LOCAL and transaction-level locks only.
    Each statement on the engines is a transaction of its own; a caller who needs several in one
    asks for `execution_options(isolation_level="READ COMMITTED")`.
    """

    #: For appends, sealing, COPY.
    direct: asyncpg.Pool
    #: For reads on the primary, perhaps through a pooler.
    engine: AsyncEngine
    #: For reads that may lag; None without DATABASE_READ_URL.
    replica: AsyncEngine | None
    urls: DatabaseUrls

    @property
    def can_listen(self) -> bool:
        """False where only a transaction pooler is known; then polling has to do."""
        return not self.urls.direct.is_pooler

    async def connect_listener(self) -> asyncpg.Connection:
        """A connection of its own, which the caller closes; raises ListenUnavailable."""
        if not self.can_listen:
            raise ListenUnavailable
        connection = await connect_patiently(self.urls.direct, RECONNECT_SECONDS)
        keep_alive(connection)
        return connection

    @property
    def direct_reads(self) -> RetriedReads:
        return RetriedReads(self.direct)

    async def retried(self, read: Callable[[], Awaitable[T]]) -> T:
        """What a read answers, asked again when its connection was lost on the way."""
        return await retried(read)


class RetriedReads:
    """Of a pool the part that reads, for statements that may run twice."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def fetch(self, statement: str, *values: object) -> Any:
        return await retried(lambda: self._pool.fetch(statement, *values))

    async def fetchrow(self, statement: str, *values: object) -> Any:
        return await retried(lambda: self._pool.fetchrow(statement, *values))

    async def fetchval(self, statement: str, *values: object) -> Any:
        return await retried(lambda: self._pool.fetchval(statement, *values))


async def retried(read: Callable[[], Awaitable[T]]) -> T:
    for attempts_left in reversed(range(READ_ATTEMPTS)):
        try:
            return await read()
        except (DBAPIError, *LOST) as error:
            if not attempts_left or not is_lost(error):
                raise
            log.info("read_repeated", error=type(error).__name__)
    raise AssertionError("unreachable")


@asynccontextmanager
async def open_database(
    urls: DatabaseUrls,
    *,
    direct_connections: int = DIRECT_CONNECTIONS,
    read_connections: int = READ_CONNECTIONS,
    start_timeout_seconds: float = START_TIMEOUT_SECONDS,
) -> AsyncIterator[Database]:
    """Raises DatabaseUnreachable when nobody answers in time; a replica may be away."""
    _warn(urls)
    async with contextlib.AsyncExitStack() as opened:
        direct = await _open_pool(urls.direct, direct_connections, start_timeout_seconds)
        opened.push_async_callback(_close_pool, direct)
        engine = _create_engine(urls.primary, read_connections)
        opened.push_async_callback(engine.dispose)
        if urls.primary is not urls.direct:
            await _check(engine, urls.primary, start_timeout_seconds)
        replica = _create_engine(urls.replica, read_connections) if urls.replica else None
        if replica is not None:
            opened.push_async_callback(replica.dispose)
        yield Database(direct, engine, replica, urls)


def _warn(urls: DatabaseUrls) -> None:
    for arguments in {urls.primary, urls.direct, urls.replica} - {None}:
        if arguments is not None and arguments.ignored:
            log.warning(
                "database_parameters_ignored",
                setting=arguments.setting,
                names=list(arguments.ignored),
            )
    if urls.direct.is_pooler:
        log.warning("listen_unavailable", remedy="set DATABASE_DIRECT_URL; polling until then")


async def _open_pool(
    arguments: ConnectArguments, connections: int, timeout_seconds: float
) -> asyncpg.Pool:
    patience_seconds = timeout_seconds

    async def connect(*_: object, **options: Any) -> asyncpg.Connection:
        return await connect_patiently(arguments, patience_seconds, **options)

    try:
        pool = await asyncpg.create_pool(
            connect=connect,
            # No minimum: the pool would reconnect by itself and wake a sleeping database.
            min_size=0,
            init_size=1,
            max_size=connections,
            reset=_keep_session,
            command_timeout=DIRECT_STATEMENT_SECONDS,
        )
    except UNREACHABLE as error:
        raise DatabaseUnreachable(reason_of(error, arguments), arguments.setting) from error
    patience_seconds = RECONNECT_SECONDS
    return pool


async def _keep_session(_: asyncpg.Connection) -> None:
    """Instead of asyncpg's RESET, a round trip; it has ended any open transaction by then."""


async def _close_pool(pool: asyncpg.Pool) -> None:
    try:
        async with asyncio.timeout(CLOSE_SECONDS):
            await pool.close()
    except TimeoutError:
        pool.terminate()


def _create_engine(arguments: ConnectArguments, connections: int) -> AsyncEngine:
    async def connect(**options: Any) -> asyncpg.Connection:
        return await connect_patiently(arguments, RECONNECT_SECONDS, **options)

    options: dict[str, Any] = {"async_creator_fn": connect}
    if arguments.is_pooler:
        options["prepared_statement_cache_size"] = 0
    engine = create_async_engine(
        "postgresql+asyncpg://",
        connect_args={**options, "command_timeout": READ_STATEMENT_SECONDS},
        isolation_level="AUTOCOMMIT",
        pool_size=connections,
        max_overflow=0,
        pool_timeout=READ_CHECKOUT_SECONDS,
        hide_parameters=True,
    )
    event.listen(engine.sync_engine, "checkout", _refuse_closed)
    return engine


def _refuse_closed(connection: Any, _record: object, _proxy: object) -> None:
    # What a ping would find out with a round trip, the transport mostly knows already.
    if connection.driver_connection.is_closed():
        raise DisconnectionError


async def _check(engine: AsyncEngine, arguments: ConnectArguments, timeout_seconds: float) -> None:
    try:
        async with asyncio.timeout(timeout_seconds), engine.connect() as connection:
            await connection.execute(text("SELECT 1"))
    except UNREACHABLE as error:
        raise DatabaseUnreachable(reason_of(error, arguments), arguments.setting) from error
