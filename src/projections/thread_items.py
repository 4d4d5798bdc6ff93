"""The read model of ChatKit's history: a row for each item of a thread."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from msgspec.structs import replace
from sqlalchemy import BigInteger, Boolean, Column, Index, Table

from events import conversation as events
from events.stored import RecordedEvent
from projections import chatkit_items
from projections.chatkit_items import Item
from projections.conversations import ConversationRow, conversation_key
from projections.errors import InconsistentHistory
from projections.messages import OPEN_STATUSES, MessageRow, ToolCall, message_key, reply_key
from projections.ordinals import ordinal_of, turn_of
from projections.rows import Key, ReadRow, Rows, Siblings
from projections.runs import run_of
from projections.tables import UPDATED, ReadModel, identifier, metadata, sealed

AGENT = "agent:"


class ThreadItemRow(ReadRow, frozen=True, kw_only=True):
    id: str
    conversation_id: str
    ordinal: int
    #: ChatKit's item type.
    kind: str
    branch_id: str
    #: The message, or the reply, that it is or is part of; null for what the user did beside them.
    message_id: str | None = None
    is_hidden: bool = False
    item: dict[str, Any]
    #: positive | negative, as it was given last.
    feedback: str | None = None
    #: Of pages only, and only where there is more than one.
    siblings: Siblings | None = None


TABLE = Table(
    "thread_items",
    metadata,
    identifier("conversation_id", primary_key=True),
    identifier("id", primary_key=True),
    identifier("owner_id"),
    Column("ordinal", BigInteger, nullable=False),
    identifier("kind"),
    identifier("branch_id"),
    identifier("message_id", nullable=True),
    Column("is_hidden", Boolean, nullable=False),
    *sealed(),
    Index("thread_items_order", "conversation_id", "branch_id", "ordinal"),
    postgresql_with=UPDATED,
)


def item_key(conversation_id: str, item_id: str) -> Key:
    return (TABLE.name, conversation_id, item_id)


def keys_of_open_calls(reply: MessageRow) -> Iterable[Key]:
    """The items that change when the reply's run ends, which no event names."""
    for call in reply.tool_calls:
        if _has_no_outcome(call):
            yield item_key(reply.conversation_id, call.call_id)


def _has_no_outcome(call: ToolCall) -> bool:
    return call.status in OPEN_STATUSES or call.status == "interrupted"


def _keys(event: RecordedEvent) -> Iterable[Key]:
    conversation_id = events.id_of(event.stream_id)
    match event.event:
        case events.UserMessagePosted(message_id=item_id):
            yield item_key(conversation_id, item_id)
        case events.AssistantMessagePosted(message_id=item_id):
            yield item_key(conversation_id, item_id)
        case events.RunFailed(run_id=run_id) | events.RunInterrupted(run_id=run_id):
            yield item_key(conversation_id, chatkit_items.failure_id_of(run_id))
        case events.ThreadItemRemoved(item_id=item_id):
            yield item_key(conversation_id, item_id)
        case events.FeedbackGiven(item_ids=item_ids):
            yield from (item_key(conversation_id, item_id) for item_id in item_ids)
        case events.ThreadItemPut(item=item):
            yield item_key(conversation_id, str(item.get("id")))
            if of_run := _run_of_actor(event):
                yield reply_key(conversation_id, of_run)
        case other if (call_id := getattr(other, "call_id", None)) is not None:
            yield item_key(conversation_id, call_id)


def _apply(rows: Rows, event: RecordedEvent) -> None:
    conversation_id = events.id_of(event.stream_id)
    at = event.recorded_at
    match event.event:
        case events.UserMessagePosted():
            item = chatkit_items.user_message_item(conversation_id, event.event, at)
            rows.delete(item_key(conversation_id, event.event.message_id))
            _put(rows, event, item)
        case events.AssistantMessagePosted(run_id=run_id):
            item = chatkit_items.assistant_item(conversation_id, event.event, at)
            _put(rows, event, item, run_id)
        case events.ThreadItemPut(item=item):
            _put(rows, event, item, _run_of_actor(event))
        case events.ThreadItemRemoved(item_id=item_id):
            rows.delete(item_key(conversation_id, item_id))
        case events.FeedbackGiven(item_ids=item_ids, kind=kind):
            _rate(rows, conversation_id, item_ids, None if kind == "withdrawn" else kind)
        case events.RunFailed(run_id=run_id, message=sentence):
            _close_calls(rows, event, run_id)
            _put_failure(rows, event, run_id, "failed", sentence)
        case events.RunInterrupted(run_id=run_id):
            _close_calls(rows, event, run_id)
            _put_failure(rows, event, run_id, "interrupted", chatkit_items.INTERRUPTED)
        case events.RunCompleted(run_id=run_id) | events.RunCancelled(run_id=run_id):
            _close_calls(rows, event, run_id)
        case other if (call_id := getattr(other, "call_id", None)) is not None:
            _put_call(rows, event, getattr(other, "run_id", ""), call_id)


def _put(rows: Rows, event: RecordedEvent, item: Item, run_id: str | None = None) -> None:
    conversation_id = events.id_of(event.stream_id)
    kind = item.get("type")
    if not isinstance(item.get("id"), str) or not isinstance(kind, str):
        raise InconsistentHistory("A thread item needs an id and a type, both text.")
    key = item_key(conversation_id, item["id"])
    row = rows.get(key, ThreadItemRow) or _new_row(rows, event, item["id"], run_id)
    is_hidden = kind in chatkit_items.HIDDEN_KINDS
    changed = replace(row, item=item, kind=kind, is_hidden=is_hidden)
    if changed != row:
        rows.put(key, changed)


def _new_row(rows: Rows, event: RecordedEvent, item_id: str, run_id: str | None) -> ThreadItemRow:
    conversation_id = events.id_of(event.stream_id)
    message = _message_of(rows, event, conversation_id, item_id, run_id)
    turn = turn_of(message.ordinal) if message else event.stream_version
    conversation = rows.get(conversation_key(conversation_id), ConversationRow)
    active_id = conversation.branch_id if conversation else events.MAIN_BRANCH
    return ThreadItemRow(
        id=item_id,
        conversation_id=conversation_id,
        owner_id=event.owner_id,
        ordinal=ordinal_of(turn, event.stream_version),
        kind="",
        # What a run still says after its branch was left is part of that branch.
        branch_id=message.branch_id if message else active_id,
        message_id=message.id if message else None,
        item={},
    )


def _message_of(
    rows: Rows, event: RecordedEvent, conversation_id: str, item_id: str, run_id: str | None
) -> MessageRow | None:
    if isinstance(event.event, events.UserMessagePosted):
        return rows.get(message_key(conversation_id, item_id), MessageRow)
    return rows.get(reply_key(conversation_id, run_id), MessageRow) if run_id else None


def _rate(rows: Rows, conversation_id: str, item_ids: Iterable[str], feedback: str | None) -> None:
    for key in (item_key(conversation_id, item_id) for item_id in item_ids):
        row = rows.get(key, ThreadItemRow)
        if row is not None and row.feedback != feedback:
            rows.put(key, replace(row, feedback=feedback))


def _put_call(rows: Rows, event: RecordedEvent, run_id: str, call_id: str) -> None:
    reply = _reply_of(rows, event, run_id)
    for call in reply.tool_calls:
        if call.call_id == call_id:
            _put_tool(rows, event, run_id, call)


def _close_calls(rows: Rows, event: RecordedEvent, run_id: str) -> None:
    for call in _reply_of(rows, event, run_id).tool_calls:
        if _has_no_outcome(call):
            _put_tool(rows, event, run_id, call)


def _put_tool(rows: Rows, event: RecordedEvent, run_id: str, call: ToolCall) -> None:
    conversation_id = events.id_of(event.stream_id)
    created_at = call.started_at or event.recorded_at
    item = chatkit_items.tool_item(conversation_id, call, created_at, run_id=run_id)
    _put(rows, event, item, run_id)


def _put_failure(rows: Rows, event: RecordedEvent, run_id: str, status: str, sentence: str) -> None:
    conversation_id = events.id_of(event.stream_id)
    run = run_of(rows, conversation_id, run_id)
    key = item_key(conversation_id, chatkit_items.failure_id_of(run_id))
    # Whoever interrupted a reply with a newer message knows why it ends.
    is_failure = run.status == status and run.interrupted_by_run_id is None
    if is_failure and rows.get(key, ThreadItemRow) is None:
        item = chatkit_items.failure_item(conversation_id, run_id, sentence, event.recorded_at)
        _put(rows, event, item, run_id)


def _reply_of(rows: Rows, event: RecordedEvent, run_id: str) -> MessageRow:
    reply = rows.get(reply_key(events.id_of(event.stream_id), run_id), MessageRow)
    if reply is None:
        raise InconsistentHistory(f"Run {run_id} was never requested in this conversation.")
    return reply


def _run_of_actor(event: RecordedEvent) -> str | None:
    actor = str(event.metadata.get("actor", ""))
    return actor.removeprefix(AGENT) if actor.startswith(AGENT) else None


MODEL = ReadModel(
    table=TABLE,
    row=ThreadItemRow,
    content=("item", "feedback"),
    keys=_keys,
    apply=_apply,
)
