"""Writes frames as fast as the database takes them; a frame is published once it is stored."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable, Sequence

import asyncpg
import structlog

from agent import statements
from agent.frames import Frame, FrameSeal, frame_body
from agent.live import LiveRun
from events.cipher import DataKey
from events.group_commit import DISCONNECTED

log = structlog.get_logger()

BATCH_FRAMES = 2_000
RETRY_SECONDS = 0.25
#: The statement did not happen, and may be tried again.
PASSING = (*DISCONNECTED, asyncpg.DeadlockDetectedError)


class RunFrames:
    """The frames of one run as one attempt writes them."""

    def __init__(
        self, writer: FrameWriter, live: LiveRun, key: DataKey, attempt: int, next_seq: int
    ) -> None:
        self.run_id = live.run_id
        self.attempt = attempt
        self.key = key
        self.seal = FrameSeal(key, live.run_id)
        self.live = live
        self.next_seq = next_seq
        #: Set when the database refuses this attempt: another node has the run.
        self.is_lost = False
        #: Set once the last frame is being written, which has the next number.
        self.is_ending = False
        self._writer = writer
        self._queued: list[Frame] = []
        self._unwritten = 0
        self._written = asyncio.Event()
        self._written.set()

    def emit(self, event: dict[str, object]) -> None:
        """Queue one event; never waits."""
        self.emit_body(frame_body(event))

    def emit_body(self, body: bytes) -> None:
        """`emit` for an event whose JSON is made already."""
        if self.is_lost or self.is_ending:
            return
        if not self._unwritten:
            self._written.clear()
        if not self._queued:
            self._writer.submit(self)
        self._queued.append(Frame(self.next_seq, body))
        self.next_seq += 1
        self._unwritten += 1

    async def end(self) -> None:
        """Take nothing more, and wait for what there is."""
        self.is_ending = True
        await self.flush()

    async def flush(self) -> None:
        """Until everything emitted so far is stored."""
        await self._written.wait()

    def take(self, limit: int) -> list[Frame]:
        """What waits, oldest first; the rest asks to be taken again."""
        taken, self._queued = self._queued[:limit], self._queued[limit:]
        if self._queued:
            self._writer.submit(self)
        return taken

    def settle(self, stored: Sequence[Frame]) -> None:
        self._unwritten -= len(stored)
        self.live.publish(stored)
        if not self._unwritten:
            self._written.set()

    def lose(self) -> None:
        self.is_lost = True
        self._queued.clear()
        self._unwritten = 0
        self._written.set()


#: The frames of one statement, in each run's own order.
Batch = Sequence[tuple[RunFrames, Sequence[Frame]]]


class FrameWriter:
    """One writer for all runs of a node: whatever waits goes into the next statement."""

    def __init__(
        self, pool: asyncpg.Pool, *, on_lost: Callable[[uuid.UUID], None] = lambda run_id: None
    ) -> None:
        self._pool = pool
        self._on_lost = on_lost
        self._waiting: list[RunFrames] = []
        self._wake = asyncio.Event()

    def submit(self, frames: RunFrames) -> None:
        self._waiting.append(frames)
        self._wake.set()

    async def run(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            if batch := self._take():
                await self._write(batch)

    def _take(self) -> Batch:
        waiting, self._waiting = self._waiting, []
        batch: list[tuple[RunFrames, Sequence[Frame]]] = []
        room = BATCH_FRAMES
        for place, frames in enumerate(waiting):
            if not room:
                self._waiting = waiting[place:] + self._waiting
                self._wake.set()
                break
            if taken := frames.take(room):
                batch.append((frames, taken))
                room -= len(taken)
        return batch

    async def _write(self, batch: Batch) -> None:
        while True:
            try:
                stored = await self._insert(batch)
            except PASSING as error:
                log.warning("frame_write_failed", error=type(error).__name__)
                await asyncio.sleep(RETRY_SECONDS)
                continue
            except Exception:
                # Whoever takes the runs over writes what is missing.
                log.exception("frames_refused", runs=len(batch))
                stored = set()
            self._settle(batch, stored)
            return

    async def _insert(self, batch: Batch) -> set[int]:
        """The places in the batch, from 1, of the runs that were stored."""
        rows = await self._pool.fetch(
            statements.load("write_frames"),
            [frames.run_id for frames, _ in batch],
            [frames.attempt for frames, _ in batch],
            [place for place, (_, queued) in enumerate(batch, start=1) for _ in queued],
            [frame.seq for _, queued in batch for frame in queued],
            [frames.seal.seal(f.seq, f.body) for frames, queued in batch for f in queued],
        )
        return {row[0] for row in rows}

    def _settle(self, batch: Batch, stored: set[int]) -> None:
        for place, (frames, queued) in enumerate(batch, start=1):
            if place in stored:
                frames.settle(queued)
                continue
            log.warning("run_lost", run_id=str(frames.run_id), attempt=frames.attempt)
            frames.lose()
            self._on_lost(frames.run_id)
