"""A run's frames for one reader: the first at once, then live, patient with silence and outages."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator

import structlog

from agent.errors import FramesGone
from agent.frame_reader import FrameReader
from agent.frames import Frame
from api.errors import StreamGone
from events.group_commit import DISCONNECTED

#: Proxies give a silent response up after 30 s.
SILENCE_SECONDS = 10.0
#: How long a frame that must be stored already may take to be read.
FIRST_SECONDS = 5.0
#: How long a database may be away before its readers are sent away.
OUTAGE_SECONDS = 60.0
RETRY_SECONDS = 0.5

log = structlog.get_logger()


class RunFeed:
    """Whoever makes one has checked that the run is the owner's."""

    def __init__(
        self,
        reader: FrameReader,
        run_id: uuid.UUID,
        owner_id: str,
        after_seq: int = 0,
        *,
        is_beginning: bool = False,
    ) -> None:
        """`is_beginning`: what follows is a whole answer, not the rest of one that was cut off."""
        self.run_id = run_id
        self.seq = after_seq
        #: Whether the run's last frame has been handed out.
        self.is_complete = False
        self._is_beginning = is_beginning
        self._reader = reader
        self._owner_id = owner_id
        self._follower: AsyncIterator[list[Frame]] | None = None
        self._first: list[Frame] = []

    async def begin(self) -> None:
        """Fetches the first frames. Raises FramesGone, StreamGone, or what a lost database does."""
        after_seq = self.seq
        if after_seq and not self._is_beginning:
            # The frame that the reader has seen last proves that what follows is not lost.
            self.seq = after_seq - 1
        next_seq = self.seq + 1
        frames = await self._next(FIRST_SECONDS)
        if not frames or (after_seq and frames[0].seq != next_seq):
            raise StreamGone(
                f"The stream of run {self.run_id} is not kept from event {after_seq} on: "
                "load the conversation."
            )
        self._first = [frame for frame in frames if frame.seq > after_seq]

    async def batches(self) -> AsyncIterator[list[Frame]]:
        """Until the run's end; an empty batch tells of silence. Never raises: a stream that cannot
        go on ends early, and the reader resumes."""
        if self._first:
            yield self._first
        away_seconds = 0.0
        while not self.is_complete:
            try:
                batch = await self._next(SILENCE_SECONDS)
                away_seconds = 0.0
            except FramesGone:
                log.info("stream_gone", run_id=str(self.run_id), seq=self.seq)
                return
            except DISCONNECTED as error:
                away_seconds += RETRY_SECONDS
                if away_seconds > OUTAGE_SECONDS:
                    log.warning(
                        "stream_given_up", run_id=str(self.run_id), error=type(error).__name__
                    )
                    return
                await asyncio.sleep(RETRY_SECONDS)
                continue
            yield batch

    async def _next(self, patience_seconds: float) -> list[Frame]:
        """The next batch; empty when nothing came in time."""
        follower = self._follower or self._reader.follow(self.run_id, self._owner_id, self.seq)
        # One that is cut off while it waits cannot go on: the next call begins another.
        self._follower = None
        try:
            async with asyncio.timeout(patience_seconds) as patience:
                batch = await anext(follower)
        except TimeoutError:
            if patience.expired():
                return []
            raise
        self._follower = follower
        self.seq, self.is_complete = batch[-1].seq, batch[-1].is_last
        return batch
