"""How many requests of one kind a user may send in a minute."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable

from agent.errors import LimitReached

WINDOW_SECONDS = 60.0
#: Above this many users, those whose window has passed are forgotten.
REMEMBERED_USERS = 10_000


class RequestLimit:
    """Counts in memory, so each worker process grants the limit anew; `clock` counts seconds."""

    def __init__(self, limit: int, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._limit = limit
        self._clock = clock
        self._sent: dict[str, deque[float]] = {}

    def admit(self, user_id: str) -> None:
        """Counts one request; raises LimitReached, which counts none."""
        now = self._clock()
        sent = self._sent.setdefault(user_id, deque())
        while sent and sent[0] <= now - WINDOW_SECONDS:
            sent.popleft()
        if len(sent) >= self._limit:
            seconds = math.ceil(sent[0] + WINDOW_SECONDS - now)
            said = f"At most {self._limit} of these requests a minute are accepted"
            raise LimitReached(f"{said}; try again in {seconds} s.", retry_after_seconds=seconds)
        sent.append(now)
        if len(self._sent) > REMEMBERED_USERS:
            self._forget(now)

    def _forget(self, now: float) -> None:
        for user_id, sent in list(self._sent.items()):
            if not sent or sent[-1] <= now - WINDOW_SECONDS:
                del self._sent[user_id]
