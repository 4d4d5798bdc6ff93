"""Runs that this node works on: their frames in memory, for whoever follows."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Sequence

from agent.frames import Frame


class LiveRun:
    """The committed frames since this node took the run, and a way to wait for more."""

    def __init__(self, run_id: uuid.UUID, first_seq: int) -> None:
        self.run_id = run_id
        self.first_seq = first_seq
        #: False once this node no longer works on the run.
        self.is_open = True
        self._frames: list[Frame] = []
        self._grown = asyncio.Event()

    @property
    def last_seq(self) -> int:
        return self.first_seq + len(self._frames) - 1

    def publish(self, frames: Sequence[Frame]) -> None:
        next_seq = self.last_seq + 1
        for frame in frames:
            if frame.seq == next_seq:
                self._frames.append(frame)
                next_seq += 1
        self._wake()

    def after(self, seq: int) -> list[Frame]:
        return self._frames[max(0, seq + 1 - self.first_seq) :]

    async def wait_beyond(self, seq: int) -> None:
        if self.is_open and self.last_seq <= seq:
            await self._grown.wait()

    def close(self) -> None:
        self.is_open = False
        self._wake()

    def _wake(self) -> None:
        """All who wait now, and nobody who comes later."""
        self._grown.set()
        self._grown.clear()


class LiveRuns:
    def __init__(self) -> None:
        self._runs: dict[uuid.UUID, LiveRun] = {}

    def open(self, run_id: uuid.UUID, first_seq: int) -> LiveRun:
        """Who follows an earlier one of the same run is sent on to this one."""
        self.close(run_id)
        run = LiveRun(run_id, first_seq)
        self._runs[run_id] = run
        return run

    def find(self, run_id: uuid.UUID) -> LiveRun | None:
        return self._runs.get(run_id)

    def close(self, run_id: uuid.UUID) -> None:
        run = self._runs.pop(run_id, None)
        if run is not None:
            run.close()
