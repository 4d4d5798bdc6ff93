"""Keeps the live generation of this release, and those on standby, up to date with the log."""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import asyncpg
import structlog

from events.errors import NewerSchema, UnknownTopic
from events.group_commit import DISCONNECTED
from events.signal import LogSignal
from events.store import EventStore
from events.stored import StoredEvent
from events.system import projection_stream
from projections import statements
from projections.batches import Batches
from projections.decoding import split_known
from projections.errors import NoLiveGeneration
from projections.generations import LIVE, Generation, definition, followed_generations

log = structlog.get_logger()

BATCH_EVENTS = 500
#: Less, because the live generation waits meanwhile.
STANDBY_EVENTS = 50
#: Less than a reader's patience: what another node holds and leaves lying is back in time.
SILENCE_SECONDS = 1.0
#: How long a swap may go unnoticed.
LOOK_UP_SECONDS = 1.0
RETRY_SECONDS = 0.25
RETRY_LIMIT_SECONDS = 5.0

#: What comes and goes without anybody's fault.
EXPECTED = (*DISCONNECTED, asyncpg.IdleInTransactionSessionTimeoutError, NoLiveGeneration)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectorStatus:
    #: running | blocked | stopped
    state: str = "stopped"
    #: Of the live generation.
    generation: int | None = None
    position: int = 0
    #: Streams whose events it could not apply.
    parked: int = 0
    #: A sentence for a person; None while all is well.
    last_error: str | None = None


class Projector:
    """Any number of nodes may run one each; `progress` hears how far the live generation is, and
    `on_notes` of parkings that are still to be recorded."""

    def __init__(
        self,
        pool: asyncpg.Pool,
        store: EventStore,
        signal: LogSignal,
        *,
        progress: LogSignal | None = None,
        wanted: str | None = None,
        batch_events: int = BATCH_EVENTS,
        on_batch: Callable[[int, float], None] = lambda events, lag_seconds: None,
        on_notes: Callable[[], None] = lambda: None,
    ) -> None:
        self._pool = pool
        self._store = store
        self._signal = signal
        self._wanted = wanted or definition()
        self._batches = Batches(
            pool, store.keys, on_parked=self._look_again, silence_seconds=SILENCE_SECONDS
        )
        self._batch_events = batch_events
        #: As many as this node can fold before it counts as silent, as far as it knows.
        self._limit = batch_events
        self._on_batch = on_batch
        self._on_notes = on_notes
        self._generations: list[Generation] = []
        self._looked_up_at = float("-inf")
        self._woken = asyncio.Event()
        self._behind_since: float | None = None
        self.progress = progress or LogSignal()
        self.status = ProjectorStatus()

    @property
    def lag_seconds(self) -> float:
        """For how long the log has been ahead of the live generation, as far as anybody asked."""
        if self.status.position >= self._signal.head:
            self._behind_since = None
            return 0.0
        self._behind_since = self._behind_since or time.monotonic()
        return time.monotonic() - self._behind_since

    def wake(self) -> None:
        """Look again: a reader found its newest events missing."""
        self._woken.set()

    async def run(self) -> None:
        """Until cancelled, or until the log holds what this release cannot know."""
        pause = RETRY_SECONDS
        try:
            while True:
                head = self._signal.head
                try:
                    has_moved = await self.advance()
                    pause = RETRY_SECONDS
                except (UnknownTopic, NewerSchema) as error:
                    await self._block(error)
                    return
                except Exception as error:
                    self._limit = max(1, self._limit // 2)
                    await self._note(error)
                    await self._pause(pause * random.uniform(0.5, 1.0))  # noqa: S311
                    pause = min(pause * 2, RETRY_LIMIT_SECONDS)
                    continue
                if not has_moved:
                    await self._rest(head)
        finally:
            if self.status.state == "running":
                self.status = replace(self.status, state="stopped")

    async def _pause(self, seconds: float) -> None:
        """Less when a reader waits."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._woken.wait()
        self._woken.clear()

    async def _rest(self, head: int) -> None:
        """Until there is more than at that head; a reader who misses events may be reading
        another generation."""
        if self._woken.is_set():
            self._woken.clear()
            self._look_again()
            return
        reasons = [
            asyncio.ensure_future(self._signal.wait_beyond(max(head, self.status.position))),
            asyncio.ensure_future(self._woken.wait()),
        ]
        try:
            await asyncio.wait(reasons, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for reason in reasons:
                reason.cancel()

    async def advance(self) -> bool:
        """A batch for the live generation and, once that is up, for those on standby.

        Answers whether there may be more to do at once.
        """
        await self._look_up()
        has_moved = False
        for n, generation in enumerate(self._generations):
            is_live = generation.state == LIVE
            limit = self._limit if is_live else min(STANDBY_EVENTS, self._limit)
            events = await self._advance(n, limit)
            has_moved = has_moved or events > 0
            if is_live and events == limit:
                break
        return has_moved

    async def _look_up(self) -> None:
        if time.monotonic() - self._looked_up_at < LOOK_UP_SECONDS:
            return
        self._generations = await followed_generations(self._pool, self._wanted)
        if not self._generations or self._generations[0].state != LIVE:
            raise NoLiveGeneration(self._wanted)
        await self._look_at_parked()
        self._looked_up_at = time.monotonic()
        self._report()

    def _look_again(self) -> None:
        self._looked_up_at = float("-inf")

    async def _look_at_parked(self) -> None:
        live = self._generations[0].number
        row = await self._pool.fetchrow(statements.load("count_parked"), live)
        self.status = replace(self.status, parked=row["parked"])
        if row["has_notes"]:
            self._on_notes()

    async def _advance(self, index: int, limit: int) -> int:
        """How many events there were to apply."""
        generation = self._generations[index]
        stored = await self._store.read_log(generation.position, limit=limit)
        known, newer = split_known(stored)
        if known:
            advanced = await self._batches.apply(generation, known)
            self._limit = min(self._limit * 2, self._batch_events)
            is_other = advanced is None or advanced.state != generation.state
            if is_other or any(map(_is_about_projections, known)):
                self._look_again()
            if advanced is not None:
                self._generations[index] = advanced
                self._notice(advanced, known)
        if newer is not None:
            raise newer
        return len(stored)

    def _notice(self, advanced: Generation, applied: Sequence[StoredEvent]) -> None:
        if advanced.state == LIVE:
            self._report()
            self._on_batch(len(applied), _lag_seconds(applied[-1]))

    def _report(self) -> None:
        live = self._generations[0]
        self.status = ProjectorStatus(
            state="running",
            generation=live.number,
            position=live.position,
            parked=self.status.parked,
        )
        self.progress.advance(live.position)

    async def _block(self, error: Exception) -> None:
        log.error("projector_blocked", error=str(error), position=self.status.position)
        self.status = replace(self.status, state="blocked", last_error=str(error))
        await self._record_failure(str(error))

    async def _note(self, error: Exception) -> None:
        is_expected = isinstance(error, EXPECTED)
        log.warning("projector_failed", error=type(error).__name__, exc_info=not is_expected)
        self._look_again()
        self.status = replace(self.status, state="running", last_error=_sentence(error))
        if not is_expected:
            await self._record_failure(_sentence(error))

    async def _record_failure(self, sentence: str) -> None:
        """Where `verbatim projections status` finds it; a database that is away keeps none."""
        if self.status.generation is None:
            return
        with contextlib.suppress(*DISCONNECTED, asyncpg.PostgresError):
            statement = statements.load("note_failure")
            await self._pool.execute(statement, self.status.generation, sentence)


def _is_about_projections(event: StoredEvent) -> bool:
    return event.stream_id.startswith(projection_stream(""))


def _lag_seconds(last: StoredEvent) -> float:
    return max(0.0, (datetime.now(UTC) - last.recorded_at).total_seconds())


def _sentence(error: Exception) -> str:
    if isinstance(error, DISCONNECTED):
        return f"The database cannot be reached ({type(error).__name__}); trying again."
    if isinstance(error, NoLiveGeneration):
        return str(error)
    return f"The projector failed with {type(error).__name__}; trying again."
