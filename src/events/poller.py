"""Where LISTEN is not to be had (a transaction pooler alone): look while the log is in use."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from events.sealer import Sealer
from events.signal import LogSignal

POLL_SECONDS = 0.25
#: How long after the last news a node goes on polling.
IDLE_SECONDS = 300.0


class Poller:
    """Sealing tells the head, so a look is a seal. Polls nothing once nothing goes on."""

    def __init__(
        self, sealer: Sealer, signal: LogSignal, count_unfinished: Callable[[], int]
    ) -> None:
        self._sealer = sealer
        self._signal = signal
        self._count_unfinished = count_unfinished

    async def run(self) -> None:
        head, moved_at = self._signal.head, time.monotonic()
        while True:
            if self._signal.head != head or self._count_unfinished():
                head, moved_at = self._signal.head, time.monotonic()
            if time.monotonic() - moved_at > IDLE_SECONDS:
                await self._signal.wait_beyond(head)
                continue
            self._sealer.wake()
            await asyncio.sleep(POLL_SECONDS)
