"""Runs of one conversation work one after the other, in the order they were requested."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable, Sequence

from agent.claims import Claim
from agent.leases import Leases
from commands.conversation import CONVERSATION
from commands.conversation_state import Run, earlier_runs
from commands.handle import CommandHandler
from events.conversation import stream_of
from events.signal import LogSignal

#: How long a run that waits for its turn sleeps between looks when no event wakes it.
TURN_SECONDS = 1.0


class TurnTaking:
    def __init__(
        self,
        handler: CommandHandler,
        signal: LogSignal,
        leases: Leases,
        stop: Callable[[str], None],
    ) -> None:
        """`stop` tells this node to look at the lease of a run now."""
        self._handler = handler
        self._signal = signal
        self._leases = leases
        self._stop = stop

    async def wait(self, claim: Claim, stopped: asyncio.Event) -> None:
        """Until it is the run's turn, or it was stopped."""
        head, earlier = await self._earlier_runs(claim)
        await self._interrupt(earlier, claim.owner_id)
        while earlier and not stopped.is_set():
            news = {
                asyncio.ensure_future(self._signal.wait_beyond(head)),
                asyncio.ensure_future(stopped.wait()),
            }
            try:
                await asyncio.wait(news, timeout=TURN_SECONDS, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for one in news:
                    one.cancel()
            head, earlier = await self._earlier_runs(claim)

    async def _earlier_runs(self, claim: Claim) -> tuple[int, list[Run]]:
        """What the run waits for, as of a position of the log at the latest."""
        head = self._signal.head
        stream_id = stream_of(claim.conversation_id)
        _, state = await self._handler.load(CONVERSATION, stream_id, claim.owner_id)
        return head, earlier_runs(state, str(claim.run_id))

    async def _interrupt(self, runs: Sequence[Run], owner_id: str) -> None:
        """Stops those that were asked to make way; the run that waits for it sees to it, so that
        no crash between the request and this one forgets it."""
        for run in runs:
            if run.interrupted_by_run_id is not None:
                await self._leases.request_cancel(uuid.UUID(run.run_id), owner_id)
                self._stop(run.run_id)
