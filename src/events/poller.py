"""Looks at the log while the node is used: the truth behind LISTEN, and instead of it where a
transaction pooler alone is known."""

from __future__ import annotations

import asyncio

from events.sealer import Sealer
from events.signal import LogSignal

#: Without LISTEN.
POLL_SECONDS = 0.25
#: Beside LISTEN: finds what a node appended that died before it sealed.
SLOW_POLL_SECONDS = 5.0


class Poller:
    """Sealing tells the head, so a look is a seal. Once nothing goes on it looks no more."""

    def __init__(
        self, sealer: Sealer, signal: LogSignal, *, every_seconds: float = POLL_SECONDS
    ) -> None:
        self._sealer = sealer
        self._wakefulness = signal.wakefulness
        self._every_seconds = every_seconds

    async def run(self) -> None:
        calls_answered = -1
        while True:
            await self._wakefulness.wait(calls_answered)
            calls_answered = self._wakefulness.calls
            self._sealer.wake()
            await asyncio.sleep(self._every_seconds)
