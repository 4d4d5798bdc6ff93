"""LISTEN on a connection of its own: hears of batches that other nodes sealed."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

import asyncpg
import structlog

from events import statements
from events.group_commit import DISCONNECTED
from events.signal import LogSignal

log = structlog.get_logger()

LOG_CHANNEL = "verbatim_log"
RUN_CHANNEL = "verbatim_runs"
RETRY_SECONDS = 0.25
RETRY_LIMIT_SECONDS = 5.0

Connect = Callable[[], Awaitable[asyncpg.Connection]]


class Listener:
    """Keeps one connection listening; after each (re)connect it reads what it may have missed.

    A connection that ends while the node is idle is opened again when the node is next used:
    a database that has gone to sleep ends it, and connecting would wake that.
    """

    def __init__(
        self, connect: Connect, signal: LogSignal, *, on_run: Callable[[str], None] | None = None
    ) -> None:
        self._connect = connect
        self._signal = signal
        self._on_run = on_run
        #: A node that starts has not looked yet.
        self._calls_answered = -1
        self.is_listening = False

    @property
    def is_resting(self) -> bool:
        """Not listening, because nothing on this node would want to hear."""
        is_awake = self._signal.wakefulness.is_awake(self._calls_answered)
        return not self.is_listening and not is_awake

    async def run(self) -> None:
        pause = RETRY_SECONDS
        while True:
            await self._signal.wakefulness.wait(self._calls_answered)
            try:
                await self._listen()
                pause = RETRY_SECONDS
            except (*DISCONNECTED, asyncpg.PostgresError) as error:
                log.warning("listen_failed", error=type(error).__name__)
            await asyncio.sleep(pause)
            pause = min(pause * 2, RETRY_LIMIT_SECONDS)

    async def _listen(self) -> None:
        connection = await self._connect()
        lost = asyncio.Event()
        connection.add_termination_listener(lambda _: lost.set())
        try:
            await connection.add_listener(LOG_CHANNEL, self._hear_of_log)
            await connection.add_listener(RUN_CHANNEL, self._hear_of_run)
            row = await connection.fetchrow(statements.load("log_head"))
            self.is_listening = True
            self._signal.advance(row["head"])
            self._signal.nudge()
            await lost.wait()
            self._calls_answered = self._signal.wakefulness.calls
        finally:
            self.is_listening = False
            with contextlib.suppress(*DISCONNECTED, asyncio.CancelledError):
                connection.terminate()
        log.info("listen_lost", is_resting=self.is_resting)

    def _hear_of_log(self, _connection: object, _pid: int, _channel: str, payload: object) -> None:
        self._signal.advance(int(str(payload)))

    def _hear_of_run(self, _connection: object, _pid: int, _channel: str, payload: object) -> None:
        if self._on_run is not None:
            self._on_run(str(payload))
