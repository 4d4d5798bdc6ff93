"""Sending a message: the events, the lease and the first frames, in one transaction."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import asyncpg

from agent import chatkit_events as ck
from agent.allowances import Limits, Refusals
from agent.attachments import attaching
from agent.claims import Claim
from agent.closed_calls import closed_calls
from agent.frames import Frame, frame_body, frame_companions
from agent.leases import Leases
from agent.shown_items import shown_message
from agent.supervisor import Supervisor
from commands.branching import RetryAfter
from commands.conversation import (
    CONVERSATION,
    ConversationCommand,
    EditMessage,
    PostMessage,
    RequestRun,
)
from commands.conversation_state import ConversationState
from commands.handle import CommandHandler, Origin
from events.conversation import (
    Attachment,
    RunRequested,
    Started,
    ThreadItemPut,
    UserMessagePosted,
    stream_of,
)
from events.event import Event
from events.ids import derived_id, new_id
from events.keys import KeyRing
from events.stored import Companion


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    text: str
    #: ChatKit content parts; empty for plain text.
    content: tuple[dict[str, Any], ...] = ()
    attachments: tuple[Attachment, ...] = ()
    quoted_text: str | None = None
    inference_options: dict[str, Any] = field(default_factory=dict)
    #: The branch that it goes on with; None is the active one.
    branch_id: str | None = None
    #: What to do while another run is unfinished: enqueue | reject | interrupt.
    policy: str = "enqueue"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a user gave to an item of a thread: a tool's output, filled-in inputs, an action."""

    #: tool_output | structured_input | action
    trigger: str
    #: ChatKit thread items as they are from now on.
    put: tuple[dict[str, Any], ...]
    removed_item_ids: tuple[str, ...] = ()
    #: Items that must still wait for the user.
    pending_item_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    conversation_id: str
    message_id: str
    run_id: uuid.UUID
    #: The conversation's, with the message in it.
    version: int
    #: The same idempotency key had sent it before.
    is_replay: bool
    #: The answer is what the run sends after this frame.
    after_seq: int = 0


class Sender:
    def __init__(
        self,
        handler: CommandHandler,
        keys: KeyRing,
        leases: Leases,
        supervisor: Supervisor,
        limits: Limits | None = None,
    ) -> None:
        self._handler = handler
        self._keys = keys
        self._leases = leases
        self._supervisor = supervisor
        self._limits = limits or Limits()
        self._refusals = Refusals()

    async def send(
        self,
        owner_id: str,
        conversation_id: str | None,
        message: Message,
        *,
        idempotency_key: str | None = None,
        request_body: bytes | None = None,
    ) -> Sent:
        """Posts a message, in a new conversation when none is named, and starts its run."""
        command = _posting(message, may_start=conversation_id is None)
        return await self._request_run(
            owner_id,
            conversation_id or _new_conversation_id(owner_id, idempotency_key),
            command,
            idempotency_key,
            request_body,
            is_new=conversation_id is None,
        )

    async def retry(
        self,
        owner_id: str,
        conversation_id: str,
        message_id: str,
        *,
        policy: str = "enqueue",
        idempotency_key: str | None = None,
        request_body: bytes | None = None,
    ) -> Sent:
        """Answers a user message again, on a new branch."""
        command = RetryAfter(
            message_id=message_id, run_id=str(new_id()), branch_id=str(new_id()), policy=policy
        )
        return await self._request_run(
            owner_id, conversation_id, command, idempotency_key, request_body
        )

    async def edit(
        self,
        owner_id: str,
        conversation_id: str,
        message_id: str,
        message: Message,
        *,
        idempotency_key: str | None = None,
        request_body: bytes | None = None,
    ) -> Sent:
        """Posts a message in the place of another one, on a new branch, and starts its run."""
        command = EditMessage(
            edited_message_id=message_id, branch_id=str(new_id()), message=_posting(message)
        )
        return await self._request_run(
            owner_id, conversation_id, command, idempotency_key, request_body
        )

    async def reply_to_answer(
        self,
        owner_id: str,
        conversation_id: str,
        answer: Answer,
        *,
        idempotency_key: str | None = None,
        request_body: bytes | None = None,
    ) -> Sent:
        """Puts the items that a user answered, and starts a run that replies to them."""
        command = RequestRun(
            run_id=str(new_id()),
            trigger=answer.trigger,
            put=answer.put,
            removed_item_ids=answer.removed_item_ids,
            pending_item_ids=answer.pending_item_ids,
        )
        return await self._request_run(
            owner_id, conversation_id, command, idempotency_key, request_body
        )

    async def _request_run(
        self,
        owner_id: str,
        conversation_id: str,
        command: ConversationCommand,
        idempotency_key: str | None,
        request_body: bytes | None,
        *,
        is_new: bool = False,
    ) -> Sent:
        self._refusals.check(owner_id)
        key = await self._keys.current(owner_id)
        origin = Origin(
            owner_id=owner_id,
            actor=f"user:{owner_id}",
            idempotency_key=idempotency_key,
            request_body=request_body,
        )
        preamble: list[Frame] = []

        def companions(events: Sequence[Event], state: ConversationState) -> list[Companion]:
            claim = _claim(_requested(events), conversation_id, owner_id)
            preamble[:] = _preamble(events, state, conversation_id)
            return [
                self._leases.claim(claim, self._limits),
                *frame_companions(key, claim.run_id, preamble),
                *attaching(events, conversation_id, owner_id),
            ]

        with self._limited(owner_id):
            handled = await self._handler.handle(
                CONVERSATION,
                stream_of(conversation_id),
                command,
                origin,
                companions,
                is_new=is_new,
            )
        requested = _requested(handled.events)
        claim = _claim(requested, conversation_id, owner_id)
        if not handled.is_replay:
            self._supervisor.begin(claim, preamble)
        return Sent(
            conversation_id=conversation_id,
            message_id=requested.message_id,
            run_id=claim.run_id,
            version=handled.version,
            is_replay=handled.is_replay,
        )

    @contextmanager
    def _limited(self, owner_id: str) -> Iterator[None]:
        """Raises LimitReached for what the database says when it refuses the lease."""
        try:
            yield
        except asyncpg.PostgresError as error:
            refusal = self._limits.refusal(error)
            if refusal is None:
                raise
            self._refusals.remember(owner_id, refusal)
            raise refusal from None


def _posting(message: Message, *, may_start: bool = False) -> PostMessage:
    return PostMessage(
        message_id=str(new_id()),
        run_id=str(new_id()),
        text=message.text,
        content=message.content,
        attachments=message.attachments,
        quoted_text=message.quoted_text,
        inference_options=message.inference_options,
        branch_id=message.branch_id,
        policy=message.policy,
        may_start=may_start,
    )


def _new_conversation_id(owner_id: str, idempotency_key: str | None) -> str:
    if idempotency_key is None:
        return str(new_id())
    return str(derived_id("conversation", owner_id, idempotency_key))


def _requested(events: Sequence[Event]) -> RunRequested:
    return next(event for event in events if isinstance(event, RunRequested))


def _claim(requested: RunRequested, conversation_id: str, owner_id: str) -> Claim:
    return Claim(
        run_id=uuid.UUID(requested.run_id),
        conversation_id=conversation_id,
        owner_id=owner_id,
        attempt=1,
    )


def _preamble(
    events: Sequence[Event], state: ConversationState, conversation_id: str
) -> list[Frame]:
    """What a response begins with: the thread if it is new, the user's message, the options,
    and then the inputs that the user has filled in and the questions that were passed over."""
    shown: list[ck.StreamEvent] = []
    started = next((event for event in events if isinstance(event, Started)), None)
    for posted in (event for event in events if isinstance(event, UserMessagePosted)):
        item = shown_message(conversation_id, posted)
        if started is not None:
            shown.append(ck.thread_created(conversation_id, started.title, item["created_at"]))
        shown.append(ck.item_done(item))
    shown.append(ck.stream_options())
    shown += [
        ck.item_replaced(event.item)
        for event in events
        if isinstance(event, ThreadItemPut) and event.item["type"] == "structured_input"
    ]
    shown += closed_calls(events, state, conversation_id)
    return [Frame(seq, frame_body(event)) for seq, event in enumerate(shown, start=1)]
