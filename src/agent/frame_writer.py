"""Writes frames as fast as the database takes them; a frame is published once it is stored."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable
from dataclasses import dataclass

import asyncpg
import structlog

from agent import statements
from agent.frames import Frame, frame_body, seal_frame
from agent.live import LiveRun
from events.cipher import DataKey
from events.group_commit import DISCONNECTED

log = structlog.get_logger()

BATCH_FRAMES = 2_000
RETRY_SECONDS = 0.25


@dataclass(frozen=True, slots=True)
class _Pending:
    frames: RunFrames
    frame: Frame


class RunFrames:
    """The frames of one run as one attempt writes them."""

    def __init__(
        self, writer: FrameWriter, live: LiveRun, key: DataKey, attempt: int, next_seq: int
    ) -> None:
        self.run_id = live.run_id
        self.attempt = attempt
        self.key = key
        self.live = live
        self.next_seq = next_seq
        #: Set when the database refuses this attempt: another node has the run.
        self.is_lost = False
        self._writer = writer
        self._unwritten = 0
        self._written = asyncio.Event()
        self._written.set()

    def emit(self, event: dict[str, object]) -> None:
        """Queue one event; never waits."""
        if self.is_lost:
            return
        frame = Frame(self.next_seq, frame_body(event))
        self.next_seq += 1
        self._unwritten += 1
        self._written.clear()
        self._writer.submit(self, frame)

    async def flush(self) -> None:
        """Until everything emitted so far is stored."""
        await self._written.wait()

    def settle(self, stored: list[Frame], is_lost: bool) -> None:
        self._unwritten -= len(stored)
        if is_lost:
            self.is_lost = True
            self._unwritten = 0
        self.live.publish(stored)
        if not self._unwritten:
            self._written.set()


class FrameWriter:
    """One writer for all runs of a node: whatever waits goes into the next statement."""

    def __init__(
        self, pool: asyncpg.Pool, *, on_lost: Callable[[uuid.UUID], None] = lambda run_id: None
    ) -> None:
        self._pool = pool
        self._on_lost = on_lost
        self._pending: list[_Pending] = []
        self._wake = asyncio.Event()

    def submit(self, frames: RunFrames, frame: Frame) -> None:
        self._pending.append(_Pending(frames, frame))
        self._wake.set()

    async def run(self) -> None:
        while True:
            await self._wake.wait()
            batch, self._pending = self._pending[:BATCH_FRAMES], self._pending[BATCH_FRAMES:]
            if not self._pending:
                self._wake.clear()
            batch = [p for p in batch if not p.frames.is_lost]
            if batch:
                await self._write(batch)

    async def _write(self, batch: list[_Pending]) -> None:
        while True:
            try:
                written = await self._insert(batch)
            except asyncpg.UniqueViolationError:
                # The statement before a lost connection had committed after all.
                written = {(p.frames.run_id, p.frame.seq) for p in batch}
                await self._insert_missing(batch)
            except DISCONNECTED as error:
                log.warning("frame_write_failed", error=type(error).__name__)
                await asyncio.sleep(RETRY_SECONDS)
                continue
            except Exception:
                # Whoever takes the runs over writes what is missing.
                log.exception("frames_refused", frames=len(batch))
                written = set()
            self._settle(batch, written)
            return

    async def _insert(self, batch: list[_Pending]) -> set[tuple[uuid.UUID, int]]:
        rows = await self._pool.fetch(
            statements.load("write_frames"),
            [p.frames.run_id for p in batch],
            [p.frames.attempt for p in batch],
            [p.frame.seq for p in batch],
            [seal_frame(p.frames.key, p.frames.run_id, p.frame.seq, p.frame.body) for p in batch],
        )
        return {(row["run_id"], row["seq"]) for row in rows}

    async def _insert_missing(self, batch: list[_Pending]) -> None:
        for pending in batch:
            try:
                await self._insert([pending])
            except asyncpg.UniqueViolationError:
                continue

    def _settle(self, batch: list[_Pending], written: set[tuple[uuid.UUID, int]]) -> None:
        by_run: dict[RunFrames, list[Frame]] = {}
        for pending in batch:
            by_run.setdefault(pending.frames, []).append(pending.frame)
        for frames, queued in by_run.items():
            stored = [frame for frame in queued if (frames.run_id, frame.seq) in written]
            is_lost = len(stored) < len(queued)
            frames.settle(stored, is_lost)
            if is_lost:
                log.warning("run_lost", run_id=str(frames.run_id), attempt=frames.attempt)
                self._on_lost(frames.run_id)
