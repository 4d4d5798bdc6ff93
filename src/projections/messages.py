"""The read model of messages: a row for each user message, and one for each run's reply."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from functools import lru_cache
from typing import Any

import msgspec
from msgspec.structs import replace
from sqlalchemy import BigInteger, Column, Index, Table

from events import conversation as events
from events.stored import RecordedEvent
from projections.branch_rows import BranchRow, branch_key
from projections.conversations import ConversationRow, conversation_key
from projections.errors import InconsistentHistory
from projections.ordinals import ordinal_of, turn_of
from projections.rows import Key, ReadRow, Rows, Siblings
from projections.tables import UPDATED, ReadModel, identifier, metadata, moment, sealed

USER = "user"
ASSISTANT = "assistant"
PARAGRAPH = "\n\n"
#: What a run was requested by that answers its message first on a branch.
FIRST_REPLIES = frozenset({"message", "retry"})
#: What a tool call has before its outcome.
OPEN_STATUSES = frozenset({"requested", "running"})

#: What a reply has before its run ends.
UNFINISHED = frozenset({"running", "waiting"})


class ToolCall(msgspec.Struct, frozen=True, kw_only=True):
    call_id: str
    name: str
    #: JSON text, as the model wrote it.
    arguments: str
    #: What the user recognises a call by that needs approval.
    subject: str = ""
    #: requested | running | success | error | denied | interrupted | unknown
    status: str
    output: str | None = None
    error: str | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None


class MessageRow(ReadRow, frozen=True, kw_only=True):
    id: str
    conversation_id: str
    ordinal: int
    role: str
    run_id: str | None = None
    #: completed, and for replies also running | waiting | failed | cancelled | interrupted
    status: str
    created_at: datetime
    branch_id: str
    #: Its place on its branch, from 1.
    number: int
    #: What it has siblings in: of a message the first one in its place, of a reply the message that
    #: is answered; null for a further reply of the same turn.
    slot_id: str | None = None
    content: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    #: Of pages only, and only where there is more than one.
    siblings: Siblings | None = None


TABLE = Table(
    "messages",
    metadata,
    identifier("conversation_id", primary_key=True),
    identifier("id", primary_key=True),
    identifier("owner_id"),
    Column("ordinal", BigInteger, nullable=False),
    identifier("role"),
    identifier("run_id", nullable=True),
    identifier("status"),
    moment("created_at"),
    identifier("branch_id"),
    Column("number", BigInteger, nullable=False),
    identifier("slot_id", nullable=True),
    *sealed(),
    Index("messages_order", "conversation_id", "branch_id", "ordinal"),
    Index("messages_slot", "conversation_id", "slot_id", "ordinal"),
    postgresql_with=UPDATED,
)


def message_key(conversation_id: str, message_id: str) -> Key:
    return (TABLE.name, conversation_id, message_id)


def reply_key(conversation_id: str, run_id: str) -> Key:
    return message_key(conversation_id, _reply_id_of(run_id))


#: Every event of a run asks for it, several times.
_reply_id_of = lru_cache(maxsize=4_096)(events.reply_id_of)


def _keys(event: RecordedEvent) -> Iterable[Key]:
    conversation_id = events.id_of(event.stream_id)
    match event.event:
        case events.UserMessagePosted(message_id=message_id):
            yield message_key(conversation_id, message_id)
        case events.RunRequested(message_id=message_id, run_id=run_id):
            yield message_key(conversation_id, message_id)
            yield reply_key(conversation_id, run_id)
        case other if (of_run := getattr(other, "run_id", None)) is not None:
            yield reply_key(conversation_id, of_run)


def _apply(rows: Rows, event: RecordedEvent) -> None:
    conversation_id = events.id_of(event.stream_id)
    match event.event:
        case events.UserMessagePosted():
            _post(rows, conversation_id, event, event.event)
        case events.RunRequested():
            _begin_reply(rows, conversation_id, event, event.event)
        case other if (run_id := getattr(other, "run_id", None)) is not None:
            key = reply_key(conversation_id, run_id)
            reply = rows.get(key, MessageRow)
            if reply is None:
                raise InconsistentHistory(f"Run {run_id} was never requested.")
            rows.put(key, _change(reply, event))


def _post(
    rows: Rows, conversation_id: str, event: RecordedEvent, posted: events.UserMessagePosted
) -> None:
    key = message_key(conversation_id, posted.message_id)
    if rows.get(key, MessageRow) is not None:
        raise InconsistentHistory(f"Message {posted.message_id} was posted twice.")
    conversation = _conversation(rows, conversation_id)
    row = MessageRow(
        id=posted.message_id,
        conversation_id=conversation_id,
        owner_id=event.owner_id,
        ordinal=ordinal_of(event.stream_version, event.stream_version),
        role=USER,
        status="completed",
        created_at=event.recorded_at,
        branch_id=conversation.branch_id,
        number=conversation.message_count,
        slot_id=_slot_of(rows, conversation, event) or posted.message_id,
        content=posted.text,
    )
    rows.put(key, row)


def _slot_of(rows: Rows, conversation: ConversationRow, event: RecordedEvent) -> str | None:
    """Where an edit has put the message: right after the fork, in the same append."""
    if conversation.branch_id == events.MAIN_BRANCH:
        return None
    branch = rows.get(branch_key(conversation.id, conversation.branch_id), BranchRow)
    is_first = branch is not None and event.stream_version == branch.version + 1
    return branch.slot_id if branch and is_first else None


def _begin_reply(
    rows: Rows, conversation_id: str, event: RecordedEvent, requested: events.RunRequested
) -> None:
    asked = rows.get(message_key(conversation_id, requested.message_id), MessageRow)
    if asked is None:
        raise InconsistentHistory(f"Message {requested.message_id} to answer is not there.")
    conversation = _conversation(rows, conversation_id)
    row = MessageRow(
        id=events.reply_id_of(requested.run_id),
        conversation_id=conversation_id,
        owner_id=event.owner_id,
        ordinal=ordinal_of(turn_of(asked.ordinal), event.stream_version),
        role=ASSISTANT,
        run_id=requested.run_id,
        status="running",
        created_at=event.recorded_at,
        branch_id=conversation.branch_id,
        number=conversation.message_count,
        slot_id=asked.id if requested.trigger in FIRST_REPLIES else None,
    )
    rows.put(reply_key(conversation_id, requested.run_id), row)


def _conversation(rows: Rows, conversation_id: str) -> ConversationRow:
    conversation = rows.get(conversation_key(conversation_id), ConversationRow)
    if conversation is None:
        raise InconsistentHistory(f"Conversation {conversation_id} never began.")
    return conversation


def _change(reply: MessageRow, event: RecordedEvent) -> MessageRow:
    at = event.recorded_at
    match event.event:
        case events.AssistantMessagePosted(text=text):
            content = PARAGRAPH.join(filter(None, (reply.content, text)))
            return replace(reply, content=content)
        case events.ToolCalled():
            return _with_call(reply, event.event, at)
        case events.ToolApprovalRequested(call_id=call_id, subject=subject):
            return _settle(reply, call_id, status="requested", subject=subject)
        case events.ToolApprovalGranted(call_id=call_id):
            return _settle(reply, call_id, status="running")
        case events.ToolApprovalDenied(call_id=call_id, reason=reason):
            return _settle(reply, call_id, status="denied", error=reason or None, ended_at=at)
        case events.ToolCompleted(call_id=call_id, output=output):
            return _settle(reply, call_id, status="success", output=output, ended_at=at)
        case events.ToolFailed(call_id=call_id, error=error):
            return _settle(reply, call_id, status="error", error=error, ended_at=at)
        case events.ToolOutcomeUnknown(call_id=call_id, reason=reason):
            return _settle(reply, call_id, status="unknown", error=reason, ended_at=at)
        case events.RunPaused() if reply.status in UNFINISHED:
            return replace(reply, status="waiting")
        case events.RunResumed() if reply.status in UNFINISHED:
            return replace(reply, status="running")
        case events.RunCompleted():
            return _end(reply, "completed", at)
        case events.RunFailed():
            return _end(reply, "failed", at)
        case events.RunCancelled():
            return _end(reply, "cancelled", at)
        case events.RunInterrupted():
            return _end(reply, "interrupted", at)
        case _:
            return reply


def _with_call(reply: MessageRow, called: events.ToolCalled, at: datetime) -> MessageRow:
    """A call made again after a takeover keeps its place and its beginning."""
    if any(call.call_id == called.call_id for call in reply.tool_calls):
        return _settle(reply, called.call_id, status="running")
    has_ended = reply.status not in UNFINISHED
    call = ToolCall(
        call_id=called.call_id,
        name=called.name,
        arguments=called.arguments,
        status="interrupted" if has_ended else "running",
        started_at=at,
        ended_at=at if has_ended else None,
    )
    return replace(reply, tool_calls=(*reply.tool_calls, call))


def _settle(reply: MessageRow, call_id: str, *, status: str, **changes: Any) -> MessageRow:
    if all(call.call_id != call_id for call in reply.tool_calls):
        raise InconsistentHistory(f"Tool call {call_id} was never made in this run.")
    return _with_calls(
        reply,
        lambda call: (
            replace(call, status=status, **changes)
            if call.call_id == call_id and _may_become(reply, call, status)
            else call
        ),
    )


def _may_become(reply: MessageRow, call: ToolCall, status: str) -> bool:
    """An outcome always counts; a call that has one, or whose run ended, opens no more."""
    if status in OPEN_STATUSES:
        return reply.status in UNFINISHED and call.status in OPEN_STATUSES
    return True


def _end(reply: MessageRow, status: str, at: datetime) -> MessageRow:
    if reply.status not in UNFINISHED:
        return reply
    closed = _with_calls(
        reply,
        lambda call: (
            replace(call, status="interrupted", ended_at=at)
            if call.status in OPEN_STATUSES
            else call
        ),
    )
    return replace(closed, status=status)


def _with_calls(reply: MessageRow, change: Callable[[ToolCall], ToolCall]) -> MessageRow:
    return replace(reply, tool_calls=tuple(change(call) for call in reply.tool_calls))


MODEL = ReadModel(
    table=TABLE,
    row=MessageRow,
    content=("content", "tool_calls"),
    keys=_keys,
    apply=_apply,
)
