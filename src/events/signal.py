"""How far the log is, as this node knows it, and a way to wait for more."""

from __future__ import annotations

import asyncio
import time

from events.wakefulness import Wakefulness


class LogSignal:
    """A hint, never the truth: whoever is woken reads the log."""

    def __init__(self) -> None:
        self.head = 0
        #: time.monotonic() of the last word on the head.
        self.seen_at = 0.0
        #: Whoever needs more than the next word on the head says so here.
        self.wakefulness = Wakefulness()
        self._moved = asyncio.Event()

    def advance(self, head: int) -> None:
        self.seen_at = time.monotonic()
        if head > self.head:
            self.head = head
            self.nudge()

    def nudge(self) -> None:
        """Wake everyone who waits, whether or not there is anything new."""
        self._moved.set()
        self._moved = asyncio.Event()

    async def wait_beyond(self, position: int) -> None:
        """Until the head is beyond a position or someone nudges."""
        if self.head <= position:
            await self._moved.wait()
