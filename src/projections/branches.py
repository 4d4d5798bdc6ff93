"""The read model of branches: where each one left its parent.

A branch shows what was said on it, after what its parent shows up to where it left that. What is
said on it has greater ordinals than what it took over, so a branch is a list of stretches, and to
fork or to switch changes no message.
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec.structs import replace

from events import conversation as events
from events.stored import RecordedEvent
from projections.branch_rows import TABLE, BranchRow, branch_key
from projections.conversations import ConversationRow, conversation_key
from projections.errors import InconsistentHistory
from projections.messages import MessageRow, message_key
from projections.rows import Key, Rows
from projections.tables import ReadModel


def _keys(event: RecordedEvent) -> Iterable[Key]:
    conversation_id = events.id_of(event.stream_id)
    match event.event:
        case events.BranchForked(branch_id=branch_id, message_id=message_id):
            yield branch_key(conversation_id, events.MAIN_BRANCH)
            yield branch_key(conversation_id, branch_id)
            yield message_key(conversation_id, message_id)
        case events.BranchSwitched(branch_id=branch_id):
            yield branch_key(conversation_id, events.MAIN_BRANCH)
            yield branch_key(conversation_id, branch_id)


def _apply(rows: Rows, event: RecordedEvent) -> None:
    """Before the conversation itself: its row still tells which branch is left, and how."""
    match event.event:
        case events.BranchForked():
            _leave(rows, event)
            _fork(rows, event, event.event)
        case events.BranchSwitched(branch_id=branch_id):
            _leave(rows, event)
            key = branch_key(events.id_of(event.stream_id), branch_id)
            if rows.get(key, BranchRow) is None:
                raise InconsistentHistory(f"Branch {branch_id} to switch to is not there.")


def _leave(rows: Rows, event: RecordedEvent) -> None:
    conversation_id = events.id_of(event.stream_id)
    conversation = rows.get(conversation_key(conversation_id), ConversationRow)
    if conversation is None:
        return
    key = branch_key(conversation_id, conversation.branch_id)
    known = rows.get(key, BranchRow) or BranchRow(
        id=conversation.branch_id, conversation_id=conversation_id, owner_id=event.owner_id
    )
    rows.put(key, replace(known, message_count=conversation.message_count))


def _fork(rows: Rows, event: RecordedEvent, forked: events.BranchForked) -> None:
    conversation_id = events.id_of(event.stream_id)
    key = branch_key(conversation_id, forked.branch_id)
    message = rows.get(message_key(conversation_id, forked.message_id), MessageRow)
    if message is None:
        raise InconsistentHistory(f"Message {forked.message_id} to fork at is not there.")
    if rows.get(key, BranchRow) is not None:
        raise InconsistentHistory(f"Branch {forked.branch_id} was forked twice.")
    left_out = 0 if forked.side == "after" else 1
    row = BranchRow(
        id=forked.branch_id,
        conversation_id=conversation_id,
        owner_id=event.owner_id,
        parent_id=message.branch_id,
        until_ordinal=message.ordinal - left_out,
        slot_id=message.slot_id if left_out else None,
        version=event.stream_version,
        message_count=message.number - left_out,
    )
    rows.put(key, row)


MODEL = ReadModel(
    table=TABLE,
    row=BranchRow,
    content=(),
    keys=_keys,
    apply=_apply,
    events=(events.BranchForked, events.BranchSwitched),
)
