"""Keeps this node's runs going: starts them, renews their leases, takes over what others left."""

from __future__ import annotations

import asyncio
import contextlib
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import asyncpg
import structlog

from agent.approvals import Approvals
from agent.attempt import WAITING, Attempt, Equipment
from agent.chatkit_events import StreamEvent
from agent.claims import Claim
from agent.errors import RunBroken
from agent.frame_reader import FrameReader
from agent.frame_writer import FrameWriter, RunFrames
from agent.frames import Frame
from agent.leases import HEARTBEAT_SECONDS, Leases
from agent.live import LiveRuns
from agent.mending import mend_stream, resume_run
from agent.open_work import OpenWork
from agent.recorder import RunRecorder
from agent.stopper import Stopper
from agent.turn_taking import TurnTaking
from commands.errors import CommandError
from commands.handle import CommandHandler
from events.errors import ContentErased, QueueFull, StoreUnavailable, UserErased
from events.group_commit import DISCONNECTED
from events.keys import KeyRing
from events.signal import LogSignal

log = structlog.get_logger()

#: How often a node that hears of no stop looks for one at its runs.
UNHEARD_HEARTBEAT_SECONDS = 0.5
#: How often runs of other nodes are looked at, while any run is unfinished.
LOOK_SECONDS = 3.0
#: How long a node that shuts down lets its runs finish before it hands them over.
GRACE_SECONDS = 3.0
#: How often a run is attempted; one that breaks each time would do so for ever.
ATTEMPTS = 5
BROKEN_REASON = "The reply broke off too often: try again."
CLOSED_REASON = "The server stopped while this reply was being written."

#: What passes by itself.
TRANSIENT = (*DISCONNECTED, QueueFull, StoreUnavailable)

OnOutcome = Callable[[str, float, RunRecorder], None]


@dataclass(slots=True, eq=False)
class _Working:
    claim: Claim
    stopped: asyncio.Event = field(default_factory=asyncio.Event)
    task: asyncio.Task[None] | None = None
    frames: RunFrames | None = None
    #: The attempt that began the run, or that the last decision of the user gave it.
    first_attempt: int = 1

    @property
    def tries(self) -> int:
        return self.claim.attempt - self.first_attempt + 1


class Supervisor:
    def __init__(
        self,
        *,
        leases: Leases,
        handler: CommandHandler,
        keys: KeyRing,
        live: LiveRuns,
        reader: FrameReader,
        writer: FrameWriter,
        signal: LogSignal,
        equipment: Equipment,
        output_limit: int,
        on_outcome: OnOutcome = lambda outcome, seconds, recorder: None,
        can_hear: bool = True,
    ) -> None:
        """`can_hear`: whether news of other nodes reaches this one by itself (LISTEN)."""
        self._leases = leases
        self._handler = handler
        self._keys = keys
        self._live = live
        self._reader = reader
        self._writer = writer
        self._signal = signal
        self._equipment = equipment
        self._output_limit = output_limit
        self._on_outcome = on_outcome
        self._can_hear = can_hear
        self._turns = TurnTaking(handler, signal, leases, self.stop)
        self._working: dict[uuid.UUID, _Working] = {}
        self._beat = asyncio.Event()
        self._is_closing = False
        #: Unfinished runs on all nodes, as of the last look.
        self.unfinished = 0

    def resume(self, claim: Claim) -> None:
        """Work on a run that was paused, whose lease this node has just claimed."""
        self._start(claim)

    def begin(self, claim: Claim, preamble: Sequence[Frame]) -> None:
        """Work on a run whose lease this node has just claimed."""
        live = self._live.open(claim.run_id, 1)
        live.publish(preamble)
        self._start(claim)

    def stop(self, run_id: str) -> None:
        """A stop was asked for somewhere: look at the leases now."""
        if uuid.UUID(run_id) in self._working:
            self._beat.set()

    def tell(self, conversation_id: str, event: StreamEvent) -> None:
        for working in self._working.values():
            if working.claim.conversation_id == conversation_id and working.frames is not None:
                working.frames.emit(event)

    def lose(self, run_id: uuid.UUID) -> None:
        """The database refused this node's attempt."""
        working = self._working.get(run_id)
        if working is not None and working.task is not None:
            working.task.cancel()

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(self._renew_forever())
            group.create_task(self._take_over_forever())

    async def close(self) -> None:
        """Let runs finish for a moment, then hand the rest to other nodes (or the next start)."""
        self._is_closing = True
        tasks = [w.task for w in self._working.values() if w.task is not None]
        if tasks:
            await asyncio.wait(tasks, timeout=GRACE_SECONDS)
        left = [run_id for run_id, w in self._working.items() if w.task and not w.task.done()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if left:
            with contextlib.suppress(*DISCONNECTED):
                await self._leases.hand_over(left)

    async def _abandon(self, run_id: uuid.UUID) -> None:
        """End an older attempt of this very node, whose lease had expired."""
        working = self._working.pop(run_id, None)
        if working is not None and working.task is not None:
            working.task.cancel()
            await asyncio.wait([working.task])
            self._live.close(run_id)

    def _start(self, claim: Claim) -> None:
        working = _Working(claim)
        if claim.is_cancel_requested:
            working.stopped.set()
        self._working[claim.run_id] = working
        working.task = asyncio.create_task(self._work(working))

    async def _work(self, working: _Working) -> None:
        claim = working.claim
        started = time.monotonic()
        bound = log.bind(run_id=str(claim.run_id), attempt=claim.attempt)
        recorder: RunRecorder | None = None
        try:
            with self._signal.wakefulness.held():
                recorder, unfinished = await self._prepare(working)
                working.frames = recorder.frames
                outcome = await self._attempt(working, recorder, unfinished)
            if outcome == WAITING:
                await self._leave(claim)
                bound.info("run_paused")
                return
            self._on_outcome(outcome, time.monotonic() - started, recorder)
            bound.info("run_ended", outcome=outcome)
        except (CommandError, ContentErased, UserErased) as error:
            # Another attempt took over, or there is nothing left to write to.
            bound.info("run_abandoned", reason=type(error).__name__)
            await self._release(claim, recorder)
        except TRANSIENT as error:
            # The lease expires, and whoever takes it over tries again.
            bound.warning("run_attempt_broke", error=type(error).__name__)
        except Exception:
            bound.exception("run_attempt_broke")
            if working.tries > ATTEMPTS:
                # Not even its end can be recorded: left so, it would be attempted for ever.
                bound.error("run_given_up")
                await self._release(claim, recorder)
        finally:
            if self._working.get(claim.run_id) is working:
                del self._working[claim.run_id]
                self._live.close(claim.run_id)

    async def _leave(self, claim: Claim) -> None:
        """A stop that was asked for while the run paused has kept the lease: it is due now."""
        if await self._leases.is_cancel_requested(claim.run_id):
            stopper = Stopper(self._handler, self._keys, self._leases)
            await stopper.stop_waiting(claim.owner_id, claim.conversation_id, claim.run_id)

    async def _prepare(self, working: _Working) -> tuple[RunRecorder, OpenWork]:
        claim = working.claim
        key = await self._keys.current(claim.owner_id)
        live = self._live.find(claim.run_id)
        if not claim.is_takeover and live is not None:
            frames = RunFrames(self._writer, live, key, claim.attempt, live.last_seq + 1)
            return self._recorder(claim, frames, OpenWork()), OpenWork()
        working.first_attempt = await resume_run(self._handler, claim)
        live = self._live.open(claim.run_id, await self._reader.last_seq(claim.run_id) + 1)
        frames = RunFrames(self._writer, live, key, claim.attempt, live.first_seq)
        try:
            unfinished = await mend_stream(self._equipment.store, self._reader, claim, frames)
        except Exception:
            if working.tries <= ATTEMPTS:
                raise
            # What breaks every attempt must not keep the run from its end.
            log.exception("run_not_mended", run_id=str(claim.run_id))
            unfinished = OpenWork()
        return self._recorder(claim, frames, unfinished), unfinished

    async def _release(self, claim: Claim, recorder: RunRecorder | None) -> None:
        with contextlib.suppress(*DISCONNECTED):
            await self._leases.release(claim, recorder.tokens if recorder else 0)

    async def _attempt(self, working: _Working, recorder: RunRecorder, unfinished: OpenWork) -> str:
        if working.claim.is_dead:
            await recorder.interrupt(CLOSED_REASON)
            return "interrupted"
        if working.tries > ATTEMPTS:
            await recorder.fail(RunBroken(BROKEN_REASON))
            return "failed"
        await self._turns.wait(working.claim, working.stopped)
        attempt = Attempt(self._equipment, working.claim, recorder, unfinished, working.stopped)
        return await attempt.run()

    def _recorder(self, claim: Claim, frames: RunFrames, unfinished: OpenWork) -> RunRecorder:
        return RunRecorder(
            self._handler,
            claim,
            frames,
            approvals=Approvals(self._handler, self._equipment.approval_tools),
            output_limit=self._output_limit,
            earlier=unfinished,
        )

    async def _renew_forever(self) -> None:
        heartbeat_seconds = HEARTBEAT_SECONDS if self._can_hear else UNHEARD_HEARTBEAT_SECONDS
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(heartbeat_seconds):
                    await self._beat.wait()
            self._beat.clear()
            if not self._working:
                continue
            try:
                await self._renew()
            except (*DISCONNECTED, asyncpg.PostgresError) as error:
                log.warning("lease_renewal_failed", error=type(error).__name__)

    async def _renew(self) -> None:
        working = dict(self._working)
        held = await self._leases.renew(working.keys())
        for run_id, one in working.items():
            attempt, is_cancel_requested = held.get(run_id, (0, False))
            if attempt != one.claim.attempt and run_id in self._working:
                self.lose(run_id)
            elif is_cancel_requested:
                one.stopped.set()

    async def _take_over_forever(self) -> None:
        while not self._is_closing:
            head = self._signal.head
            try:
                for claim in await self._leases.take_over():
                    log.info("run_taken_over", run_id=str(claim.run_id), attempt=claim.attempt)
                    await self._abandon(claim.run_id)
                    self._start(claim)
                self.unfinished = await self._leases.count()
            except (*DISCONNECTED, asyncpg.PostgresError) as error:
                log.warning("take_over_failed", error=type(error).__name__)
                self.unfinished = 1
            if self.unfinished:
                with self._signal.wakefulness.held():
                    await asyncio.sleep(LOOK_SECONDS)
            else:
                await self._signal.wait_beyond(head)
