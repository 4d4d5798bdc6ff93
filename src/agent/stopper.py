"""Stopping a run: its worker ends it; a paused run has none and is ended here."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from agent import statements
from agent.closed_calls import closed_calls
from agent.frames import frame_companions, last_frames
from agent.leases import Leases
from commands.approval import StopWaiting
from commands.conversation import CONVERSATION
from commands.conversation_state import ConversationState
from commands.handle import CommandHandler, Origin
from events.conversation import stream_of
from events.event import Event
from events.keys import KeyRing
from events.stored import Companion


class Stopper:
    def __init__(self, handler: CommandHandler, keys: KeyRing, leases: Leases) -> None:
        self._handler = handler
        self._keys = keys
        self._leases = leases

    async def stop(self, owner_id: str, conversation_id: str, run_id: uuid.UUID) -> bool:
        """Whether the run was still unfinished; its worker hears of it at once."""
        if await self._leases.request_cancel(run_id, owner_id):
            return True
        if await self.stop_waiting(owner_id, conversation_id, run_id):
            return True
        # It may have been resumed between the two.
        return await self._leases.request_cancel(run_id, owner_id)

    async def stop_waiting(self, owner_id: str, conversation_id: str, run_id: uuid.UUID) -> bool:
        """Whether the run was paused, and is now cancelled."""
        key = await self._keys.current(owner_id)

        def companions(events: Sequence[Event], state: ConversationState) -> list[Companion]:
            run = state.runs[str(run_id)]
            shown = closed_calls(events, state, conversation_id)
            return [
                *frame_companions(key, run_id, last_frames(shown, run.last_seq + 1)),
                Companion(statement=statements.load("end_lease"), values=(run_id,)),
            ]

        handled = await self._handler.handle(
            CONVERSATION,
            stream_of(conversation_id),
            StopWaiting(run_id=str(run_id)),
            Origin(owner_id=owner_id, actor=f"user:{owner_id}", correlation_id=str(run_id)),
            companions,
        )
        return bool(handled.events)
