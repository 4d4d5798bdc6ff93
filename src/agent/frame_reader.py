"""Follows a run's frames: from the database first, then live, on whichever node works on it."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator

import asyncpg

from agent import statements
from agent.errors import FramesGone
from agent.frames import Frame, FrameSeal
from agent.live import LiveRuns
from events.keys import KeyRing

PAGE_FRAMES = 5_000
#: How often a run on another node is looked at.
POLL_SECONDS = 0.1


class FrameReader:
    def __init__(self, pool: asyncpg.Pool, keys: KeyRing, live: LiveRuns) -> None:
        self._pool = pool
        self._keys = keys
        self._live = live

    async def follow(
        self, run_id: uuid.UUID, owner_id: str, after_seq: int = 0
    ) -> AsyncIterator[list[Frame]]:
        """Everything after a sequence number, in order, until the run's last frame.

        Raises FramesGone when they were dropped. Whoever calls has checked that the run is the
        owner's.
        """
        seq = after_seq
        while True:
            live = self._live.find(run_id)
            if live is not None and live.first_seq <= seq + 1 <= live.last_seq + 1:
                await live.wait_beyond(seq)
                frames = live.after(seq)
            else:
                frames = await self._read(run_id, owner_id, seq)
            if frames:
                yield frames
                if frames[-1].is_last:
                    return
                seq = frames[-1].seq
            elif live is None or not live.is_open:
                await self._check_alive(run_id, owner_id, seq)

    async def last_seq(self, run_id: uuid.UUID) -> int:
        """The newest frame in the database; 0 when there is none."""
        found: int = await self._pool.fetchval(statements.load("last_frame"), run_id)
        return found

    async def stored(self, run_id: uuid.UUID, owner_id: str) -> list[Frame]:
        """Every frame of a run that is in the database."""
        found: list[Frame] = []
        while page := await self._read(run_id, owner_id, found[-1].seq if found else 0):
            found += page
        return found

    async def _read(self, run_id: uuid.UUID, owner_id: str, after_seq: int) -> list[Frame]:
        rows = await self._pool.fetch(
            statements.load("read_frames"), run_id, after_seq, PAGE_FRAMES
        )
        if not rows:
            return []
        seal = FrameSeal(await self._keys.current(owner_id), run_id)
        return [Frame(seq, seal.open(seq, body), is_last) for seq, body, is_last in rows]

    async def _check_alive(self, run_id: uuid.UUID, owner_id: str, after_seq: int) -> None:
        if await self._pool.fetchval(statements.load("has_lease"), run_id):
            await asyncio.sleep(POLL_SECONDS)
        elif not await self._read(run_id, owner_id, after_seq):
            raise FramesGone(str(run_id))
