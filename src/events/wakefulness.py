"""Whether this node has a use for news from the database; while it has none, that may sleep."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager


class Wakefulness:
    """Whoever would go to the database unasked, to listen or to poll, waits here first."""

    def __init__(self) -> None:
        #: How often the node was used; a look answers the calls that came before it.
        self.calls = 0
        self._holders = 0
        self._roused = asyncio.Event()

    def call(self) -> None:
        """The node is being used: look once more."""
        self.calls += 1
        self._rouse()

    @contextmanager
    def held(self) -> Iterator[None]:
        """Keep looking: a tail is open, or a run is unfinished."""
        self._holders += 1
        self._rouse()
        try:
            yield
        finally:
            self._holders -= 1

    def is_awake(self, calls_answered: int) -> bool:
        return self._holders > 0 or self.calls > calls_answered

    async def wait(self, calls_answered: int) -> None:
        """Until there is a use for a look, after one that answered so many calls."""
        while not self.is_awake(calls_answered):
            await self._roused.wait()

    def _rouse(self) -> None:
        self._roused.set()
        self._roused = asyncio.Event()
