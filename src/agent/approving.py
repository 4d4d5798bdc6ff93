"""The user's decision about a tool call: the event, and the run that goes on with it."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from agent import chatkit_events as ck
from agent.claims import Claim
from agent.frames import Frame, frame_body, frame_companions
from agent.leases import Leases
from agent.open_work import events_of_run
from agent.sending import Sent
from agent.supervisor import Supervisor
from commands.approval import DecideCall
from commands.conversation import CONVERSATION
from commands.conversation_state import ConversationState
from commands.errors import NotFound
from commands.handle import CommandHandler, Origin
from events import conversation as c
from events.cipher import DataKey
from events.event import Event
from events.keys import KeyRing
from events.store import EventStore
from events.stored import Companion


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    run_id: uuid.UUID
    call_id: str
    is_granted: bool
    #: Why not; the model reads it.
    reason: str = ""


class Approver:
    def __init__(
        self,
        store: EventStore,
        handler: CommandHandler,
        keys: KeyRing,
        leases: Leases,
        supervisor: Supervisor,
    ) -> None:
        self._store = store
        self._handler = handler
        self._keys = keys
        self._leases = leases
        self._supervisor = supervisor

    async def decide(
        self,
        owner_id: str,
        conversation_id: str,
        decision: Decision,
        *,
        idempotency_key: str | None = None,
        request_body: bytes | None = None,
    ) -> Sent:
        """Stores the first decision and lets the run go on; the same one again changes nothing.

        The answer's frames are those of the part of the run that the decision began.

        Raises NotFound when no such call waits, Rejected when the opposite was decided before.
        """
        key = await self._keys.current(owner_id)

        def companions(events: Sequence[Event], state: ConversationState) -> list[Companion]:
            claim = _claim(events, conversation_id, owner_id)
            return self._going_on(claim, state, key) if claim else []

        handled = await self._handler.handle(
            CONVERSATION,
            c.stream_of(conversation_id),
            _command(decision),
            Origin(
                owner_id=owner_id,
                actor=f"user:{owner_id}",
                correlation_id=str(decision.run_id),
                idempotency_key=idempotency_key,
                request_body=request_body,
            ),
            companions,
        )
        claim = _claim(handled.events, conversation_id, owner_id)
        if claim is not None and not handled.is_replay:
            self._supervisor.resume(claim)
        events = await events_of_run(self._store, conversation_id, str(decision.run_id))
        return Sent(
            conversation_id=conversation_id,
            message_id=_message_of(events, decision),
            run_id=decision.run_id,
            version=handled.version,
            is_replay=handled.is_replay or not handled.events,
            after_seq=_seq_before(events, decision),
        )

    def _going_on(self, claim: Claim, state: ConversationState, key: DataKey) -> list[Companion]:
        """The lease and the next frame of a run that waited."""
        seq = state.runs[str(claim.run_id)].last_seq + 1
        first = Frame(seq, frame_body(ck.stream_options()))
        return [self._leases.resume(claim), *frame_companions(key, claim.run_id, [first])]


def _command(decision: Decision) -> DecideCall:
    return DecideCall(
        run_id=str(decision.run_id),
        call_id=decision.call_id,
        is_granted=decision.is_granted,
        reason=decision.reason,
    )


def _claim(events: Sequence[Event], conversation_id: str, owner_id: str) -> Claim | None:
    """None when the run was at work already."""
    for event in events:
        if isinstance(event, c.RunResumed):
            return Claim(
                run_id=uuid.UUID(event.run_id),
                conversation_id=conversation_id,
                owner_id=owner_id,
                attempt=event.attempt,
                is_resumed=True,
            )
    return None


def _message_of(events: Sequence[Event], decision: Decision) -> str:
    for event in events:
        if isinstance(event, c.RunRequested) and event.run_id == str(decision.run_id):
            return event.message_id
    raise NotFound("There is no such run in this conversation.")


def _seq_before(events: Sequence[Event], decision: Decision) -> int:
    """The last frame before the part of the run in which the decision came."""
    seq = 0
    for event in events:
        match event:
            case c.RunPaused(run_id=run_id, last_seq=last_seq) if run_id == str(decision.run_id):
                seq = last_seq
            case c.ToolApprovalGranted() | c.ToolApprovalDenied() if (
                event.call_id == decision.call_id
            ):
                return seq
    raise NotFound("There is no such tool call in this run.")
