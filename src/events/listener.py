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
    """Keeps one connection listening; after each (re)connect it reads what it may have missed."""

    def __init__(
        self, connect: Connect, signal: LogSignal, *, on_run: Callable[[str], None] | None = None
    ) -> None:
        self._connect = connect
        self._signal = signal
        self._on_run = on_run
        self.is_listening = False

    async def run(self) -> None:
        pause = RETRY_SECONDS
        while True:
            try:
                await self._listen()
                pause = RETRY_SECONDS
            except DISCONNECTED as error:
                log.warning("listen_lost", error=type(error).__name__)
            self.is_listening = False
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
        finally:
            with contextlib.suppress(*DISCONNECTED, asyncio.CancelledError):
                connection.terminate()

    def _hear_of_log(self, _connection: object, _pid: int, _channel: str, payload: object) -> None:
        self._signal.advance(int(str(payload)))

    def _hear_of_run(self, _connection: object, _pid: int, _channel: str, payload: object) -> None:
        if self._on_run is not None:
            self._on_run(str(payload))
