"""Group commit: concurrent appends of a process become one statement and one round trip."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Collection

import asyncpg
import structlog

from events.encoded_append import (
    EncodedAppend,
    has_committed,
    write_appends,
    write_companions,
)
from events.errors import QueueFull, StoreUnavailable

log = structlog.get_logger()

#: Three keep the p50 at a pool's under a network round trip.
WRITERS = 3
#: With so few under way, or so many waiting, a statement starts beside another.
FEW_APPENDS = 8
MANY_APPENDS = 64
CAPACITY = 10_000
BATCH_APPENDS = 256
RESOLVE_SECONDS = 30.0
_RETRY_SECONDS = 0.25

#: What a dropped connection, a restart or a fail-over looks like.
DISCONNECTED = (
    OSError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.TooManyConnectionsError,
    asyncpg.InternalClientError,  # asyncpg, when the server ends a session between two messages
    TimeoutError,
)


class Waiting:
    """Appends that win or lose together, and the future of whoever asked."""

    __slots__ = ("appends", "has_won", "is_in_doubt", "streams")

    def __init__(
        self, appends: list[EncodedAppend], has_won: asyncio.Future[bool] | None = None
    ) -> None:
        self.appends = appends
        self.streams = [append.stream_id for append in appends]
        self.has_won = has_won or asyncio.get_running_loop().create_future()
        #: A connection was lost under it: the server may still be busy with the earlier statement.
        self.is_in_doubt = False


class GroupCommit:
    """Call `append` from anywhere; `run` owns the writers."""

    def __init__(
        self, pool: asyncpg.Pool, *, writers: int = WRITERS, capacity: int = CAPACITY
    ) -> None:
        self._pool = pool
        self._writers = writers
        self._capacity = capacity
        self._queue: deque[Waiting] = deque()
        self._busy_streams: set[str] = set()
        self._wake = asyncio.Event()
        #: Held by the one writer that looks for a batch.
        self._turn = asyncio.Lock()
        #: How many the writers have taken and not settled.
        self._under_way = 0
        self._is_closed = False

    @property
    def depth(self) -> int:
        return len(self._queue)

    async def append(self, appends: list[EncodedAppend]) -> bool:
        """Whether the appends won. Cancelling the caller never cancels a queued append."""
        if self._is_closed:
            raise StoreUnavailable("the node is shutting down")
        if len(self._queue) >= self._capacity:
            raise QueueFull(self._capacity)
        waiting = Waiting(appends)
        self._queue.append(waiting)
        self._wake.set()
        return await waiting.has_won

    async def run(self) -> None:
        """Write until closed or cancelled; what was queued by then is still written."""
        writers = [asyncio.create_task(self._write_forever()) for _ in range(self._writers)]
        try:
            await asyncio.wait(writers)
        finally:
            self.close()
            await asyncio.wait(writers)
        for writer in writers:
            writer.result()

    def close(self) -> None:
        """Refuse new appends; the writers end once the queue is empty."""
        self._is_closed = True
        self._wake.set()

    async def _write_forever(self) -> None:
        connection: asyncpg.Connection | None = None
        while batch := await self._next_batch():
            try:
                connection = await self._write(connection, batch)
            finally:
                self._under_way -= len(batch)
                for waiting in batch:
                    self._busy_streams.difference_update(waiting.streams)
                self._wake.set()
        if connection is not None:
            await self._pool.release(connection)

    async def _next_batch(self) -> list[Waiting]:
        """Empty once the queue is closed and written."""
        async with self._turn:
            while self._queue or not self._is_closed:
                if self._is_another_worthwhile() and (batch := self._take()):
                    self._under_way += len(batch)
                    return batch
                self._wake.clear()
                await self._wake.wait()
        return []

    def _is_another_worthwhile(self) -> bool:
        """Under little load, so that nobody waits for a round trip that is not theirs; under much,
        so that the server always has work. Between, one large statement costs less than two."""
        return self._under_way <= FEW_APPENDS or len(self._queue) >= MANY_APPENDS

    def _take(self) -> list[Waiting]:
        """The next batch: one append a stream, none of a stream that another writer holds."""
        batch: list[Waiting] = []
        passed: list[Waiting] = []
        while self._queue and len(batch) < BATCH_APPENDS:
            waiting = self._queue.popleft()
            is_alone = len(waiting.appends) > 1
            if (is_alone and batch) or not self._busy_streams.isdisjoint(waiting.streams):
                passed.append(waiting)
                if is_alone:
                    break
                continue
            batch.append(waiting)
            self._busy_streams.update(waiting.streams)
            if is_alone:
                break
        self._queue.extendleft(reversed(passed))
        return batch

    async def _write(
        self, connection: asyncpg.Connection | None, batch: list[Waiting]
    ) -> asyncpg.Connection | None:
        try:
            if connection is None:
                connection = await self._pool.acquire()
            losers = await _execute(connection, batch)
            outcomes = (
                [await _has_won(connection, waiting, losers) for waiting in batch]
                if losers
                else [True] * len(batch)
            )
        except DISCONNECTED as error:
            log.warning("append_connection_lost", error=type(error).__name__, appends=len(batch))
            await self._discard(connection)
            await self._resolve(batch)
            return None
        except Exception as error:  # a statement the server refuses; nothing was stored
            return await self._write_apart(connection, batch, error)
        for waiting, has_won in zip(batch, outcomes, strict=True):
            _settle(waiting, has_won)
        return connection

    async def _write_apart(
        self, connection: asyncpg.Connection | None, batch: list[Waiting], error: Exception
    ) -> asyncpg.Connection | None:
        """Halves a refused batch until the append at fault stands alone; the others are written."""
        if len(batch) == 1:
            _settle_error(batch[0], error)
            return connection
        middle = len(batch) // 2
        for half in (batch[:middle], batch[middle:]):
            connection = await self._write(connection, half)
        return connection

    async def _discard(self, connection: asyncpg.Connection | None) -> None:
        if connection is None:
            return
        with contextlib.suppress(*DISCONNECTED):
            connection.terminate()
            await self._pool.release(connection)

    async def _resolve(self, batch: list[Waiting]) -> None:
        """After a lost connection: ask the log, by event id, what became of each append."""
        try:
            async with asyncio.timeout(RESOLVE_SECONDS):
                committed = await self._find_committed(batch)
        except TimeoutError:
            for waiting in batch:
                _settle_error(waiting, StoreUnavailable("the connection was lost"))
            return
        for waiting, is_stored in zip(batch, committed, strict=True):
            waiting.is_in_doubt = not is_stored
            if is_stored:
                _settle(waiting, True)
        self._queue.extendleft(waiting for waiting in reversed(batch) if waiting.is_in_doubt)

    async def _find_committed(self, batch: list[Waiting]) -> list[bool]:
        while True:
            try:
                async with self._pool.acquire() as connection:
                    return [
                        await has_committed(connection, waiting.appends[0]) for waiting in batch
                    ]
            except DISCONNECTED:
                await asyncio.sleep(_RETRY_SECONDS)


async def _execute(connection: asyncpg.Connection, batch: list[Waiting]) -> Collection[str]:
    """The stream ids that lost."""
    appends = [append for waiting in batch for append in waiting.appends]
    is_atomic = len(batch) < len(appends)
    if not is_atomic and not any(append.companions for append in appends):
        return await write_appends(connection, appends)
    transaction = connection.transaction()
    await transaction.start()
    try:
        losers = await write_appends(connection, appends)
        if is_atomic and losers:
            await transaction.rollback()
            return {append.stream_id for append in appends}
        await write_companions(connection, [a for a in appends if a.stream_id not in losers])
    except BaseException:
        with contextlib.suppress(*DISCONNECTED):
            await transaction.rollback()
        raise
    await transaction.commit()
    return losers


async def _has_won(
    connection: asyncpg.Connection, waiting: Waiting, losers: Collection[str]
) -> bool:
    if not any(append.stream_id in losers for append in waiting.appends):
        return True
    return waiting.is_in_doubt and await has_committed(connection, waiting.appends[0])


def _settle(waiting: Waiting, has_won: bool) -> None:
    if not waiting.has_won.done():
        waiting.has_won.set_result(has_won)


def _settle_error(waiting: Waiting, error: Exception) -> None:
    if not waiting.has_won.done():
        waiting.has_won.set_exception(error)
