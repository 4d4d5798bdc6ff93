"""Holds streams at a chosen chunk until a test lets them go."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import Any

POLL_SECONDS = 0.005


class Gate:
    """Safe to use from any thread, because the host has a loop of its own."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._before_chunk: int | None = None
        self._user = ""
        self._held = 0

    def hold(self, before_chunk: int, user: str = "") -> None:
        """Stop every stream before chunk `before_chunk` (from 0), or before its end.

        With `user`, only where the last user message contains that text.
        """
        with self._lock:
            self._before_chunk, self._user = before_chunk, user

    def release(self) -> None:
        with self._lock:
            self._before_chunk = None

    async def reached(self, streams: int = 1, timeout_seconds: float = 10.0) -> None:
        """Wait until that many streams stand at the gate."""
        deadline = time.monotonic() + timeout_seconds
        while self._held < streams:
            if time.monotonic() > deadline:
                raise TimeoutError(f"expected {streams} streams at the gate, found {self._held}")
            await asyncio.sleep(POLL_SECONDS)

    async def pass_by(self, chunk: int, user_text: str) -> None:
        if not self._is_closed(chunk, user_text):
            return
        with self._lock:
            self._held += 1
        try:
            while self._is_closed(chunk, user_text):
                await asyncio.sleep(POLL_SECONDS)
        finally:
            with self._lock:
                self._held -= 1

    def state(self) -> dict[str, Any]:
        return {"before_chunk": self._before_chunk, "held": self._held}

    def _is_closed(self, chunk: int, user_text: str) -> bool:
        with self._lock:
            before = self._before_chunk
            return before is not None and chunk >= before and self._user in user_text
